"""When the database is locked, full, gone or restarted: a clear error, nothing half, and recovery afterwards."""

import os
import shutil
import sqlite3
import subprocess
import threading
from contextlib import closing, nullcontext, suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, func, select, text

from storage.core import engines
from storage.core.errors import CommitUnknown, Duplicate, StorageError, StoreBusy, StoreDamaged, StoreFull, StoreLost
from storage.core.store import Store
from storage.tables import contacts
from storage.tables.contacts import ContactRow, NewContact, find_addresses, insert_contacts
from tests.support.databases import Database, only_postgresql, only_sqlite
from tests.support.rows import NOW


def add(store: Store, *numbers: int) -> None:
    """As the service writes: its connection is kept from one transaction to the next."""
    store.run(lambda connection: insert_contacts(connection, [NewContact(number, "de", NOW) for number in numbers]))


def count(store: Store) -> int:
    with store.reading() as connection:
        return connection.execute(select(func.count()).select_from(ContactRow)).scalar_one()


def test_a_second_writer_waits_then_is_told_then_recovers(store: Store, database: Database) -> None:
    other = Store(database.url, busy_seconds=0.2)
    with store.begin() as connection:
        insert_contacts(connection, [NewContact(1, "de", NOW)])
        with pytest.raises(StoreBusy) as caught:
            add(other, 1)  # on PostgreSQL two writers meet only where they write the same row
        assert caught.value.retryable
    add(other, 2)
    assert count(store) == 2
    other.dispose()


def test_a_writer_that_waits_gets_its_turn(store: Store, database: Database) -> None:
    other = Store(database.url, busy_seconds=5)
    holding = threading.Event()

    def hold() -> None:
        with store.begin() as connection:
            insert_contacts(connection, [NewContact(1, "de", NOW)])
            holding.set()
            connection.execute(text("SELECT count(*) FROM contacts"))
            threading.Event().wait(0.3)

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait()
    add(other, 2)
    thread.join()
    assert count(other) == 2
    other.dispose()


@only_sqlite
def test_a_full_disk(store: Store) -> None:
    add(store, 1)

    def limit(pages: int) -> None:
        with store.begin() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    limit(1)  # no more than there is
    words = "x" * 3_000
    with pytest.raises(StoreFull) as caught, store.begin() as connection:
        insert_contacts(connection, [NewContact(number, words, NOW) for number in range(2, 500)])
    assert caught.value.retryable
    assert caught.value.alarm
    assert count(store) == 1
    limit(1_000_000)
    add(store, 2)
    assert count(store) == 2


@only_sqlite
async def test_write_error_is_kept_until_a_write_succeeds(store: Store) -> None:
    def overflow(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")  # no more than there is
        insert_contacts(connection, [NewContact(number, "x" * 3_000, NOW) for number in range(500)])

    with pytest.raises(StoreFull) as caught:
        await store.write(overflow)
    assert await store.read(lambda connection: connection.execute(select(func.count(ContactRow.id))).scalar_one()) == 0
    assert store.error is caught.value, "a disk is no less full because it can be read"
    await store.write(lambda connection: insert_contacts(connection, [NewContact(1, "de", NOW)]))
    assert store.error is None
    with pytest.raises(Duplicate):
        await store.write(lambda connection: insert_contacts(connection, [NewContact(1, "de", NOW)]))
    assert store.error is None, "a fault of the work, not of the database"


def fill(store: Store) -> int:
    """Write until the disk is full; gives how many rows were committed."""
    for number in range(10_000):
        try:
            with store.begin() as connection:
                insert_contacts(connection, [NewContact(number, "x" * 3_000, NOW)])
        except StoreFull:
            return number
    raise AssertionError("the disk never filled up")


@only_sqlite
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="a small disk: only root can mount one")
def test_a_really_full_disk(database: Database) -> None:
    """On a file system of one megabyte: what was committed stays, and work goes on once there is space."""
    mount = database.file.with_name("small")
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mount], check=False).returncode != 0:
        pytest.skip("a small disk: this container may not mount one")
    try:
        shutil.copy(database.file, mount / "a.db")
        store = Store(f"sqlite:///{mount / 'a.db'}")
        written = fill(store)
        assert count(store) == written > 10
        subprocess.run(["mount", "-o", "remount,size=8m", mount], check=True)
        add(store, 20_000)
        assert count(store) == written + 1
        store.dispose()
    finally:
        subprocess.run(["umount", mount], check=True)


@only_sqlite
def test_a_vanished_file_is_noticed_and_found_again(store: Store, database: Database) -> None:
    """Who holds a deleted file open could write on, into nothing."""
    add(store, 1)
    store.scrub()
    away = database.file.with_name("away.db")
    database.file.rename(away)
    for attempt in (lambda: add(store, 2), lambda: count(store)):
        with pytest.raises(StoreLost) as caught:
            attempt()
        assert caught.value.alarm
    assert not database.file.exists()  # no new and empty app in its place
    away.rename(database.file)
    add(store, 3)
    assert count(store) == 2


@only_sqlite
def test_a_file_that_vanishes_while_it_is_opened_is_noticed(
    store: Store, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, away = engines.open_sqlite, database.file.with_name("away.db")

    def open_and_lose(file: Path, busy_seconds: float, *, write: bool) -> sqlite3.Connection:
        connection = opened(file, busy_seconds, write=write)
        file.rename(away)
        return connection

    monkeypatch.setattr(engines, "open_sqlite", open_and_lose)
    with pytest.raises(StoreLost):
        count(store)
    monkeypatch.setattr(engines, "open_sqlite", opened)
    with pytest.raises(StoreLost):
        count(store)
    away.rename(database.file)
    assert count(store) == 0


@only_sqlite
def test_a_restored_file_is_used_from_then_on(store: Store, database: Database) -> None:
    store.scrub()
    backup = shutil.copy(database.file, database.file.with_name("backup.db"))
    add(store, 1)
    Path(backup).replace(database.file)
    for end in ("-wal", "-shm"):
        database.file.with_name(database.file.name + end).unlink(missing_ok=True)
    assert count(store) == 0
    add(store, 2)
    assert count(store) == 1


@only_sqlite
@pytest.mark.parametrize("ends", [["-wal"], ["-shm"], ["-wal", "-shm"]])
@pytest.mark.parametrize("is_read_meanwhile", [False, True])
def test_a_journal_that_is_taken_away_takes_nothing_along(
    database: Database, ends: list[str], is_read_meanwhile: bool
) -> None:
    """A clean-up job, or `rsync --delete`: what was acknowledged before stands in the journal only."""
    store = Store(database.url, busy_seconds=0.3)
    add(store, 1)
    with store.reading() if is_read_meanwhile else nullcontext():
        assert count(store) == 1
        for end in ends:
            database.file.with_name(database.file.name + end).unlink()
        if is_read_meanwhile:
            with suppress(StorageError):  # it may be that nothing can be written until that reader has ended
                add(store, 2)
    with suppress(CommitUnknown):
        add(store, 3)
    acknowledged = count(store)
    # kill -9: what the process held open is gone, what stands in the folder is what there is.
    copy = shutil.copytree(database.file.parent, database.file.parent / "after") / database.file.name
    after = Store(f"sqlite:///{copy}")
    assert count(after) == acknowledged >= 2
    after.dispose()
    store.dispose()


@only_sqlite
def test_what_is_acknowledged_while_the_journal_vanishes_is_kept(store: Store, database: Database) -> None:
    def work(connection: Connection) -> None:
        insert_contacts(connection, [NewContact(2, "de", NOW)])
        database.file.with_name(f"{database.file.name}-wal").unlink()

    add(store, 1)
    store.run(work)
    shutil.copy(database.file, database.file.with_name("after.db"))
    after = Store(f"sqlite:///{database.file.with_name('after.db')}")
    assert count(after) == 2
    after.dispose()
    assert count(store) == 2
    assert database.file.with_name(f"{database.file.name}-wal").exists()


@only_sqlite
def test_a_file_that_is_emptied_is_no_database(store: Store, database: Database) -> None:
    add(store, 1)
    os.truncate(database.file, 0)
    with pytest.raises(StorageError) as caught:
        add(store, 2)
    assert caught.value.alarm


@only_sqlite
@pytest.mark.parametrize("content", [b"no database at all" * 500, None], ids=["garbage", "damaged"])
def test_a_damaged_file_is_told(store: Store, database: Database, content: bytes | None) -> None:
    store.dispose()
    whole = database.file.read_bytes()
    database.file.write_bytes(content or whole[:4096] + b"\xff" * (len(whole) - 4096))
    broken = Store(database.url)
    with pytest.raises(StoreDamaged) as caught:
        add(broken, 1)
    assert caught.value.alarm
    assert not caught.value.retryable
    broken.dispose()


@only_sqlite
def test_damaged_page_is_found_although_it_is_cached(store: Store, database: Database) -> None:
    add(store, *range(1, 2000))
    store.scrub()
    assert count(store) == 1999
    assert store.flaw() == ""
    with closing(sqlite3.connect(database.file)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'contacts'").fetchone()
    with database.file.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(os.urandom(4096))
    assert store.flaw()


@only_sqlite
def test_nothing_is_written_into_a_damaged_file(store: Store) -> None:
    store.damage = StoreDamaged("page 7")
    with pytest.raises(StoreDamaged):
        store.run(lambda connection: insert_contacts(connection, [NewContact(1, "de", NOW)]))
    store.damage = None
    assert count(store) == 0


@only_sqlite
def test_a_migration_that_is_missing_is_told(store: Store) -> None:
    with store.begin() as connection:
        connection.execute(text("DROP TABLE outbox"))
        connection.execute(text("DROP TABLE addresses"))
    with pytest.raises(Exception, match="no such table"):
        store.run(lambda connection: find_addresses(connection, [b"x" * 32]))


def drop_connections(database: Database) -> None:
    """What an operator, a restart or a network does: all connections to the database end."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@only_postgresql
def test_dropped_connections_are_replaced(store: Store, database: Database) -> None:
    add(store, 1)
    assert count(store) == 1
    drop_connections(database)
    with pytest.raises(StoreLost) as caught, store.begin() as connection:
        insert_contacts(connection, [NewContact(2, "de", NOW)])
    assert caught.value.retryable
    add(store, 2)
    drop_connections(database)
    store.run(lambda connection: insert_contacts(connection, [NewContact(3, "de", NOW)]))  # tries again by itself
    assert store.run(lambda connection: connection.execute(select(func.count(ContactRow.id))).scalar()) == 3


@only_postgresql
def test_a_connection_lost_within_a_transaction_leaves_nothing(store: Store, database: Database) -> None:
    runs: list[int] = []

    def work(connection: Connection) -> None:
        runs.append(1)
        insert_contacts(connection, [NewContact(len(runs), "de", NOW)])
        if len(runs) == 1:
            drop_connections(database)
        insert_contacts(connection, [NewContact(len(runs) + 10, "de", NOW)])

    store.run(work)
    assert len(runs) == 2
    with store.reading() as connection:
        assert connection.execute(select(ContactRow.id).order_by(ContactRow.id)).scalars().all() == [2, 12]


@only_postgresql
def test_a_connection_lost_during_the_commit_is_told_apart(store: Store, database: Database) -> None:
    """It is unknown whether it is written, so it is not retried without a request."""
    runs: list[int] = []

    def work(connection: Connection) -> None:
        runs.append(1)
        insert_contacts(connection, [NewContact(1, "de", NOW)])
        drop_connections(database)

    with pytest.raises(CommitUnknown) as caught:
        store.run(work)
    assert len(runs) == 1
    assert not caught.value.retryable
    assert caught.value.alarm
    add(store, 2)


@only_postgresql
def test_a_deadlock_is_tried_again(store: Store, database: Database) -> None:
    other = Store(database.url, busy_seconds=10)
    patient = Store(database.url, busy_seconds=10)
    add(store, 1, 2)
    both_hold_one = threading.Barrier(2)

    def crosswise(opened: Store, first: int, second: int) -> None:
        runs: list[int] = []

        def work(connection: Connection) -> None:
            runs.append(1)
            contacts.set_languages(connection, [contacts.ContactLanguage(first, "tr")])
            if len(runs) == 1:
                both_hold_one.wait(10)
            contacts.set_languages(connection, [contacts.ContactLanguage(second, "tr")])

        opened.run(work)

    thread = threading.Thread(target=crosswise, args=(other, 2, 1))
    thread.start()
    crosswise(patient, 1, 2)
    thread.join()
    with store.reading() as connection:
        assert connection.execute(select(ContactRow.language)).scalars().all() == ["tr", "tr"]
    other.dispose()
    patient.dispose()


@only_postgresql
def test_a_restart_is_survived(store: Store, database: Database) -> None:
    if database.restart is None:
        pytest.skip("PostgreSQL restart: the server of MITSPRACHE_TEST_POSTGRES is not ours to restart")
    add(store, 1)
    database.restart()
    store.run(lambda connection: insert_contacts(connection, [NewContact(2, "de", NOW)]))
    assert store.run(lambda connection: connection.execute(select(func.count(ContactRow.id))).scalar()) == 2


def test_an_unreachable_server_is_told() -> None:
    store = Store("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(StoreLost):
        add(store, 1)
    store.dispose()


@only_sqlite
def test_a_locked_file_is_told(hurried: Store, database: Database) -> None:
    with closing(sqlite3.connect(database.file, isolation_level=None)) as foreign:
        foreign.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreBusy):
            add(hurried, 1)
        foreign.execute("COMMIT")
    add(hurried, 1)
