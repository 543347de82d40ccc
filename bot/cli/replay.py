"""`replay`: processes recorded messages like incoming ones, for load tests, tests and imported messages.

A recording is read twice: once to check that every line is a message, and once to process them. A second replay changes
nothing, because every message is then a repeat; so an interrupted replay can be started again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from adapters.base import Channel, Delivery, Limits, Outgoing, Receive, Sent
from bot.app import build
from bot.cli.context import command_context
from bot.cli.set_aside import print_skipped_rows
from bot.common.errors import CommandError, Say
from bot.common.keys import Keys
from bot.common.progress import Watch, show_progress
from bot.conversations import recording
from bot.conversations.inbox import LARGEST_BATCH
from bot.conversations.recording import BadLine, RecordingSummary
from bot.settings import Settings
from flows.messages import MsgIn
from storage.core.store import Store

IN_FLIGHT: Final = 2
"""Chunks in flight: the next one is read while one is committed."""
MOST_KEPT: Final = 100_000
"""Maximum of listed bad lines; further ones are only counted."""


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """The outcome of a replay. `errors` counts dead letters."""

    messages: int
    repeats: int
    answers: int
    said: int
    errors: int
    batches: int
    bad_lines: int
    seconds: float

    def lines(self) -> Iterator[str]:
        """Returns the report, one name and number per line."""
        rate = self.messages / self.seconds if self.seconds else 0.0
        yield f"messages      {self.messages} in {self.seconds:.2f} s ({rate:.0f} messages/s)"
        for name in ("repeats", "answers", "said", "errors", "batches", "bad_lines"):
            yield f"{name.replace('_', ' '):13} {getattr(self, name)}"


class ReplayChannel:
    """A channel that discards messages and counts them."""

    limits = Limits(text_utf16=1_000_000, idempotent=True, workers=1)

    def __init__(self, name: str) -> None:
        self.name = name
        self.said = 0

    async def start(self, receive: Receive) -> None:
        """Does nothing: the recording supplies the messages."""

    async def send(self, message: Outgoing) -> Delivery:
        self.said += 1
        return Sent()

    async def stop(self) -> None:
        """Does nothing."""

    def trouble(self) -> str:
        return ""


async def feed(
    path: Path, found: RecordingSummary, settings: Settings, store: Store, keys: Keys, watch: Watch
) -> ReplayReport:
    """Processes the messages of a scanned recording in order, without the bad lines.

    `watch` receives the number of stored messages. Messages that were pending before stay pending: no sink consumes
    them.
    """
    sinks = {name: ReplayChannel(name) for name in sorted(found.channels)}
    channels: dict[str, Channel] = {**sinks}
    app = build(settings, channels, store=store, keys=keys)
    messages = (item for item in recording.read_recording(path) if isinstance(item, MsgIn))
    began = time.perf_counter()
    # If processing fails, the group cancels feeding instead of waiting forever.
    async with asyncio.TaskGroup() as tasks:
        work = [tasks.create_task(app.conversations.run()), tasks.create_task(app.outbox.run())]
        await _hand_over(messages, app.conversations.receive, watch)
        await app.outbox.drained()
        for task in work:
            task.cancel()
    seconds = time.perf_counter() - began
    counts = app.conversations.counts
    return ReplayReport(
        counts.messages + counts.repeats,
        counts.repeats,
        answers=counts.answers,
        said=sum(sink.said for sink in sinks.values()),
        errors=counts.failures,
        batches=counts.batches,
        bad_lines=found.bad,
        seconds=seconds,
    )


async def _hand_over(messages: Iterable[MsgIn], receive: Receive, watch: Watch) -> None:
    source = iter(messages)
    waiting: list[tuple[int, asyncio.Task[None]]] = []
    done = 0
    while chunk := list(islice(source, LARGEST_BATCH)):
        waiting.append((len(chunk), asyncio.ensure_future(_receive(receive, chunk))))
        await asyncio.sleep(0)  # so that the chunk is queued before the next one is
        while len(waiting) >= IN_FLIGHT:
            size, task = waiting.pop(0)
            await task
            done += size
            watch(done)
    for size, task in waiting:
        await task
        done += size
        watch(done)


async def _receive(receive: Receive, chunk: list[MsgIn]) -> None:
    await receive(chunk)


def replay_file(
    settings: Settings, path: Path, say: Say, complain: Say, *, strict: bool = False, skip_bad_lines: bool = False
) -> bool:
    """Runs the command; False if a line or a message was invalid. Raises CommandError.

    Invalid lines are skipped and listed; with `strict` one of them prevents the replay, unless `skip_bad_lines` is set,
    which older scripts use.
    """
    found = examine_recording(path, complain)
    if found.bad and ((strict and not skip_bad_lines) or not found.messages):
        way = "it contains no valid message" if not found.messages else "correct the lines above, or leave out --strict"
        complain(f"{path}: nothing was replayed; {way}")
        return False
    with (
        command_context(settings, complain) as (store, keys),
        show_progress("stored", complain, found.messages) as watch,
    ):
        report = asyncio.run(feed(path, found, settings=settings, store=store, keys=keys, watch=watch))
    for line in report.lines():
        say(line)
    return not report.bad_lines and not report.errors


def examine_recording(path: Path, complain: Say) -> RecordingSummary:
    """Scans the whole recording before processing it."""
    if path.exists() and not path.is_file():
        raise CommandError(
            f"{path}: is not a file; a recording is read twice, so write the output of a pipe to a file first"
        )
    aside: list[str] = []

    def note(bad: BadLine) -> None:
        if len(aside) < MOST_KEPT:
            aside.append(str(bad))

    try:
        with show_progress("checked", complain) as watch:
            found = recording.scan_recording(path, note, watch)
    except OSError as error:
        raise CommandError(f"{path}: cannot be read ({error.strerror}); check its path and rights") from error
    print_skipped_rows(path, aside, found.bad, complain)
    return found
