from datetime import timedelta

import pytest

from storage.core.errors import BadRow, Duplicate
from storage.core.store import Store
from storage.tables import contacts, messages, outbox
from storage.tables.contacts import AddressOwner, AddressState, ContactLanguage, ContactStop, KnownAddress, NewAddress
from storage.tables.messages import NewDeadLetter
from tests.test_storage.rows import LATER, NOW, lookup, message, new_id, person


def test_find_gives_the_known_ones_with_their_contact(store: Store) -> None:
    with store.begin() as connection:
        first = person(connection, 1)
        person(connection, 2)
        contacts.set_languages(connection, [ContactLanguage(first, "tr")])
        contacts.mark_stopped(connection, [ContactStop(first, LATER)])
        contacts.mark_unreachable(connection, [AddressState(lookup(1), NOW, "blocked")])
        found = contacts.find(connection, [lookup(1), lookup(3)])
        assert found == {lookup(1): KnownAddress(lookup(1), first, "telegram", "tr", LATER, NOW)}
        assert contacts.sealed(connection, [lookup(2), lookup(3)]) == {lookup(2): b"sealed 2"}
        assert contacts.find(connection, []) == {}


def test_a_contact_can_be_written_to_again(store: Store) -> None:
    with store.begin() as connection:
        contact = person(connection, 1)
        contacts.mark_stopped(connection, [ContactStop(contact, NOW)])
        contacts.mark_unreachable(connection, [AddressState(lookup(1), NOW, "blocked")])
        contacts.mark_stopped(connection, [ContactStop(contact, None)])
        contacts.mark_unreachable(connection, [AddressState(lookup(1), None, None)])
        known = contacts.find(connection, [lookup(1)])[lookup(1)]
        assert (known.stopped_at, known.unreachable_at) == (None, None)


@pytest.mark.parametrize("number", [1, 2, 3, 64, 65, 1_000])
def test_any_number_of_people_is_found_in_one_go(store: Store, number: int) -> None:
    with store.begin() as connection:
        rows = [NewAddress(lookup(at), None, "web", b"sealed", NOW) for at in range(number)]
        assert contacts.insert_addresses(connection, rows) == number
        assert set(contacts.find(connection, [lookup(at) for at in range(number)])) == {row.lookup for row in rows}


def test_addresses_of_a_contact_come_in_order(store: Store) -> None:
    with store.begin() as connection:
        contact = person(connection, 5)
        later = [NewAddress(lookup(at), contact, "web", b"", NOW + timedelta(seconds=at)) for at in (2, 1)]
        contacts.insert_addresses(connection, later)
        assert [row.lookup for row in contacts.of_contacts(connection, [contact])] == [lookup(5), lookup(1), lookup(2)]


def test_an_address_belongs_to_one_contact(store: Store) -> None:
    with store.begin() as connection:
        person(connection, 1)
    with pytest.raises(Duplicate), store.begin() as connection:
        person(connection, 1)


def test_a_key_of_another_length_is_refused(store: Store) -> None:
    with pytest.raises(BadRow), store.begin() as connection:
        contacts.insert_addresses(connection, [NewAddress(b"short", None, "web", b"", NOW)])


def test_erasing_leaves_nothing_of_a_person(store: Store) -> None:
    with store.begin() as connection:
        gone, stays = person(connection, 1), person(connection, 2)
        outbox.insert(connection, [message(1), message(2), message(1, "broadcast")])
        letter = NewDeadLetter(new_id(), "telegram", "7", lookup(1), b"sealed", "ValueError", NOW)
        messages.insert_dead_letters(connection, [letter])

        messages.erase(connection, [lookup(1)])
        assert contacts.erase(connection, [gone, 4711]) == 1

        assert [row.lookup for row in outbox.waiting(connection, "telegram")] == [lookup(2)]
        assert messages.dead_letters(connection) == []
        assert [found.contact_id for found in contacts.find(connection, [lookup(1), lookup(2)]).values()] == [stays]


def test_orphans_go_once_nothing_waits_for_them(store: Store) -> None:
    with store.begin() as connection:
        stays = person(connection, 1)
        left = [NewAddress(lookup(at), None, "telegram", b"", NOW) for at in (2, 3, 4)]
        contacts.insert_addresses(connection, left)
        outbox.insert(connection, [message(2, "farewell")])
        contacts.adopt(connection, [AddressOwner(lookup(3), stays)])
        assert contacts.purge_orphans(connection) == 1  # number 4
        assert set(contacts.find(connection, [lookup(at) for at in range(5)])) == {lookup(1), lookup(2), lookup(3)}
