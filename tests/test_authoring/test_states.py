"""States of a consultation: the effect of each step, how to undo it, and the message if it is not possible."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.app import open_store
from bot.authoring import going_live, lifecycle, publishing, state_texts
from bot.authoring.file_check import CheckedFile
from bot.authoring.lifecycle import StepRefused
from bot.authoring.publishing import PublishContext
from bot.cli import lifecycle as command
from bot.cli import push as push_command
from bot.cli.play import PlayOptions, check_play_options
from bot.common.errors import CommandError
from bot.privacy.retention import delete_expired
from bot.proposals.official_answers import OfficialAnswer, answer_proposal
from bot.results.editions.renewal import renew_edition
from bot.settings import Settings
from storage import migrate
from storage.core.store import Store
from storage.tables.consultations import set_consultation_state
from storage.tables.editions import make_edition_last
from storage.tables.revisions import find_live_revision, revisions_once_live
from storage.tables.stages import Stage
from tests.support.app import consultation, publish, running, say
from tests.support.ideas import chair, open_consultation, released, submit
from tests.support.rows import new_id


def tools(now: datetime | None = None) -> PublishContext:
    return PublishContext(new_id, now or datetime.now(UTC), UTC)


def state_of(store: Store, slug: str = "park") -> str:
    with store.reading() as connection:
        found = find_live_revision(connection, slug)
    assert found
    return found.state_at(datetime.now(UTC))


def counted(store: Store, table: str) -> int:
    with store.reading() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


class TestCommands:
    def test_archiving_asks_says_who_waits_and_can_be_taken_back(self, tmp_path: Path) -> None:
        settings = Settings(data=tmp_path, publish_samples=False)
        store, _ = open_store(settings)
        park = open_consultation(store)
        with store.begin() as connection:
            ideas = [released(connection, park, 1), submit(connection, park, 2)]
        said: list[str] = []
        with pytest.raises(CommandError, match="2 people still wait for an answer") as refused:
            command.run_archive(settings, "park", said.append, yes=True)
        assert f"{ideas[0].code} (received), {ideas[1].code} (not read yet)" in str(refused.value)
        with store.begin() as connection:
            for idea in ideas:
                answer_proposal(chair(connection), idea.id, OfficialAnswer("rejected", {"de": "Kein Platz."}))
        with pytest.raises(CommandError, match=r"park is live; `.* close park` ends it now"):
            command.run_archive(settings, "park", said.append, yes=True)
        command.run_close(settings, "park", said.append)
        said.clear()
        assert not command.run_archive(settings, "park", said.append)
        assert state_of(store) == "closed"
        assert said[0] == "To archive park means:"
        assert "  these keywords no longer start it: park" in said
        assert said[-1].endswith("archive park --yes")
        assert command.run_archive(settings, "park", said.append, ask=lambda question: question == "Archive park?")
        assert state_of(store) == "archived"
        command.run_unarchive(settings, "park", said.append)
        assert state_of(store) == "closed"
        command.run_reopen(settings, "park", "", said.append)
        assert state_of(store) == "open"
        store.dispose()
        for step in (command.run_close, command.run_unarchive, command.run_go_live, command.restore_previous_revision):
            with pytest.raises(CommandError, match="no consultation is called 'nowhere'"):
                step(settings, "nowhere", said.append)

    @pytest.mark.parametrize(
        ("typed", "until"),
        [
            ("2099-12-31", "2100-01-01 00:00"),
            ("31.12.2099", "2100-01-01 00:00"),
            ("2099-12-31 18:00", "2099-12-31 18:00"),
        ],
    )
    def test_a_last_day_is_a_whole_day(self, tmp_path: Path, typed: str, until: str) -> None:
        settings = Settings(data=tmp_path, publish_samples=False)
        store, _ = open_store(settings)
        open_consultation(store)
        store.dispose()
        said: list[str] = []
        command.run_close(settings, "park", said.append)
        command.run_reopen(settings, "park", typed, said.append)
        assert f"park is live again until {until}." in said
        command.run_close(settings, "park", said.append)
        with pytest.raises(CommandError, match="not a date"):
            command.run_reopen(settings, "park", "soon", said.append)
        with pytest.raises(CommandError, match="has passed; the new end must be in the future"):
            command.run_reopen(settings, "park", "2020-01-01", said.append)


async def test_open_sessions_resume_after_the_consultation_reopens(store: Store) -> None:
    publish(store, consultation())
    async with running(store) as (app, channel):
        await say(app, *(channel.msg("a", words) for words in ("/start park", "Deutsch", "ja")))
        with store.begin() as connection:
            assert lifecycle.close_consultation(connection, "park", tools()).under_way == 1
            app.catalogue.refresh(connection)
        await say(app, channel.msg("a", "Bank"))
        assert "geschlossen" in channel.texts("a")[-1] or "beendet" in channel.texts("a")[-1]
        assert counted(store, "answers WHERE value IS NOT NULL") == 1
        with store.begin() as connection:
            lifecycle.reopen_consultation(connection, "park", tools())
            app.catalogue.refresh(connection)
        await say(app, channel.msg("a", "/start park"))
        assert "Was fehlt?" in channel.texts("a")[-1]


async def test_answers_given_before_reopening_go_when_it_was_promised(store: Store) -> None:
    """Retention is 30 days. The first answers were promised an end in a day; the second ones one in a hundred days."""
    now = datetime.now(UTC)
    ends, later = now + timedelta(days=1), now + timedelta(days=100)
    publish(store, consultation(), closes_at=ends)
    async with running(store) as (app, channel):
        await say(app, *(channel.msg("first", words) for words in ("/start park", "Deutsch", "ja")))
        with store.begin() as connection:
            lifecycle.close_consultation(connection, "park", tools())
            found = lifecycle.reopen_consultation(connection, "park", tools(), until=later)
            app.catalogue.refresh(connection)
        assert (found.before, found.before_until) == (1, ends + timedelta(days=30))
        await say(app, *(channel.msg("second", words) for words in ("/start park", "Deutsch", "nein")))

    def after(moment: datetime) -> int:
        with store.begin() as connection:
            delete_expired(connection, moment)
        return counted(store, "sessions")

    assert after(ends + timedelta(days=29)) == 2
    assert after(ends + timedelta(days=31)) == 1, "those of the first go, although the consultation is still open"
    assert after(later + timedelta(days=29)) == 1
    assert after(later + timedelta(days=31)) == 0


async def test_a_wrong_date_that_is_corrected_deletes_nothing(store: Store) -> None:
    now = datetime.now(UTC)
    far, wrong = now + timedelta(days=50), now - timedelta(days=400)
    publish(store, consultation(), closes_at=far)
    async with running(store) as (app, channel):
        await say(app, *(channel.msg("a", words) for words in ("/start park", "Deutsch", "ja")))
    publish(store, consultation(), closes_at=wrong)
    publish(store, consultation(), closes_at=far)
    with store.begin() as connection:
        delete_expired(connection, now)
    assert counted(store, "sessions") == 1


def test_reopening_restores_the_original_dates(store: Store) -> None:
    ends = datetime.now(UTC) + timedelta(days=9)
    publish(store, consultation(), closes_at=ends)
    with store.begin() as connection:
        before = find_live_revision(connection, "park")
        closed = lifecycle.close_consultation(connection, "park", tools()).revision
        assert closed.closes_at
        assert closed.closes_at < ends
        lifecycle.reopen_consultation(connection, "park", tools())
        assert find_live_revision(connection, "park") == before


def test_a_planned_end_that_is_over_needs_a_new_one(store: Store) -> None:
    now = datetime.now(UTC)
    publish(store, consultation(), closes_at=now - timedelta(days=1))
    with store.begin() as connection:
        with pytest.raises(StepRefused) as refused:
            lifecycle.reopen_consultation(connection, "park", tools())
        assert "needs a new end; --until" in state_texts.refusal_text(
            refused.value, lambda step: f"--until ({step})", UTC
        )
        lifecycle.reopen_consultation(connection, "park", tools(), until=now + timedelta(days=1))
    assert state_of(store) == "open"


@pytest.mark.parametrize(("ended_days_ago", "undo_days"), [(1, 29), (10, 20), (None, 30)])
def test_bringing_back_ends_with_the_answers_or_after_a_month(store: Store, ended_days_ago, undo_days) -> None:
    """Answers are kept for 30 days after the end."""
    now = datetime.now(UTC)
    publish(store, consultation(), closes_at=now - timedelta(days=ended_days_ago) if ended_days_ago else None)
    with store.begin() as connection:
        if ended_days_ago is None:
            lifecycle.close_consultation(connection, "park", tools(now))
        found = lifecycle.archive_consultation(connection, "park", tools(now))
        assert found.undo_until
        assert abs(found.undo_until - now - timedelta(days=undo_days)) < timedelta(seconds=1)
        late = tools(now + timedelta(days=undo_days, hours=1))
        with pytest.raises(StepRefused) as refused:
            lifecycle.unarchive_consultation(connection, "park", late)
        assert (
            f"could be restored until {state_texts.format_moment(found.undo_until, UTC)}"
            in state_texts.refusal_text(refused.value, str, UTC)
        )
        lifecycle.unarchive_consultation(connection, "park", tools(now + timedelta(days=undo_days - 1)))
    assert state_of(store) == "closed"


def test_migrated_revisions_are_live_and_can_be_reverted(store: Store) -> None:
    """Each revision was live until the next one; what was archived can be brought back as if it had been today."""
    for number in (1, 2, 3):
        publish(store, consultation(title={"de": f"Fassung {number}", "en": f"Version {number}"}))
    publish(store, consultation("lake"))
    with store.begin() as connection:
        lake = find_live_revision(connection, "lake")
        assert lake
        set_consultation_state(connection, lake.consultation_id, "archived")
    migrate.downgrade(store, "20261125_remains")
    migrate.upgrade(store)
    with store.begin() as connection:
        found = find_live_revision(connection, "park")
        assert found
        assert found.number == 3
        assert [row.number for row in revisions_once_live(connection, found.consultation_id)] == [1, 2, 3]
        for number in (2, 1):
            assert going_live.return_to_previous_revision(connection, "park", tools()).revision.number == number
        lifecycle.unarchive_consultation(connection, "lake", tools())
    assert state_of(store, "lake") == "closed"


def test_archiving_does_not_promise_to_bring_back_what_cannot_be(store: Store) -> None:
    publish(store, consultation())
    with store.begin() as connection:
        lifecycle.close_consultation(connection, "park", tools(datetime.now(UTC) - timedelta(days=4000)))
        found = lifecycle.archive_consultation(connection, "park", tools())
    assert found.undo_until is None
    assert (
        list(state_texts.describe_archiving(found, UTC))[-1]
        == "it cannot be restored: the retention of its answers has ended"
    )


def test_older_tables_are_refused_while_there_is_a_draft(store: Store) -> None:
    with store.begin() as connection:
        publishing.publish_checked(connection, CheckedFile(consultation(), ()), tools(), "park.yaml", stage="draft")
    with pytest.raises(RuntimeError, match="older tables know no drafts and tests"):
        migrate.downgrade(store, "20261125_remains")


def test_what_was_deleted_as_promised_is_not_opened_again(store: Store) -> None:
    publish(store, consultation())
    with store.begin() as connection:
        live = lifecycle.close_consultation(connection, "park", tools()).revision
    renew_edition(store, "park")
    with store.begin() as connection:
        make_edition_last(connection, live.consultation_id)
        with pytest.raises(StepRefused) as refused:
            lifecycle.reopen_consultation(connection, "park", tools())
        assert "publish the next round under a new name" in state_texts.refusal_text(refused.value, str, UTC)


@pytest.mark.parametrize(
    ("dates", "told"),
    [
        ({}, "try it"),
        ({"closes_at": timedelta(days=-1)}, "participation is not possible, it is closed since"),
        ({"opens_at": timedelta(days=1)}, "people can take part from"),
    ],
)
def test_nothing_says_try_it_while_nobody_can_take_part(store: Store, dates, told) -> None:
    now = datetime.now(UTC)
    publish(store, consultation())
    with store.reading() as connection:
        live = find_live_revision(connection, "park")
    assert live
    found = live._replace(**{name: now + later for name, later in dates.items()})
    assert state_texts.next_step_text(found, now, UTC).startswith(told)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("draft", r"park was never live, so there is nothing yet; `.* go-live park` makes it live"),
        ("closed", r"park: participation is not possible, it is closed since .*; `.* reopen park --until DATE`"),
        ("archived", r"park: participation is not possible, it is archived; `.* unarchive park` restores it"),
    ],
)
def test_play_says_why_nobody_can_take_part(store: Store, what: str, told: str) -> None:
    with store.begin() as connection:
        stage: Stage = "draft" if what == "draft" else "live"
        publishing.publish_checked(connection, CheckedFile(consultation(), ()), tools(), "park.yaml", stage=stage)
        if what != "draft":
            lifecycle.close_consultation(connection, "park", tools())
        if what == "archived":
            lifecycle.archive_consultation(connection, "park", tools())
    with pytest.raises(CommandError, match=told):
        check_play_options(store, PlayOptions("park"), UTC)


@pytest.mark.parametrize("step", [going_live.make_consultation_live, partial(going_live.withdraw_stage, stage="test")])
def test_what_stores_a_test_or_a_draft_is_not_what_publishes(store: Store, step: Callable[..., object]) -> None:
    publish(store, consultation())
    with store.begin() as connection, pytest.raises(StepRefused) as refused:
        step(connection, "park", tools())
    assert refused.value.remedy == "publish --test"


@pytest.mark.parametrize("what", ["archived", "draft", "closed"])
def test_a_push_of_what_nobody_can_answer_says_so(tmp_path: Path, what: str) -> None:
    settings = Settings(data=tmp_path, publish_samples=False)
    store, _ = open_store(settings)
    with store.begin() as connection:
        stage: Stage = "draft" if what == "draft" else "live"
        publishing.publish_checked(connection, CheckedFile(consultation(), ()), tools(), "park.yaml", stage=stage)
        if what != "draft":
            lifecycle.close_consultation(connection, "park", tools())
        if what == "archived":
            lifecycle.archive_consultation(connection, "park", tools())
    store.dispose()
    with pytest.raises(CommandError, match="park is not open, so nothing is sent"):
        push_command.run_push(settings, push_command.PushOptions("park"), print, print)
