"""Caches contacts and their sessions between batches, because loading them costs more than a turn.

A batch takes entries out of the cache and returns them only after its commit: a batch that fails or is retried reads
from the database. Any other write of this process (`Store.on_other_writes`: all but batches and delivery states)
clears the cache before the next batch, and so does a write by another process, which SQLite reports. PostgreSQL does
not report it, so nothing is cached there.

The cache is in memory only and holds no addresses. Entries expire `MAX_AGE_SECONDS` after the last message.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot.consultations.participant import Person
from flows.session import Session
from storage.core import driver
from storage.tables.sessions import SessionMode

MAX_PEOPLE: Final = 20_000
MAX_AGE_SECONDS: Final = 900.0


class CachedParticipation(NamedTuple):
    """The waiting session of a contact as stored; flows have their own cache."""

    id: int
    revision_id: int
    session: Session
    pseudonym: str
    started_at: datetime
    seen_at: datetime
    mode: SessionMode
    entry_code: str


class CachedPerson(NamedTuple):
    """A contact as stored, at the address of its last message."""

    contact_id: int
    waiting_key: bytes
    language: str | None
    spoken_language: str | None
    participation: CachedParticipation | None


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
        """Returns cacheable contacts by lookup; None if the whole cache must be cleared."""
        if not self._is_sure:
            return None
        return {
            one.lookup: _kept(one)
            for one in self._people.values()
            if one is not None and one.incompatible_session is None
        }


def _kept(person: Person) -> CachedPerson:
    participation = person.participation
    if participation is None or participation.session.status != "waiting":
        return CachedPerson(person.contact_id, person.waiting_key, person.language, person.spoken_language, None)
    kept = CachedParticipation(
        id=participation.id,
        revision_id=participation.published.revision_id,
        session=participation.session,
        pseudonym=participation.pseudonym,
        started_at=participation.started_at,
        seen_at=participation.seen_at,
        mode=participation.mode,
        entry_code=participation.entry_code,
    )
    return CachedPerson(person.contact_id, person.waiting_key, person.language, person.spoken_language, kept)


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
        self._is_on = self._is_committed = False
        self._state: tuple[object, object] | None = None

    def __len__(self) -> int:
        """Number of entries, including those the next batch returns to the cache."""
        return len(self._people.keys() | self._offered.keys())

    def begin(self, connection: Connection) -> None:
        """Starts a batch: accepts the entries of the previous one if it was committed, and clears the cache if another
        process has written since.
        """
        self._is_on = connection.dialect.name == "sqlite"
        if not self._is_on:
            return
        offered, self._offered = self._offered, {}
        (version,) = driver.execute(connection, "PRAGMA data_version", ()).fetchone() or (None,)
        state = (connection.connection.dbapi_connection, version)
        if self._state is None or state[0] is not self._state[0] or version != self._state[1]:
            self.clear()
            self._state = state
        elif self._is_committed:
            self._take_back(offered)
        self._is_committed = False

    def lend(self, lookup: bytes) -> CachedPerson | None:
        """Takes an entry out of the cache."""
        found = self._people.pop(lookup, None)
        if found is None:
            return None
        del self._lookups[found[0].contact_id]
        return found[0]

    def forget_contact(self, contact_id: int) -> None:
        """Removes the entry of a contact that now writes from another address."""
        if (lookup := self._lookups.get(contact_id)) is not None:
            self.lend(lookup)

    def offer(self, people: Mapping[bytes, CachedPerson]) -> None:
        """Offers entries by lookup; they count once `committed` is called."""
        self._offered = dict(people) if self._is_on else {}

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
        for lookup, person in people.items():
            self.forget_contact(person.contact_id)
            self._people[lookup] = person, now
            self._lookups[person.contact_id] = lookup
        while self._people:
            oldest = next(iter(self._people))
            if len(self._people) <= self._most and self._people[oldest][1] >= now - MAX_AGE_SECONDS:
                break
            self.lend(oldest)
