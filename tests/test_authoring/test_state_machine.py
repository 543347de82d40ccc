"""From every state every step has its effect, or is refused with a remedy; and all but erasure can be taken back."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier, Thread
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import Connection, text

from bot.authoring import going_live, lifecycle, publishing, state_texts
from bot.authoring.file_check import CheckedFile
from bot.authoring.lifecycle import UNDO, Step, StepRefused
from bot.authoring.publish_impact import PublishOptions
from bot.authoring.publishing import PublishContext
from storage import migrate
from storage.core.store import Store
from storage.tables import stages
from storage.tables.consultations import find_consultation
from storage.tables.revisions import find_live_revision, list_live_revisions, list_unpublished_revisions
from storage.tables.stages import Stage, current_stages, stage_history
from storage.tables.triggers import load_triggers
from tests.support.app import consultation
from tests.support.rows import new_id
from tests.support.sizes import size

START = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
STEPS: dict[str, Callable[..., object]] = {
    "archive": lifecycle.archive_consultation,
    "close": lifecycle.close_consultation,
    "go-live": going_live.make_consultation_live,
    "publish --back": going_live.return_to_previous_revision,
    "reopen": lifecycle.reopen_consultation,
    "unarchive": lifecycle.unarchive_consultation,
}
REMEDIES = {"reopen", "unarchive", "close", "archive", "go-live", "publish", "publish --test", "publish --back"}


class States(RuleBasedStateMachine):
    """One consultation, and everything that can be done with it. Each rule checks what follows from its step."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.store = Store(f"sqlite:///{Path(self.folder.name) / 'house.db'}")
        migrate.upgrade(self.store)
        self.now = START
        self.refused: StepRefused | None = None

    def teardown(self) -> None:
        self.store.dispose()
        self.folder.cleanup()

    def desk(self) -> PublishContext:
        self.now += timedelta(minutes=1)
        return PublishContext(new_id, self.now, UTC)

    def state(self, connection: Connection) -> str:
        found = find_live_revision(connection, "park")
        if found:
            return found.state_at(self.now)
        waiting = list_unpublished_revisions(connection)
        return "nothing" if not waiting else waiting[-1].state

    def seen(self) -> tuple[Any, ...]:
        """Everything that residents meet."""
        with self.store.reading() as connection:
            live = find_live_revision(connection, "park")
            words = load_triggers(connection)
            own = sorted(value for (_, value), owner in words.items() if live and owner == live.consultation_id)
            return self.state(connection), live and (live.number, live.closes_at), own

    def try_(self, step: Step, **more: Any) -> bool:
        """Takes a step; a refusal names the way on and changes nothing."""
        before, run = self.seen(), STEPS[step]
        try:
            with self.store.begin() as connection:
                run(connection, "park", self.desk(), **more)
        except StepRefused as refused:
            said = state_texts.refusal_text(refused, lambda remedy: f"<{remedy}>", UTC)
        else:
            return True
        assert "{" not in said
        assert before[0] == "nothing" or "; " in said, "it says what to do"
        assert set(re.findall("<(.*?)>", said)) <= REMEDIES
        assert self.seen()[1:] == before[1:], "a refusal changes nothing"
        return False

    @rule(stage=st.sampled_from(["live", "test", "draft"]), wording=st.integers(1, 4))
    def publish(self, stage: Stage, wording: int) -> None:
        made = consultation(title={"de": f"Park {wording}", "en": f"Park {wording}"}, keywords=[f"wort{wording}"])
        before = self.seen()
        with self.store.begin() as connection:
            found = publishing.publish_checked(connection, CheckedFile(made, ()), self.desk(), "park.yaml", stage=stage)
        if found.revision is None and before[0] in {"closed", "archived"}:
            assert any(step in str(found.issues[-1]) for step in ("reopen park", "unarchive park"))
        elif found.revision is None:
            live = before[1][0]
            assert any(f"add --base {live}" in str(fault) for fault in found.issues), "others published since"
            with self.store.begin() as connection:
                again = publishing.publish_checked(
                    connection, CheckedFile(made, ()), self.desk(), "park.yaml", PublishOptions(live)
                )
            assert again.new
            assert again.revision
            assert self.seen()[1][0] == again.revision.number, "what is meant is live"
            return
        if found.revision is None or stage != "live":
            assert self.seen()[1:] == before[1:], "nothing changes for residents"

    @rule()
    def close(self) -> None:
        before = self.seen()
        if self.try_("close"):
            assert before[0] == "open"
            assert self.seen()[0] == "closed"
            if before[1][1] is None or before[1][1] > self.now + timedelta(hours=1):
                assert self.try_(UNDO["close"])
                assert self.seen() == before, "reopening takes it back"
                assert self.try_("close")

    @rule(days=st.sampled_from([None, -1, 5, 50]))
    def reopen(self, days: int | None) -> None:
        before = self.seen()
        if self.try_("reopen", until=None if days is None else self.now + timedelta(days=days)):
            assert before[0] == "closed"
            assert self.seen()[0] == "open"

    @rule()
    def archive(self) -> None:
        before = self.seen()
        if self.try_("archive"):
            assert before[0] == "closed"
            assert self.seen()[0] == "archived"
            assert self.try_(UNDO["archive"])
            assert self.seen() == before
            assert self.try_("archive")

    @rule()
    def unarchive(self) -> None:
        before = self.seen()
        if self.try_("unarchive"):
            assert before[0] == "archived"
            assert self.seen()[0] == "closed"

    @rule(stage=st.sampled_from([None, "test", "draft"]), number=st.sampled_from([None, None, 1, 2]))
    def go_live(self, stage: str | None, number: int | None) -> None:
        before = self.seen()
        if self.try_("go-live", stage=stage, number=number) and before[1]:
            now = self.seen()
            if now[1][0] != before[1][0] and self.try_(UNDO["go-live"]):
                assert self.seen()[1][0] == before[1][0]

    @rule()
    def back(self) -> None:
        before = self.seen()
        if self.try_("publish --back"):
            assert self.seen()[1] != before[1]
            assert self.try_(UNDO["publish --back"], number=before[1][0])
            assert self.seen()[1:] == before[1:]

    @rule(stage=st.sampled_from(["test", "draft"]))
    def take_back(self, stage: Any) -> None:
        before = self.seen()
        with suppress(StepRefused), self.store.begin() as connection:
            going_live.withdraw_stage(connection, "park", self.desk(), stage=stage)
        assert self.seen()[1:] == before[1:]

    @rule(days=st.integers(1, 40))
    def wait(self, days: int) -> None:
        self.now += timedelta(days=days)

    @invariant()
    def each_stage_is_taken_once_and_each_test_has_its_trial(self) -> None:
        with self.store.reading() as connection:
            found = find_consultation(connection, "park")
            if found is None:
                return
            now = current_stages(connection, found.id)
            assert ("test" in now) == (stages.trial_of(connection, found.id) is not None)
            assert all(row.until for row in stage_history(connection, found.id)[:-1])
            listed = [row.slug for row in list_live_revisions(connection, ("open", "closed", "archived"))]
            assert listed == (["park"] if "live" in now else [])
            rows = "SELECT (SELECT count(*) FROM consultations) - (SELECT count(*) FROM trials)"
            assert connection.execute(text(rows)).scalar() == 1, "of tests that are over nothing is left"


States.TestCase.settings = settings(
    max_examples=size("walks through the states of a consultation"), stateful_step_count=20, deadline=None
)
TestStates = pytest.mark.long(States.TestCase)


def test_two_who_do_something_at_once_take_turns(store: Store) -> None:
    """The second sees what the first has done: it is told, or does what is still to be done."""
    desk = PublishContext(new_id, datetime.now(UTC), UTC)
    with store.begin() as connection:
        publishing.publish_checked(connection, CheckedFile(consultation(), ()), desk, "park.yaml")
    other, both, said = Store(str(store.writer.url.render_as_string(hide_password=False))), Barrier(2), []

    def close(place: Store) -> None:
        both.wait()
        try:
            place.run(lambda connection: lifecycle.close_consultation(connection, "park", desk))
            said.append("closed")
        except StepRefused as refused:
            said.append(refused.reason)

    threads = [Thread(target=close, args=(place,)) for place in (store, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.dispose()
    assert sorted(said) == ["closed", "is_closed"]
