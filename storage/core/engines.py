"""Opens the two databases with the settings that the store needs, and gives the reasons."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, make_url

from storage.core.driver import take_over
from storage.core.errors import StoreBusy, StoreLost, translate_error

WRITE_SECONDS = 60
READ_SECONDS = 600
"""PostgreSQL ends a single statement after this time: a lost client must not hold locks forever."""

JOURNAL_PAGES = 4000
"""SQLite writes its journal back into the file when it has this number of pages (16 MB). Message ids are random, so
that nearly each of them changes a different page: the larger this is, the more pages are written to the file only once.
"""


def parse_url(url: str) -> URL:
    """Returns the database of a URL, with the driver of the store. Raises ValueError with the reason but without the
    password.
    """
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
    """An engine for one writer at a time. Its transactions take SQLite's write lock when they begin."""
    return _engine(parse_url(url), busy_seconds, size=1, write=True)


def reader(url: str, busy_seconds: float, size: int) -> Engine:
    """Returns an engine for reading. Its transactions see one snapshot and cannot write."""
    return _engine(parse_url(url), busy_seconds, size=size, write=False)


def _engine(url: URL, busy_seconds: float, size: int, *, write: bool) -> Engine:
    options: dict[str, Any] = {
        "pool_size": size,
        "max_overflow": 0,
        "pool_timeout": busy_seconds,
        "hide_parameters": True,  # error texts must not contain parameters: they are texts of residents
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
        context.is_disconnect = True  # retry with new connections, on SQLite too
    raise error


# --- SQLite -----------------------------------------------------------------------------------------------------------


def sqlite_file(url: URL) -> Path:
    """Returns the file of a SQLite URL."""
    return Path(str(url.database)).absolute()


def _sqlite_engine(url: URL, busy_seconds: float, options: dict[str, Any], *, write: bool) -> Engine:
    file = sqlite_file(url)
    engine = create_engine(url, creator=lambda: open_sqlite(file, busy_seconds, write=write), **options)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # The driver begins transactions late and locks even later; SQLAlchemy documents this workaround.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def open_sqlite(file: Path, busy_seconds: float, *, write: bool) -> sqlite3.Connection:
    """Connects to an existing file. Raises an error for a missing file instead of creating an empty database."""
    connection = sqlite3.connect(
        f"{file.as_uri()}?mode=rw",
        uri=True,
        timeout=busy_seconds,
        isolation_level=None,
        check_same_thread=False,  # the pool gives a connection to one thread at a time
        cached_statements=256,
    )
    try:
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",  # with NORMAL a power failure lost acknowledged answers
            "foreign_keys = ON",
            "secure_delete = ON",  # deleted data is overwritten
            f"wal_autocheckpoint = {JOURNAL_PAGES}",
            "journal_size_limit = 67108864",  # truncates a large journal after use
            "cache_size = -65536",
            "temp_store = MEMORY",  # no residents' texts in temporary files
            f"query_only = {'OFF' if write else 'ON'}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("PRAGMA schema_version").fetchone()  # opens the journal, which is checked from now on
    except BaseException:
        connection.close()
        raise
    return connection


def truncate_journal(engine: Engine) -> None:
    """Writes SQLite's journal back into the file and empties it. Raises StoreBusy while a reader still uses it.

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
        "timezone": "UTC",  # so that the driver returns times in UTC
        "lock_timeout": f"{round(busy_seconds * 1000)}ms",
        "statement_timeout": f"{WRITE_SECONDS if write else READ_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{WRITE_SECONDS if write else READ_SECONDS}s",
        "default_transaction_read_only": "off" if write else "on",
    }
    if write:
        # The writer finds rows by key. Without statistics of a young table the planner would scan the whole outbox to
        # settle a few of its rows; clean-ups that need a scan still use one.
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
    """Whether rows are locked against other processes: SQLite has only one writer."""
    return connection.dialect.name == "postgresql"
