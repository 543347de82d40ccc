"""`replay`: recorded messages through the message path, and reports about invalid lines."""

from __future__ import annotations

import asyncio
import json
import os
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.base import RetryAfter
from bot.cli import replay
from bot.cli.set_aside import MOST_TOLD
from bot.common.errors import CommandError
from bot.common.ids import hour_of
from bot.conversations import recording
from bot.conversations.recording import BadLine
from bot.settings import Settings
from flows.dialogue import engine
from flows.messages import Location, MsgIn
from storage.core.store import Store
from tests.support.app import KEYS, Recorder, consultation, publish, rows, running, say

TIME = "2026-11-20T08:30:00+01:00"
SAID = ("/start park", "Deutsch", "ja", "Mehr Bänke", "absenden")
Write = Callable[..., Path]


@pytest.fixture
def store(store):
    publish(store, consultation())
    return store


@pytest.fixture
def write(tmp_path) -> Write:
    """Makes a recording of messages (or of lines as they are)."""

    def write(*lines: dict[str, Any] | bytes, name: str = "r.jsonl") -> Path:
        path: Path = tmp_path / name
        path.write_bytes(b"".join(line if isinstance(line, bytes) else as_line(line) for line in lines))
        return path

    return write


def as_line(data: dict[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False).encode() + b"\n"


def said(address: str, number: int, words: str, **more: Any) -> dict[str, Any]:
    name = f"{address}/{number}"
    return {"channel": "town", "address": address, "external_id": name, "text": words, "sent_at": TIME} | more


def walk(address: str, **more: Any) -> list[dict[str, Any]]:
    return [said(address, number, words, **more) for number, words in enumerate(SAID)]


async def feed(store: Store, path: Path) -> replay.ReplayReport:
    found = recording.scan_recording(path, lambda bad: None)
    return await replay.feed(path, found, Settings(data=path.parent), store, KEYS, lambda done: None)


def everything(store: Store) -> list[tuple[Any, ...]]:
    return rows(store, "SELECT * FROM sessions ORDER BY id") + rows(store, "SELECT * FROM answers ORDER BY 1, 2")


async def test_a_recording_is_answered_and_fed_twice_changes_nothing(store, write):
    people = [walk(name, channel=channel) for name, channel in (("a", "town"), ("b", "town"), ("b", "village"))]
    path = write(*(line for lines in zip(*people, strict=True) for line in lines))
    report = await feed(store, path)
    assert report.messages == 15
    assert (report.repeats, report.answers, report.errors) == (0, 6, 0)
    # Which language · greeting, question · question · summary · thanks: six messages to each of three people.
    assert report.said == 18
    assert rows(store, "SELECT status, count(*) FROM sessions GROUP BY 1") == [("completed", 3)]
    before = everything(store)
    again = await feed(store, path)
    assert (again.messages, again.repeats, again.answers, again.said) == (15, 15, 0, 0)
    assert everything(store) == before


async def test_the_time_of_an_answer_is_the_hour_by_our_own_clock(store, write):
    """Carriers of a message know when it was sent: with that time they could tell whose answer it is."""
    began = datetime.now(UTC)
    await feed(store, write(*walk("a")))
    hours = {f"{hour_of(at):%Y-%m-%dT%H:%M:%SZ}" for at in (began, datetime.now(UTC))}
    assert {at for (at,) in rows(store, "SELECT answered_at FROM v_answers_long")} <= hours


async def test_order_is_kept_across_chunks(store, write, monkeypatch):
    monkeypatch.setattr(replay, "LARGEST_BATCH", 2)
    path = write(*(line for lines in zip(*map(walk, "abcde"), strict=True) for line in lines))
    report = await feed(store, path)
    assert report.batches > 5
    assert rows(store, "SELECT status, count(*) FROM sessions GROUP BY 1") == [("completed", 5)]


async def test_what_waited_to_be_sent_is_not_swallowed(store, database, write):
    """A message for a real channel that is down must not vanish in a sink of the same name."""
    real = Recorder("town")
    real.answers = [RetryAfter(3600)]
    async with running(Store(database.url), {"town": real}) as (app, _):
        await say(app, real.msg("z", "/start park"))
    waiting = rows(store, "SELECT id, state, attempts FROM outbox")
    assert len(waiting) == 1
    await feed(store, write(*walk("a")))
    assert rows(store, "SELECT id, state, attempts FROM outbox") == waiting


async def test_messages_that_are_set_aside_are_errors(store, write, monkeypatch):
    resume = engine.resume

    def brittle(flow, session, msg, *more, **named):
        if "Bänke" in msg.text:
            raise RuntimeError
        return resume(flow, session, msg, *more, **named)

    monkeypatch.setattr(engine, "resume", brittle)
    report = await feed(store, write(*walk("a")))
    assert (report.errors, report.answers) == (1, 1)


async def test_a_fault_of_the_work_ends_the_feeding(store, write, monkeypatch):
    """Otherwise it would wait forever for messages that are never stored."""

    async def broken(self):
        raise RuntimeError

    monkeypatch.setattr("bot.conversations.inbox.Conversations.run", broken)
    with pytest.raises(ExceptionGroup):
        await asyncio.wait_for(feed(store, write(*walk("a"))), 10)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{]\n", "this is not JSON"),
        (b'{"channel": "town"', "this is not JSON"),
        (b"[1]\n", "this is JSON, but not an object"),
        (b'{"text": "\xe4"}\n', "byte 11 is not UTF-8"),
        (b'{"text": "\\ud800"}\n', "this is not JSON"),
        (as_line(said("a", 1, "x") | {"text": 7}), "“text” is not a text"),
        (as_line({key: value for key, value in said("a", 1, "x").items() if key != "address"}), "“address” is missing"),
        (as_line(said("", 1, "x")), "“address” is empty"),
        (as_line(said("a\0", 1, "x")), "“address” contains a control character"),
        (as_line(said("a" * 501, 1, "x")), "“address” has 501 characters"),
        (as_line(said("a", 1, "x", sent_at="yesterday")), "“sent_at” is not a time"),
        (as_line(said("a", 1, "x", sent_at="2026-02-30T10:00:00Z")), "“sent_at” is not a time"),
        (as_line(said("a", 1, "x", sent_at="0001-01-01T00:00:00+10:00")), "“sent_at” is not a time"),
        (as_line(said("a", 1, "x", sent_at="2026-11-20T08:30:00")), "“sent_at” has no time zone"),
        (as_line(said("a", 1, "x", mode="robot")), "“mode” is none of self, assisted, paper"),
        (as_line(said("a", 1, "x", choice=None)), "“choice” is not a text"),
        (as_line(said("a", 1, "x", place="here")), "“place” is not a place"),
        (b'{"text": "' + b"x" * recording.LONGEST_LINE + b'"}\n', "the line is too long"),
    ],
)
def test_a_bad_line_is_named_with_reason_and_remedy(write, line, reason):
    path = write(as_line(said("a", 1, "x")), b"\n", line)
    good, bad = recording.read_recording(path)
    assert isinstance(good, MsgIn)
    assert isinstance(bad, BadLine)
    assert (bad.line, bad.reason) == (3, reason)
    assert str(bad).startswith(f"{path}:3: {reason}; {bad.remedy}")
    assert bad.remedy


def test_all_fields_arrive(write):
    more = {"choice": "c.k.v", "media": "voice", "edits": "m0", "language_hint": "tr"}
    more |= {"mode": "paper", "place_code": "KIOSK7"}
    path = write(
        b"\xef\xbb\xbf" + as_line(said("a", 1, "مرحبا\n👋", place={"latitude": 52.5, "longitude": 13}, **more))
    )
    [msg] = recording.read_recording(path)
    assert isinstance(msg, MsgIn)
    assert msg.text == "مرحبا\n👋"
    fields = {"entry_code" if name == "place_code" else name: value for name, value in more.items()}
    assert {name: getattr(msg, name) for name in fields} == fields
    assert msg.location == Location(52.5, 13)
    assert msg.sent_at.isoformat() == "2026-11-20T07:30:00+00:00"


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(data=tmp_path / "data")


def command(settings: Settings, path: Path, **more: Any) -> tuple[bool, list[str], list[str]]:
    """The command as called: whether all was well, what it prints, what it complains about."""
    out: list[str] = []
    complaints: list[str] = []
    fine = replay.replay_file(settings, path, out.append, complaints.append, **more)
    return fine, out, complaints


def test_bad_lines_are_set_aside_or_with_strict_stop_everything(settings, write):
    path = write(as_line(said("a", 1, "Hallo")), b"oops\n", as_line(said("a", 2, "Hilfe")))
    fine, out, complaints = command(settings, path, strict=True)
    assert (fine, out) == (False, [])
    assert complaints[0] == f"{path}:2: this is not JSON; write one complete object on each line"
    assert not settings.data.exists(), "nothing was begun"
    for more in ({}, {"skip_bad_lines": True}, {"skip_bad_lines": True, "strict": True}):
        fine, out, complaints = command(settings, path, **more)
        assert not fine
        assert complaints[0].startswith(f"{path}:2: this is not JSON")
        assert out[0].startswith("messages      2 in ")
        assert out[-1] == "bad lines     1"


def test_a_fine_recording_in_a_new_house(settings, write):
    fine, out, complaints = command(settings, write(as_line(said("a", 1, "Hallo"))))
    assert (fine, complaints) == (True, [])
    assert [line.split()[0] for line in out] == [
        *("messages", "repeats", "answers", "said", "errors", "batches", "bad")
    ]


def test_many_bad_lines_are_counted_not_all_told(settings, write):
    _, _, complaints = command(settings, write(*[b"oops\n"] * 250))
    beside = settings.data.parent / "r.jsonl.set-aside.txt"
    assert len(complaints) == MOST_TOLD + 2
    assert complaints[-2].endswith(f"… and 150 more; see {beside}")
    assert complaints[-1].endswith("nothing was replayed; it contains no valid message")
    assert len(beside.read_text(encoding="utf-8").splitlines()) == 250


def test_what_cannot_be_read_is_one_sentence(settings, tmp_path):
    with pytest.raises(CommandError, match=r"nowhere\.jsonl: cannot be read \(No such file"):
        command(settings, tmp_path / "nowhere.jsonl")
    with pytest.raises(CommandError, match="is not a file"):
        command(settings, tmp_path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(CommandError, match="write the output of a pipe to a file first"):
        command(settings, pipe)


def test_memory_does_not_grow_with_the_recording(write):
    def peak(lines: int) -> int:
        path = write(*[as_line(said("a", number, "ja")) for number in range(lines)])
        tracemalloc.start()
        recording.scan_recording(path, lambda bad: None)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak(5_000)  # Python keeps up to 2,000 freed tuples of each size
    assert peak(20_000) < peak(200) + 100_000


UNREADABLE: dict[str, bytes] = {
    "bytes": b'{"text": "\xff"}\n',
    "cut off": as_line(said("a", 1, "x"))[:-9] + b"\n",
    "depth": b"[" * 5000 + b"]" * 5000 + b"\n",
    "size": b'{"text": "' + b"x" * recording.LONGEST_LINE + b'"}\n',
    "type": as_line(said("a", 1, "x") | {"text": 7}),
    "missing field": as_line({"channel": "test", "text": "x"}),
    "lone surrogate": as_line(said("a", 1, "X")).replace(b'"X"', b'"\\ud83d"'),
    "nul in a name": as_line(said("a\x00", 1, "x")),
    "no object": b"[]\n",
    "nan": b"NaN\n",
}


def test_everything_else_is_fed_in_order(settings, write):
    lines: list[bytes] = []
    for number, bad in enumerate(UNREADABLE.values(), 1):
        lines += [bad, as_line(said("a", number, f"Zeile {number}"))]
    fine, out, complaints = command(settings, write(*lines))
    assert not fine
    assert out[0].startswith(f"messages      {len(UNREADABLE)} in ")
    assert out[-1] == f"bad lines     {len(UNREADABLE)}"
    places = [line.split(":")[1] for line in complaints if "r.jsonl:" in line]
    assert places == [str(2 * number - 1) for number in range(1, len(UNREADABLE) + 1)]
