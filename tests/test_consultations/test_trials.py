"""Drafts and test revisions beside a live one: only staff see a draft, and answers in a test do not count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot.app import open_store
from bot.authoring import going_live, lifecycle, publishing
from bot.authoring.file_check import CheckedFile
from bot.authoring.lifecycle import StepRefused
from bot.authoring.publish_impact import PublishOptions
from bot.authoring.publishing import PublishOutcome
from bot.cli import exporting
from bot.common.audit import last_entries
from bot.common.errors import CommandError
from bot.consultations import trials
from bot.consultations.stored_revisions import live_revision
from bot.exchange.exports import package
from bot.privacy.retention import TESTS_KEPT, delete_expired
from bot.settings import Settings
from storage.core.store import Store
from storage.tables.revisions import (
    find_live_revision,
    list_live_revisions,
    list_unpublished_revisions,
    revision_in_stage,
    revisions_once_live,
)
from storage.tables.sessions import count_sessions_by_status
from storage.tables.stages import Stage
from storage.tables.triggers import load_triggers
from tests.support.app import consultation, rows, running, say
from tests.support.revision_history import store_answers
from tests.support.rows import pseudonym
from tests.test_authoring.test_states import counted, tools

IDEA = {"key": "idea", "type": "proposal", "text": {"de": "Welche Idee?", "en": "Which idea?"}}
WEIGH = {
    "key": "weigh",
    "type": "statements",
    "text": {"de": "Was denkst du?", "en": "What do you think?"},
    "seeds": [{"de": f"Bank {number}", "en": f"Bench {number}"} for number in range(2)],
    "block": 2,
}


def put(store: Store, stage: Stage, base: Any = None, **more: Any) -> PublishOutcome:
    checked = CheckedFile(consultation(**more), ())
    with store.begin() as connection:
        return publishing.publish_checked(connection, checked, tools(), "park.yaml", PublishOptions(base), stage)


def started(store: Store) -> set[str]:
    """The words that start something."""
    with store.reading() as connection:
        return {value for _, value in load_triggers(connection)}


def title(words: str) -> dict[str, dict[str, str]]:
    return {"title": {"de": words, "en": words}}


def test_a_draft_beside_a_live_one_is_seen_by_nobody(store: Store) -> None:
    put(store, "live")
    put(store, "draft", keywords=["wiese"], **title("Entwurf"))
    put(store, "draft", slug="lake", keywords=["see"])
    with store.reading() as connection:
        assert [row.number for row in list_live_revisions(connection)] == [1]
        assert find_live_revision(connection, "lake") is None
        assert [(row.slug, row.state) for row in list_unpublished_revisions(connection)] == [
            ("lake", "draft"),
            ("park", "draft"),
        ]
        live = find_live_revision(connection, "park")
        assert live
        assert [row.number for row in revisions_once_live(connection, live.consultation_id)] == [1]
        with pytest.raises(CommandError, match="lake was never live, so there is nothing yet"):
            live_revision(connection, "lake")
    assert started(store) == {"park"}
    with store.begin() as connection:
        going_live.make_consultation_live(connection, "park", tools())
        going_live.make_consultation_live(connection, "lake", tools())
    assert started(store) == {"park", "wiese", "lake", "see"}
    with store.reading() as connection:
        assert list_unpublished_revisions(connection) == []


def test_going_back_restores_keywords_and_seeds_step_by_step(store: Store) -> None:
    for number in (1, 2, 3):
        put(store, "live", keywords=[f"wort{number}"], **title(f"Fassung {number}"))
    for expected in (2, 1):
        with store.begin() as connection:
            assert going_live.return_to_previous_revision(connection, "park", tools()).revision.number == expected
        assert started(store) == {"park", f"wort{expected}"}
    with store.begin() as connection, pytest.raises(StepRefused) as refused:
        going_live.return_to_previous_revision(connection, "park", tools())
    assert refused.value.reason == "nothing_before"
    with store.begin() as connection:
        found = going_live.make_consultation_live(connection, "park", tools(), number=3)
        assert (found.before and found.before.number, found.revision.number) == (1, 3)
        assert going_live.return_to_previous_revision(connection, "park", tools()).revision.number == 1
    again = {"keywords": ["wort3"]} | title("Fassung 3")
    assert put(store, "live", **again).revision is None, "an old copy may not put back what was taken back"
    assert put(store, "live", 1, **again).new, "its file brings it back as well, where that is meant"


SCALE = {
    "key": "it",
    "type": "scale",
    "text": {"de": "Wie sicher?", "en": "How safe?"},
    "min_label": {"de": "nie", "en": "never"},
    "max_label": {"de": "immer", "en": "always"},
}
TEXT = {"key": "it", "type": "text", "text": {"de": "Was fehlt?", "en": "What is missing?"}}


@pytest.mark.parametrize("way", ["back", "go-live"])
@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (SCALE, TEXT, "Mehr Licht"),
        (TEXT, SCALE, 4),
        (SCALE, SCALE | {"min": 0, "max": 10}, 4),
        (SCALE, SCALE | {"min_label": SCALE["max_label"], "max_label": SCALE["min_label"]}, 4),
    ],
)
def test_no_way_back_gives_answers_another_meaning(
    store: Store, way: str, first: dict[str, Any], second: dict[str, Any], said: Any
) -> None:
    """The first revision was live before, but what was answered since was answered to another question."""
    put(store, "live", questions=[first])
    put(store, "live", questions=[second])
    store_answers(store, consultation(questions=[second]), [{"it": said}])
    step: Any = (
        going_live.return_to_previous_revision
        if way == "back"
        else partial(going_live.make_consultation_live, number=1)
    )
    with store.begin() as connection, pytest.raises(StepRefused) as refused:
        step(connection, "park", tools())
    assert refused.value.reason == "not_publishable"
    with store.reading() as connection:
        live = find_live_revision(connection, "park")
        assert live
        assert live.number == 2


def test_a_way_back_asks_what_nobody_has_said_yet(store: Store) -> None:
    words = {"de": "Wie hell?", "en": "How bright?"}
    put(store, "live", questions=[SCALE])
    put(store, "live", questions=[SCALE | {"text": words}])
    store_answers(store, consultation(questions=[SCALE | {"text": words}]), [{"it": 4}])
    with store.begin() as connection, pytest.raises(StepRefused) as refused:
        going_live.return_to_previous_revision(connection, "park", tools())
    assert refused.value.reason == "unconfirmed"
    with store.begin() as connection:
        agreed = PublishOptions(same_meaning=frozenset({"it"}))
        assert going_live.return_to_previous_revision(connection, "park", tools(), intent=agreed).revision.number == 1
    with store.begin() as connection:
        assert going_live.make_consultation_live(connection, "park", tools(), number=2).revision.number == 2, (
            "that was settled"
        )


async def test_trial_is_labelled_uncounted_and_dropped_on_go_live(store: Store) -> None:
    put(store, "live")
    put(store, "live", slug="market")
    word = put(store, "test", questions=[IDEA, WEIGH]).start_word
    with store.reading() as connection:
        park = find_live_revision(connection, "park")
        assert park
        trial = find_live_revision(connection, word)
        assert trial
        assert [row.slug for row in list_live_revisions(connection)] == ["market", "park"]
    async with running(store) as (app, channel):
        await say(app, *(channel.msg("both", words) for words in ("/start park", "Deutsch", "ja")))
        await say(app, channel.msg("both", f"/start {word}"))
        assert "Das ist ein Test. Nichts davon zählt, und alle Antworten werden gelöscht." in channel.texts("both")
        await say(app, *(channel.msg("both", words) for words in ("Mehr Bänke im Park", "ok", "zustimmen", "ablehnen")))
        await say(app, channel.msg("both", "absenden"))
        assert channel.last("both").text.startswith("Der Test ist fertig. Nichts davon zählt")
        assert rows(store, "SELECT receipt FROM sessions WHERE status = 'completed'")[0][0] not in str(channel.sent)
        await say(app, channel.msg("new", word), channel.msg("new", "Deutsch"))
        assert "Welche Idee?" in channel.texts("new")[-1]
        await say(app, channel.msg("lobby", "Hallo"))
        assert word not in str(channel.last("lobby")), "a test is in no list"
        with store.reading() as connection:
            assert count_sessions_by_status(connection, park.consultation_id) == {"interrupted": 1}
            assert sum(count_sessions_by_status(connection, trial.consultation_id).values()) == 2
            flags = "SELECT consultation, revision, test, count(*) FROM v_responses GROUP BY 1, 2, 3 ORDER BY 3"
            assert [tuple(row) for row in connection.execute(text(flags))] == [("park", 1, 0, 1), ("park", 2, 1, 2)]
            for view in ("v_proposals", "v_ratings"):
                assert connection.execute(text(f"SELECT count(*) FROM {view}")).scalar() == 0
            with pytest.raises(CommandError, match="is a test, and nothing in it counts"):
                live_revision(connection, word)
        assert counted(store, "ratings") == 2
        with store.begin() as connection:
            found = going_live.make_consultation_live(connection, "park", tools())
            assert (found.revision.number, found.dropped) == (2, 2)
            app.catalogue.refresh(connection)
        assert counted(store, "sessions") == 1, "that of the live one"
        assert counted(store, "ratings") == 0
        assert counted(store, "proposals WHERE pseudonym IS NOT NULL") == 0
        assert word not in started(store)
        await say(app, channel.msg("new", "Eine Idee"))
        assert "Beispiel park" in str(channel.last("new").quick_replies), "the test is over: it shows what is open"
    with store.begin() as connection:
        assert going_live.return_to_previous_revision(connection, "park", tools()).revision.number == 1


async def test_another_test_keeps_the_link_and_drops_what_was_said(store: Store) -> None:
    word = put(store, "test").start_word
    async with running(store) as (app, channel):
        await say(app, *(channel.msg("a", words) for words in (word, "Deutsch", "ja")))
        assert counted(store, "sessions") == 1
        assert put(store, "test").start_word == word
        assert counted(store, "sessions") == 1, "nothing changed"
        assert put(store, "test", **title("Anders")).start_word == word
        assert counted(store, "sessions") == 0
        await say(app, *(channel.msg("a", words) for words in (word, "ja")))
        assert put(store, "test").start_word == word, "the first one once more"
        assert counted(store, "sessions") == 0
        with store.begin() as connection:
            going_live.withdraw_stage(connection, "park", tools(), stage="test")
    assert counted(store, "consultations") == 1
    assert counted(store, "trials") == 0


async def test_a_test_is_deleted_with_the_person_and_after_its_time(store: Store) -> None:
    word = put(store, "test").start_word
    async with running(store) as (app, channel):
        for name in "ab":
            await say(app, *(channel.msg(name, words) for words in (word, "Deutsch", "ja")))
        await say(app, channel.msg("a", "neuigkeiten alle"))
        assert channel.texts("a")[-2] == "Im Test wird kein Wunsch gespeichert."
        assert counted(store, "opt_ins") == 0
        await say(app, channel.msg("a", "löschen"), channel.msg("a", "alles löschen"))
    assert counted(store, "sessions") == 1
    now = datetime.now(UTC)
    for later, left in ((TESTS_KEPT - timedelta(hours=1), 1), (TESTS_KEPT + timedelta(hours=1), 0)):
        with store.begin() as connection:
            delete_expired(connection, now + later)
        assert counted(store, "sessions") == left


def test_trial_answers_appear_only_in_its_raw_export(store: Store, tmp_path: Path) -> None:
    put(store, "live")
    word = put(store, "test").start_word
    for profile in ("analysis", "public"):
        with pytest.raises(CommandError, match="is a test"):
            package.write_export(store, package.ExportRequest(word, tmp_path / profile, profile), datetime.now(UTC))
    package.write_export(store, package.ExportRequest(word, tmp_path / "raw", "raw"), datetime.now(UTC))
    assert trials.PREFIX in word
    assert pseudonym(1) not in str(tmp_path)


def test_older_draft_goes_live_by_publishing_its_file(store: Store) -> None:
    put(store, "live")
    put(store, "draft", **title("Entwurf"))
    put(store, "live", **title("Dazwischen"))
    assert put(store, "live", 3, **title("Entwurf")).new
    with store.reading() as connection:
        live = find_live_revision(connection, "park")
        assert live is not None
        assert live.number == 2
        assert revision_in_stage(connection, live.consultation_id, "draft") is None


def test_draft_is_compared_like_its_file(store: Store) -> None:
    put(store, "live")
    put(store, "live", **title("Dazwischen"))
    put(store, "draft")
    with store.begin() as connection, pytest.raises(StepRefused, match="not_publishable") as refused:
        going_live.make_consultation_live(connection, "park", tools())
    assert "revision 1 again word for word" in str(refused.value.values["issues"])
    assert "add --base 2" in str(refused.value.values["issues"])
    with store.begin() as connection:
        assert (
            going_live.make_consultation_live(connection, "park", tools(), intent=PublishOptions(2)).revision.number
            == 1
        )


def test_withdrawn_draft_cannot_go_live(store: Store) -> None:
    put(store, "draft")
    with store.begin() as connection:
        going_live.withdraw_stage(connection, "park", tools(), stage="draft")
    for step in (
        lifecycle.close_consultation,
        going_live.return_to_previous_revision,
        lifecycle.unarchive_consultation,
    ):
        with store.begin() as connection, pytest.raises(StepRefused, match="nothing_left"):
            step(connection, "park", tools())
    with store.reading() as connection, pytest.raises(CommandError, match="publish FILE` creates it again"):
        live_revision(connection, "park")


def test_raw_export_of_a_trial_is_recorded(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", publish_samples=False)
    house, _ = open_store(settings)
    put(house, "live")
    word = put(house, "test", **title("Probe")).start_word
    house.dispose()
    exporting.export_answers(
        settings, package.ExportRequest(word, tmp_path / "raw", "raw", purpose="a look"), print, print
    )
    house, _ = open_store(settings)
    with house.reading() as connection:
        entry = last_entries(connection, "export.raw", word)
    house.dispose()
    assert entry is not None
    assert entry.purpose == "a look"


def test_the_first_publication_is_taken_back(store: Store) -> None:
    """The consultation is a draft again; what residents left meanwhile is gone, and it can go live once more."""
    put(store, "live")
    store_answers(store, consultation(), [{"it": "yes"}])
    with store.begin() as connection:
        assert going_live.withdraw_first_publication(connection, "park", tools()) == 1
    with store.reading() as connection:
        assert find_live_revision(connection, "park") is None
        assert [it.state for it in list_unpublished_revisions(connection)] == ["draft"]
        assert not load_triggers(connection)
        for table in ("sessions", "answers"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0
    with store.begin() as connection:
        assert going_live.make_consultation_live(connection, "park", tools()).revision.number == 1
        with pytest.raises(StepRefused, match="nothing_before"):
            going_live.return_to_previous_revision(connection, "park", tools())
