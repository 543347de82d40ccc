"""`results`: from the store to the terminal."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from bot.authoring.file_check import canonical_content
from bot.authoring.publishing import SAMPLES, publish_file
from bot.cli import results
from bot.cli.bench.subject import consultation as consultation_of_bench
from bot.cli.context import publish_context
from bot.common.errors import CommandError
from bot.results import vote_loader
from bot.results.counts import answer_dataset
from bot.results.counts.disclosure import UNPROTECTED
from bot.results.report import statement_report
from bot.settings import Settings
from flows.definition import Consultation
from storage.core.store import Store
from storage.tables.answers import upsert_answers
from storage.tables.moderation import NewModeration, insert_moderations
from storage.tables.proposals import ProposalRelease, insert_proposals, proposals_of_consultation, release_proposals
from storage.tables.ratings import NewRatingEvent, count_ratings, store_votes
from tests.support import rows

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def filled(store: Store) -> int:
    """Mein Kiez with two released ideas, one that waits and one merged into the first; 12 people rate."""
    publish_file(store, SAMPLES / "mein-kiez.yaml", publish_context(Settings()))
    with store.begin() as connection:
        consultation = answer_dataset.load_dataset(connection, "mein-kiez").newest.consultation_id
        ideas = [rows.proposal(consultation, number, f"CODE{number}") for number in range(4)]
        insert_proposals(connection, ideas)
        release_proposals(connection, [ProposalRelease(it.id, NOW) for it in ideas[:2]])
        states = [NewModeration(it.id, "waiting", [], None, None, NOW) for it in ideas[:3]]
        merged = NewModeration(ideas[3].id, "merged", [], ideas[0].id, None, NOW)
        insert_moderations(connection, [*states, merged])
        votes = [(0, person, 1) for person in range(6)] + [(3, person, -1) for person in range(5, 12)]
        votes += [(2, 1, 1)]
        store_votes(
            connection,
            [NewRatingEvent(rows.new_id(), ideas[at].id, rows.pseudonym(n), v, False, NOW) for at, n, v in votes],  # type: ignore[arg-type]
        )
    return consultation


def test_votes_on_merged_proposals_count_for_the_target(store):
    consultation = filled(store)
    with store.reading() as connection:
        loaded = vote_loader.load_votes(connection, consultation)
    assert loaded.shown == ("CODE0", "CODE1")
    assert loaded.log.statements == ("CODE0", "CODE1", "CODE2")
    found = statement_report(loaded.log, loaded.shown, {}, min_cell_size=UNPROTECTED)
    # The person who rated both disagreed last: once counted, twice an event.
    assert found.statements[0].by_last_vote == (5, 7, 0, 12)
    assert found.statements[0].by_vote_events == (6, 7, 0, 13)


def test_late_arrival_of_an_earlier_vote_is_not_the_last_vote(store):
    consultation = filled(store)
    with store.begin() as connection:
        idea = next(it.id for it in proposals_of_consultation(connection, consultation) if it.code == "CODE0")
        early = NOW - timedelta(hours=1)
        votes = [NewRatingEvent(rows.new_id(), idea, rows.pseudonym(n), -1, False, early) for n in range(5)]
        store_votes(connection, votes)
    with store.reading() as connection:
        loaded = vote_loader.load_votes(connection, consultation)
        assert count_ratings(connection, [idea])[idea].agree == 6
    found = statement_report(loaded.log, loaded.shown, {}, min_cell_size=UNPROTECTED)
    assert found.statements[0].by_last_vote == (5, 7, 0, 12), "as before"
    assert found.statements[0].by_vote_events == (6, 12, 0, 18)


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(data=tmp_path)


def test_the_command_tells_counts_balance_and_consensus(settings, tmp_path):
    said: list[str] = []
    with pytest.raises(CommandError, match="no consultation is called 'nothing'"):
        results.print_results(settings, "nothing", said.append)
    store = Store(settings.database_url or f"sqlite:///{tmp_path}/mitsprache.db")
    filled(store)
    store.dispose()
    results.print_results(settings, "mein-kiez", said.append)
    text = "\n".join(said)
    assert "Mein Kiez" in said[0]
    assert "(mein-kiez) [Beispiel]" in said[0]
    assert "Teilnahmen: 0" in text
    assert "Menschen, die bewertet haben: 12. Abgegebene Bewertungen, auch geänderte: 14." in text
    # 5 of 12 agree: (5+1)/(12+2), and by Wilson 19 to 68 %.
    assert "alle: 5 von 12 stimmen zu, Zustimmung (geglättet) 43 % (19 – 68 %)" in text
    assert "Zustimmung: CODE" not in text, "of 12 people no side is clear"
    said.clear()
    results.print_results(settings, "mein-kiez", said.append, language="en")
    assert "People who rated: 12. Ratings, changed ones included: 14." in "\n".join(said)
    with pytest.raises(CommandError, match=r"--lang xx: there is de, de-simple, en"):
        results.print_results(settings, "mein-kiez", said.append, language="xx")
    said.clear()
    results.print_results(settings, "mein-kiez", said.append, as_json=True, seed=3)
    data = json.loads("\n".join(said))
    assert data["ratings"]["seed"] == 3
    assert data["ratings"]["statements"][0]["by_last_vote"] == {"agrees": 5, "disagrees": 7, "passes": 0, "votes": 12}
    assert data["questions"]
    assert data["texts"]["CODE0"] == "A bench under the lime tree"


def asked_for_sectors(store: Store) -> int:
    """A consultation that asks for sectors; 7 people of science, 6 of business, one of both, one said nothing."""
    found = consultation_of_bench().model_dump(mode="json")
    consent = {"key": "sector_ok", "type": "consent", "text": {"de": "Dürfen wir das auswerten?"}}
    sectors = {"key": "sector", "type": "sectors", "text": {"de": "Wo sehen Sie sich?"}}
    sectors["ask_if"] = {"equal": {"question": "sector_ok", "value": True}}
    stored = canonical_content(Consultation.model_validate(found | {"slug": "lamps", "questions": [consent, sectors]}))
    with store.begin() as connection:
        revision = rows.published(connection, content=stored)
        for number in range(15):
            session = rows.stored_session(connection, revision, number)
            said = [["science"], ["business"]][number % 2] if number < 13 else ["business", "science"]
            value = json.dumps(said) if number < 14 else None
            missing = None if value else "refused"
            upsert_answers(connection, [rows.answer(session, "sector", value, missing=missing)])
        idea = rows.proposal(revision.consultation_id, 99, "CODE")
        insert_proposals(connection, [idea])
        release_proposals(connection, [ProposalRelease(idea.id, NOW)])
        votes = [NewRatingEvent(rows.new_id(), idea.id, rows.pseudonym(n), 1, False, NOW) for n in range(14)]
        store_votes(connection, votes)
    return revision.consultation_id


def test_sectors_are_what_people_answered(store):
    asked_for_sectors(store)
    with store.reading() as connection:
        found = answer_dataset.load_dataset(connection, "lamps")
        sectors = vote_loader.load_sectors(connection, found)
        loaded = vote_loader.load_votes(connection, found.newest.consultation_id)
    assert {name: len(people) for name, people in sectors.items()} == {
        "administration": 0,
        "business": 7,
        "civil_society": 0,
        "residents": 0,
        "science": 8,
    }
    (one,) = statement_report(loaded.log, loaded.shown, sectors, min_cell_size=UNPROTECTED).statements
    assert {cell.sector: cell.seen for cell in one.sectors.cells if cell.seen} == {"business": 7, "science": 8}
    assert one.sectors.missing == ("administration", "civil_society", "residents")
    assert one.sectors.smallest == (8 / 9, 8 / 9)
    assert not one.sectors.is_agreed_by_all, "three sectors are missing"
