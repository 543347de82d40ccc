"""Two services on one PostgreSQL would send everything twice: the second is refused, also when the server restarts."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from bot.delivery.service_lock import LOOK_SECONDS
from storage.core.serving_lock import LOCK, ServingLock
from tests.support.databases import Database, only_postgresql
from tests.support.timeouts import PATIENCE
from tests.test_cli.test_serving import Service, get, serving

pytestmark = only_postgresql
REFUSED = "Mitsprache is already running here (process "


@contextmanager
def service(database: Database, data: Path) -> Iterator[Service]:
    with serving("--data", str(data), "--port", "0", MITSPRACHE_DATABASE_URL=database.url) as running:
        yield running


def attempt(database: Database, data: Path, *words: str) -> tuple[int, str]:
    """Exit code and complaints of another process, which ends by itself."""
    other = Service("--data", str(data), "--port", "0", *words, MITSPRACHE_DATABASE_URL=database.url)
    try:
        _, complaints = other.process.communicate(timeout=PATIENCE)
    finally:
        other.process.kill()
    return other.process.returncode, complaints


def folder(tmp_path: Path, name: str) -> Path:
    """A data folder with the key and the mark of the first one, as that of a second server would be."""
    there = tmp_path / name
    there.mkdir()
    for file in ("secret.key", "database.id"):
        (there / file).write_bytes((tmp_path / "one" / file).read_bytes())
    return there


@pytest.mark.long(35)
def test_the_second_service_is_refused_and_commands_are_not(database: Database, tmp_path: Path) -> None:
    with service(database, tmp_path / "one") as first:
        code, complaints = attempt(database, folder(tmp_path, "two"))
        assert code == 1
        assert f"{REFUSED}{first.process.pid} on " in complaints
        assert "Traceback" not in complaints
        assert attempt(database, tmp_path / "two", "consultations")[0] == 0
        assert attempt(database, tmp_path / "two", "doctor")[0] in {0, 1}
        assert get(f"{first.url}readyz")[0] == 200
        assert first.end() == 0
    with service(database, tmp_path / "two"):
        pass  # it ended, so the next one may


@pytest.mark.long(35)
def test_it_is_taken_again_after_a_restart_of_the_server(database: Database, tmp_path: Path) -> None:
    assert database.restart or pytest.skip("PostgreSQL: that of MITSPRACHE_TEST_POSTGRES is not restarted")
    with service(database, tmp_path / "one") as first:
        database.restart()
        until = time.monotonic() + PATIENCE
        while holders(database) == 0 and time.monotonic() < until:
            time.sleep(0.2)
        code, complaints = attempt(database, folder(tmp_path, "two"))
        assert (code, REFUSED in complaints) == (1, True)
        while get(f"{first.url}readyz")[0] != 200 and time.monotonic() < until:
            time.sleep(0.2)
        assert get(f"{first.url}readyz")[0] == 200
        assert first.end() == 0


def test_who_lost_it_to_another_one_ends(database: Database, tmp_path: Path) -> None:
    with service(database, tmp_path / "one") as first, psycopg.connect(database.url, autocommit=True) as other:
        waiting = threading.Thread(target=other.execute, args=("SELECT pg_advisory_lock(%s)", (LOCK,)))
        waiting.start()
        time.sleep(0.5)
        with psycopg.connect(database.url, autocommit=True) as operator:
            operator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name LIKE 'mitsprache serve %' AND datname = current_database()"
            )
        waiting.join(PATIENCE)
        assert first.process.wait(timeout=LOOK_SECONDS + PATIENCE) == 1
        assert first.process.stderr
        complaints = first.process.stderr.read()
        assert REFUSED in complaints
        assert "Traceback" not in complaints


def test_a_line_of_ours_that_broke_does_not_lock_us_out(database: Database) -> None:
    lock = ServingLock(database.url)
    assert lock.take()
    broken, lock._connection = lock._connection, None  # the server does not know yet
    with closing(broken):
        assert lock.take()
    lock.let_go()
    assert holders(database) == 0


def holders(database: Database) -> int:
    """How many have the lock; 0 also while the server is away."""
    try:
        with psycopg.connect(database.url) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = %s AND database ="
                " (SELECT oid FROM pg_database WHERE datname = current_database())",
                (LOCK,),
            ).fetchone()
    except psycopg.Error:
        return 0
    return int(row[0]) if row else 0
