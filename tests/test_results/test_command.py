"""`results`: from the store to the terminal."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from bot.consultations.publishing import SAMPLES, publish
from bot.errors import HouseError
from bot.exports import subject
from bot.house import desk
from bot.results import command, loading
from bot.results.report import report
from bot.settings import Settings
from storage import moderation, proposals, ratings
from storage.moderation import NewModeration
from storage.proposals import Release
from storage.ratings import NewRatingEvent
from storage.store import Store
from tests.databases import database, houses, postgresql, sqlite_template, store
from tests.test_storage import rows

__all__ = ["database", "houses", "postgresql", "sqlite_template", "store"]
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def filled(store: Store) -> int:
    """Mein Kiez with two released ideas, one that waits and one merged into the first; 12 people rate."""
    publish(store, SAMPLES / "mein-kiez.yaml", desk(Settings()))
    with store.begin() as connection:
        consultation = subject.find(connection, "mein-kiez").newest.consultation_id
        ideas = [rows.proposal(consultation, number, f"CODE{number}") for number in range(4)]
        proposals.insert(connection, ideas)
        proposals.release(connection, [Release(it.id, NOW) for it in ideas[:2]])
        states = [NewModeration(it.id, "waiting", [], None, None, NOW) for it in ideas[:3]]
        merged = NewModeration(ideas[3].id, "merged", [], ideas[0].id, None, NOW)
        moderation.insert(connection, [*states, merged])
        votes = [(0, person, 1) for person in range(6)] + [(3, person, -1) for person in range(5, 12)]
        votes += [(2, 1, 1)]
        ratings.rate(
            connection,
            [NewRatingEvent(rows.new_id(), ideas[at].id, rows.pseudonym(n), v, False, NOW) for at, n, v in votes],  # type: ignore[arg-type]
        )
    return consultation


def test_votes_on_what_was_merged_count_for_what_it_was_merged_into(store):
    consultation = filled(store)
    with store.reading() as connection:
        loaded = loading.load(connection, consultation)
    assert loaded.shown == ("CODE0", "CODE1")
    assert loaded.log.statements == ("CODE0", "CODE1", "CODE2")
    found = report(loaded.log, loaded.shown, {})
    # The person who rated both disagreed last: once counted, twice an event.
    assert found.statements[0].by_last_vote == (5, 7, 0, 12)
    assert found.statements[0].by_vote_events == (6, 7, 0, 13)


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(data=tmp_path)


def test_the_command_tells_counts_balance_and_consensus(settings, tmp_path):
    said: list[str] = []
    with pytest.raises(HouseError, match="no consultation is called 'nothing'"):
        command.show(settings, "nothing", said.append)
    store = Store(settings.database_url or f"sqlite:///{tmp_path}/mitsprache.db")
    filled(store)
    store.dispose()
    command.show(settings, "mein-kiez", said.append)
    text = "\n".join(said)
    assert "Participations: 0" in text
    assert "12 people, 14 votes, changed ones included; 2 released statements; seed 0" in text
    assert "agree: " not in text, "of 12 people no side is clear"
    said.clear()
    command.show(settings, "mein-kiez", said.append, as_json=True, seed=3)
    data = json.loads("\n".join(said))
    assert data["ratings"]["seed"] == 3
    assert data["ratings"]["statements"][0]["by_last_vote"] == {"agrees": 5, "disagrees": 7, "passes": 0, "votes": 12}
    assert data["questions"]
    assert data["texts"]["CODE0"] == "A bench under the lime tree"
