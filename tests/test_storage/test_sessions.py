import pytest

from storage.core.errors import BadRow, Duplicate
from storage.core.store import Store
from storage.tables.sessions import (
    SessionChange,
    SessionStep,
    StoredSession,
    change_sessions,
    count_sessions_by_status,
    erase_sessions,
    insert_sessions,
    sessions_of_people,
    step_sessions,
    waiting_sessions,
)
from tests.support.rows import LATER, key, pseudonym, published, session, stored_session


def changed(found: StoredSession, **changes: object) -> SessionChange:
    values = found._asdict() | changes
    return SessionChange(**{field: values[field] for field in SessionChange._fields})


def test_a_waiting_session_is_found_by_its_contact(store: Store) -> None:
    with store.begin() as connection:
        lamps = published(connection)
        first, second = stored_session(connection, lamps, 1), stored_session(connection, lamps, 2)
        assert waiting_sessions(connection, [key(1), key(2), key(3)]) == {key(1): first, key(2): second}
        assert waiting_sessions(connection, [key(1)], lock=True) == {key(1): first}
        assert sessions_of_people(connection, [pseudonym(2), pseudonym(9)]) == {pseudonym(2): second}


def test_an_ordinary_turn_keeps_the_session_waiting(store: Store) -> None:
    with store.begin() as connection:
        first = stored_session(connection, published(connection), 1)
        assert step_sessions(connection, [SessionStep(first.id, '{"at": "end"}', "web", "tr", LATER)]) == 1
        expected = first._replace(state='{"at": "end"}', channel="web", language="tr", updated_at=LATER)
        assert waiting_sessions(connection, [key(1)]) == {key(1): expected}


def test_a_completed_session_waits_no_more(store: Store) -> None:
    with store.begin() as connection:
        first = stored_session(connection, published(connection), 1)
        change_sessions(connection, [changed(first, waiting_key=None, status="completed", ended_at=LATER)])
        assert waiting_sessions(connection, [key(1)]) == {}
        found = sessions_of_people(connection, [pseudonym(1)])[pseudonym(1)]
        assert found == first._replace(waiting_key=None, status="completed", ended_at=LATER)
        assert count_sessions_by_status(connection, first.consultation_id) == {"completed": 1}


def test_at_most_one_session_of_a_contact_waits(store: Store) -> None:
    with store.begin() as connection:
        stored_session(connection, published(connection, "lamps"), 1)
    with pytest.raises(Duplicate), store.begin() as connection:
        stored_session(connection, published(connection, "trees"), 1, pseudonym=pseudonym(77))


@pytest.mark.parametrize("order", [1, -1])
def test_contact_changes_consultation_within_a_batch(store: Store, order: int) -> None:
    """In any order of the rows: the one that stops waiting makes room for the other."""
    with store.begin() as connection:
        lamps, trees = published(connection, "lamps"), published(connection, "trees")
        leaves = stored_session(connection, lamps, 1)
        resumes = stored_session(connection, trees, 1, pseudonym=pseudonym(77), waiting_key=None, status="interrupted")
        rows = [
            changed(leaves, waiting_key=None, status="interrupted"),
            changed(resumes, waiting_key=key(1), status="waiting"),
        ]
        assert change_sessions(connection, rows[::order]) == 2
        assert waiting_sessions(connection, [key(1)])[key(1)].id == resumes.id


def test_a_person_answers_a_consultation_once(store: Store) -> None:
    with store.begin() as connection:
        lamps = published(connection)
        stored_session(connection, lamps, 1)
    with pytest.raises(Duplicate), store.begin() as connection:
        stored_session(connection, lamps, 1, waiting_key=None, status="interrupted")


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "asleep"},
        {"mode": "robot"},
        {"pseudonym": "short"},
        {"waiting_key": b"short"},
        {"status": "interrupted"},
    ],
)
def test_the_table_keeps_its_rules(store: Store, wrong: dict[str, object]) -> None:
    with pytest.raises(BadRow), store.begin() as connection:
        insert_sessions(connection, [session(published(connection), 1, **wrong)])


def test_erasing_takes_the_session(store: Store) -> None:
    with store.begin() as connection:
        lamps = published(connection)
        stored_session(connection, lamps, 1)
        stays = stored_session(connection, lamps, 2)
        assert erase_sessions(connection, [pseudonym(1), pseudonym(9)]) == 1
        assert sessions_of_people(connection, [pseudonym(1), pseudonym(2)]) == {pseudonym(2): stays}
