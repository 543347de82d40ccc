"""What is to be read of answers: with tables that an earlier program filled, and with what refers to them."""

import pytest
from sqlalchemy import text

from storage import migrate
from storage.core.errors import BadRow
from storage.core.store import Store
from storage.tables import moderation
from storage.tables.answers import upsert_answers
from storage.tables.moderation import (
    ModerationChange,
    NewDecision,
    NewModeration,
    NewProposalText,
    count_moderation_states,
    insert_moderations,
    moderations_by_id,
    set_moderation_states,
    upsert_translations,
)
from storage.tables.open_answers import (
    NewOpenAnswer,
    insert_open_answers,
    open_answers_by_code,
    open_answers_by_id,
    released_answers,
)
from storage.tables.proposals import ProposalRelease, insert_proposals, release_proposals
from storage.tables.sessions import erase_sessions
from storage.tables.waiting_texts import moderation_queue
from tests.support.rows import LATER, NOW, answer, new_id, proposal, pseudonym, published, stored_session

BEFORE = "20261125_remains"


def everything(store: Store, table: str) -> list[tuple[object, ...]]:
    with store.reading() as connection:
        return [tuple(row) for row in connection.execute(text(f"SELECT * FROM {table} ORDER BY 1"))]


def test_tables_of_an_earlier_program_are_taken_over(store: Store) -> None:
    with store.begin() as connection:
        lamps = published(connection)
        mine, other = stored_session(connection, lamps, 1), stored_session(connection, lamps, 2)
        given = [
            answer(mine, "wish", '"more trees"', free_text=True, answered_at=LATER),
            answer(other, "wish", '"a bench"', free_text=True, answered_at=NOW),
            answer(other, "why", '"[voice] since"', free_text=True, answered_at=LATER),
            answer(mine, "lamps", '"yes"'),
            answer(mine, "none", None, missing="skipped", free_text=True),
            answer(mine, "spoken", '"[voice]"', free_text=True),
        ]
        upsert_answers(connection, given)
        made = [proposal(lamps.consultation_id, at, f"P-{at}") for at in range(3)]
        insert_proposals(connection, made)
        release_proposals(connection, [ProposalRelease(made[2].id, LATER)])
        states = [NewModeration(made[0].id, "waiting", ["email"], None, b"sealed", NOW)]
        insert_moderations(connection, [*states, NewModeration(made[1].id, "merged", [], made[0].id, None, LATER)])
        moderation.add_decisions(connection, [NewDecision(new_id(), made[0].id, 7, "edit", "why", NOW)])
        upsert_translations(connection, [NewProposalText(made[0].id, "en", None, "Lamps", "Ada", True, NOW)])
    before = [everything(store, table) for table in ("decisions", "proposal_texts")]
    migrate.downgrade(store, BEFORE)
    migrate.upgrade(store)
    assert [everything(store, table) for table in ("decisions", "proposal_texts")] == before
    with store.begin() as connection:
        found = moderations_by_id(connection, [one.id for one in made])
        assert [(row.state, row.flags, row.merged_into, row.original) for row in found.values()] == [
            ("waiting", ["email"], None, b"sealed"),
            ("merged", [], made[0].id, None),
            ("released", [], None, None),
        ]
        ids = [id_ for id_ in moderation_queue(connection, lamps.consultation_id) if id_ not in found]
        rows = open_answers_by_id(connection, ids)
        assert (rows[ids[0]].question_key, rows[ids[0]].value) == ("wish", '"a bench"'), "oldest first"
        assert sorted(row.question_key for row in rows.values()) == ["why", "wish", "wish"]
        assert len({row.code for row in rows.values()}) == 3
        assert open_answers_by_code(connection, [rows[ids[0]].code]) == {rows[ids[0]].code: rows[ids[0]]}
        assert [row.flags for row in moderations_by_id(connection, ids).values()] == [None] * 3
        set_moderation_states(connection, [ModerationChange(ids[0], "released", None, LATER)])
        moderation.add_decisions(connection, [NewDecision(new_id(), ids[0], 7, "approve", None, NOW)])
        upsert_translations(connection, [NewProposalText(ids[0], "en", None, "A bench", "Ada", True, NOW)])
    migrate.downgrade(store, BEFORE)
    assert [everything(store, table) for table in ("decisions", "proposal_texts")] == before
    assert len(everything(store, "moderations")) == 3
    migrate.upgrade(store)
    with store.reading() as connection:
        assert connection.scalar(text("SELECT sum(withheld) FROM v_answers_long")) == 4


def test_a_portion_is_not_all(store: Store) -> None:
    with store.begin() as connection:
        lamps = published(connection)
        for number in range(3):
            mine = stored_session(connection, lamps, number)
            keys = [f"q{at}" for at in range(2_500)]
            upsert_answers(connection, [answer(mine, key, '"words"', free_text=True) for key in keys])
    migrate.downgrade(store, BEFORE)
    migrate.upgrade(store)
    with store.reading() as connection:
        assert count_moderation_states(connection, lamps.consultation_id) == {"waiting": 7_500}


def test_it_goes_with_its_answer(store: Store) -> None:
    with store.begin() as connection:
        lamps = published(connection)
        mine, other = stored_session(connection, lamps, 1), stored_session(connection, lamps, 2)
        for number, one in enumerate((mine, other), start=1):
            upsert_answers(connection, [answer(one, "wish", '"trees"', free_text=True)])
            row = NewOpenAnswer(number, one.id, "wish", lamps.consultation_id, f"T-{number}", "released", NOW)
            insert_open_answers(connection, [row])
            moderation.add_decisions(connection, [NewDecision(new_id(), number, 7, "approve", None, NOW)])
            upsert_translations(connection, [NewProposalText(number, "en", None, "Trees", "Ada", True, NOW)])
        assert [row.code for row in released_answers(connection, lamps.consultation_id)] == ["T-1", "T-2"]
        erase_sessions(connection, [pseudonym(1)])
        assert [row.code for row in released_answers(connection, lamps.consultation_id)] == ["T-2"]
        connection.execute(text("DELETE FROM answers WHERE session_id = :id"), {"id": other.id})
    for table in ("moderations", "decisions", "proposal_texts"):
        assert everything(store, table) == []


def test_a_row_belongs_to_a_proposal_or_to_an_answer(store: Store) -> None:
    with store.begin() as connection:
        lamps = published(connection)
        mine = stored_session(connection, lamps, 1)
        row = NewOpenAnswer(1, mine.id, "wish", lamps.consultation_id, "T-1", "waiting", NOW)
        upsert_answers(connection, [answer(mine, "wish", '"trees"', free_text=True)])
    for wrong in ({"question_key": "other"}, {"code": None}, {"consultation_id": None}, {"session_id": None}):
        with pytest.raises(BadRow), store.begin() as connection:
            insert_open_answers(connection, [row._replace(**wrong)])
