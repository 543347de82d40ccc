"""Begun web participations are counted by network without naming any, and bursts are marked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from adapters.web.begins import BURST_OTHERS
from adapters.web.limits import BeginRules
from bot.common import begin_counter
from bot.common.begin_counter import BeginCounter
from bot.conversations.hourly_jobs import write_begin_counts
from bot.privacy.retention import BEGIN_COUNTS_KEPT, delete_expired
from storage.core.base import table_of
from storage.tables.begin_counts import BeginCount, BeginCountRow, NetworkTotals, network_totals, upsert_begin_counts
from storage.tables.sessions import SessionRow
from tests.support.browser import QUICK, serving

NOON = datetime(2026, 12, 1, 12, 20, tzinfo=UTC)
HOUR = NOON.replace(minute=0)
COUNTED = QUICK._replace(begins=BeginRules())


@pytest.fixture
def store(sample_store):
    return sample_store


def consultation_of(store) -> int:
    with store.reading() as connection:
        return int(connection.execute(text("SELECT id FROM consultations WHERE slug = 'mein-kiez'")).scalar_one())


def rows_of(store) -> list[BeginCount]:
    table = table_of(BeginCountRow)
    with store.reading() as connection:
        return [BeginCount._make(row) for row in connection.execute(select(table).order_by(table.c.begins))]


def hashes(counter: BeginCounter) -> set[bytes]:
    return {row.network for row in counter.totals()}


def test_the_key_is_another_one_each_day_and_in_each_process():
    first, second = BeginCounter(), BeginCounter()
    for counter in (first, second):
        counter.note(1, "192.0.2.1", NOON)
        counter.note(1, "192.0.2.1", NOON + timedelta(hours=1))
    assert len(hashes(first)) == 1, "within a day a network is recognised"
    assert hashes(first).isdisjoint(hashes(second))
    first.note(1, "192.0.2.1", NOON + timedelta(days=1))
    assert len(hashes(first)) == 2


def test_written_hours_leave_the_memory():
    counter = BeginCounter()
    counter.note(1, "192.0.2.1", NOON)
    rows = counter.totals()
    counter.written(rows, NOON)
    assert counter.totals() == rows, "the hour is not over"
    counter.note(1, "192.0.2.1", NOON)
    counter.written(rows, NOON + timedelta(hours=1))
    assert [row.begins for row in counter.totals()] == [2], "one was added since"
    counter.written(counter.totals(), NOON + timedelta(hours=1))
    assert counter.totals() == []


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(begin_counter, "MOST_COUNTED", 2)
    counter = BeginCounter()
    for number in (1, 2, 3, 1):
        counter.note(1, f"192.0.2.{number}", NOON)
    assert sorted(row.begins for row in counter.totals()) == [1, 2]


async def test_counts_are_stored_as_totals_and_dropped_after_a_week(store):
    number, counter = consultation_of(store), BeginCounter()
    for _ in range(2):
        counter.note(number, "192.0.2.1", NOON)
        await write_begin_counts(store, counter, NOON)
    counter.note(number, "192.0.2.2", NOON)
    await write_begin_counts(store, counter, NOON)
    assert [(row.hour, row.begins) for row in rows_of(store)] == [(HOUR, 1), (HOUR, 2)]
    with store.reading() as connection:
        assert network_totals(connection, number) == NetworkTotals(3, 2)
    await store.write(lambda connection: delete_expired(connection, HOUR + BEGIN_COUNTS_KEPT))
    assert len(rows_of(store)) == 2
    await store.write(lambda connection: delete_expired(connection, HOUR + BEGIN_COUNTS_KEPT + timedelta(hours=1)))
    assert rows_of(store) == []


async def test_nothing_is_written_without_counts(store, monkeypatch):
    monkeypatch.setattr(type(store), "write", lambda self, work: 1 / 0)
    await write_begin_counts(store, BeginCounter(), NOON)


async def test_a_crowd_of_one_network_is_marked_and_counted(store):
    async with serving(store, COUNTED, trusted_proxies=["127.0.0.1"]) as house:
        for address in ["203.0.113.9"] * (BURST_OTHERS + 2) + ["203.0.113.10"]:
            page = house.browser(**{"X-Forwarded-For": address, "Cookie": "lang=de"})
            await page.post("/c/mein-kiez/start", [("lang", "de"), ("view", "form")])
            assert page.path.startswith("/c/mein-kiez/form")
        totals = house.app.begin_counter.totals()
        assert sorted(row.begins for row in totals) == [1, BURST_OTHERS + 2]
        with store.reading() as connection:
            marks = sorted(connection.scalars(select(table_of(SessionRow).c.burst)))
        assert marks == [0] * (BURST_OTHERS + 1) + [1, 1]


async def test_hashes_have_16_bytes(store):
    with pytest.raises(Exception, match=r"(?i)check|constraint|network"), store.begin() as connection:
        upsert_begin_counts(connection, [BeginCount(consultation_of(store), HOUR, b"short", 1)])
