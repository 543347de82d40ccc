"""A clock that jumps ahead deletes nothing and ends no participation."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.common.clock import DOUBT_SECONDS, FILE, LEAP, Clock
from bot.settings import Settings
from storage.core.store import Store
from tests.support.app import consultation, publish, rows, running, say
from tests.support.timeouts import PATIENCE

START = datetime(2026, 11, 30, 9, tzinfo=UTC)


class Watch:
    """A clock for tests: the time of day, and the seconds that passed."""

    def __init__(self, data: Path) -> None:
        self.now, self.seconds = START, 0.0
        self.clock = Clock(data, lambda: self.now, lambda: self.seconds)

    def after(self, passed: timedelta, jump: timedelta = timedelta(0)) -> bool:
        """Whether it is believed then."""
        self.seconds += passed.total_seconds()
        self.now += passed + jump
        return self.clock.believed() is not None


HOUR = timedelta(hours=1)


def test_a_clock_that_goes_is_believed(tmp_path: Path):
    watch = Watch(tmp_path)
    assert [watch.after(HOUR) for _ in range(100)] == [True] * 100
    assert Watch(tmp_path).after(timedelta(days=1)), "a service that was off for a day"


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(days=-400), timedelta(hours=1), timedelta(days=1)])
def test_small_jumps_and_those_back_are_believed(tmp_path: Path, jump: timedelta):
    watch = Watch(tmp_path)
    assert watch.after(HOUR)
    assert watch.after(HOUR, jump)


def test_clock_leap_is_doubted_for_hours_and_can_be_reverted(tmp_path: Path):
    watch = Watch(tmp_path)
    assert watch.after(HOUR)
    assert not watch.after(HOUR, timedelta(days=365))
    assert not watch.after(HOUR)
    assert watch.after(HOUR, timedelta(days=-365))
    assert not watch.after(HOUR, LEAP + HOUR)
    assert not watch.after(timedelta(seconds=DOUBT_SECONDS - 1))
    assert watch.after(timedelta(seconds=1)), "nobody set it back: it is the time"
    assert watch.after(HOUR)


def test_a_restart_does_not_end_the_doubt(tmp_path: Path):
    assert Watch(tmp_path).after(HOUR)
    for _ in range(2):
        again = Watch(tmp_path)
        assert not again.after(HOUR, timedelta(days=365))


def test_a_note_that_cannot_be_read_is_none(tmp_path: Path):
    (tmp_path / FILE).write_text("yesterday")
    assert Watch(tmp_path).after(HOUR)


async def test_a_house_that_starts_a_year_ahead_deletes_nothing(store: Store, tmp_path: Path):
    """Everything in it has had its time, by that clock."""
    settings = Settings(data=tmp_path / "data")
    settings.data.mkdir()
    publish(store, consultation(), closes_at=datetime.now(UTC) + timedelta(days=1))
    async with running(Store(url(store)), settings=settings) as (app, channel):
        await say(app, *(channel.msg("a", words) for words in ("/start park", "Deutsch", "ja")))
    store.run(
        lambda connection: connection.exec_driver_sql(
            "UPDATE consultations SET closes_at = '2026-01-01T00:00:00.000000Z'"
        )
    )
    (settings.data / FILE).write_text("2025-11-30T09:00:00+00:00")
    with capture_logs() as logs:
        async with running(Store(url(store)), settings=settings), asyncio.timeout(PATIENCE):
            while not any(line["event"] == "clock_jumped_ahead" for line in logs):
                await asyncio.sleep(0.01)
    assert rows(store, "SELECT status FROM sessions") == [("waiting",)]
    assert len(rows(store, "SELECT value FROM answers")) == 1
    (settings.data / FILE).unlink()
    async with running(Store(url(store)), settings=settings), asyncio.timeout(PATIENCE):
        while rows(store, "SELECT value FROM answers"):
            await asyncio.sleep(0.01)


def url(store: Store) -> str:
    return store.writer.url.render_as_string(hide_password=False)
