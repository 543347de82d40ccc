"""What other programs read. These columns are promised in docs/develop/data.md."""

import pytest
from sqlalchemy import Connection, delete, text, update

from storage.core.errors import StorageError
from storage.core.store import Store
from storage.tables import proposals
from storage.tables.answers import upsert_answers
from storage.tables.consultations import ConsultationRow
from storage.tables.proposals import (
    NewProposalStatus,
    ProposalRelease,
    ProposalRow,
    insert_proposals,
    release_proposals,
)
from storage.tables.ratings import NewRatingEvent, store_votes
from storage.tables.sessions import SessionChange, change_sessions
from tests.support.rows import LATER, NOW, answer, new_id, person, proposal, pseudonym, published, stored_session

COLUMNS = {
    "v_answers_long": (
        "consultation sample revision response_id question_key value withheld missing answered_at channel language "
        "mode version test"
    ),
    "v_responses": (
        "consultation sample revision response_id status channel language mode place_code started_at ended_at answers "
        "missing test answered"
    ),
    "v_proposals": (
        "consultation sample code title text language district topic status source source_id created_at released_at"
    ),
    "v_ratings": "consultation code response_id vote important rated_at",
    "v_status": "consultation code status reason body link at",
}


def read(connection: Connection, view: str, *columns: str, order: str) -> list[tuple[object, ...]]:
    rows = connection.execute(text(f"SELECT {', '.join(columns)} FROM {view} ORDER BY {order}"))
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("view", COLUMNS)
def test_a_view_keeps_its_columns(store: Store, view: str) -> None:
    with store.reading() as connection:
        assert list(connection.execute(text(f"SELECT * FROM {view}")).keys()) == COLUMNS[view].split()


@pytest.mark.parametrize("view", COLUMNS)
def test_a_view_cannot_be_written(store: Store, view: str) -> None:
    with pytest.raises(StorageError), store.begin() as connection:
        connection.execute(text(f"UPDATE {view} SET consultation = 'other'"))


def test_answers_long(store: Store) -> None:
    with store.begin() as connection:
        mine = stored_session(connection, published(connection), 1, mode="assisted")
        upsert_answers(
            connection,
            [
                answer(mine, "a choice", '"lime-tree"'),
                answer(mine, "b several", '["day", "night"]'),
                answer(mine, "c number", "3.5"),
                answer(mine, "d flag", "true"),
                answer(mine, "e umlaut", '"Ü \\"q\\" \\u00fc"'),
                answer(mine, "f words", '"I live in Elm Street 3"', free_text=True),
                answer(mine, "g skipped words", None, missing="skipped", free_text=True),
                answer(mine, "h refused", None, missing="refused"),
            ],
        )
    with store.reading() as connection:
        found = read(connection, "v_answers_long", "question_key", "value", "withheld", "missing", order="question_key")
        assert found == [
            ("a choice", "lime-tree", 0, None),
            ("b several", '["day", "night"]', 0, None),
            ("c number", "3.5", 0, None),
            ("d flag", "true", 0, None),
            ("e umlaut", 'Ü "q" ü', 0, None),
            ("f words", None, 1, None),
            ("g skipped words", None, 0, "skipped"),
            ("h refused", None, 0, "refused"),
        ]
        columns = ("consultation", "sample", "revision", "response_id", "answered_at", "mode", "version")
        assert read(connection, "v_answers_long", *columns, order="question_key")[0] == (
            "lamps", 0, 1, pseudonym(1), "2026-11-23T14:05:00Z", "assisted", 1
        )  # fmt: skip


def test_responses(store: Store) -> None:
    with store.begin() as connection:
        lamps = published(connection)
        first = stored_session(connection, lamps, 1, place_code="KIEZ-3")
        stored_session(connection, lamps, 2)
        upsert_answers(connection, [answer(first, "a", "1"), answer(first, "b", "2")])
        upsert_answers(connection, [answer(first, "c", None, missing="not_asked")])
        ended = SessionChange(first.id, None, "{}", "completed", "web", "tr", LATER, LATER)
        change_sessions(connection, [ended])
    with store.reading() as connection:
        columns = ("response_id", "status", "channel", "place_code", "started_at", "ended_at", "answers", "missing")
        assert read(connection, "v_responses", *columns, order="response_id") == [
            (pseudonym(1), "completed", "web", "KIEZ-3", "2026-11-23T14:05:00Z", "2026-11-23T14:10:00Z", 2, 1),
            (pseudonym(2), "waiting", "telegram", None, "2026-11-23T14:05:00Z", None, 0, 0),
        ]


def test_only_released_proposals_are_seen(store: Store) -> None:
    with store.begin() as connection:
        lamps = published(connection)
        made = [proposal(lamps.consultation_id, at, f"P-{at}") for at in range(3)]
        insert_proposals(connection, made)
        release_proposals(connection, [ProposalRelease(made[0].id, LATER), ProposalRelease(made[1].id, LATER)])
        connection.execute(update(ProposalRow).where(ProposalRow.id == made[1].id).values(withdrawn_at=LATER))
        for each in made:
            store_votes(connection, [NewRatingEvent(new_id(), each.id, pseudonym(9), 1, True, NOW)])
            status = NewProposalStatus(new_id(), each.id, "accepted", {"de": "Ja"}, "Strategieboard", None, LATER)
            proposals.add_statuses(connection, [status])
    with store.reading() as connection:
        assert read(connection, "v_proposals", "code", "status", "released_at", order="code") == [
            ("P-0", "accepted", "2026-11-23T14:10:00Z")
        ]
        assert read(connection, "v_ratings", "code", "response_id", "vote", "important", order="code") == [
            ("P-0", pseudonym(9), 1, 1)
        ]
        assert read(connection, "v_status", "code", "status", "reason", "body", "at", order="code") == [
            ("P-0", "accepted", '{"de": "Ja"}', "Strategieboard", "2026-11-23T14:10:00Z")
        ]


def test_no_view_shows_who_somebody_is(store: Store) -> None:
    """A secret in every column of the identity half, and none of them comes out."""
    with store.begin() as connection:
        contact = person(connection, 0xC0FFEE, channel="secret-channel")
        stored_session(connection, published(connection), 1, waiting_key=b"secret-wait-key!")
    with store.reading() as connection:
        for view in COLUMNS:
            everything = repr(connection.execute(text(f"SELECT * FROM {view}")).all())
            for secret in ("secret", str(contact), "c0ffee", r"\xc0\xff\xee"):
                assert secret not in everything


def test_a_consultation_with_sessions_stays_readable(store: Store) -> None:
    with store.begin() as connection:
        stored_session(connection, published(connection), 1)
    with pytest.raises(StorageError), store.begin() as connection:
        connection.execute(delete(ConsultationRow))
