from datetime import timedelta

import pytest

from storage.core.errors import BadRow, Duplicate
from storage.core.store import Store
from storage.tables import contacts, messages
from storage.tables.contacts import (
    AddressOwner,
    AddressState,
    ContactLanguage,
    ContactStop,
    KnownAddress,
    NewAddress,
    addresses_of_contacts,
    adopt_addresses,
    delete_contacts,
    encrypted_addresses,
    find_addresses,
    purge_orphaned_contacts,
)
from storage.tables.messages import NewDeadLetter, erase_dead_letters, unsettled_dead_letters
from storage.tables.outbox import insert_messages, waiting_messages
from tests.support.rows import LATER, NOW, lookup, message, new_id, person


def test_find_gives_the_known_ones_with_their_contact(store: Store) -> None:
    with store.begin() as connection:
        first = person(connection, 1)
        person(connection, 2)
        contacts.set_languages(connection, [ContactLanguage(first, "tr")])
        contacts.mark_stopped(connection, [ContactStop(first, LATER)])
        contacts.mark_unreachable(connection, [AddressState(lookup(1), NOW, "blocked")])
        found = find_addresses(connection, [lookup(1), lookup(3)])
        assert found == {lookup(1): KnownAddress(lookup(1), first, "telegram", "tr", LATER, NOW)}
        assert encrypted_addresses(connection, [lookup(2), lookup(3)]) == {lookup(2): b"sealed 2"}
        assert find_addresses(connection, []) == {}


def test_a_contact_can_be_written_to_again(store: Store) -> None:
    with store.begin() as connection:
        contact = person(connection, 1)
        contacts.mark_stopped(connection, [ContactStop(contact, NOW)])
        contacts.mark_unreachable(connection, [AddressState(lookup(1), NOW, "blocked")])
        contacts.mark_stopped(connection, [ContactStop(contact, None)])
        contacts.mark_unreachable(connection, [AddressState(lookup(1), None, None)])
        known = find_addresses(connection, [lookup(1)])[lookup(1)]
        assert (known.stopped_at, known.unreachable_at) == (None, None)


@pytest.mark.parametrize("number", [1, 2, 3, 64, 65, 1_000])
def test_any_number_of_people_is_found_in_one_go(store: Store, number: int) -> None:
    with store.begin() as connection:
        rows = [NewAddress(lookup(at), None, "web", b"sealed", NOW) for at in range(number)]
        assert contacts.insert_addresses(connection, rows) == number
        assert set(find_addresses(connection, [lookup(at) for at in range(number)])) == {row.lookup for row in rows}


def test_addresses_of_a_contact_come_in_order(store: Store) -> None:
    with store.begin() as connection:
        contact = person(connection, 5)
        later = [NewAddress(lookup(at), contact, "web", b"", NOW + timedelta(seconds=at)) for at in (2, 1)]
        contacts.insert_addresses(connection, later)
        assert [row.lookup for row in addresses_of_contacts(connection, [contact])] == [lookup(5), lookup(1), lookup(2)]


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
        insert_messages(connection, [message(1), message(2), message(1, "broadcast")])
        letter = NewDeadLetter(new_id(), "telegram", "7", lookup(1), b"sealed", "ValueError", NOW)
        messages.insert_dead_letters(connection, [letter])

        erase_dead_letters(connection, [lookup(1)])
        assert delete_contacts(connection, [gone, 4711]) == 1

        assert [row.lookup for row in waiting_messages(connection, "telegram")] == [lookup(2)]
        assert unsettled_dead_letters(connection) == []
        assert [found.contact_id for found in find_addresses(connection, [lookup(1), lookup(2)]).values()] == [stays]


def test_orphans_go_once_nothing_waits_for_them(store: Store) -> None:
    with store.begin() as connection:
        stays = person(connection, 1)
        left = [NewAddress(lookup(at), None, "telegram", b"", NOW) for at in (2, 3, 4)]
        contacts.insert_addresses(connection, left)
        insert_messages(connection, [message(2, "farewell")])
        adopt_addresses(connection, [AddressOwner(lookup(3), stays)])
        assert purge_orphaned_contacts(connection) == 1  # number 4
        assert set(find_addresses(connection, [lookup(at) for at in range(5)])) == {lookup(1), lookup(2), lookup(3)}
