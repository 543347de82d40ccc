"""The chat in the terminal: from a pipe, at a terminal, written down, and what goes wrong."""

import fcntl
import io
import os
import pty
import select
import signal
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest

from adapters.numbered import numbered_text
from bot.cli import play
from bot.common.errors import CommandError
from bot.settings import Settings
from flows.messages import MsgOut, QuickReply
from storage.core.errors import StoreFull
from tests.support.houses import copy_samples

ROOT = Path(__file__).parents[2]


@pytest.fixture
def house(sample_database, tmp_path):
    """Settings of an app with the samples."""
    data = tmp_path / "data"
    data.mkdir()
    copy_samples(sample_database, data / "mitsprache.db")
    return Settings(data=data)


def chat(house: Settings, *lines: str, **wish: Any) -> tuple[str, str]:
    """What the bot says and what the program says, when these lines come from a pipe."""
    out = io.StringIO()
    said: list[str] = []
    play.run_play(
        house, play.PlayOptions(**wish), io.StringIO("".join(f"{line}\n" for line in lines)), out, said.append
    )
    return out.getvalue(), "\n".join(said)


def test_a_pipe_gets_the_messages_and_nothing_else(house):
    out, said = chat(house, "Mitte", "", "1", "fertig", slug="mein-kiez", language="de")
    assert out.startswith("Mein Kiez, lebenswert (Beispiel zum Ausprobieren.")
    assert "Frage 3 von 5" in out
    assert "Sprache" not in out
    assert "\x1b" not in out
    assert said == ""


def test_right_to_left_text_goes_out_as_it_is(house):
    out, _ = chat(house, "١", slug="mein-kiez", language="ar")
    assert "  12  راينيكندورف \u2066(Reinickendorf)\u2069\n" in out
    assert "السؤال 2 من 5" in out
    # The names of districts hold marks of their own, which every channel gets.
    rest = out.replace("\u2066(", "(")
    assert not any(mark in rest for mark in "\u200e\u200f\u202a\u202b\u2066\u2067\x1b")


def test_without_slug_one_begins_in_the_lobby(house):
    out, _ = chat(house, "3", language="de")
    assert "  1  Bürger:innenhaushalt\n  2  Ideen für unseren Kiez\n  3  Mein Kiez, lebenswert\n" in out
    assert "Frage 1 von 5" in out


def test_a_new_address_each_time_unless_one_is_given(house):
    chat(house, "Mitte", slug="mein-kiez", language="de")
    assert "Frage 1 von 5" in chat(house, slug="mein-kiez", language="de")[0]
    chat(house, "Mitte", slug="mein-kiez", language="de", address="anna")
    again, _ = chat(house, "weiter", slug="mein-kiez", address="anna")
    assert again.startswith("Willkommen zurück")
    assert "Frage 2 von 5" in again


@pytest.mark.parametrize(
    ("wish", "fault"),
    [
        ({"slug": "nope"}, "no open consultation is called 'nope'; there is buergerhaushalt, kiez-ideen, mein-kiez"),
        ({"slug": "mein-kiez", "language": "fr"}, "--lang fr: not offered here; use one of de, de-simple, en"),
        ({"language": "xx"}, "--lang xx"),
        ({"slug": "mein-kiez", "record": Path("/nowhere/x.txt")}, "/nowhere/x.txt: cannot be written"),
    ],
)
def test_what_is_not_there_is_said_with_what_there_is(house, wish, fault):
    with pytest.raises(CommandError, match=fault):
        chat(house, **wish)


def test_a_recording_is_a_transcript(house, tmp_path):
    file = tmp_path / "chat.txt"
    chat(house, "Für Schulwege.\x07", "absenden", slug="buergerhaushalt", language="de", record=file)
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["@ language: de", "> /start buergerhaushalt"]
    assert lines[2].startswith("< Bürger:innenhaushalt (Beispiel")
    assert "> Für Schulwege." in lines
    assert '= answer spending: "Für Schulwege."' in lines
    assert "< Ihre Quittung: XXXXX-XXXXX" in lines
    assert lines[-1] == "= session buergerhaushalt: completed"
    with pytest.raises(CommandError, match="exists already"):
        chat(house, slug="buergerhaushalt", record=file)


def test_a_fault_in_the_house_ends_the_chat(house, monkeypatch):
    async def fail(self):
        raise RuntimeError("out of order")

    monkeypatch.setattr("bot.conversations.inbox.Conversations.run", fail)
    with pytest.raises(RuntimeError, match="out of order"):
        chat(house, "Hallo", slug="mein-kiez")


def test_full_database_ends_the_chat(house, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise StoreFull("disk is full")

    monkeypatch.setattr("bot.conversations.batch.BatchProcessor.work", fail)
    monkeypatch.setattr(play, "PATIENCE_SECONDS", 0.1)
    with pytest.raises(StoreFull):
        chat(house, "Hallo", slug="mein-kiez")


def test_what_a_crashed_chat_left_unsent_is_not_shown_to_another(house, monkeypatch):
    with monkeypatch.context() as crash:
        crash.setattr("bot.delivery.outbox.Outbox.accept", lambda *_: None)
        chat(house, slug="mein-kiez", language="de", address="anna")
    assert "Mein Kiez, lebenswert" not in chat(house, address="berta", language="de")[0].split("Woran")[0]


@pytest.mark.parametrize(
    ("line", "width", "parts"),
    [
        ("  1  Parks und Bäume", 16, ["  1  Parks und", "     Bäume"]),
        ("  10  Parks und Bäume", 16, ["  10  Parks und", "      Bäume"]),
        ("   → eine lange Antwort", 14, ["   → eine", "   lange", "   Antwort"]),
        ("", 20, [""]),
        ("https://example.org/sehr/lang", 10, ["https://example.org/sehr/lang"]),
        ("  12  راينيكندورف (Reinickendorf)", 20, ["  12  راينيكندورف", "      (Reinickendorf)"]),
        ("1 = لا أحبه أبدًا، 5 = أحبه كثيرًا", 18, ["1 = لا أحبه أبدًا،", "5 = أحبه كثيرًا"]),
    ],
)
def test_lines_are_wrapped_below_themselves(line, width, parts):
    assert play.wrapped(line, width) == parts


def test_numbers_are_shown_where_typing_them_answers():
    replies = (QuickReply("a", "Ja", 1), QuickReply("b", "Nein", 2), QuickReply("c", "Überspringen"))
    assert numbered_text(MsgOut("Park?", replies)) == "Park?\n  1  Ja\n  2  Nein\n  [Überspringen]"


def test_bytes_that_are_no_text_do_no_harm(house):
    command = [sys.executable, "-m", "bot", "play", "mein-kiez", "--lang", "de", "--data", str(house.data)]
    done = subprocess.run(command, cwd=ROOT, input=b"\xff\xfe Mitte\nMitte\n", capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "Frage 2 von 5" in done.stdout.decode()


def test_a_reader_who_goes_away_is_no_fault(house):
    command = [sys.executable, "-m", "bot", "play", "mein-kiez", "--lang", "de", "--data", str(house.data)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONUNBUFFERED": ""},
    )  # fmt: skip
    assert process.stdout
    process.stdout.close()
    _, told = process.communicate(b"Mitte\n", timeout=60)
    assert process.returncode == 0
    assert b"Traceback" not in told


def test_at_a_terminal_one_types_and_ends_with_ctrl_d(house):
    screen = _at_a_terminal(house, ["Mitte\n", "\n", "1\n", "\x04"])
    assert "> " in screen
    assert "Frage 2 von 5" in screen
    assert "Weitermachen · To go on: python3 -m bot --data " in screen
    assert " play mein-kiez --address " in screen


def test_at_a_terminal_ctrl_c_ends_in_good_order(house):
    screen = _at_a_terminal(house, ["Mitte\n", CTRL_C])
    assert "To go on" in screen
    assert "Traceback" not in screen


CTRL_C = "\x03"


def _sit_down() -> None:
    """Makes the terminal the process's own, so that Ctrl-C means it; a test run in the background has it ignored."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _read(terminal: int, screen: str) -> str:
    if not select.select([terminal], [], [], 60)[0]:
        raise AssertionError(f"nothing more came after:\n{screen}")
    return os.read(terminal, 10_000).decode(errors="replace")


def _at_a_terminal(house: Settings, keys: list[str]) -> str:
    """What stands on a terminal of 60 columns after these keys; each waits for the prompt."""
    command = [sys.executable, "-m", "bot", "play", "mein-kiez", "--lang", "de", "--data", str(house.data)]
    try:
        here, there = pty.openpty()
    except OSError as fault:
        pytest.skip(f"a terminal: this machine gives out none ({fault})")
    environment = os.environ | {"COLUMNS": "60", "TERM": "dumb"}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=there,
        stdout=there,
        stderr=there,
        env=environment,
        start_new_session=True,
        preexec_fn=_sit_down,
    )
    os.close(there)
    screen = ""
    try:
        for key in keys:
            before = len(screen)
            while "> " not in screen[before:]:
                screen += _read(here, screen)
            os.write(here, key.encode())
        while True:
            # A key pressed in the instant between the prompt and Python's waiting for it is seen with the next one.
            if keys[-1] == CTRL_C and not select.select([here], [], [], 10)[0]:
                os.write(here, CTRL_C.encode())
            screen += _read(here, screen)
    except OSError:
        pass
    finally:
        os.close(here)
    assert process.wait(timeout=30) == 0, screen
    return screen
