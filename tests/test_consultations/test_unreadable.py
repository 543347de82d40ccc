"""A consultation that an older program published and this one cannot read: the others go on, the operator is told."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.app import open_store
from bot.authoring import publishing
from bot.cli import context, play
from bot.cli.maintenance import doctor
from bot.common.errors import CommandError
from bot.common.ids import Ids
from bot.consultations import stored_revisions
from bot.settings import Settings
from bot.web import consultation_cache
from storage.core.store import Store
from storage.tables.publications import Publication, store_publication
from storage.tables.triggers import replace_triggers
from tests.support.app import consultation, publish, running

KIEZ = Path(publishing.SAMPLES) / "mein-kiez.yaml"
SENTENCE = (
    "consultation {slug}, revision 1: this program cannot read it and leaves it out; "
    "publish its file anew (`python3 -m bot publish FILE`)"
)


def publish_as_before(store: Store, slug: str) -> None:
    """What a program of other days took for a consultation."""
    ids = Ids()
    with store.begin() as connection:
        made = Publication(ids(), ids(), slug, '{"slug": 1}', "0" * 64, datetime.now(UTC))
        revision = store_publication(connection, made)
        replace_triggers(connection, revision.consultation_id, [("keyword", slug)])


async def test_others_go_on(store: Store):
    publish(store, consultation("wiese"))
    publish_as_before(store, "park")
    async with running(store) as (app, channel):
        for number, text in enumerate(("/start park", "/start wiese", "Deutsch", "ja")):
            await app.conversations.receive([channel.msg("anna", text, external_id=f"m{number}")])
            await app.outbox.drained()
        assert "Was fehlt?" in channel.last("anna").text
        assert app.conversations.counts.failures == 0
    with store.reading() as connection:
        assert list(consultation_cache._read(connection, {})) == ["wiese"]
        assert list(stored_revisions.list_unreadable(connection)) == [SENTENCE.format(slug="park")]


@pytest.fixture
def old_house(tmp_path: Path) -> Settings:
    settings = Settings(data=tmp_path / "data", publish_samples=False, port=0)
    store, _ = open_store(settings)
    publish_as_before(store, "mein-kiez")
    store.dispose()
    return settings


def test_unreadable_revision_is_reported_and_republishing_helps(old_house: Settings):
    said: list[str] = []
    context.print_consultations(old_house, said.append)
    assert said == [SENTENCE.format(slug="mein-kiez"), "mein-kiez  open, revision 1  cannot be read"]
    assert [words for well, words in doctor.all_findings(old_house) if not well and "consultation" in words] == said[:1]
    with pytest.raises(CommandError, match="mein-kiez cannot be read; run `python3 -m bot doctor`"):
        play.run_play(old_house, play.PlayOptions("mein-kiez"), io.StringIO(), io.StringIO(), said.append)
    said.clear()
    assert context.run_publish(old_house, KIEZ, said.append)
    said.clear()
    context.print_consultations(old_house, said.append)
    assert [line.partition("  ")[0] for line in said] == ["mein-kiez"]
