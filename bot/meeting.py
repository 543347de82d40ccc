"""Who wrote: the people of a batch, each with the session that waits for them; whoever is new is welcomed."""

from __future__ import annotations

from sqlalchemy import Connection

from bot.catalogue import Catalogue
from bot.effects import Effects
from bot.ids import day_of, random_id
from bot.keys import Keys
from bot.person import Person, Place
from bot.stored import UnreadableError
from flows.messages import MsgIn
from flows.session import Session
from storage import contacts, sessions
from storage.contacts import AddressOwner, AddressState, NewAddress, NewContact
from storage.sessions import StoredSession


class Meeting:
    """Finds people by their addresses: two queries for a whole batch. `proactive`: channels that can write first."""

    def __init__(self, keys: Keys, catalogue: Catalogue, proactive: frozenset[str]) -> None:
        self._keys = keys
        self._catalogue = catalogue
        self._proactive = proactive

    def find(self, connection: Connection, effects: Effects, batch: list[MsgIn]) -> dict[tuple[str, str], Person]:
        """The senders by channel and address, with the session that waits for each."""
        addresses = {(msg.channel, msg.address): self._keys.lookup(msg.channel, msg.address) for msg in batch}
        known = contacts.find(connection, list(addresses.values()))
        people: dict[tuple[str, str], Person] = {}
        waiting: dict[bytes, Person] = {}
        for (channel, address), lookup in addresses.items():
            found = known.get(lookup)
            if found is None or found.contact_id is None:
                person = self._welcome(effects, channel, address, lookup, is_known=found is not None)
            else:
                key = self._keys.waiting(found.contact_id)
                person = Person(found.contact_id, key, lookup, channel, address, found.language)
                waiting.setdefault(key, person)  # of several doors the one that comes first, see `bot.batches`
                if found.unreachable_at is not None:  # whoever writes can be reached
                    effects.reachable.append(AddressState(lookup, None, None))
            person.is_proactive = channel in self._proactive
            people[channel, address] = person
        for key, row in sessions.waiting(connection, list(waiting), lock=locks(connection)).items():
            try:
                waiting[key].place = self.place(connection, row)
            except UnreadableError:
                waiting[key].stranded = row
        return people

    def _welcome(self, effects: Effects, channel: str, address: str, lookup: bytes, *, is_known: bool) -> Person:
        """Somebody we do not know (any more). A known look-up without contact is a farewell still on its way."""
        number, day = random_id(), day_of(effects.now)
        effects.new_contacts.append(NewContact(number, None, day))
        if is_known:
            effects.adopted.append(AddressOwner(lookup, number))
        else:
            sealed = self._keys.seal(address, lookup)
            effects.new_addresses.append(NewAddress(lookup, number, channel, sealed, day))
        return Person(number, self._keys.waiting(number), lookup, channel, address, None)

    def place(self, connection: Connection, row: StoredSession) -> Place:
        """Where a stored session stands. Raises UnreadableError where another program wrote it, or its revision."""
        published = self._catalogue.revision(connection, row.revision_id)
        try:
            session = Session.from_json(row.state)
        except (TypeError, ValueError) as fault:
            raise UnreadableError("a session of another program") from fault
        return Place(
            row.id,
            published,
            session,
            row.pseudonym,
            row.started_at,
            row.updated_at,
            row.mode,
            is_stored=True,
            was_waiting=row.waiting_key is not None and row.status == "waiting",
        )


def locks(connection: Connection) -> bool:
    """Whether rows are locked against other processes: SQLite has one writer anyway."""
    return connection.dialect.name == "postgresql"
