"""Nothing is kept longer than promised."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from bot.housekeeping import FAILURES_KEPT, REPEATS_KEPT, tidy
from storage import consultations
from storage.store import Store
from tests.house import consultation, publish, running, say


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
            tidy(connection, moment)
        return count(store, "received"), count(store, "sessions"), count(store, "answers")

    assert after(datetime.now(UTC)) == (taken, 2, 2)
    assert after(datetime.now(UTC) + REPEATS_KEPT + timedelta(hours=1)) == (0, 2, 2)
    assert after(ends + timedelta(days=29)) == (0, 2, 2), "the promise was 30 days"
    assert after(ends + timedelta(days=31)) == (0, 1, 1), "the one without an end stays"
    store.dispose()


async def test_set_aside_messages_do_not_stay_for_ever(database, monkeypatch):
    store = Store(database.url)
    publish(store, consultation())
    monkeypatch.setattr("flows.engine.start", None)
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", "/start park"))
    assert count(store, "dead_letters") == 1
    for later, left in ((timedelta(0), 1), (FAILURES_KEPT + timedelta(hours=1), 0)):
        with store.begin() as connection:
            tidy(connection, datetime.now(UTC) + later)
        assert count(store, "dead_letters") == left
    with store.reading() as connection:
        assert consultations.latest(connection, "park") is not None
    store.dispose()
