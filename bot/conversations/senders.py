"""Resolves the senders of a batch with their waiting sessions; creates contacts for new addresses."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from bot.common.ids import random_id
from bot.common.keys import Keys
from bot.consultations.batch_context import BatchContext, ContactRows
from bot.consultations.catalogue import Catalogue, NotCompiled, PendingCompilations
from bot.consultations.participant import Participation, Person
from bot.consultations.stored_revisions import UnreadableError
from bot.conversations.people_cache import BatchPeople, CachedParticipation, CachedPerson, PeopleCache
from flows.languages import nearest
from flows.messages import MsgIn
from flows.session import Session
from storage.core.engines import locks_rows
from storage.tables import contacts
from storage.tables.contacts import (
    AddressMissed,
    AddressOwner,
    AddressState,
    KnownAddress,
    NewAddress,
    NewContact,
    adopt_addresses,
    find_addresses,
)
from storage.tables.sessions import StoredSession, waiting_sessions


class SenderResolver:
    """Finds contacts by address with two queries per batch. `proactive`: channels that can write first."""

    def __init__(
        self, keys: Keys, catalogue: Catalogue, proactive: frozenset[str], waits: Callable[[str, bytes], bool]
    ) -> None:
        """`waits`: whether a question to this channel and lookup is still queued."""
        self._waits = waits
        self._keys = keys
        self._catalogue = catalogue
        self._proactive = proactive
        self.people_cache = PeopleCache()
        self._met = BatchPeople()

    def begin(self, connection: Connection) -> None:
        """Starts a batch."""
        self._met = BatchPeople()
        self.people_cache.begin(connection)

    def discard_cache(self) -> None:
        """Notes that this batch changes more than the answers of its senders, so none of them may be cached."""
        self._met.discard()

    def end(self) -> None:
        """Ends a batch: offers its senders to the cache, effective after the commit (`PeopleCache.committed`)."""
        people = self._met.to_keep()
        if people is None:
            self.people_cache.clear()
        else:
            self.people_cache.offer(people)

    def find(self, batch: BatchContext, arrived: list[MsgIn]) -> dict[tuple[str, str], Person]:
        """Returns the senders by channel and address, with their waiting sessions. Raises NotCompiled."""
        addresses = {(msg.channel, msg.address): self._keys.lookup(msg.channel, msg.address) for msg in arrived}
        lent = {lookup: kept for lookup in addresses.values() if (kept := self._take_cached(batch.connection, lookup))}
        known = find_addresses(batch.connection, [lookup for lookup in addresses.values() if lookup not in lent])
        hints = {(msg.channel, msg.address): msg.language_hint for msg in arrived if msg.language_hint}
        people: dict[tuple[str, str], Person] = {}
        waiting: dict[bytes, Person] = {}
        compiling = PendingCompilations()
        for (channel, address), lookup in addresses.items():
            found = known.get(lookup)
            if kept := lent.get(lookup):
                person = self._restore(
                    batch.connection, kept, channel=channel, address=address, lookup=lookup, compiling=compiling
                )
            elif found is None or found.contact_id is None:
                person = self._welcome(batch, channel, address, lookup, is_known=found is not None)
            else:
                self.people_cache.forget_contact(found.contact_id)
                key = self._keys.waiting(found.contact_id)
                person = Person(
                    contact_id=found.contact_id,
                    waiting_key=key,
                    lookup=lookup,
                    channel=channel,
                    address=address,
                    language=found.language,
                )
                waiting.setdefault(
                    key, person
                )  # of several linked addresses the first one, see `bot.conversations.batch`
                if found.unreachable_at is not None:  # a sender is reachable
                    batch.add(contacts.mark_unreachable, AddressState(lookup, None, None))
                person.spoken_language = found.spoken_language
                person.has_missed = self._has_missed(batch, found)
            person.is_proactive = channel in self._proactive
            person.guessed_language = nearest(hints.get((channel, address), ""))
            people[channel, address] = person
            self._met.add(person)
        for key, row in waiting_sessions(batch.connection, list(waiting), lock=locks_rows(batch.connection)).items():
            try:
                waiting[key].participation = self.load_participation(batch.connection, row)
            except UnreadableError:
                waiting[key].incompatible_session = row
            except NotCompiled as missing:
                compiling.add(missing, [waiting[key].sender])
        compiling.check()
        return people

    def _take_cached(self, connection: Connection, lookup: bytes) -> CachedPerson | None:
        """Takes a sender out of the cache, if this version can read the revision of the session."""
        kept = self.people_cache.lend(lookup)
        if kept and kept.participation:
            try:
                self._catalogue.revision(connection, kept.participation.revision_id)
            except UnreadableError:
                return None
            except NotCompiled:  # raised again when the revision is used
                return kept
        return kept

    def _restore(
        self,
        connection: Connection,
        kept: CachedPerson,
        channel: str,
        address: str,
        lookup: bytes,
        compiling: PendingCompilations,
    ) -> Person:
        """Builds the sender of this batch from a cache entry."""
        person = Person(
            contact_id=kept.contact_id,
            waiting_key=kept.waiting_key,
            lookup=lookup,
            channel=channel,
            address=address,
            language=kept.language,
            spoken_language=kept.spoken_language,
            has_missed=self._waits(channel, lookup),
        )
        if kept.participation:
            try:
                person.participation = self._restore_participation(connection, kept.participation)
            except NotCompiled as missing:
                compiling.add(missing, [person.sender])
        return person

    def _restore_participation(self, connection: Connection, kept: CachedParticipation) -> Participation:
        return Participation(
            id=kept.id,
            published=self._catalogue.revision(connection, kept.revision_id),
            session=kept.session,
            pseudonym=kept.pseudonym,
            started_at=kept.started_at,
            seen_at=kept.seen_at,
            mode=kept.mode,
            entry_code=kept.entry_code,
            is_stored=True,
            was_waiting=not kept.session.submitted,
        )

    def _has_missed(self, batch: BatchContext, found: KnownAddress) -> bool:
        """Whether the last question was not delivered, or not yet. It is asked again and then counts as delivered."""
        if found.question_missed:
            batch.add(contacts.mark_missed, AddressMissed(found.lookup, question_missed=False))
        return found.question_missed or self._waits(found.channel, found.lookup)

    def _welcome(self, batch: BatchContext, channel: str, address: str, lookup: bytes, *, is_known: bool) -> Person:
        """Creates a contact. A known lookup without contact belongs to a final message that is still being sent."""
        number, day = random_id(batch.random), batch.today
        batch.section(ContactRows).add(NewContact(number, None, day))
        if is_known:
            batch.add(adopt_addresses, AddressOwner(lookup, number))
        else:
            sealed = self._keys.encrypt(address, lookup)
            row = NewAddress(lookup=lookup, contact_id=number, channel=channel, sealed=sealed, created_at=day)
            batch.add(contacts.insert_addresses, row)
        return Person(
            contact_id=number,
            waiting_key=self._keys.waiting(number),
            lookup=lookup,
            channel=channel,
            address=address,
            language=None,
        )

    def load_participation(self, connection: Connection, row: StoredSession) -> Participation:
        """Loads a stored session. Raises UnreadableError if another version wrote it or its revision."""
        published = self._catalogue.revision(connection, row.revision_id)
        try:
            session = Session.from_json(row.state)
        except (TypeError, ValueError) as fault:
            raise UnreadableError("a session of another program") from fault
        return Participation.of(row, published, session)
