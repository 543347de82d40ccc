"""Reading aloud in a real browser: one sound at a time, the best there is, and a word where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.app import consultation, publish
from tests.test_authoring.test_recordings import sound
from tests.test_browser.browser import Tab
from tests.test_browser.conftest import World
from tests.test_browser.looks import Look
from tests.test_web.test_aloud import LAMPS

LONG, SHORT = f"{'a' * 64}.wav", f"{'b' * 64}.wav"
NOTE = {"key": "hello", "type": "note", "text": {"de": "Hallo!", "en": "Hello!"}, "audio": {"de": SHORT}}
PRESSED = "Array.from(document.querySelectorAll('.tools button'), it => it.getAttribute('aria-pressed')).join(' ')"
# Counts what sounds, and what the browser's own voice is asked to say; with {voices} as its voices.
WATCH = """(() => {
  window.sounding = 0; window.played = []; window.said = [];
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    played.push(new URL(this.src).pathname);
    this.addEventListener("playing", () => sounding++);
    this.addEventListener("pause", () => sounding--);
    return play.call(this);
  };
  speechSynthesis.getVoices = () => VOICES;
  speechSynthesis.speak = speech => {
    said.push(speech.lang + ": " + speech.text);
    setTimeout(() => VOICES.length ? speech.onstart() : speech.onerror(), 10);
  };
})()"""
LAST = "Array.from(document.querySelectorAll('.tools button')).pop()"


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chromium: object) -> Path:
    """A machine without espeak-ng, and with recordings in the data folder."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    media = tmp_path / "media"  # the data folder of these apps is where their database lies
    media.mkdir(exist_ok=True)  # the images of the samples are there
    (media / LONG).write_bytes(sound(20))
    (media / SHORT).write_bytes(sound(0.2))
    return programs


async def at_the_question(world: World, audio: dict[str, str], voices: str = "[]") -> Tab:
    publish(world.store, consultation(questions=[NOTE | {"audio": audio and {"de": SHORT}}, LAMPS | {"audio": audio}]))
    tab = await world.tab("/c/park?lang=de")
    await tab.click("form[action$='/start'] [value='chat']")
    await tab.until("document.querySelector('.replies [value$=\".yes\"]') && document.querySelector('.tools button')")
    await tab.evaluate(WATCH.replace("VOICES", voices))
    return tab


async def test_one_recording_plays_until_it_ends_or_is_stopped(world):
    tab = await at_the_question(world, {"de": LONG})
    await tab.evaluate(f"{LAST}.click()")
    await tab.until("sounding === 1", "the recording sounds")
    assert (await tab.evaluate(PRESSED)).endswith("false true")
    look = Look(world, "aloud")
    await look(tab, "playing")
    look.check()
    await tab.evaluate(f"{LAST}.click()")
    await tab.until("sounding === 0", "pressing again stops")
    assert "true" not in await tab.evaluate(PRESSED)
    await tab.evaluate(f"{LAST}.click()")
    await tab.until("sounding === 1")
    await tab.evaluate("Array.from(document.querySelectorAll('.tools button')).slice(-2)[0].click()")
    await tab.until(f"{PRESSED}.endsWith('true false') || sounding === 0", "the other one takes over")
    await tab.until(f"sounding === 0 && !{PRESSED}.includes('true')", "it ends by itself")
    assert await tab.evaluate("played") == [f"/media/{LONG}", f"/media/{LONG}", f"/media/{SHORT}"]
    assert await tab.evaluate("said") == []


async def test_browser_speech_reads_texts_without_a_recording(world):
    tab = await at_the_question(world, {}, "[{lang: 'de_DE'}]")
    await tab.evaluate(f"{LAST}.click()")
    await tab.until("said.length === 1")
    assert await tab.evaluate("said[0]") == "de: Licht?\n1: Ja.\n2: Nein.\n3: Weiß nicht.\nÜberspringen"
    assert (await tab.evaluate(PRESSED)).endswith("true")
    await tab.click(".replies [value$='.yes']")
    await tab.until("document.querySelector('.replies [value$=\".submit\"]')")
    await tab.evaluate(f"{LAST}.click()")
    await tab.until("said.length === 2")
    assert "→" not in await tab.evaluate("said[1]")


async def test_where_the_browser_has_no_voice_the_house_reads(world, programs, tmp_path):
    (tmp_path / "said.wav").write_bytes(sound(20))
    (programs / "espeak-ng").write_text(f"#!/bin/sh\ncat > {tmp_path}/text\ncat {tmp_path}/said.wav\n")
    (programs / "espeak-ng").chmod(0o755)
    await world.stop()
    await world.restart()
    tab = await at_the_question(world, {}, "[{lang: 'en-US'}]")
    await tab.evaluate(f"{LAST}.click()")
    await tab.until("sounding === 1", "the house reads")
    assert (tmp_path / "text").read_text() == "Licht?\n1: Ja.\n2: Nein.\n3: Weiß nicht.\nÜberspringen."
    await tab.click(".replies [value$='.yes']")
    await tab.until("document.querySelector('.replies [value$=\".submit\"]')")
    await tab.evaluate(f"{LAST}.click()")
    await tab.until("sounding === 1 && played.length === 2", "also what has just come over the line")
    assert "Ja" in (tmp_path / "text").read_text()


async def test_where_nothing_can_read_that_is_said(world, tmp_path):
    tab = await at_the_question(world, {"de": LONG})
    (tmp_path / "media" / LONG).unlink()
    await tab.evaluate(f"{LAST}.click()")
    await tab.sees("Das Vorlesen geht gerade nicht.")
    assert await tab.evaluate("said.length") == 1, "the browser was asked before"
    assert "true" not in await tab.evaluate(PRESSED)


async def test_without_scripts_there_is_a_player(world):
    publish(world.store, consultation(questions=[LAMPS | {"audio": {"de": LONG}}]))
    tab = await world.tab()
    await tab.scripts(on=False)
    await tab.go("/c/park?lang=de")
    await tab.click("form[action$='/start'] [value='chat']")
    await tab.until("document.querySelector('.replies')")
    assert await tab.evaluate("document.querySelectorAll('audio').length") == 1
    look = Look(world, "aloud", checks_axe=False)
    await look(tab, "no-script")
    look.check()
