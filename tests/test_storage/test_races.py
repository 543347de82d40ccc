"""Concurrent writers: unique rows exist once, in any order."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Connection, func, select

from storage.core.errors import Duplicate
from storage.core.store import Store
from storage.tables import sessions
from storage.tables.answers import AnswerRow, upsert_answers
from storage.tables.messages import MessageKey, NewReceived, take_messages
from storage.tables.proposals import insert_proposals
from storage.tables.ratings import NewRatingEvent, RatingRow, store_votes
from storage.tables.sessions import SessionRow, insert_sessions, sessions_of_people, step_sessions, waiting_sessions
from tests.support.databases import Database
from tests.support.rows import NOW, answer, key, new_id, proposal, pseudonym, published, session, stored_session

CLICKS = 4
PEOPLE = 500


def at_once(database: Database, work: Callable[[int], Callable[[Connection], object]]) -> list[object]:
    """Four programs, each with a store of its own, run ``work(number)`` at the same time."""
    stores = [Store(database.url, busy_seconds=20) for _ in range(CLICKS)]
    with ThreadPoolExecutor(CLICKS) as pool:
        done = list(pool.map(lambda number: stores[number].run(work(number)), range(CLICKS)))
    for each in stores:
        each.dispose()
    return done


def test_five_hundred_people_who_click_four_times(store: Store, database: Database) -> None:
    with store.begin() as connection:
        lamps = published(connection)
        people = [stored_session(connection, lamps, number) for number in range(PEOPLE)]
        bench = proposal(lamps.consultation_id, 1, "P-1")
        insert_proposals(connection, [bench])

    def vote(click: int) -> Callable[[Connection], object]:
        def work(connection: Connection) -> None:
            # Each program in another order, so that they wait for each other crosswise.
            mine = people[click * 100 :] + people[: click * 100]
            upsert_answers(connection, [answer(person, "lamps", f'"{click}"') for person in mine])
            votes = [NewRatingEvent(new_id(), bench.id, person.pseudonym, 1, False, NOW) for person in mine]
            store_votes(connection, votes)

        return work

    at_once(database, vote)
    with store.reading() as connection:
        assert connection.execute(select(func.count(), func.sum(AnswerRow.version))).one() == (PEOPLE, PEOPLE * CLICKS)
        assert connection.execute(select(func.count()).select_from(RatingRow)).scalar() == PEOPLE


def test_a_message_that_comes_four_times_is_handled_once(store: Store, database: Database) -> None:
    rows = [NewReceived("telegram", str(number), NOW) for number in range(PEOPLE)]
    taken = at_once(
        database, lambda number: lambda connection: take_messages(connection, rows[number:] + rows[:number])
    )
    everything: list[MessageKey] = [each for new in taken if isinstance(new, set) for each in new]
    assert len(everything) == len(set(everything)) == PEOPLE


def test_a_person_who_starts_four_times_at_once_has_one_session(store: Store, database: Database) -> None:
    with store.begin() as connection:
        lamps = published(connection)

    def start(number: int) -> Callable[[Connection], object]:
        def work(connection: Connection) -> str:
            waiting = waiting_sessions(connection, [key(1)], lock=True)
            if waiting:
                return waiting[key(1)].receipt
            insert_sessions(connection, [session(lamps, 1, receipt=f"R-{number}")])
            return f"R-{number}"

        return work

    assert len(set(at_once(database, start))) == 1
    with store.reading() as connection:
        assert connection.execute(select(func.count()).select_from(SessionRow)).scalar() == 1


def test_a_locked_session_is_read_as_the_other_program_left_it(store: Store, database: Database) -> None:
    with store.begin() as connection:
        stored_session(connection, published(connection), 1, state="0")

    def count_up(_: int) -> Callable[[Connection], object]:
        def work(connection: Connection) -> None:
            found = waiting_sessions(connection, [key(1)], lock=True)[key(1)]
            later = found.updated_at + timedelta(seconds=1)
            step = sessions.SessionStep(found.id, str(int(found.state) + 1), "web", "de", later)
            step_sessions(connection, [step])

        return work

    for _ in range(10):
        at_once(database, count_up)
    with store.reading() as connection:
        assert sessions_of_people(connection, [pseudonym(1)])[pseudonym(1)].state == str(10 * CLICKS)


async def test_writes_of_a_program_run_one_after_another(store: Store) -> None:
    with store.begin() as connection:
        stored_session(connection, published(connection), 1, state="0")

    def work(connection: Connection) -> None:
        found = waiting_sessions(connection, [key(1)])[key(1)]
        step_sessions(connection, [sessions.SessionStep(found.id, str(int(found.state) + 1), "web", "de", NOW)])

    await asyncio.gather(*(store.write(work) for _ in range(50)))
    found = await store.read(lambda connection: waiting_sessions(connection, [key(1)]))
    assert found[key(1)].state == "50"


def test_a_duplicate_that_stays_is_told(store: Store) -> None:
    with store.begin() as connection:
        stored_session(connection, published(connection), 1)
    with pytest.raises(Duplicate):
        store.run(lambda connection: stored_session(connection, published(connection, "trees"), 1))
