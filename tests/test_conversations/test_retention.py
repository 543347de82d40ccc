"""Nothing is kept longer than promised."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from bot.common.begin_counter import BeginCounter
from bot.common.erasure_log import ErasureLog
from bot.conversations.hourly_jobs import run_hourly_jobs
from bot.delivery.outbox import Outbox
from bot.privacy.retention import (
    FAILURES_KEPT,
    IDLE_CONTACTS_KEPT,
    REPEATS_KEPT,
    delete_expired,
    delete_idle_contacts,
    find_idle_contacts,
)
from bot.results.editions.service import EditionService
from storage import migrate
from storage.core.store import Store
from storage.tables.revisions import find_live_revision
from tests.support.app import KEYS, consultation, publish, running, say
from tests.support.timeouts import PATIENCE


def count(store: Store, table: str) -> int:
    with store.reading() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


async def test_what_has_had_its_time_is_deleted_and_nothing_else(database):
    store = Store(database.url)
    ends = datetime.now(UTC) + timedelta(days=1)
    publish(store, consultation("park"), closes_at=ends)
    publish(store, consultation("budget"))
    async with running(store) as (app, channel):
        for slug in ("park", "budget"):
            await say(app, *(channel.msg(slug, words) for words in (f"/start {slug}", "Deutsch", "ja")))
    taken = count(store, "received")

    def after(moment: datetime) -> tuple[int, int, int]:
        with store.begin() as connection:
            delete_expired(connection, moment)
        return count(store, "received"), count(store, "sessions"), count(store, "answers")

    assert after(datetime.now(UTC)) == (taken, 2, 2)
    assert after(datetime.now(UTC) + REPEATS_KEPT + timedelta(hours=1)) == (0, 2, 2)
    assert after(ends + timedelta(days=29)) == (0, 2, 2), "the promise was 30 days"
    assert after(ends + timedelta(days=31)) == (0, 1, 1), "the one without an end stays"
    store.dispose()


async def test_set_aside_messages_do_not_stay_for_ever(database, monkeypatch):
    store = Store(database.url)
    publish(store, consultation())
    monkeypatch.setattr("flows.dialogue.engine.start", None)
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", "/start park"))
    assert count(store, "dead_letters") == 1
    for later, left in ((timedelta(0), 1), (FAILURES_KEPT + timedelta(hours=1), 0)):
        with store.begin() as connection:
            delete_expired(connection, datetime.now(UTC) + later)
        assert count(store, "dead_letters") == left
    with store.reading() as connection:
        assert find_live_revision(connection, "park") is not None
    store.dispose()


async def test_work_beside_the_conversations_begins_anew_after_a_fault(store, monkeypatch):
    calls, again = [], asyncio.Event()

    async def stumble(*_: object, **__: object) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError
        again.set()
        await asyncio.Event().wait()

    monkeypatch.setattr("bot.app.run_hourly_jobs", stumble)
    monkeypatch.setattr("bot.app.AGAIN_SECONDS", 0.01)
    with capture_logs() as logs:
        async with running(store), asyncio.timeout(PATIENCE):
            await again.wait()
    assert [line["fault"] for line in logs if line["event"] == "background_work_restarted"] == ["ZeroDivisionError"]


async def test_error_during_shutdown_still_closes_the_rest(store, monkeypatch):
    closing, closed = asyncio.Event(), []

    async def fail(_: Outbox) -> None:
        await closing.wait()
        raise ZeroDivisionError

    async def drained(_: Outbox) -> None:
        closing.set()
        await asyncio.sleep(0.05)

    async def close() -> None:
        closed.append(1)

    monkeypatch.setattr(Outbox, "run", fail)
    monkeypatch.setattr(Outbox, "drained", drained)
    async with running(store):
        monkeypatch.setattr(store, "close", close)
    assert closed == [1]


async def test_a_fault_of_the_work_itself_ends_the_house(store, monkeypatch):
    async def fail(_: Outbox) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Outbox, "run", fail)
    with pytest.raises(ZeroDivisionError):
        async with running(store), asyncio.timeout(PATIENCE):
            await asyncio.Event().wait()


async def test_retention_of_migration_copies_and_erasure_notes(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'house.db'}")
    migrate.upgrade(store)
    old, new, other = (tmp_path / name for name in ("house.before-a.db", "house.before-b.db", "mine.before-a.db"))
    for file in (old, new, other):
        file.touch()
    past = (datetime.now(UTC) - timedelta(days=15)).timestamp()
    os.utime(old, (past, past))
    os.utime(other, (past, past))
    erasure_log, months = (
        ErasureLog(tmp_path, KEYS),
        [f"{datetime.now(UTC) - timedelta(days=ago):%Y-%m}" for ago in (70, 30)],
    )
    erasure_log.folder.mkdir()
    for month in months:
        (erasure_log.folder / month).touch()
    renew = EditionService(store).renew
    task = asyncio.create_task(run_hourly_jobs(store, KEYS, erasure_log, 30, renew, BeginCounter()))
    async with asyncio.timeout(PATIENCE):
        while old.exists() or (erasure_log.folder / months[0]).exists():
            await asyncio.sleep(0.01)
    task.cancel()
    assert (erasure_log.folder / months[1]).exists(), "a backup of that month may still be there"
    assert (new.exists(), other.exists()) == (True, True), "a new one, and what is not ours"
    await store.close()


async def test_whom_nothing_connects_with_the_house_is_forgotten(database):
    """Answers go when their time is over; the address of those who gave them must not stay for good."""
    store = Store(database.url)
    ends = datetime.now(UTC) + timedelta(days=1)
    publish(store, consultation("park"), closes_at=ends)
    publish(store, consultation("budget"))
    async with running(store) as (app, channel):
        for name, slug in (("gone", "park"), ("stays", "budget"), ("wishes", "park")):
            await say(app, *(channel.msg(name, words) for words in (f"/start {slug}", "Deutsch", "ja", "Bank")))
        await say(app, channel.msg("wishes", "absenden"), channel.msg("wishes", "neuigkeiten alle"))
    assert (count(store, "contacts"), count(store, "opt_ins")) == (3, 1)

    def after(moment: datetime) -> int:
        with store.begin() as connection:
            delete_expired(connection, moment)
        with store.reading() as connection:
            found = find_idle_contacts(connection, moment, KEYS)
        with store.begin() as connection:
            return delete_idle_contacts(connection, found, moment, KEYS) if found else 0

    assert after(ends + timedelta(days=29)) == 0, "there are answers"
    assert after(ends + timedelta(days=32)) == 1
    assert (count(store, "contacts"), count(store, "addresses")) == (2, 2)
    assert after(datetime.now(UTC) + 4 * IDLE_CONTACTS_KEPT) == 0
    store.dispose()
