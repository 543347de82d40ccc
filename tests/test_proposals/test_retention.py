"""After the retention period ideas and figures remain without a link to people."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pydantic_core import to_json
from sqlalchemy import text as sql

from bot.privacy.retention import delete_expired, list_unreported
from bot.proposals import moderation_decisions
from bot.proposals.moderation_decisions import ProposalWording
from bot.results import published
from bot.results.editions.renewal import renew_edition
from flows.session import Session
from storage.core.store import Store
from storage.tables.answers import NewAnswer, upsert_answers
from storage.tables.proposals import Withdrawal, proposals_by_id, withdraw_proposals
from storage.tables.revisions import find_live_revision
from storage.tables.sessions import insert_sessions
from tests.support.app import consultation, publish
from tests.support.ideas import NOW, chair, rate, released, submit
from tests.support.rows import pseudonym, session

TEXT = {"de": "?", "en": "?"}
CONSENT = {"key": "ok", "type": "consent", "text": TEXT}
SECTOR = {
    "key": "sector",
    "type": "sectors",
    "text": TEXT,
    "ask_if": {"equal": {"question": "ok", "value": True}},
}
IDEA = {"key": "idea", "type": "proposal", "text": TEXT}
ENDS = datetime.now(UTC) + timedelta(days=1)
OVER = ENDS + timedelta(days=31)


def count(store: Store, table: str) -> int:
    with store.reading() as connection:
        return int(connection.execute(sql(f"SELECT count(*) FROM {table}")).scalar_one())


def rated(store: Store, slug: str = "park") -> dict[str, int]:
    """A consultation with ideas, votes of twenty people and their sectors; gives the ids of the ideas by their text."""
    publish(store, consultation(slug, [IDEA, CONSENT, SECTOR]), closes_at=ENDS)
    with store.begin() as connection:
        revision = find_live_revision(connection, slug)
        assert revision
        park = revision.consultation_id
        ids = {
            name: released(connection, park, 100 + n, text=name).id
            for n, name in enumerate(("bench", "lamp", "insult", "taken back"))
        }
        ids["unread"] = submit(connection, park, 105, text="unread").id
        for id_ in ids.values():
            rate(connection, id_, {number: 1 if number % 3 else -1 for number in range(1, 21)})
        rate(connection, ids["bench"], {1: -1})
        moderation_decisions.edit_text(
            chair(connection), ids["lamp"], ProposalWording(None, "a lamp"), "names a neighbour"
        )
        moderation_decisions.hide_text(chair(connection), ids["insult"], "insult")
        withdraw_proposals(connection, [Withdrawal(ids["taken back"], NOW)])
        for number in range(1, 21):
            state = Session("x", "de", "R", status="completed").to_json()
            row = session(revision, number, waiting_key=None, status="completed", state=state)
            insert_sessions(connection, [row])
            said = to_json(["science" if number % 2 else "business"]).decode()
            given = NewAnswer(row.id, "sector", park, revision.id, said, None, False, NOW, "test", "de", "self")
            upsert_answers(connection, [given])
    return ids


def run(store: Store, moment: datetime) -> None:
    with store.reading() as connection:
        waiting = list_unreported(connection, moment)
    for slug in waiting:
        renew_edition(store, slug, moment)
    with store.begin() as connection:
        delete_expired(connection, moment)


def test_ideas_and_figures_remain_and_people_do_not(store: Store) -> None:
    rated(store)
    run(store, ENDS + timedelta(days=29))
    assert count(store, "ratings") == 100, "the promise was 30 days"
    with store.reading() as connection:
        before = published.preview_results(connection, "park")
    assert before.report.statements[0].sectors.smallest is not None
    run(store, OVER)
    for table in ("ratings", "rating_events", "sessions", "answers"):
        assert count(store, table) == 0, table
    with store.reading() as connection:
        left = connection.execute(sql("SELECT text, pseudonym FROM proposals ORDER BY id")).all()
        assert [tuple(row) for row in left] == [("bench", None), ("a lamp", None), ("unread", None)]
        assert connection.execute(sql("SELECT count(*) FROM moderations WHERE original IS NOT NULL")).scalar() == 0
        whole = str(connection.execute(sql("SELECT document FROM editions WHERE is_last")).scalar_one())
        assert not any(pseudonym(number) in whole for number in range(1, 21))
        after = published.preview_results(connection, "park")
    figures = replace(before.report, no_groups_because=after.report.no_groups_because)  # it was open when counted
    assert after.report == figures
    assert after.proposals.keys() == before.proposals.keys()
    run(store, OVER + timedelta(days=1))
    with store.reading() as connection:
        assert published.preview_results(connection, "park").report == figures, "carried on from edition to edition"


def test_what_is_hidden_later_is_no_figure_any_more(store: Store) -> None:
    ids = rated(store)
    run(store, OVER)
    with store.begin() as connection:
        moderation_decisions.hide_text(chair(connection), ids["bench"], "insult after all")
    with store.reading() as connection:
        code = proposals_by_id(connection, [ids["lamp"]])[ids["lamp"]].code
        assert [it.name for it in published.preview_results(connection, "park").report.statements] == [code]


def test_votes_whose_figures_are_not_kept_yet_wait(store: Store) -> None:
    rated(store)
    with store.begin() as connection:
        delete_expired(connection, OVER)
    assert (count(store, "ratings"), count(store, "sessions")) == (100, 20)


def test_other_consultations_keep_theirs(store: Store) -> None:
    rated(store)
    publish(store, consultation("lake", [IDEA]), closes_at=ENDS + timedelta(days=100))
    with store.begin() as connection:
        revision = find_live_revision(connection, "lake")
        assert revision
        boat = released(connection, revision.consultation_id, 1).id
        rate(connection, boat, {2: 1, 3: 1})
    run(store, OVER)
    assert (count(store, "ratings"), count(store, "rating_events"), count(store, "editions")) == (2, 2, 1)
    with store.reading() as connection:
        assert proposals_by_id(connection, [boat])[boat].pseudonym == pseudonym(1)
