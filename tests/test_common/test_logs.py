"""No text and no address of a person can get into a log."""

import asyncio
import io
import json
import logging
import re
import sys
import threading
import warnings
from functools import partial
from types import SimpleNamespace

import pytest
import structlog

from bot.app import build
from bot.cli.play import ConsoleChat
from bot.cli.reference.log_events import log_calls, log_entries
from bot.common import logs
from bot.common.keys import Keys
from bot.settings import Settings
from storage.core.errors import StoreLost

CANARY = "Kanarienvogel 0170 1234567 kanari@example.org"


@pytest.fixture
def lines():
    """Everything that is logged, at the most talkative level."""
    logging.captureWarnings(capture=False)  # a test before may have left it on, and then it is not turned on again
    written = io.StringIO()
    logs.configure_logs("json", "debug", written)
    yield lambda: written.getvalue().splitlines()
    logging.captureWarnings(capture=False)


def test_only_declared_keys_are_said(lines):
    structlog.get_logger().info("taken", count=3, text=CANARY, channel="web")
    (line,) = map(json.loads, lines())
    assert line.pop("timestamp")
    assert line == {"event": "taken", "level": "info", "count": 3, "channel": "web", "text": logs.HIDDEN}


def test_repeated_errors_are_logged_once_a_minute_with_a_count():
    now = [0.0]
    repeats = logs.Repeats(lambda: now[0])
    line = {"event": "database_unavailable", "fault": "StoreLost", "place": "store.py:1"}
    assert repeats(None, "", dict(line)) == line
    for second in (1.0, 59.0):
        now[0] = second
        with pytest.raises(structlog.DropEvent):
            repeats(None, "", dict(line))
    assert repeats(None, "", {**line, "channel": "town"}) == {**line, "channel": "town"}, "of another channel"
    assert repeats(None, "", {"event": "serving"}) == repeats(None, "", {"event": "serving"}), "no fault"
    now[0] = 60.0
    assert repeats(None, "", dict(line)) == {**line, "held_back": 2}


def test_values_that_are_neither_number_nor_text_are_hidden(lines):
    structlog.get_logger().info("taken", count={"words": CANARY})
    assert json.loads(lines()[0])["count"] == logs.HIDDEN


def test_long_values_are_cut(lines):
    structlog.get_logger().info("taken", route="x" * 1000)
    assert len(json.loads(lines()[0])["route"]) == logs.LONGEST + 1


def test_an_exception_is_told_by_class_and_place(lines):
    try:
        raise ValueError(CANARY)
    except ValueError:
        structlog.get_logger().exception("it_failed")
    line = json.loads(lines()[0])
    assert (line["fault"], line["place"].split(":")[0]) == ("ValueError", "test_logs.py")
    assert CANARY not in lines()[0]


def test_libraries_are_told_by_place_only(lines):
    logging.getLogger("some.library").warning("talking of %s", CANARY)
    try:
        raise KeyError(CANARY)
    except KeyError:
        logging.getLogger("asyncio").exception(f"Task failed: {CANARY}")  # noqa: G004 - as asyncio itself does
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(CANARY, stacklevel=1)
    assert "Kanarienvogel" not in "".join(lines())
    told = [json.loads(line) for line in lines()]
    assert [line["logger"] for line in told] == ["some.library", "asyncio", "py.warnings"]
    assert told[1]["fault"] == "KeyError"


async def test_a_task_that_fails_unseen_is_told_without_its_words(lines):
    async def fail() -> None:
        raise RuntimeError(CANARY)

    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
    assert "Kanarienvogel" not in "".join(lines())
    assert any("RuntimeError" in line for line in lines())


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("trick", ["a\nb", "a\r\nb", "a\x1b[31mb", "a\u2028b", "a\u202eb", 'a", "level": "x', "a\x85b"])
def test_no_value_can_forge_a_line(form, trick, lines):
    written = io.StringIO()
    logs.configure_logs(form, "debug", written)
    structlog.get_logger().info("taken", channel=trick)
    (line,) = written.getvalue().splitlines()
    assert line.isprintable()
    if form == "json":
        assert json.loads(line)["channel"] == trick


def test_a_log_that_cannot_be_written_stops_nobody(lines):
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    logs.configure_logs("json", "debug", Full())
    structlog.get_logger().error("database_unavailable")


def test_a_person_at_a_terminal_reads_words(lines, monkeypatch):
    written = io.StringIO()
    monkeypatch.setattr(written, "isatty", lambda: True)
    logs.configure_logs("auto", "info", written)
    structlog.get_logger().warning("database_unavailable", fault="StoreLost")
    assert written.getvalue()[8:] == " warning database_unavailable fault=StoreLost\n"


async def test_a_conversation_leaves_no_trace_of_what_was_said(sample_store, lines, monkeypatch):
    """The canary is address and answer; a question type breaks on it, and the database is lost for a moment."""
    shown: list[str] = []
    make = partial(build, Settings(), store=sample_store, keys=Keys(bytes(32)))
    chat = ConsoleChat(make, lambda msg: shown.append(msg.text), lambda _: None, CANARY)
    async with chat.app.running():
        await chat.begin("buergerhaushalt", "de")
        monkeypatch.setattr("flows.dialogue.engine._answer", _break)
        await chat.say(CANARY)
        monkeypatch.undo()
        write, lost = sample_store.write, iter([StoreLost(CANARY)])

        async def sometimes(work, **more):
            for fault in lost:
                raise fault
            return await write(work, **more)

        monkeypatch.setattr(sample_store, "write", sometimes)
        await chat.say(CANARY)
    assert any("konnte ich nicht verarbeiten" in text for text in shown)
    assert any(CANARY in text for text in shown), "the second time the words were taken and are shown to their author"
    events = [json.loads(line)["event"] for line in lines()]
    assert "dead_letter_stored" in events
    assert "database_unavailable" in events
    assert not [line for line in lines() if "Kanarienvogel" in line or "0170" in line or "kanari" in line]


def _break(*arguments):
    raise ValueError(f"cannot read {arguments[-1].text}")


def test_log_calls_name_a_listed_event_and_declared_keys():
    calls = list(log_calls())
    assert [call for call in calls if not call.keys <= logs.SAFE | {"exc_info"}] == []
    assert [call for call in calls if not re.fullmatch(r"[a-z]+(_[a-z]+)*", call.event)] == []
    listed = [event for entry in log_entries() for event in entry.events]
    assert sorted(listed) == sorted({call.event for call in calls})


def test_what_no_one_catches_is_told_by_place(lines):
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook
    logs.log_uncaught_exceptions()
    try:
        thread = threading.Thread(target=_break, args=(SimpleNamespace(text=CANARY),))
        thread.start()
        thread.join()
        sys.excepthook(ValueError, ValueError(CANARY), None)
    finally:
        sys.excepthook, sys.unraisablehook, threading.excepthook = hooks
    assert [json.loads(line)["fault"] for line in lines()] == ["ValueError", "ValueError"]
    assert "Kanarienvogel" not in "".join(lines())
