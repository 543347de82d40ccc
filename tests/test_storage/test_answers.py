import tracemalloc

import pytest

from storage.core.errors import BadRow
from storage.core.store import Store
from storage.tables import answers
from storage.tables.answers import (
    NewConsent,
    answers_of_consultation,
    answers_of_people,
    answers_of_sessions,
    upsert_answers,
)
from storage.tables.sessions import erase_sessions, insert_sessions
from tests.support.rows import LATER, NOW, answer, new_id, pseudonym, published, session, stored_session


def test_a_changed_answer_replaces_the_earlier_and_counts(store: Store) -> None:
    with store.begin() as connection:
        mine = stored_session(connection, published(connection), 1)
        upsert_answers(connection, [answer(mine, "lamps", '"yes"'), answer(mine, "when", None, missing="skipped")])
        upsert_answers(connection, [answer(mine, "lamps", '"yes"', answered_at=LATER)])  # the same: nothing happens
        upsert_answers(connection, [answer(mine, "when", '["morning", "night"]', answered_at=LATER, channel="web")])
        found = answers_of_sessions(connection, [mine.id])
        assert [(row.question_key, row.value, row.missing, row.version, row.answered_at) for row in found] == [
            ("lamps", '"yes"', None, 1, NOW),
            ("when", '["morning", "night"]', None, 2, LATER),
        ]
        assert answers_of_people(connection, [pseudonym(1)]) == found
        assert found[0].free_text is False


@pytest.mark.parametrize("reason", ["interrupted", "not_asked"])
def test_the_first_answer_after_an_interruption_is_no_change(store: Store, reason: str) -> None:
    with store.begin() as connection:
        mine = stored_session(connection, published(connection), 1)
        upsert_answers(connection, [answer(mine, "lamps", None, missing=reason)])
        upsert_answers(connection, [answer(mine, "lamps", '"yes"')])
        assert [(row.value, row.version) for row in answers_of_sessions(connection, [mine.id])] == [('"yes"', 1)]
        upsert_answers(connection, [answer(mine, "lamps", '"no"')])
        assert [(row.value, row.version) for row in answers_of_sessions(connection, [mine.id])] == [('"no"', 2)]


def test_the_same_answer_under_another_revision_is_another_one(store: Store) -> None:
    """There it may mean something else."""
    with store.begin() as connection:
        mine = stored_session(connection, published(connection), 1)
        newer = published(connection, content='{"title": "newer"}')
        upsert_answers(connection, [answer(mine, "lamps", '"yes"')])
        upsert_answers(connection, [answer(mine, "lamps", '"yes"', revision_id=newer.id, answered_at=LATER)])
        (row,) = answers_of_sessions(connection, [mine.id])
        assert (row.revision_id, row.version, row.answered_at) == (newer.id, 2, LATER)


def test_of_two_answers_in_a_batch_the_last_counts(store: Store) -> None:
    with store.begin() as connection:
        mine = stored_session(connection, published(connection), 1)
        upsert_answers(connection, [answer(mine, "lamps", '"yes"'), answer(mine, "lamps", '"no"')])
        assert [(row.value, row.version) for row in answers_of_sessions(connection, [mine.id])] == [('"no"', 1)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": None},  # neither
        {"missing": "skipped"},  # both
        {"value": None, "missing": "forgot"},
        {"value": "not JSON"},
        {"mode": "robot"},
        {"session_id": 4711},
    ],
)
def test_the_table_keeps_its_rules(store: Store, wrong: dict[str, object]) -> None:
    with store.begin() as connection:
        mine = stored_session(connection, published(connection), 1)
    with pytest.raises(BadRow), store.begin() as connection:
        upsert_answers(connection, [answer(mine, "lamps", '"yes"')._replace(**wrong)])  # type: ignore[arg-type]


def test_answers_go_with_their_session(store: Store) -> None:
    with store.begin() as connection:
        mine = stored_session(connection, published(connection), 1)
        upsert_answers(connection, [answer(mine, "lamps", '"yes"')])
        erase_sessions(connection, [pseudonym(1)])
        assert answers_of_sessions(connection, [mine.id]) == []


def test_an_export_streams(store: Store) -> None:
    """Twenty thousand answers pass, and memory does not hold them."""
    people, questions = 2_000, 10
    with store.begin() as connection:
        lamps = published(connection)
        everybody = [session(lamps, number) for number in range(people)]
        insert_sessions(connection, everybody)
        value = '"' + "x" * 300 + '"'
        for question in range(questions):
            upsert_answers(connection, [answer(person, f"q{question}", value) for person in everybody])
    with store.reading() as connection:
        tracemalloc.start()
        rows = answers_of_consultation(connection, lamps.consultation_id)
        order = [(row.session_id, row.question_key) for row in rows]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert len(order) == people * questions
    assert order == sorted(order)
    assert peak < people * questions * len(value)  # the list of keys itself is most of it


def test_consents_are_added_never_changed(store: Store) -> None:
    with store.begin() as connection:
        lamps = published(connection)
        given, withdrawn = (
            NewConsent(new_id(), lamps.consultation_id, pseudonym(1), "consent", "hash", "de", "web", given, NOW)
            for given in (True, False)
        )
        answers.insert_consents(connection, [given, withdrawn])
        assert answers.consents_of(connection, [pseudonym(1), pseudonym(2)]) == [given, withdrawn]
        assert answers.consents_of(connection, [pseudonym(1)])[1].given is False
        assert answers.erase_consents(connection, [pseudonym(1)]) == 2
