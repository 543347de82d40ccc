"""People and their sessions, remembered between batches: who writes now will write again soon, and to find them and
read their session costs more than their turn.

What is remembered is *lent* to a batch and given back only after its commit: a batch that fails, or is tried again,
gives nothing back, and finds its people in the database. Whoever else writes (`Store.on_other_writes`: any transaction
of this process that is no batch and no note of what was sent) makes all of it be forgotten before the next batch
begins, and so does another process: SQLite tells that there was one. PostgreSQL does not; there nothing is kept.

Only memory, without addresses; not longer than `MAX_AGE_SECONDS` after the last message, while others write.
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
    """The session that waits for somebody, as it is stored. Not its flow: that has a cache of its own."""

    id: int
    revision_id: int
    session: Session
    pseudonym: str
    started_at: datetime
    seen_at: datetime
    mode: SessionMode
    entry_code: str


class CachedPerson(NamedTuple):
    """A contact as it is stored, at the address it last wrote from."""

    contact_id: int
    waiting_key: bytes
    language: str | None
    spoken_language: str | None
    participation: CachedParticipation | None


class BatchPeople:
    """The people of a batch, and who of them can be given back: whoever is in the database as they are in memory."""

    def __init__(self) -> None:
        self._people: dict[int, Person | None] = {}
        self._is_sure = True

    def add(self, person: Person) -> None:
        """Somebody who wrote. Who did so through two doors in one batch is not kept."""
        before = self._people.setdefault(person.contact_id, person)
        if before is not person:
            self._people[person.contact_id] = person if before and before.lookup == person.lookup else None

    def discard(self) -> None:
        """Something happened that changes more than the answers of who wrote."""
        self._is_sure = False

    def to_keep(self) -> dict[bytes, CachedPerson] | None:
        """By look-up; None where nobody can be kept, nor those who are kept already."""
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
    """Used inside transactions of the one who writes; `committed` may be called from any thread."""

    def __init__(self, most: int = MAX_PEOPLE, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._people: dict[bytes, tuple[CachedPerson, float]] = {}
        """By look-up, those who wrote last at the end; with the moment they were given back."""
        self._lookups: dict[int, bytes] = {}
        """Under which look-up a contact is kept: two of them would know two states of one session."""
        self._offered: dict[bytes, CachedPerson] = {}
        self._is_on = self._is_committed = False
        self._state: tuple[object, object] | None = None

    def __len__(self) -> int:
        """How many are remembered, with those who are given back as soon as the next batch begins."""
        return len(self._people.keys() | self._offered.keys())

    def begin(self, connection: Connection) -> None:
        """A batch begins: takes back what the one before gave, if that was committed, and forgets all where another
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
        """Who wrote from here last. Forgotten here until they are given back."""
        found = self._people.pop(lookup, None)
        if found is None:
            return None
        del self._lookups[found[0].contact_id]
        return found[0]

    def forget_contact(self, contact_id: int) -> None:
        """Somebody writes from another address than the one under which they are kept."""
        if (lookup := self._lookups.get(contact_id)) is not None:
            self.lend(lookup)

    def offer(self, people: Mapping[bytes, CachedPerson]) -> None:
        """Gives people back, by look-up: true once `committed` is called."""
        self._offered = dict(people) if self._is_on else {}

    def committed(self) -> None:
        """What was offered last is stored for good."""
        self._is_committed = True

    def forget(self, lookups: Iterable[bytes]) -> None:
        """Something about these addresses is changed in this transaction."""
        for lookup in lookups:
            self.lend(lookup)
            self._offered.pop(lookup, None)

    def clear(self) -> None:
        """Anything about anybody may have changed, or somebody is erased."""
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
