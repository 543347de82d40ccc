"""The store keeps its promises when all is well: transactions, threads, settings."""

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, text

from storage.core import engines
from storage.core.engines import parse_url
from storage.core.errors import BadRow, BadStatement, Duplicate, StorageError, StoreBusy, StoreLost
from storage.core.store import ATTEMPTS, Store
from storage.tables.contacts import ContactRow, NewContact, delete_contacts, insert_contacts
from tests.support.databases import Database, only_postgresql, only_sqlite
from tests.support.rows import NOW
from tests.support.timeouts import PATIENCE


def add(number: int) -> NewContact:
    return NewContact(number, "de", NOW)


def stored(store: Store) -> list[int]:
    with store.reading() as connection:
        return list(connection.execute(select(ContactRow.id).order_by(ContactRow.id)).scalars())


@only_sqlite
def test_sqlite_is_durable_and_forgets_what_is_erased(hurried: Store) -> None:
    def settings(connection: Connection) -> dict[str, object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout", "query_only")
        return {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in names}

    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1, "busy_timeout": 300}
    with hurried.begin() as connection:
        assert settings(connection) == {**expected, "query_only": 0}
    with hurried.reading() as connection:
        assert settings(connection) == {**expected, "query_only": 1}


@only_postgresql
def test_postgresql_is_durable_and_never_waits_for_ever(hurried: Store) -> None:
    def settings(connection: Connection) -> dict[str, object]:
        names = ("synchronous_commit", "TimeZone", "lock_timeout", "statement_timeout", "transaction_isolation")
        return {name: connection.execute(text(f"SHOW {name}")).scalar() for name in names}

    expected = {"synchronous_commit": "on", "TimeZone": "UTC", "lock_timeout": "300ms"}
    with hurried.begin() as connection:
        assert settings(connection) == {
            **expected, "statement_timeout": "1min", "transaction_isolation": "read committed"
        }  # fmt: skip
    with hurried.reading() as connection:
        assert settings(connection) == {
            **expected, "statement_timeout": "10min", "transaction_isolation": "repeatable read"
        }  # fmt: skip


def test_nothing_is_opened_before_it_is_used(tmp_path: Path) -> None:
    Store(f"sqlite:///{tmp_path / 'nowhere.db'}").dispose()
    Store("postgresql://nobody@nowhere.invalid/nothing").dispose()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:///data/mitsprache.db", "sqlite"),
        ("postgresql://u:p@host/name", "postgresql+psycopg"),
        ("postgres://host/name", "postgresql+psycopg"),
    ],
)
def test_urls(url: str, driver: str) -> None:
    assert parse_url(url).drivername == driver


@pytest.mark.parametrize(
    "url", ["mysql://u:secret@host/name", "sqlite://", "sqlite:///:memory:", "sqlite+aiosqlite:///a"]
)
def test_other_urls_are_refused_without_telling_the_password(url: str) -> None:
    with pytest.raises(ValueError, match="database_url") as caught:
        parse_url(url)
    assert "secret" not in str(caught.value)


def test_a_transaction_is_whole_or_not_at_all(store: Store) -> None:
    def half(connection: Connection) -> None:
        insert_contacts(connection, [add(1)])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.run(half)
    assert stored(store) == []
    with store.begin() as connection:
        insert_contacts(connection, [add(2)])
    assert stored(store) == [2]


async def test_a_write_is_committed_when_it_returns(store: Store) -> None:
    def work(connection: Connection) -> str:
        insert_contacts(connection, [add(1)])
        return threading.current_thread().name

    first, second = await asyncio.gather(store.write(work), store.write(lambda _: threading.current_thread().name))
    assert first == second  # one writing thread
    assert await store.read(lambda connection: connection.execute(select(ContactRow.id)).scalars().all()) == [1]
    await store.close()


async def test_what_work_raises_arrives_and_nothing_is_written(store: Store) -> None:
    runs = 0

    def work(connection: Connection) -> None:
        nonlocal runs
        runs += 1
        insert_contacts(connection, [add(1)])
        insert_contacts(connection, [NewContact(2, "d\0e", NOW)])

    with pytest.raises(BadRow):
        await store.write(work)
    assert (runs, stored(store)) == (1, [])


async def test_a_write_goes_on_when_nobody_waits_any_more(store: Store) -> None:
    entered, leave = threading.Event(), threading.Event()

    def work(connection: Connection) -> None:
        entered.set()
        leave.wait()
        insert_contacts(connection, [add(1)])

    task = asyncio.create_task(store.write(work))
    await asyncio.to_thread(entered.wait)
    task.cancel()
    leave.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.write(lambda _: None)  # comes after it
    assert stored(store) == [1]


def test_what_may_pass_is_tried_again(store: Store) -> None:
    runs: list[int] = []

    def work(connection: Connection) -> str:
        runs.append(len(runs))
        insert_contacts(connection, [add(len(runs))])
        if len(runs) < ATTEMPTS:
            raise (StoreBusy, StoreLost)[len(runs) % 2]("for a moment")
        return "done"

    assert store.run(work) == "done"
    assert stored(store) == [ATTEMPTS]


@pytest.mark.parametrize(("houses", "expected"), [("sqlite", 1), ("postgresql", ATTEMPTS)], indirect=["houses"])
def test_a_row_somebody_else_wrote_first_is_looked_for_again(store: Store, expected: int) -> None:
    """On SQLite there is no other writer, so it is an error, and waiting would only delay others."""
    runs: list[int] = []

    def work(connection: Connection) -> None:
        runs.append(1)
        insert_contacts(connection, [add(1), add(1)])

    with pytest.raises(Duplicate):
        store.run(work)
    assert len(runs) == expected


def test_trying_again_ends(store: Store) -> None:
    runs: list[int] = []

    def work(_: Connection) -> None:
        runs.append(1)
        raise StoreBusy

    with pytest.raises(StoreBusy):
        store.run(work)
    assert len(runs) == ATTEMPTS


def test_a_transaction_within_a_transaction_is_noticed(hurried: Store) -> None:
    with hurried.begin(), pytest.raises(StoreBusy, match="still open"), hurried.begin():
        pass


def test_readers_cannot_write_and_see_one_moment(store: Store) -> None:
    with store.reading() as reader:
        assert reader.execute(select(ContactRow.id)).all() == []
        with store.begin() as connection:
            insert_contacts(connection, [add(1)])
        assert reader.execute(select(ContactRow.id)).all() == []
    assert stored(store) == [1]
    with pytest.raises(StorageError), store.reading() as reader:
        insert_contacts(reader, [add(2)])
    assert stored(store) == [1]


def test_all_readers_in_use(hurried: Store) -> None:
    opened = [hurried.reading() for _ in range(4)]
    for reader in opened:
        reader.__enter__()
    with pytest.raises(StoreBusy, match="in use"), hurried.reading():
        pass
    for reader in opened:
        reader.__exit__(None, None, None)
    assert stored(hurried) == []


def test_a_faulty_statement_is_our_fault(store: Store) -> None:
    with pytest.raises(BadStatement) as caught, store.begin() as connection:
        connection.execute(text("SELECT nothing FROM nowhere"))
    assert caught.value.alarm
    assert not caught.value.retryable


@only_sqlite
def test_nothing_erased_stays_in_the_files(store: Store) -> None:
    secret = "a-language-that-nobody-else-speaks" * 20
    with store.begin() as connection:
        insert_contacts(connection, [NewContact(number, secret, NOW) for number in range(200)])
    files = [Path(str(store.writer.url.database) + end) for end in ("", "-wal")]
    assert any(secret.encode() in file.read_bytes() for file in files)
    with store.begin() as connection:
        delete_contacts(connection, range(200))
    store.scrub()
    assert not any(secret.encode() in file.read_bytes() for file in files)


@only_sqlite
def test_scrubbing_waits_for_readers_but_not_for_ever(hurried: Store) -> None:
    with hurried.begin() as connection:
        insert_contacts(connection, [add(1)])
    with hurried.reading() as reader:
        reader.execute(select(ContactRow.id)).all()
        with hurried.begin() as connection:
            insert_contacts(connection, [add(2)])
        with pytest.raises(StoreBusy):
            hurried.scrub()
    hurried.scrub()


@only_sqlite
def test_others_write_while_scrubbing_waits_for_a_reader(database: Database) -> None:
    """A process that makes figures may read for half a minute."""
    patient, other = (Store(database.url, busy_seconds=seconds) for seconds in (PATIENCE, 0.5))
    with patient.begin() as connection:
        insert_contacts(connection, [add(1)])
    with other.reading() as reader:
        reader.execute(select(ContactRow.id)).all()
        with patient.begin() as connection:
            insert_contacts(connection, [add(2)])
        scrubbing = threading.Thread(target=patient.scrub)
        scrubbing.start()
        for store, number in ((patient, 3), (other, 4)) * 5:
            with store.begin() as connection:
                insert_contacts(connection, [add(number + 10 * len(stored(store)))])
        assert scrubbing.is_alive(), "the reader is still there"
    scrubbing.join()
    assert not Path(f"{patient.writer.url.database}-wal").read_bytes()
    assert len(stored(patient)) == 12
    for store in (patient, other):
        store.dispose()


def insert(store: Store, number: int) -> object:
    """Adds a row as the service does; gives the driver's connection."""

    def work(connection: Connection) -> object:
        insert_contacts(connection, [add(number)])
        return connection.connection.dbapi_connection

    return store.run(work)


def test_the_service_keeps_its_connection_and_commits_each_time(store: Store) -> None:
    first = insert(store, 1)
    assert stored(store) == [1]
    assert insert(store, 2) is first
    assert stored(store) == [1, 2]


def test_what_fails_on_a_kept_connection_leaves_nothing(store: Store) -> None:
    first = insert(store, 1)

    def fails(connection: Connection) -> None:
        with connection.begin_nested():
            insert_contacts(connection, [add(2)])
        insert_contacts(connection, [add(1)])

    with pytest.raises(Duplicate):
        store.run(fails)
    assert stored(store) == [1]

    def in_part(connection: Connection) -> None:
        with pytest.raises(Duplicate), connection.begin_nested():
            insert_contacts(connection, [add(4), add(1)])
        insert_contacts(connection, [add(3)])

    store.run(in_part)
    assert insert(store, 5) is first
    assert stored(store) == [1, 3, 5]


def test_command_and_service_share_the_one_connection(hurried: Store) -> None:
    first = insert(hurried, 1)
    with hurried.begin() as connection:
        assert connection.connection.dbapi_connection is first
        insert_contacts(connection, [add(2)])
    assert insert(hurried, 3) is first
    hurried.scrub()
    assert insert(hurried, 4) is first
    assert stored(hurried) == [1, 2, 3, 4]


def test_a_kept_connection_is_closed_with_all_others(hurried: Store) -> None:
    first = insert(hurried, 1)
    hurried.writer.dispose()
    assert insert(hurried, 2) is not first
    assert stored(hurried) == [1, 2]


class EndsWithTheStore:
    """A connection in the moment of whose closing the program stops."""

    def __init__(self, inner: sqlite3.Connection, store: Store) -> None:
        self.inner, self.store = inner, store

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def close(self) -> None:
        self.inner.close()
        self.store.dispose()


@only_sqlite
def test_the_program_may_stop_when_a_check_ends(store: Store, monkeypatch: pytest.MonkeyPatch):
    real = engines.open_sqlite
    monkeypatch.setattr(engines, "open_sqlite", lambda *given, **named: EndsWithTheStore(real(*given, **named), store))
    assert store.flaw() == ""
