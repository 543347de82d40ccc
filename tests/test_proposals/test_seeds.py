"""Statements written in the consultation file are published with it, once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from bot.common.ids import Ids
from bot.proposals import seed_statements
from storage.core.store import Store
from storage.tables.revisions import find_live_revision
from tests.support.app import consultation, publish

LIGHT = {"de": "Licht im Park", "en": "Light in the park"}
BENCH = {"de": "Mehr Bänke"}


def published(store: Store, *texts: dict[str, str]) -> list[tuple[Any, ...]]:
    """The public proposals after publishing these seeds."""
    question = {"key": "weigh", "type": "statements", "text": {"de": "?", "en": "?"}, "seeds": texts}
    made = consultation(questions=[question])
    publish(store, made)
    with store.begin() as connection:
        found = find_live_revision(connection, "park")
        assert found
        seed_statements.publish_seeds(connection, found.consultation_id, made, Ids(), datetime.now(UTC))
        visible = text(
            "SELECT id, text FROM proposals WHERE released_at IS NOT NULL AND withdrawn_at IS NULL ORDER BY id"
        )
        return [tuple(row) for row in connection.execute(visible)]


def test_republishing_keeps_seeds_and_withdraws_removed_ones(store: Store) -> None:
    first = published(store, LIGHT, BENCH)
    assert [said for _, said in first] == ["Licht im Park", "Mehr Bänke"]
    assert published(store, BENCH, LIGHT) == first
    assert [said for _, said in published(store, LIGHT)] == ["Licht im Park"]
    assert published(store, LIGHT, BENCH) == first, "they are back, with their ratings"
    with store.reading() as connection:
        texts = connection.execute(text("SELECT language, text FROM proposal_texts")).all()
        assert [tuple(row) for row in texts] == [("en", "Light in the park")]
