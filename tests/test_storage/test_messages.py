from storage.core.store import Store
from storage.tables import messages
from storage.tables.messages import (
    NewDeadLetter,
    NewReceived,
    discard_dead_letters,
    forget_messages_before,
    insert_received,
    known_messages,
    take_messages,
    unsettled_dead_letters,
)
from tests.support.rows import LATER, NOW, new_id


def rows(*keys: tuple[str, str]) -> list[NewReceived]:
    return [NewReceived(channel, external_id, NOW) for channel, external_id in keys]


def test_a_repeat_is_recognised_per_channel(store: Store) -> None:
    first = rows(("telegram", "1"), ("telegram", "2"), ("matrix", "1"))
    with store.begin() as connection:
        assert take_messages(connection, first) == {("telegram", "1"), ("telegram", "2"), ("matrix", "1")}
    with store.begin() as connection:
        again = rows(("telegram", "2"), ("telegram", "3"), ("matrix", "1"), ("web", "1"))
        assert take_messages(connection, again) == {("telegram", "3"), ("web", "1")}
        assert take_messages(connection, first) == set()
        assert take_messages(connection, []) == set()
        everything = [("telegram", "1"), ("telegram", "9"), ("web", "1")]
        assert known_messages(connection, everything) == {("telegram", "1"), ("web", "1")}


def test_a_repeat_within_a_batch_counts_once(store: Store) -> None:
    with store.begin() as connection:
        assert take_messages(connection, rows(("web", "1"), ("web", "1"))) == {("web", "1")}


def test_old_messages_are_forgotten(store: Store) -> None:
    with store.begin() as connection:
        insert_received(connection, [NewReceived("web", "old", NOW), NewReceived("web", "new", LATER)])
        assert forget_messages_before(connection, LATER) == 1
        assert known_messages(connection, [("web", "old"), ("web", "new")]) == {("web", "new")}


def test_a_dead_letter_waits_until_a_person_has_looked(store: Store) -> None:
    letters = [NewDeadLetter(new_id(), "web", str(at), None, b"\x00\xff", "ValueError", NOW) for at in range(3)]
    with store.begin() as connection:
        messages.insert_dead_letters(connection, letters)
        assert [tuple(found[:-1]) for found in unsettled_dead_letters(connection)] == letters
        assert discard_dead_letters(connection, [letters[0].id]) == 1
        assert [found.id for found in unsettled_dead_letters(connection, limit=1)] == [letters[1].id]
        assert messages.forget_dead_letters_before(connection, LATER) == 2
