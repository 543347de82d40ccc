"""Collects incoming messages and commits them in batches.

Messages that arrive during a commit form the next batch, so concurrent senders share the cost of a durable commit and
a single sender waits for one commit only.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection

from adapters.base import NotStored, Outgoing, Replies
from bot.common.logs import error_place
from bot.common.sources import Now, system_now
from bot.consultations.batch_context import BatchOutcome
from bot.consultations.catalogue import NotCompiled
from bot.conversations.arrivals import Arrival, Message, PostponedSenders, mark_stored, return_arrival
from bot.conversations.batch import BatchProcessor
from bot.conversations.incoming import sanitise_message
from bot.conversations.outcome_handlers import OutcomeHandler
from bot.delivery.outbox import Outbox
from flows.messages import MsgIn, MsgOut
from storage.core.errors import BadRow, StorageError
from storage.core.store import Store
from storage.tables.erasures import mark_erased_tables

log = structlog.get_logger()

LARGEST_BATCH = 1000
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
PATIENCE_SECONDS = 2.0
"""Delay before the "please wait" message while the database is unavailable."""
BUSY_PATIENCE_SECONDS = 6.0
"""The same delay while the database still answers the probe: a busy machine is slow as well."""
PROBE_SECONDS = 1.5
"""Delay before a pending commit triggers a probe query."""
PROBE_TIMEOUT_SECONDS = 0.8
"""A database that does not answer the probe within this time counts as unavailable."""
POLL_SECONDS = 0.3
"""Interval at which later arrivals are looked for while a commit is pending."""

MAX_ROUNDS = 3
"""Number of times a message waits for a compilation; after that its batch compiles the flow itself."""


class InboxCounts:
    """Counts since the start of the process, for the operator, `replay` and `bench`."""

    def __init__(self) -> None:
        self.messages = self.repeats = self.answers = self.failures = self.batches = 0

    def add(self, result: BatchOutcome, *, is_rest: bool = False) -> None:
        """Adds the outcome of a batch. `is_rest`: messages postponed from an earlier batch by a compilation."""
        self.messages += result.taken
        self.repeats += result.repeats
        self.answers += result.answers
        self.failures += result.failures
        self.batches += not is_rest


class Conversations:
    """Takes messages from all channels and answers them.

    >>> conversations = Conversations(store, batches, outbox)        # doctest: +SKIP
    >>> async with asyncio.TaskGroup() as tasks:                     # doctest: +SKIP
    ...     tasks.create_task(conversations.run())
    ...     (replies,) = await conversations.receive([msg])          # returns when it is stored for good
    """

    def __init__(
        self,
        store: Store,
        batches: BatchProcessor,
        outbox: Outbox,
        outcome_handlers: Sequence[OutcomeHandler] = (),
        now: Now = system_now,
    ) -> None:
        """`outcome_handlers` are called after each commit, once its replies are in the outbox."""
        self.counts = InboxCounts()
        self._store = store
        self._batches = batches
        self._outbox = outbox
        self._outcome_handlers = outcome_handlers
        self._now = now
        self._arrived: list[Arrival] = []
        self._has_arrivals = asyncio.Event()
        self._stored_at = 0.0
        """Time of the last commit, by the clock of the event loop."""
        self._has_failed = False
        """Whether the last commit failed."""
        self._is_stalled = False
        """Whether commits are stalled and waiting senders are being notified."""
        self._missing: list[NotCompiled] = []
        """Compilations the current batch found missing, with the senders that wait for them."""
        self._postponed: list[PostponedSenders] = []
        self._compiling: set[asyncio.Task[None]] = set()
        self._one_compilation = asyncio.Lock()

    async def receive(self, arrived: Sequence[MsgIn]) -> Sequence[Replies]:
        """Commits messages and returns the replies to each of them, as the outbox sends them.

        A channel may acknowledge messages only after this returns. Messages of one call are handled in order; repeated
        messages are dropped. Raises NotStored for channels that report database problems themselves; the messages may
        still be stored later.
        """
        taken = list(self._readable(arrived))
        messages = [it for it in taken if it is not None]
        if not messages:
            return [()] * len(arrived)
        if self._is_stalled and self._outbox.tells_trouble(arrived[0].channel):
            raise NotStored
        stored = asyncio.get_running_loop().create_future()
        self._arrived.append(Arrival(messages, stored))
        self._has_arrivals.set()
        await stored
        return [it.replies if it else () for it in taken]

    def _readable(self, arrived: Sequence[MsgIn]) -> Iterator[Message | None]:
        """Yields sanitised messages; None for messages without an address, which cannot become dead letters."""
        now = self._now()
        for msg in arrived:
            if safe := sanitise_message(msg, now):
                yield Message(safe)
            else:
                yield None
                self.counts.failures += 1
                log.error("message_without_address", channel=msg.channel)

    async def run(self) -> None:
        """Processes batches until cancelled; a batch in progress is finished first."""
        try:
            while True:
                await self._has_arrivals.wait()
                # A sender whose message was just stored may have the next one ready: one loop iteration lets it join.
                await asyncio.sleep(0)
                if arrivals := self._without_postponed(self._next()):
                    await self._work(arrivals)
        finally:
            for task in self._compiling:
                task.cancel()

    async def _work(self, arrivals: list[Arrival]) -> None:
        """Commits one batch; messages that wait for a compilation stay behind."""
        batch = [it for arrival in arrivals for it in arrival.messages]
        rounds = max(arrival.rounds for arrival in arrivals)
        commit = asyncio.ensure_future(self._commit(batch, rounds))
        try:
            await self._wait_for_commit(commit, arrivals)
        except asyncio.CancelledError:
            done, _ = await asyncio.wait([commit], timeout=PATIENCE_SECONDS)
            if done and not commit.exception():
                mark_stored(self._stored(arrivals))
            commit.cancel()
            raise
        mark_stored(self._stored(arrivals))

    def _without_postponed(self, arrivals: list[Arrival]) -> list[Arrival]:
        """Returns the arrivals of senders without postponed messages; the others queue behind their postponed ones."""
        for postponed in self._postponed:
            parts = [arrival.split(postponed.senders) for arrival in arrivals]
            arrivals = [now for now, _ in parts if now]
            postponed.arrivals.extend(later for _, later in parts if later)
        return arrivals

    def _stored(self, arrivals: list[Arrival]) -> list[Arrival]:
        """Returns the arrivals the batch stored; the others are postponed until their flows are compiled."""
        found, self._missing = self._missing, []
        for missing in found:
            parts = [arrival.split(missing.senders) for arrival in arrivals]
            arrivals = [now for now, _ in parts if now]
            later = [it._replace(rounds=it.rounds + 1) for _, it in parts if it]
            postponed = PostponedSenders(missing.senders, later)
            self._postponed.append(postponed)
            task = asyncio.create_task(self._compile(missing, postponed))
            self._compiling.add(task)
            task.add_done_callback(self._compiling.discard)
        return arrivals

    async def _compile(self, missing: NotCompiled, postponed: PostponedSenders) -> None:
        """Compiles revisions one at a time on another thread; postponed messages then go first."""
        for revision in missing.revisions.values():
            async with self._one_compilation:
                with _frequent_switches():
                    await asyncio.to_thread(self._batches.catalogue.compile, revision)
        self._postponed.remove(postponed)
        self._arrived = [*postponed.arrivals, *self._arrived]
        self._has_arrivals.set()

    async def _wait_for_commit(self, commit: asyncio.Future[None], arrivals: Sequence[Arrival]) -> None:
        """Waits for the commit. While it is stalled, waiting senders are asked to wait, once each; none is asked after
        the commit has ended.
        """
        self._stored_at = asyncio.get_running_loop().time()
        notified: set[tuple[str, str]] = set()
        await asyncio.wait([commit], timeout=min(PROBE_SECONDS, PATIENCE_SECONDS))
        if not commit.done():
            probe = asyncio.ensure_future(self._store.read(_probe))
            probe.add_done_callback(_has_answered)
            deaf_at = asyncio.get_running_loop().time() + PROBE_TIMEOUT_SECONDS
        while not commit.done():
            now = asyncio.get_running_loop().time()
            is_away = self._has_failed or (now >= deaf_at and not _has_answered(probe))
            self._is_stalled = now - self._stored_at >= (PATIENCE_SECONDS if is_away else BUSY_PATIENCE_SECONDS)
            if self._is_stalled:
                await self._notify_waiting(commit, arrivals, notified)
            await asyncio.wait([commit], timeout=POLL_SECONDS)
        self._is_stalled = False
        await commit

    async def _notify_waiting(
        self, commit: asyncio.Future[None], arrivals: Sequence[Arrival], notified: set[tuple[str, str]]
    ) -> None:
        """Asks waiting senders to wait. Channels that report problems themselves get NotStored."""
        for arrival in [*arrivals, *self._arrived]:
            if self._outbox.tells_trouble(arrival.messages[0].msg.channel):
                return_arrival(arrival)
        self._arrived = [it for it in self._arrived if not it.stored.done()]
        waiting = [it for each in [*arrivals, *self._arrived] if not each.stored.done() for it in each.messages]
        for it in waiting:
            if commit.done():
                return
            if it.sender not in notified:
                notified.add(it.sender)
                await _run_until(commit, self._ask_to_wait(it.msg))

    def _next(self) -> list[Arrival]:
        taken, size = 0, 0
        for arrival in self._arrived:
            size += len(arrival.messages)
            if taken and size > LARGEST_BATCH:
                break
            taken += 1
        arrivals, self._arrived = self._arrived[:taken], self._arrived[taken:]
        if not self._arrived:
            self._has_arrivals.clear()
        return arrivals

    async def _commit(self, batch: Sequence[Message], rounds: int) -> None:
        """Commits the batch, retrying while the database is unavailable; failing messages become dead letters.

        `rounds`: how often its messages have waited for a compilation. Senders that must wait are in `_missing`.
        """
        while batch := [it for it in batch if not any(it.sender in lack.senders for lack in self._missing)]:
            try:
                await self._retry_until_stored(partial(self._write, batch, rounds))
            except NotCompiled as missing:
                everybody = frozenset(it.sender for it in batch)
                self._missing.append(NotCompiled(missing.revisions, missing.senders or everybody))
                continue
            except Exception as error:  # noqa: BLE001 - an error in one message must not stop all others
                await self._one_by_one(batch, rounds, error)
            return
        self.counts.batches += rounds == 0  # all messages are postponed: still counted as one batch

    async def _retry_until_stored(self, write: Callable[[], Awaitable[None]]) -> None:
        """Retries until the database is available. Raises errors that a retry cannot fix."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                await write()
            except BadRow:
                raise
            except StorageError as error:
                self._has_failed = True
                log.error("database_unavailable", **error_place(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                continue
            self._has_failed = False
            self._stored_at = asyncio.get_running_loop().time()
            return

    async def _write(self, batch: Sequence[Message], rounds: int) -> None:
        settled, messages = self._outbox.take_settled(), [it.msg for it in batch]

        def work(connection: Connection) -> BatchOutcome:
            self._outbox.write_settled(connection, settled)
            done = self._batches.work(connection, messages, waits=rounds < MAX_ROUNDS)
            if done.has_erased or done.has_dropped:
                mark_erased_tables(connection)
            return done

        try:
            outcome = await self._store.write(work, is_known=True)
        except BaseException:
            self._outbox.put_back(settled)
            raise
        self._batches.committed()
        self._outbox.confirm(settled)
        self.counts.add(outcome, is_rest=rounds > 0)
        for number, replies in outcome.replies.items():
            batch[number].replies = tuple(replies)
        self._outbox.forget(outcome.recalled)
        self._outbox.accept(outcome.messages)
        self._outbox.let_forget(outcome.erased_addresses)
        for handle in self._outcome_handlers:
            await handle(outcome)

    async def _one_by_one(self, batch: Sequence[Message], rounds: int, error: Exception) -> None:
        """Stores the messages of a failed batch one by one; those that fail again become dead letters."""
        if len(batch) > 1:
            for one in batch:
                await self._commit([one], rounds)
            return
        msg = batch[0].msg
        log.error("message_not_stored", channel=msg.channel, **error_place(error))
        self.counts.failures += 1

        said: list[MsgOut] = []

        async def store() -> None:
            said[:] = await self._store.write(
                lambda connection: self._batches.store_dead_letter(connection, msg, error)
            )

        try:
            await self._retry_until_stored(store)
        except Exception as deeper:  # noqa: BLE001 - an id or address that no database can store: the message is lost
            log.error("message_dropped", channel=msg.channel, **error_place(deeper))
        for reply in said:
            await self._outbox.send_at_once(msg.channel, msg.address, reply)
        batch[0].replies = tuple(Outgoing(0, msg.address, reply) for reply in said)

    async def _ask_to_wait(self, msg: MsgIn) -> None:
        """Asks a sender to wait. Bypasses the outbox, which would have to be stored."""
        renderer = self._batches.catalogue.main_menu.renderer(None, msg.language_hint)
        await self._outbox.send_at_once(msg.channel, msg.address, renderer.message(renderer.text("trouble.wait")))


@contextmanager
def _frequent_switches() -> Iterator[None]:
    """Divides the thread switch interval by ten, so that a compiling thread does not delay the event loop."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(before / 10)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _probe(connection: Connection) -> None:
    """Runs the cheapest query."""
    connection.exec_driver_sql("SELECT 1")


def _has_answered(probe: asyncio.Future[None]) -> bool:
    """Whether the probe succeeded; retrieves its exception, so that asyncio does not report it as unhandled."""
    return probe.done() and not probe.cancelled() and probe.exception() is None


async def _run_until(over: asyncio.Future[None], work: Coroutine[Any, Any, None]) -> None:
    """Works until `over` is done."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait([task, over], return_when=asyncio.FIRST_COMPLETED)
    finally:
        task.cancel()
