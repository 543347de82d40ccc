"""Writes of other connections are detected on both databases, for any content and time of the commit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, text

from storage.core.store import Store
from storage.core.write_watch import WriteWatch
from storage.tables.messages import probe_write
from storage.tables.sessions import lock_sessions
from tests.support.app import consultation, publish, running, say
from tests.support.databases import only_postgresql


@pytest.fixture
def other(store) -> Iterator[Store]:
    """The same database, opened by another program."""
    found = Store(store.writer.url.render_as_string(hide_password=False))
    yield found
    found.dispose()


def is_unchanged(store: Store, watch: WriteWatch) -> bool:
    with store.begin() as connection:
        return watch.is_unchanged(connection)


def settle(store: Store, watch: WriteWatch) -> None:
    """Asks until nothing else happens on the server, which also analyses its tables."""
    assert any(is_unchanged(store, watch) for _ in range(1000))


def test_first_transaction_counts_as_changed(store):
    assert not is_unchanged(store, WriteWatch())


def test_write_of_another_program_is_noticed_once(store, other):
    watch = WriteWatch()
    settle(store, watch)
    with other.begin() as connection:
        probe_write(connection)
    assert not is_unchanged(store, watch)
    settle(store, watch)


@only_postgresql
def test_running_transaction_is_noticed_until_it_ends(store, other):
    watch = WriteWatch()
    settle(store, watch)
    with other.begin() as connection:
        probe_write(connection)
        assert not is_unchanged(store, watch)
        assert not is_unchanged(store, watch), "what it wrote is not to be seen yet"
    assert not is_unchanged(store, watch)
    settle(store, watch)


def test_noted_transaction_of_the_writer_is_no_change(store):
    watch = WriteWatch()

    def is_unchanged_after_note() -> bool:
        settle(store, watch)
        with store.begin() as connection:
            probe_write(connection)
            watch.note(connection)
        return is_unchanged(store, watch)

    assert any(is_unchanged_after_note() for _ in range(100))


def test_noted_transaction_hides_no_other_write(store, other):
    watch = WriteWatch()
    settle(store, watch)
    with other.begin() as connection:
        probe_write(connection)
    with store.begin() as connection:
        watch.note(connection)
    assert not is_unchanged(store, watch)


@only_postgresql
async def test_locked_sessions_cannot_be_taken_by_others(store, other):
    publish(store, consultation())
    async with running(store) as (_, channel):
        await say(_, channel.msg("a", "/start park"))

    def free(connection: Connection) -> list[int]:
        return list(connection.scalars(text("SELECT id FROM sessions FOR UPDATE SKIP LOCKED")))

    with store.begin() as connection:
        number = connection.scalars(text("SELECT id FROM sessions")).one()
        assert lock_sessions(connection, [number, 17]) == [number]
        with other.begin() as beside:
            assert free(beside) == []
    with other.begin() as beside:
        assert free(beside) == [number]
