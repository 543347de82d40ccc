"""Processes one batch of messages in one transaction: drops repeats, resolves senders, takes turns, writes rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection

from bot.common.dead_letters import new_dead_letter
from bot.common.erasure_log import ErasureLog
from bot.common.ids import Ids, day_of
from bot.common.keys import Keys
from bot.common.sources import SYSTEM, Sources
from bot.consultations.answer_durations import QuestionClock
from bot.consultations.batch_context import BatchContext, BatchOutcome, BatchServices
from bot.consultations.catalogue import Catalogue
from bot.consultations.participant import Person
from bot.conversations import group_chats
from bot.conversations.batch_order import WRITE_ORDER
from bot.conversations.senders import SenderResolver
from bot.conversations.turns import IncomingTurn, TurnProcessor
from flows.messages import MsgIn, MsgOut
from storage.tables import messages
from storage.tables.contacts import find_addresses
from storage.tables.messages import NewReceived, take_messages

REFRESH_SECONDS: Final = 1.0
"""Maximum age of the catalogue of published consultations."""


class BatchProcessor:
    """Processes batches with the given services. `work` runs on the writing thread."""

    def __init__(
        self,
        keys: Keys,
        catalogue: Catalogue,
        ids: Ids,
        erasure_log: ErasureLog,
        senders: SenderResolver,
        turns: TurnProcessor,
        *,
        sources: Sources = SYSTEM,
    ) -> None:
        self._turns = turns
        self._keys = keys
        self.catalogue = catalogue
        self._ids = ids
        self._erasure_log = erasure_log
        self._senders = senders
        self._now, self._random = sources.now, sources.random
        self._services = BatchServices(
            keys,
            catalogue,
            ids=ids,
            write_order=WRITE_ORDER,
            random=sources.random,
            question_clock=QuestionClock(sources.steady),
        )
        self._refreshed_at = datetime.min.replace(tzinfo=UTC)

    def work(self, connection: Connection, arrived: Sequence[MsgIn], *, waits: bool = False) -> BatchOutcome:
        """Processes the messages in order. Changes only its connection and the erasure log, where repetition is
        harmless: it may be retried after a lost lock.

        Compiles missing revisions here, or raises NotCompiled if the caller `waits`: then nothing may be committed, and
        the batch is retried without the messages of those senders.
        """
        with self.catalogue.waiting() if waits else nullcontext():
            return self._work(connection, arrived)

    def _work(self, connection: Connection, arrived: Sequence[MsgIn]) -> BatchOutcome:
        now = self._now()
        self._ids.tick()
        self._senders.begin()
        self._refresh(connection, now)
        new = self._take(connection, arrived, now)
        numbers = {msg.external_id: number for number, msg in new}
        fresh = [msg for _, msg in new]
        batch = BatchContext(connection, self._services, now)
        outcome = batch.outcome
        outcome.taken, outcome.repeats = len(fresh), len(arrived) - len(fresh)
        while fresh:
            fresh = group_chats.invite_groups(batch, fresh)
            people = self._senders.find(batch, fresh)
            self._turns.look(batch, people, fresh)
            fresh = self._rounds(batch, people, fresh, numbers)
            if batch.is_urgent:
                self._senders.discard_cache()
            batch.finish()
        self._senders.end()
        outcome.has_erased = any(one.kind != "joined" for one in outcome.erased_records)
        self._erasure_log.note(
            outcome.erased_records
        )  # before the commit: the reply "deleted" requires an entry in the log
        return outcome

    def committed(self) -> None:
        """Notes that the last batch was committed."""
        self._senders.people_cache.committed()

    def store_dead_letter(self, connection: Connection, msg: MsgIn, error: Exception) -> list[MsgOut]:
        """Stores a message that made its batch fail as a dead letter; returns the replies to its sender."""
        now, keys = self._now(), self._keys
        name = keys.message_names(msg.channel, msg.external_id).received
        if not take_messages(connection, [NewReceived(msg.channel, name, day_of(now))]):
            return []
        lookup = keys.lookup(msg.channel, msg.address)
        messages.insert_dead_letters(
            connection, [new_dead_letter(keys, lookup, msg=msg, error=error, now=now, random=self._random)]
        )
        sender = find_addresses(connection, [lookup]).get(lookup)
        renderer = self.catalogue.main_menu.renderer(sender.reads() if sender else None, msg.language_hint)
        return [renderer.message(renderer.text("trouble.message"))]

    def _refresh(self, connection: Connection, now: datetime) -> None:
        if (now - self._refreshed_at).total_seconds() >= REFRESH_SECONDS:
            self.catalogue.refresh(connection)
            self._refreshed_at = now

    def _take(self, connection: Connection, arrived: Sequence[MsgIn], now: datetime) -> list[tuple[int, MsgIn]]:
        """Returns the new messages with their positions in the batch, without repeats.

        Their external ids are replaced by keyed hashes, because a channel's own ids can lead to the sender.
        """
        today, names = day_of(now), self._keys.message_names
        named = [(msg, names(msg.channel, msg.external_id)) for msg in arrived]
        rows = {name.received: NewReceived(msg.channel, name.received, today) for msg, name in named}
        new = take_messages(connection, list(rows.values()))
        fresh: list[tuple[int, MsgIn]] = []
        for number, (msg, name) in enumerate(named):
            key = (msg.channel, name.received)
            if key in new:
                new.discard(key)
                edits, gone = (names(msg.channel, it).said if it else "" for it in (msg.edits, msg.taken_back))
                fresh.append((number, msg._replace(external_id=name.said, edits=edits, taken_back=gone)))
        return fresh

    def _rounds(
        self,
        batch: BatchContext,
        people: dict[tuple[str, str], Person],
        arrived: list[MsgIn],
        numbers: Mapping[str, int],
    ) -> list[MsgIn]:
        """Takes the messages in rounds with at most one message per contact, which keeps their order.

        Returns the messages left over when urgent work comes first (`BatchContext.is_urgent`), and those from a second
        linked address of a contact.
        """
        waiting, other_doors = _by_one_door(people, arrived)
        while waiting and not batch.is_urgent:
            later: list[MsgIn] = []
            now: dict[int, IncomingTurn] = {}
            for msg in waiting:
                person = people[msg.channel, msg.address]
                if person.contact_id in now:
                    later.append(msg)
                else:
                    person.message = numbers[msg.external_id]
                    now[person.contact_id] = IncomingTurn(msg, person)
            self._turns.take(batch, list(now.values()))
            waiting = later
        return [*waiting, *other_doors]


def _by_one_door(people: Mapping[tuple[str, str], Person], arrived: list[MsgIn]) -> tuple[list[MsgIn], list[MsgIn]]:
    """Separates messages from a second linked address of a contact: they are taken later, since both addresses share
    one session.
    """
    first: dict[int, Person] = {}
    now: list[MsgIn] = []
    later: list[MsgIn] = []
    for msg in arrived:
        person = people[msg.channel, msg.address]
        (now if first.setdefault(person.contact_id, person) is person else later).append(msg)
    return now, later
