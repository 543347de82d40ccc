"""Resolves the senders of a batch with their waiting sessions; creates contacts for new addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from bot.common.ids import random_id
from bot.common.keys import Keys
from bot.consultations.batch_context import BatchContext, ContactRows
from bot.consultations.catalogue import Catalogue, NotCompiled, PendingCompilations
from bot.consultations.participant import Participation, Person
from bot.consultations.stored_revisions import UnreadableError
from bot.conversations.people_cache import BatchPeople, PeopleCache
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

    def begin(self) -> None:
        """Starts a batch."""
        self._met = BatchPeople()
        self.people_cache.begin()

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
        hints = {(msg.channel, msg.address): msg.language_hint for msg in arrived if msg.language_hint}
        compiling = PendingCompilations()
        people: dict[tuple[str, str], Person] = {}
        unknown: dict[tuple[str, str], bytes] = {}
        self.people_cache.check(batch.connection, addresses.values())
        for sender, lookup in addresses.items():
            if person := self._cached(batch.connection, sender, lookup, compiling):
                people[sender] = person
            else:
                unknown[sender] = lookup
        if unknown:
            people |= self._load(batch, unknown, compiling)
        compiling.check()
        for sender, person in people.items():
            person.guessed_language = nearest(hints.get(sender, ""))
            self._met.add(person)
        return people

    def _cached(
        self, connection: Connection, sender: tuple[str, str], lookup: bytes, compiling: PendingCompilations
    ) -> Person | None:
        """Takes a sender out of the cache, if this version can read the revision of the session."""
        kept = self.people_cache.lend(lookup)
        if kept is None:
            return None
        person = kept.person
        if person.participation and kept.revision_id is not None:
            try:
                person.participation.published = self._catalogue.revision(connection, kept.revision_id)
            except UnreadableError:
                return None
            except NotCompiled as missing:
                compiling.add(missing, [sender])
        channel, person.address = sender
        person.has_missed = self._waits(channel, lookup)
        return person

    def _load(
        self, batch: BatchContext, addresses: Mapping[tuple[str, str], bytes], compiling: PendingCompilations
    ) -> dict[tuple[str, str], Person]:
        """Loads senders by their lookups, with their waiting sessions."""
        connection = batch.connection
        known = find_addresses(connection, list(addresses.values()))
        people: dict[tuple[str, str], Person] = {}
        waiting: dict[bytes, Person] = {}
        for (channel, address), lookup in addresses.items():
            found = known.get(lookup)
            if found is None or found.contact_id is None:
                person = self._welcome(batch, channel, address, lookup, is_known=found is not None)
            else:
                person = self._known(batch, found, found.contact_id, address)
                # Of several linked addresses the first one, see `bot.conversations.batch`.
                waiting.setdefault(person.waiting_key, person)
            person.is_proactive = channel in self._proactive
            people[channel, address] = person
        for key, row in waiting_sessions(connection, list(waiting), lock=locks_rows(connection)).items():
            try:
                waiting[key].participation = self.load_participation(connection, row)
            except UnreadableError:
                waiting[key].incompatible_session = row
            except NotCompiled as missing:
                compiling.add(missing, [waiting[key].sender])
        return people

    def _known(self, batch: BatchContext, found: KnownAddress, contact_id: int, address: str) -> Person:
        """Builds the sender of a stored address. A sender is reachable."""
        self.people_cache.forget_contact(contact_id)
        if found.unreachable_at is not None:
            batch.add(contacts.mark_unreachable, AddressState(found.lookup, None, None))
        return Person(
            contact_id=contact_id,
            waiting_key=self._keys.waiting(contact_id),
            lookup=found.lookup,
            channel=found.channel,
            address=address,
            language=found.language,
            spoken_language=found.spoken_language,
            has_missed=self._has_missed(batch, found),
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
        except (TypeError, ValueError) as error:
            raise UnreadableError("a session of another program") from error
        return Participation.of(row, published, session)
