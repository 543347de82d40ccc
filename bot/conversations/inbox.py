"""One batch after another: whatever arrives while a batch is being committed is the next batch.

The cost of a durable commit is thus shared by all who write at that moment, and alone one waits for one commit.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import structlog
from sqlalchemy import Connection

from adapters.base import NotStored, Outgoing, Replies
from bot.common.logs import error_place
from bot.common.sources import Now, system_now
from bot.consultations.batch_context import BatchOutcome
from bot.consultations.catalogue import NotCompiled
from bot.conversations.batch import BatchProcessor
from bot.conversations.incoming import sanitise_message
from bot.delivery.message_codec import payload_of
from bot.delivery.outbox import Outbox
from bot.privacy.scrubbing import Scrubber
from flows.messages import MsgIn, MsgOut
from storage.core.errors import BadRow, StorageError
from storage.core.store import Store
from storage.tables.erasures import mark_erased_tables

log = structlog.get_logger()

LARGEST_BATCH = 1000
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
PATIENCE_SECONDS = 2.0
"""After so long without a database, people are told."""
HANGS_SECONDS = 6.0
"""The same where it has not said no and answers others: a machine that is busy takes its time as well."""
PROBE_SECONDS = 1.5
"""After so long without a commit the database is asked a question that takes no time."""
DEAF_SECONDS = 0.8
"""A database that has not answered that for so long is away, as one that was stopped or is cut off."""
LOOK_SECONDS = 0.3
"""How often, from then on, it is seen who has come meanwhile and was not told yet."""


MOST_ROUNDS = 3
"""So often somebody waits for a compilation; whoever needs still more of them at once then gets them at once."""

Sender = tuple[str, str]
"""Channel and address."""


@dataclass(slots=True, eq=False)
class _Message:
    """A message on its way, and what is said to it once that is committed."""

    msg: MsgIn
    replies: Replies = ()

    @property
    def sender(self) -> Sender:
        return self.msg.channel, self.msg.address


class _Arrival(NamedTuple):
    messages: Sequence[_Message]
    stored: asyncio.Future[None]
    rounds: int = 0
    """How often it has waited for a compilation."""

    def split(self, apart: Collection[Sender]) -> tuple[_Arrival | None, _Arrival | None]:
        """What others sent, and what these senders did: the whole is stored when both parts are."""
        later = [it for it in self.messages if it.sender in apart]
        if not later:
            return self, None
        now = [it for it in self.messages if it.sender not in apart]
        if not now:
            return None, self
        loop = asyncio.get_running_loop()
        first, second = (_Arrival(part, loop.create_future(), self.rounds) for part in (now, later))
        asyncio.gather(first.stored, second.stored).add_done_callback(partial(_pass_on, self.stored))
        return first, second


class _PutOff(NamedTuple):
    """Messages whose senders wait until something is compiled, and what they send meanwhile."""

    senders: frozenset[Sender]
    arrivals: list[_Arrival]


def _pass_on(whole: asyncio.Future[None], parts: asyncio.Future[list[None]]) -> None:
    """What became of the parts of an arrival is what becomes of the whole."""
    if whole.done() or parts.cancelled():
        return
    if fault := parts.exception():
        whole.set_exception(fault)
    else:
        whole.set_result(None)


def _tell(arrivals: Sequence[_Arrival]) -> None:
    """Their messages are stored for good."""
    for arrival in arrivals:
        if not arrival.stored.done():
            arrival.stored.set_result(None)


def _give_back(arrival: _Arrival) -> None:
    """Their messages are not stored, and whoever sent them hears so."""
    if not arrival.stored.done():
        arrival.stored.set_exception(NotStored())


class InboxCounts:
    """What was done since the start, for the operator, `replay` and `bench`."""

    def __init__(self) -> None:
        self.messages = self.repeats = self.answers = self.failures = self.batches = 0

    def add(self, result: BatchOutcome, *, is_rest: bool = False) -> None:
        """`is_rest`: of messages that came with a batch before, and had to wait for a compilation."""
        self.messages += result.taken
        self.repeats += result.repeats
        self.answers += result.answers
        self.failures += result.failures
        self.batches += not is_rest


class Conversations:
    """Takes messages from all channels and answers them.

    >>> conversations = Conversations(store, batches, outbox, keeper.wake, scrubber)  # doctest: +SKIP
    >>> async with asyncio.TaskGroup() as tasks:                     # doctest: +SKIP
    ...     tasks.create_task(conversations.run())
    ...     (replies,) = await conversations.receive([msg])          # returns when it is stored for good
    """

    def __init__(
        self,
        store: Store,
        batches: BatchProcessor,
        outbox: Outbox,
        wake_keeper: Callable[[], None],
        scrubber: Scrubber,
        now: Now = system_now,
    ) -> None:
        """`wake_keeper` is called where there is something to do for `bot.delivery.attachments.fetcher`."""
        self.counts = InboxCounts()
        self._store = store
        self._batches = batches
        self._outbox = outbox
        self._wake_keeper = wake_keeper
        self._scrubber = scrubber
        self._now = now
        self._arrived: list[_Arrival] = []
        self._anything = asyncio.Event()
        self._stored_at = 0.0
        """When something was stored last, by the clock of the loop."""
        self._has_failed = False
        """The last attempt to store was refused."""
        self._is_stuck = False
        """Nothing can be stored at the moment, and those who wait are being told."""
        self._missing: list[NotCompiled] = []
        """What the batch that is being worked on found missing, and who waits for it."""
        self._put_off: list[_PutOff] = []
        self._compiling: set[asyncio.Task[None]] = set()
        self._one_compilation = asyncio.Lock()

    async def receive(self, arrived: Sequence[MsgIn]) -> Sequence[Replies]:
        """Takes messages; returns after they are committed, and only then may the channel forget them. Gives what is
        said to each of them, as the outbox sends it.

        Messages come in order within one call; a repeat of one that was taken before is dropped quietly. Raises
        NotStored where the channel tells that itself: the messages may be stored later all the same.
        """
        taken = list(self._readable(arrived))
        messages = [it for it in taken if it is not None]
        if not messages:
            return [()] * len(arrived)
        if self._is_stuck and self._outbox.tells_trouble(arrived[0].channel):
            raise NotStored
        stored = asyncio.get_running_loop().create_future()
        self._arrived.append(_Arrival(messages, stored))
        self._anything.set()
        await stored
        return [it.replies if it else () for it in taken]

    def _readable(self, arrived: Sequence[MsgIn]) -> Iterator[_Message | None]:
        """The messages as they can be stored; one that has no address cannot even be set aside."""
        now = self._now()
        for msg in arrived:
            if safe := sanitise_message(msg, now):
                yield _Message(safe)
            else:
                yield None
                self.counts.failures += 1
                log.error("message_without_address", channel=msg.channel)

    async def run(self) -> None:
        """Works until it is cancelled. A batch that was begun is finished first."""
        try:
            while True:
                await self._anything.wait()
                # Whoever was just told "stored" may have the next message ready: one round of the loop lets it join.
                await asyncio.sleep(0)
                if arrivals := self._in_turn(self._next()):
                    await self._work(arrivals)
        finally:
            for task in self._compiling:
                task.cancel()

    async def _work(self, arrivals: list[_Arrival]) -> None:
        """Takes one batch; whoever waits for a compilation stays behind."""
        batch = [it for arrival in arrivals for it in arrival.messages]
        rounds = max(arrival.rounds for arrival in arrivals)
        commit = asyncio.ensure_future(self._commit(batch, rounds))
        try:
            await self._stored_or_told(commit, arrivals)
        except asyncio.CancelledError:
            done, _ = await asyncio.wait([commit], timeout=PATIENCE_SECONDS)
            if done and not commit.exception():
                _tell(self._stored(arrivals))
            commit.cancel()
            raise
        _tell(self._stored(arrivals))

    def _in_turn(self, arrivals: list[_Arrival]) -> list[_Arrival]:
        """Those that can be taken; what somebody sends whose earlier message waits comes behind that one."""
        for put_off in self._put_off:
            parts = [arrival.split(put_off.senders) for arrival in arrivals]
            arrivals = [now for now, _ in parts if now]
            put_off.arrivals.extend(later for _, later in parts if later)
        return arrivals

    def _stored(self, arrivals: list[_Arrival]) -> list[_Arrival]:
        """Those which the batch has stored; the others wait until what they need is compiled."""
        found, self._missing = self._missing, []
        for missing in found:
            parts = [arrival.split(missing.senders) for arrival in arrivals]
            arrivals = [now for now, _ in parts if now]
            later = [it._replace(rounds=it.rounds + 1) for _, it in parts if it]
            put_off = _PutOff(missing.senders, later)
            self._put_off.append(put_off)
            task = asyncio.create_task(self._compile(missing, put_off))
            self._compiling.add(task)
            task.add_done_callback(self._compiling.discard)
        return arrivals

    async def _compile(self, missing: NotCompiled, put_off: _PutOff) -> None:
        """Compiles beside the conversations, one revision at a time; then those who waited are next."""
        for revision in missing.revisions.values():
            async with self._one_compilation:
                with _giving_way():
                    await asyncio.to_thread(self._batches.catalogue.compile, revision)
        self._put_off.remove(put_off)
        self._arrived = [*put_off.arrivals, *self._arrived]
        self._anything.set()

    async def _stored_or_told(self, commit: asyncio.Future[None], arrivals: Sequence[_Arrival]) -> None:
        """Waits for the commit. Where the database does not take anything for long, whatever it does instead, those who
        wait are told: once each, and nobody after it is over.
        """
        self._stored_at = asyncio.get_running_loop().time()
        told: set[tuple[str, str]] = set()
        await asyncio.wait([commit], timeout=min(PROBE_SECONDS, PATIENCE_SECONDS))
        if not commit.done():
            probe = asyncio.ensure_future(self._store.read(_answers))
            probe.add_done_callback(_is_well)
            deaf_at = asyncio.get_running_loop().time() + DEAF_SECONDS
        while not commit.done():
            now = asyncio.get_running_loop().time()
            is_away = self._has_failed or (now >= deaf_at and not _is_well(probe))
            self._is_stuck = now - self._stored_at >= (PATIENCE_SECONDS if is_away else HANGS_SECONDS)
            if self._is_stuck:
                await self._tell_who_waits(commit, arrivals, told)
            await asyncio.wait([commit], timeout=LOOK_SECONDS)
        self._is_stuck = False
        await commit

    async def _tell_who_waits(
        self, commit: asyncio.Future[None], arrivals: Sequence[_Arrival], told: set[tuple[str, str]]
    ) -> None:
        """Tells those in this batch and behind it. A channel that tells it itself gets its messages back."""
        for arrival in [*arrivals, *self._arrived]:
            if self._outbox.tells_trouble(arrival.messages[0].msg.channel):
                _give_back(arrival)
        self._arrived = [it for it in self._arrived if not it.stored.done()]
        waiting = [it for each in [*arrivals, *self._arrived] if not each.stored.done() for it in each.messages]
        for it in waiting:
            if commit.done():
                return
            if it.sender not in told:
                told.add(it.sender)
                await _while_not(commit, self._ask_to_wait(it.msg))

    def _next(self) -> list[_Arrival]:
        taken, size = 0, 0
        for arrival in self._arrived:
            size += len(arrival.messages)
            if taken and size > LARGEST_BATCH:
                break
            taken += 1
        arrivals, self._arrived = self._arrived[:taken], self._arrived[taken:]
        if not self._arrived:
            self._anything.clear()
        return arrivals

    async def _commit(self, batch: Sequence[_Message], rounds: int) -> None:
        """Commits the batch, however long the database is away; what cannot be stored is set aside one by one.

        `rounds`: how often its messages have waited for a compilation. Who has to wait now stands in `_missing`.
        """
        while batch := [it for it in batch if not any(it.sender in lack.senders for lack in self._missing)]:
            try:
                await self._patiently(partial(self._write, batch, rounds))
            except NotCompiled as missing:
                everybody = frozenset(it.sender for it in batch)
                self._missing.append(NotCompiled(missing.revisions, missing.senders or everybody))
                continue
            except Exception as fault:  # noqa: BLE001 - a fault of ours about one message must not stop all others
                await self._one_by_one(batch, rounds, fault)
            return
        self.counts.batches += rounds == 0  # all of it waits, and is counted as the one batch it came as

    async def _patiently(self, write: Callable[[], Awaitable[None]]) -> None:
        """Writes as soon as there is a database. Raises what another attempt would not mend."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                await write()
            except BadRow:
                raise
            except StorageError as fault:
                self._has_failed = True
                log.error("database_unavailable", **error_place(fault))
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                continue
            self._has_failed = False
            self._stored_at = asyncio.get_running_loop().time()
            return

    async def _write(self, batch: Sequence[_Message], rounds: int) -> None:
        settled, messages = self._outbox.take_settled(), [it.msg for it in batch]

        def work(connection: Connection) -> BatchOutcome:
            self._outbox.write_settled(connection, settled)
            done = self._batches.work(connection, messages, waits=rounds < MOST_ROUNDS)
            if done.has_erased or done.has_dropped:
                mark_erased_tables(connection)
            return done

        try:
            result = await self._store.write(work, is_known=True)
        except BaseException:
            self._outbox.put_back(settled)
            raise
        self._batches.committed()
        self._outbox.confirm(settled)
        self._outbox.forget(result.recalled)
        for number, replies in result.replies.items():
            batch[number].replies = tuple(replies)
        self.counts.add(result, is_rest=rounds > 0)
        self._outbox.accept(result.outgoing)
        self._outbox.accept(result.final_messages, "farewell")
        self._outbox.let_forget(result.erased_addresses)
        if result.has_media:
            self._wake_keeper()
        if result.has_erased:
            payload_of.forget()
            await self._scrubber.at_once()
        elif result.has_dropped:
            self._scrubber.soon()

    async def _one_by_one(self, batch: Sequence[_Message], rounds: int, fault: Exception) -> None:
        """Something in the batch cannot be stored: finds out what, and sets only that aside."""
        if len(batch) > 1:
            for one in batch:
                await self._commit([one], rounds)
            return
        msg = batch[0].msg
        log.error("message_not_stored", channel=msg.channel, **error_place(fault))
        self.counts.failures += 1

        said: list[MsgOut] = []

        async def bury() -> None:
            said[:] = await self._store.write(
                lambda connection: self._batches.store_dead_letter(connection, msg, fault)
            )

        try:
            await self._patiently(bury)
        except Exception as deeper:  # noqa: BLE001 - an id or address no database can hold: nothing is left to keep
            log.error("message_dropped", channel=msg.channel, **error_place(deeper))
        for reply in said:
            await self._outbox.send_at_once(msg.channel, msg.address, reply)
        batch[0].replies = tuple(Outgoing(0, msg.address, reply) for reply in said)

    async def _ask_to_wait(self, msg: MsgIn) -> None:
        """Tells the sender that the message is not lost. Past the outbox: that one is stored, and storing fails."""
        renderer = self._batches.catalogue.main_menu.renderer(None, msg.language_hint)
        await self._outbox.send_at_once(msg.channel, msg.address, renderer.message(renderer.text("trouble.wait")))


@contextmanager
def _giving_way() -> Iterator[None]:
    """Lets a thread that computes give way to the others ten times as often: they only need it for moments."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(before / 10)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _answers(connection: Connection) -> None:
    """The question that takes no time."""
    connection.exec_driver_sql("SELECT 1")


def _is_well(probe: asyncio.Future[None]) -> bool:
    """Whether the database has answered it; looks at a failure, so that nobody complains that none did."""
    return probe.done() and not probe.cancelled() and probe.exception() is None


async def _while_not(over: asyncio.Future[None], work: Coroutine[Any, Any, None]) -> None:
    """Works until `over` is done."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait([task, over], return_when=asyncio.FIRST_COMPLETED)
    finally:
        task.cancel()
