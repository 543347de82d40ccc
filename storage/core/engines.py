"""Opens the two databases with the settings that SQLite and PostgreSQL need, and says why."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, make_url

from storage.core.driver import take_over
from storage.core.errors import StoreBusy, StoreLost, translate_error

WRITE_SECONDS = 60
READ_SECONDS = 600
"""PostgreSQL ends a single statement after this time: a lost client must not hold locks for ever."""

JOURNAL_PAGES = 4000
"""SQLite's journal is brought into the file when it has so many pages (16 MB). Names of messages are random, so nearly
each of them changes a page of its own: the longer one waits, the more of them are written to the file once only.
"""


def parse_url(url: str) -> URL:
    """The database meant by a URL, with the driver we use. Raises ValueError, naming what is wrong but no password."""
    parsed = make_url(url)
    if parsed.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite"}:
        raise ValueError(f"database_url: {parsed.drivername} is not supported; use sqlite:///FILE or postgresql://…")
    if parsed.database in {None, "", ":memory:"}:
        raise ValueError(
            "database_url: SQLite needs a file (sqlite:///data/mitsprache.db); memory is not shared by threads"
        )
    return parsed.set(drivername="sqlite")


def writer(url: str, busy_seconds: float) -> Engine:
    """An engine for one writer at a time. Its transactions hold SQLite's write lock from their first moment."""
    return _engine(parse_url(url), busy_seconds, size=1, write=True)


def reader(url: str, busy_seconds: float, size: int) -> Engine:
    """An engine whose transactions see one moment and cannot write."""
    return _engine(parse_url(url), busy_seconds, size=size, write=False)


def _engine(url: URL, busy_seconds: float, size: int, *, write: bool) -> Engine:
    options: dict[str, Any] = {
        "pool_size": size,
        "max_overflow": 0,
        "pool_timeout": busy_seconds,
        "hide_parameters": True,  # an error text must not carry what a resident wrote
    }
    if url.get_backend_name() == "sqlite":
        engine = _sqlite_engine(url, busy_seconds, options, write=write)
    else:
        engine = _postgresql_engine(url, busy_seconds, options, write=write)
    event.listen(engine, "handle_error", _raise_ours)
    return engine


def _raise_ours(context: ExceptionContext) -> None:
    error = take_over(context.original_exception)
    if error is None:
        return
    if isinstance(error, StoreLost):
        context.is_disconnect = True  # start over with fresh connections, on SQLite too
    raise error


# --- SQLite -----------------------------------------------------------------------------------------------------------


def sqlite_file(url: URL) -> Path:
    """The file of a SQLite URL."""
    return Path(str(url.database)).absolute()


def _sqlite_engine(url: URL, busy_seconds: float, options: dict[str, Any], *, write: bool) -> Engine:
    file = sqlite_file(url)
    engine = create_engine(url, creator=lambda: open_sqlite(file, busy_seconds, write=write), **options)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # The driver's own transactions begin late and lock later still; SQLAlchemy documents this way around them.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def open_sqlite(file: Path, busy_seconds: float, *, write: bool) -> sqlite3.Connection:
    """Connects to an existing file. A missing file is an error; no empty database is created."""
    connection = sqlite3.connect(
        f"{file.as_uri()}?mode=rw",
        uri=True,
        timeout=busy_seconds,
        isolation_level=None,
        check_same_thread=False,  # the pool hands a connection to one thread at a time
        cached_statements=256,
    )
    try:
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",  # NORMAL lost acknowledged answers in power cuts
            "foreign_keys = ON",
            "secure_delete = ON",  # erased text is overwritten, not only unlinked
            f"wal_autocheckpoint = {JOURNAL_PAGES}",
            "journal_size_limit = 67108864",  # a journal that once grew gives the space back
            "cache_size = -65536",
            "temp_store = MEMORY",  # no answers in a temporary file
            f"query_only = {'OFF' if write else 'ON'}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("PRAGMA schema_version").fetchone()  # opens the journal, which is watched from now on
    except BaseException:
        connection.close()
        raise
    return connection


def truncate_journal(engine: Engine) -> None:
    """Bring SQLite's journal into the file and empty it. Raises StoreBusy while a reader still uses it.

    Does not wait for readers, because SQLite would block writers meanwhile.
    """
    pooled = engine.raw_connection()
    try:
        cursor = pooled.cursor()
        (patience,) = cursor.execute("PRAGMA busy_timeout").fetchone()
        cursor.execute("PRAGMA busy_timeout = 0")
        try:
            busy, *_ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {patience}")
    except sqlite3.Error as error:
        raise translate_error(error) or error from error
    finally:
        pooled.close()
    if busy:
        raise StoreBusy("a reader still needs the journal")


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


def _postgresql_engine(url: URL, busy_seconds: float, options: dict[str, Any], *, write: bool) -> Engine:
    settings = {
        "timezone": "UTC",  # so that the driver gives times in UTC
        "lock_timeout": f"{round(busy_seconds * 1000)}ms",
        "statement_timeout": f"{WRITE_SECONDS if write else READ_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{WRITE_SECONDS if write else READ_SECONDS}s",
        "default_transaction_read_only": "off" if write else "on",
    }
    if write:
        # Everything the writer does in a turn goes by key. Without statistics of a young table the planner would rather
        # read the whole outbox to settle a few rows of it; clean-ups that have to read a whole table still do.
        settings |= {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}
    arguments = {
        "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        "application_name": "mitsprache",
        "connect_timeout": max(2, round(busy_seconds)),
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    }
    level = "READ COMMITTED" if write else "REPEATABLE READ"
    return create_engine(url, connect_args=arguments, isolation_level=level, use_native_hstore=False, **options)


def locks_rows(connection: Connection) -> bool:
    """Whether rows are locked against other processes: SQLite has one writer anyway."""
    return connection.dialect.name == "postgresql"
