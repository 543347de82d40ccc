"""Reading aloud: recordings for all visitors, synthesised speech only for the participant."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from adapters.web.errors import RequestError
from adapters.web.limits import Rate
from bot.web.public import espeak, read_aloud
from bot.web.public.espeak import Espeak, complete_wav
from bot.web.public.read_aloud import spoken_text
from flows.messages import MsgOut, QuickReply
from tests.support.app import consultation, publish
from tests.support.browser import Browser, House, serving
from tests.test_authoring.test_recordings import sound

NAME = f"{'a' * 64}.wav"
ORPHAN = f"{'b' * 64}.wav"
YES_NO = [{"value": "yes", "label": {"de": "Ja", "en": "Yes"}}, {"value": "no", "label": {"de": "Nein", "en": "No"}}]
LAMPS = {"key": "lamps", "type": "choice", "text": {"de": "Licht?", "en": "Light?"}, "options": YES_NO}
RECORDED = LAMPS | {"audio": {"de": NAME}}
StandIn = Callable[[str], None]


@pytest.fixture
def store(empty, tmp_path):
    publish(empty, consultation(questions=[RECORDED]))
    media = tmp_path / "media"
    media.mkdir()
    (media / NAME).write_bytes(sound())
    (media / ORPHAN).write_bytes(sound())
    return empty


@pytest.fixture(autouse=True)
def programs(tmp_path, monkeypatch) -> StandIn:
    """A machine without espeak-ng; call it to put a stand-in there, which runs these lines."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(lines: str) -> None:
        program = folder / "espeak-ng"
        program.write_text(f"#!/bin/sh\ncd {tmp_path}\n{lines}\n", encoding="utf-8")
        program.chmod(0o755)

    return put


@pytest.fixture
def speaking(programs, tmp_path) -> None:
    """A stand-in which notes how it was called, and says silence."""
    (tmp_path / "said.wav").write_bytes(sound())
    programs('env > env; echo "$@" > args; cat > text; echo x >> runs; cat said.wav')


async def began(house: House, language: str = "de") -> Browser:
    """A person to whom the first question was asked."""
    browser = house.browser(Cookie=f"lang={language}")
    await browser.get("/c/park")
    return await browser.press({"de": "Lieber ein Chat?", "en": "Prefer a chat?"}[language])


def sources(browser: Browser) -> list[str]:
    return [str(given["src"]) for tag, given in browser.page.tags if tag == "audio"]


async def fetched(browser: Browser, path: str, **headers: str) -> tuple[int, bytes, Any]:
    async with browser.http.get(browser.server.make_url(path), headers=headers) as response:
        return response.status, await response.read(), response.headers


async def test_a_recording_is_served_for_good_and_in_parts(store, tmp_path):
    async with serving(store) as house:
        browser = house.browser()
        status, body, headers = await fetched(browser, f"/media/{NAME}")
        assert (status, body) == (200, sound())
        assert headers["Content-Type"] == "audio/wav"
        assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "media-src 'self'" in headers["Content-Security-Policy"]
        status, body, headers = await fetched(browser, f"/media/{NAME}", Range="bytes=4-7")
        assert (status, body) == (206, sound()[4:8])
        assert headers["Content-Range"] == f"bytes 4-7/{len(sound())}"
        assert (await fetched(browser, f"/media/{NAME}", Range="bytes=9999999-"))[0] == 416


@pytest.mark.parametrize(
    "path",
    [
        f"/media/{ORPHAN}",
        f"/media/{'c' * 64}.wav",
        f"/media/{NAME.upper()}",
        "/media/",
        "/media/..%2fweb.db",
        "/media/%2e%2e/web.db",
        f"/media/..%2fmedia%2f{NAME}",
        "/media/%00",
    ],
)
async def test_nothing_else_is_served(store, tmp_path, path):
    async with serving(store) as house:
        from yarl import URL

        browser = house.browser()
        url = URL(f"{house.server.make_url('/')}"[:-1] + path, encoded=True)
        async with browser.http.get(url) as response:
            assert response.status == 404
            assert b"SQLite" not in await response.read()


async def test_a_recording_of_an_older_revision_can_still_be_heard(store, tmp_path):
    publish(store, consultation(questions=[LAMPS]))
    async with serving(store) as house:
        assert (await fetched(house.browser(), f"/media/{NAME}"))[0] == 200


async def test_pages_play_the_recording_of_their_language_only(store, tmp_path):
    async with serving(store) as house:
        german = await began(house)
        assert sources(german) == [f"/media/{NAME}"], "not the greeting, which nobody has read"
        assert sources(await german.get("/c/park/form")) == [f"/media/{NAME}"]
        assert sources(await began(house, "en")) == []
        async with german.http.get(german.server.make_url("/c/park/poll")) as response:
            entries = (await response.json())["entries"]
        assert [entry.get("audio") for entry in entries if "text" in entry][-1] == f"/media/{NAME}"
        assert not any("speak" in entry for entry in entries)


async def test_what_nobody_recorded_is_read_by_the_house(store, tmp_path, speaking):
    async with serving(store) as house:
        browser = await began(house, "en")
        path = sources(browser)[-1]
        assert re.fullmatch(r"/c/park/speak/\d+", path)
        status, body, headers = await fetched(browser, path)
        assert (status, body, headers["Content-Type"]) == (200, sound(), "audio/wav")
        assert headers["Cache-Control"] == "no-store"
        assert (tmp_path / "text").read_text() == "Light?\n1: Yes.\n2: No.\n3: I don't know.\nSkip."
        assert (tmp_path / "args").read_text().split() == ["-b", "1", "-v", "en", "-s", "150", "--stdin", "--stdout"]
        assert not any("TOKEN" in line or "MITSPRACHE" in line for line in (tmp_path / "env").read_text().splitlines())
        status, body, headers = await fetched(browser, path, Range="bytes=0-1")
        assert (status, body, headers["Content-Range"]) == (206, b"RI", f"bytes 0-1/{len(sound())}")
        assert (await fetched(browser, path, Range="bytes=9999999-"))[0] == 416
        assert (tmp_path / "runs").read_text() == "x\n", "once for all of them"


async def test_only_ones_own_conversation_can_be_heard(store, tmp_path, speaking):
    async with serving(store) as house:
        browser = await began(house, "en")
        path = sources(browser)[-1]
        stranger = house.browser()
        assert (await fetched(stranger, path))[0] == 401
        assert (await fetched(browser, "/c/park/speak/999"))[0] == 404
        assert (await fetched(browser, "/c/park/speak/x"))[0] == 404
        other = await began(house)
        own = await browser.press("Yes")
        there = sources(own)[-1]
        assert (await fetched(other, there))[0] == 404, "their own conversation is not that long"
        words = next(given["data-seq"] for tag, given in own.page.tags if tag == "li" and given.get("class") == "own")
        assert (await fetched(browser, f"/c/park/speak/{words}"))[0] == 404, "the bot speaks, nobody else"
        assert not (tmp_path / "runs").exists()
        await fetched(browser, f"{path}?text=Something")
        assert "Something" not in (tmp_path / "text").read_text()


async def test_without_the_program_there_is_nothing_to_press(store, tmp_path):
    async with serving(store) as house:
        browser = await began(house, "en")
        assert sources(browser) == []
        assert (await fetched(browser, "/c/park/speak/2"))[0] == 404


@pytest.mark.parametrize(
    "lines", ["exit 3", "printf nothing", "cat said.wav; exit 1", "sleep 60 & echo $$ > pid; sleep 60"]
)
async def test_what_goes_wrong_is_said_in_the_language_of_the_person(store, tmp_path, programs, lines, monkeypatch):
    monkeypatch.setattr(espeak, "SECONDS", 0.5)
    (tmp_path / "said.wav").write_bytes(sound())
    programs(f"cat > text\n{'PATH=/bin:/usr/bin; ' + lines}")
    async with serving(store) as house:
        for language, said in (("en", "that did not work"), ("de", "nicht geklappt")):
            browser = await began(house, language)
            path = next(iter(it for it in sources(browser) if "speak" in it))
            await browser.get(path, **{"Accept-Language": "pl"})
            assert browser.status == 503
            assert said in browser.text
    if (tmp_path / "pid").exists():
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / "pid").read_text()), 0)


async def test_who_asks_for_too_much_is_told_to_wait(store, tmp_path, speaking, monkeypatch):
    monkeypatch.setattr(read_aloud, "CONVERSATION", Rate(1, 0.01))
    async with serving(store) as house:
        browser = await began(house, "en")
        first = sources(browser)[-1]
        last = sources(await browser.press("Yes"))[-1]
        assert (await fetched(browser, first))[0] == 200
        status, _, headers = await fetched(browser, last)
        assert status == 429
        assert int(headers["Retry-After"]) > 1
        assert (await fetched(browser, first))[0] == 200, "what was made already costs nothing"


async def reading(program: Espeak, count: int) -> list[BaseException | bytes]:
    words: list[Awaitable[bytes]] = [program.read(f"Satz {number}.", "de") for number in range(count)]
    return await asyncio.gather(*words, return_exceptions=True)


async def test_two_at_once_and_a_short_queue(tmp_path, programs):
    (tmp_path / "said.wav").write_bytes(sound())
    programs("echo + >> log; cat > /dev/null; sleep 0.1; echo - >> log; cat said.wav")
    program = Espeak.found()
    assert program is not None
    answers = await reading(program, espeak.MOST_WAITING + 3)
    refused = [answer for answer in answers if isinstance(answer, RequestError)]
    assert [trouble.code for trouble in refused] == ["too_many"] * 3
    assert answers.count(sound()) == espeak.MOST_WAITING
    running = most = 0
    for sign in (tmp_path / "log").read_text().split():
        running += 1 if sign == "+" else -1
        most = max(most, running)
    assert most == espeak.AT_ONCE


async def test_what_was_read_lately_stays_in_memory_within_bounds(tmp_path, speaking, monkeypatch):
    monkeypatch.setattr(espeak, "LARGEST_MEMORY", 2 * len(sound()))
    program = Espeak.found()
    assert program is not None
    for text in ("a", "b", "a", "c"):
        await program.read(text, "de")
    assert [text for text in "abc" if program.remembered(text, "de")] == ["a", "c"]
    assert program.remembered("a", "tr") is None


async def test_a_text_is_read_so_far_and_a_sound_so_far(tmp_path, programs, monkeypatch, speaking):
    program = Espeak.found()
    assert program is not None
    await program.read("Wort " * 1000, "de-simple")
    assert len((tmp_path / "text").read_text()) <= espeak.LONGEST
    assert "-v de -s 120" in (tmp_path / "args").read_text()
    monkeypatch.setattr(espeak, "LARGEST_SOUND", 100)
    with pytest.raises(RequestError):
        await program.read("Wort", "de")


def test_a_sound_from_a_pipe_gets_its_true_length():
    piped = sound()[:4] + b"\xff\xff\xff\x7f" + sound()[8:40] + b"\xff\xff\xff\x7f" + sound()[44:]
    assert complete_wav(piped) == sound()
    with pytest.raises(RequestError):
        complete_wav(sound()[:44])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("☑ Bänke\n☐ Bäume", "Bänke.\nBäume."),
        ("1. Licht?\n   → Ja", "1. Licht?\nJa."),
        ("Gern! 👍🏽 👩‍👩‍👧 🇹🇷", "Gern!"),
        ("2️⃣ Wege", "2 Wege."),
        ("5 °C, 3 € und § 4", "5 °C, 3 € und § 4."),
        ("Grün­anlage", "Grünanlage."),
        ("[[h@'loU]] <break time='9s'/>", "h@'loU break time='9s'/."),
        ("كيف الحال؟", "كيف الحال؟"),
        ("☐", ""),
    ],
)
def test_signs_are_not_read_out(text, said):
    assert spoken_text(MsgOut(text)) == said


def test_answers_are_read_with_their_numbers():
    replies = (QuickReply("a", "☑ Bänke", 1, True), QuickReply("b", "Fertig"))
    assert spoken_text(MsgOut("Was fehlt?", replies)) == "Was fehlt?\n1: Bänke.\nFertig."
