"""What counts as a participation: begun, answered, finished, on both databases and in the view alike."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection, text

from storage.core.store import Store
from storage.tables import answers, participations
from storage.tables.answers import NewConsent, upsert_answers
from storage.tables.consultations import set_consultation_state
from storage.tables.participations import (
    EntryCodeCount,
    Tally,
    progress_of_people,
    tally_by_entry_code,
    tally_participations,
)
from storage.tables.proposals import insert_proposals
from storage.tables.ratings import NewRatingEvent, erase_ratings, store_votes
from storage.tables.sessions import StoredSession, erase_sessions
from tests.support.rows import LATER, NOW, answer, new_id, proposal, pseudonym, published, stored_session

FAR = NOW + timedelta(days=36500)
DONE: dict[str, object] = {"waiting_key": None, "status": "completed", "ended_at": LATER}


def agreed(connection: Connection, to: StoredSession, key: str, *, given: bool) -> None:
    """An answer to a question of consent, as the engine stores it: the answer, and in which wording."""
    upsert_answers(connection, [answer(to, key, "true" if given else "false")])
    row = NewConsent(new_id(), to.consultation_id, to.pseudonym, key, "hash", "de", to.channel, given, NOW)
    answers.insert_consents(connection, [row])


@pytest.fixture
def people(store: Store) -> dict[str, StoredSession]:
    """One person of each kind."""
    with store.begin() as connection:
        lamps = published(connection)
        kinds = ["nothing", "skipped", "agreed", "refused", "answer", "vote", "finished", "skipped all", "paper"]
        kinds.append("helped")
        other: dict[str, dict[str, object]] = {
            "finished": DONE,
            "skipped all": DONE,
            "paper": {"mode": "paper", **DONE},
            "helped": {"mode": "assisted"},
        }
        found = {
            kind: stored_session(connection, lamps, number, **other.get(kind, {}))
            for number, kind in enumerate(kinds, start=1)
        }
        for kind in ("skipped", "skipped all"):
            upsert_answers(connection, [answer(found[kind], "a", None, missing="skipped")])
        agreed(connection, found["agreed"], "ok", given=True)
        agreed(connection, found["refused"], "ok", given=False)
        for kind in ("answer", "finished", "paper", "helped"):
            agreed(connection, found[kind], "ok", given=True)
            upsert_answers(connection, [answer(found[kind], "a", '"yes"')])
        idea = proposal(lamps.consultation_id, 99, "P-1")
        insert_proposals(connection, [idea])
        vote = NewRatingEvent(new_id(), idea.id, found["vote"].pseudonym, -1, False, NOW)
        store_votes(connection, [vote])
    return found


def test_an_answer_or_a_rating_counts_a_consent_does_not(store: Store, people: dict[str, StoredSession]) -> None:
    with store.reading() as connection:
        ids = {row.id: kind for kind, row in people.items()}
        found = {ids[number] for number in participations.answered_among(connection, list(ids))}
        assert found == {"answer", "vote", "finished", "paper", "helped"}
        assert participations.answered_among(connection, []) == frozenset()
        assert tally_participations(connection, people["vote"].consultation_id) == Tally(10, 5, 3)
        assert tally_participations(connection, 0) == Tally(0, 0, 0)
        standing = progress_of_people(connection, [row.pseudonym for row in people.values()] + [pseudonym(77)])
        assert {name for name, one in standing.items() if one.is_answered} == {people[kind].pseudonym for kind in found}
        assert standing[people["skipped all"].pseudonym].status == "completed"


def test_consent_key_of_another_consultation_hides_no_answer(store: Store, people: dict[str, StoredSession]) -> None:
    with store.begin() as connection:
        park = published(connection, "park")
        mine = stored_session(connection, park, 50)
        upsert_answers(connection, [answer(mine, "ok", '"yes"')])
        assert tally_participations(connection, park.consultation_id) == Tally(1, 1, 0)
        assert participations.answered_among(connection, [mine.id]) == {mine.id}


def test_the_view_says_the_same(store: Store, people: dict[str, StoredSession]) -> None:
    with store.reading() as connection:
        rows = connection.execute(text("SELECT response_id, answered FROM v_responses")).all()
        standing = progress_of_people(connection, [row.pseudonym for row in people.values()])
        assert {name: bool(n) for name, n in rows} == {name: one.is_answered for name, one in standing.items()}
        assert {type(n) for _, n in rows} == {int}


def test_erased_people_are_not_counted(store: Store, people: dict[str, StoredSession]) -> None:
    with store.begin() as connection:
        erase_sessions(connection, [people["answer"].pseudonym])
        erase_ratings(connection, [people["vote"].pseudonym])
        assert tally_participations(connection, people["vote"].consultation_id) == Tally(9, 3, 3)


def test_counted_by_place_and_mode(store: Store) -> None:
    with store.begin() as connection:
        lamps = published(connection)
        for number, (place, mode) in enumerate([("kiez", "self"), ("kiez", "self"), ("kiez", "paper"), (None, "self")]):
            one = stored_session(
                connection, lamps, number + 1, place_code=place, mode=mode, **(DONE if number == 0 else {})
            )
            if number < 3:
                upsert_answers(connection, [answer(one, "a", "1")])
        assert tally_by_entry_code(connection, lamps.consultation_id) == [
            EntryCodeCount("kiez", "paper", 1, 1, 0),
            EntryCodeCount("kiez", "self", 2, 2, 1),
            EntryCodeCount("", "self", 1, 0, 0),
        ]
        assert tally_by_entry_code(connection, 0) == []


@pytest.mark.parametrize(
    ("end", "status", "ended"),
    [
        ({"closes_at": LATER}, "interrupted", "2026-11-23T14:10:00Z"),
        ({"closes_at": FAR}, "waiting", None),
        ({"state": "closed", "closed_at": LATER, "closes_at": FAR}, "interrupted", "2026-11-23T14:10:00Z"),
        ({"state": "closed", "closed_at": LATER, "closes_at": NOW}, "interrupted", "2026-11-23T14:05:00Z"),
        ({"state": "archived"}, "interrupted", "2026-11-23T14:05:00Z"),
        ({}, "waiting", None),
    ],
)  # fmt: skip
def test_where_it_is_over_the_view_says_that_nobody_is_under_way(
    store: Store, end: dict[str, object], status: str, ended: str | None
) -> None:
    with store.begin() as connection:
        lamps = published(connection)
        stored_session(connection, lamps, 1)
        stored_session(connection, lamps, 2, **DONE)
        set_consultation_state(connection, lamps.consultation_id, **{"state": "open"} | end)  # type: ignore[arg-type]
    with store.reading() as connection:
        query = "SELECT status, ended_at FROM v_responses ORDER BY response_id"
        assert [tuple(row) for row in connection.execute(text(query))] == [
            (status, ended),
            ("completed", "2026-11-23T14:10:00Z"),
        ]
