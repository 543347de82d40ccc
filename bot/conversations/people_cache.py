"""Caches contacts and their sessions between batches, because loading them costs more than a turn.

A batch takes entries out of the cache and returns them only after its commit: a batch that fails or is retried reads
from the database. Any other write of this process (`Store.on_other_writes`: all but batches and delivery states)
clears the cache before the next batch, and so does a write by another process (`storage.core.write_watch`).

The cache is in memory only and holds no addresses. Entries expire `MAX_AGE_SECONDS` after the last message.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot.consultations.participant import Person
from storage.core.engines import locks_rows
from storage.core.write_watch import WriteWatch
from storage.tables.sessions import lock_sessions

MAX_PEOPLE: Final = 20_000
MAX_AGE_SECONDS: Final = 900.0


class CachedPerson(NamedTuple):
    """A contact as stored, at the address of its last message, with its waiting session.

    It lacks the address, and the session lacks its flow: flows have a cache of their own.
    """

    person: Person
    revision_id: int | None
    """The revision of the waiting session; None if no session waits."""


class BatchPeople:
    """Contacts of a batch, and which of them may be cached: those whose rows equal the state in memory."""

    def __init__(self) -> None:
        self._people: dict[int, Person | None] = {}
        self._is_sure = True

    def add(self, person: Person) -> None:
        """Adds a sender. A contact that wrote from two addresses in one batch is not cached."""
        before = self._people.setdefault(person.contact_id, person)
        if before is not person:
            self._people[person.contact_id] = person if before and before.lookup == person.lookup else None

    def discard(self) -> None:
        """Notes that the batch changes more than the answers of its senders."""
        self._is_sure = False

    def to_keep(self) -> dict[bytes, CachedPerson] | None:
        """Returns cacheable contacts by lookup; None if the whole cache must be cleared. Nothing may use the senders
        afterwards.
        """
        if not self._is_sure:
            return None
        return {
            one.lookup: _kept(one)
            for one in self._people.values()
            if one is not None and one.incompatible_session is None
        }


def _kept(person: Person) -> CachedPerson:
    """Takes out of a sender what is not cached, and notes that its session is stored now."""
    person.address = ""
    participation = person.participation
    if participation is None or participation.session.status != "waiting":
        person.participation = None
        return CachedPerson(person, None)
    participation.is_stored = True
    participation.was_waiting = not participation.session.submitted
    revision_id = participation.published.revision_id
    del participation.published
    return CachedPerson(person, revision_id)


class PeopleCache:
    """The cache itself. Used inside write transactions; `committed` may be called from any thread."""

    def __init__(self, most: int = MAX_PEOPLE, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._people: dict[bytes, tuple[CachedPerson, float]] = {}
        """Entries by lookup in order of use, with the time they were returned."""
        self._lookups: dict[int, bytes] = {}
        """The one lookup under which each contact is cached; two would hold two states of one session."""
        self._offered: dict[bytes, CachedPerson] = {}
        self._is_committed = False
        self._watch = WriteWatch()

    def __len__(self) -> int:
        """Number of entries, including those the next batch returns to the cache."""
        return len(self._people.keys() | self._offered.keys())

    def begin(self) -> None:
        """Starts a batch: accepts the entries of the previous one if it was committed."""
        offered, self._offered = self._offered, {}
        if self._is_committed:
            self._take_back(offered)
        self._is_committed = False

    def check(self, connection: Connection, lookups: Iterable[bytes]) -> None:
        """Clears the cache if another process has written since the last batch. Afterwards no other process can change
        the sessions of these senders before the transaction ends.
        """
        if locks_rows(connection):
            kept = (found[0].person.participation for lookup in lookups if (found := self._people.get(lookup)))
            lock_sessions(connection, [participation.id for participation in kept if participation])
        if not self._watch.is_unchanged(connection):
            self.clear()

    def note_write(self, connection: Connection) -> None:
        """Notes a transaction of this process, other than a batch, that changes no cached contact but those given to
        `forget`.
        """
        self._watch.note(connection)

    def lend(self, lookup: bytes) -> CachedPerson | None:
        """Takes an entry out of the cache."""
        found = self._people.pop(lookup, None)
        if found is None:
            return None
        kept = found[0]
        del self._lookups[kept.person.contact_id]
        return kept

    def forget_contact(self, contact_id: int) -> None:
        """Removes the entry of a contact that now writes from another address."""
        if (lookup := self._lookups.get(contact_id)) is not None:
            self.lend(lookup)

    def offer(self, people: Mapping[bytes, CachedPerson]) -> None:
        """Offers entries by lookup; they count once `committed` is called."""
        self._offered = dict(people)

    def committed(self) -> None:
        """Notes that the batch that made the last offer was committed."""
        self._is_committed = True

    def forget(self, lookups: Iterable[bytes]) -> None:
        """Removes the entries of addresses that this transaction changes."""
        for lookup in lookups:
            self.lend(lookup)
            self._offered.pop(lookup, None)

    def clear(self) -> None:
        """Empties the cache, after an erasure or any other write."""
        self._people.clear()
        self._lookups.clear()
        self._offered = {}

    def _take_back(self, people: Mapping[bytes, CachedPerson]) -> None:
        now = self._clock()
        for lookup, kept in people.items():
            self.forget_contact(kept.person.contact_id)
            self._people[lookup] = kept, now
            self._lookups[kept.person.contact_id] = lookup
        while self._people:
            oldest = next(iter(self._people))
            if len(self._people) <= self._most and self._people[oldest][1] >= now - MAX_AGE_SECONDS:
                break
            self.lend(oldest)
