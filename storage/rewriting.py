"""Rewrites tables of PostgreSQL, so that erased data does not stay in their files, and switches the log.

A plain VACUUM only marks the place of a deleted row as free; its bytes stay until another row needs the place. VACUUM
FULL rewrites the table and blocks its other users meanwhile: therefore one table at a time, with bounds.
"""

import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, Literal, NamedTuple

from storage.core.engines import parse_url
from storage.core.errors import StoreLost, translate_error
from storage.tables.erasures import columns_with_words, tables_of_residents

LOCK_SECONDS = 2.0
"""How long the lock of a table is waited for; other statements queue behind it meanwhile."""
MOST_SECONDS = 3.0
"""The longest time for one table, waiting included. A rewrite that takes longer is rolled back."""
LARGEST_MEGABYTES = 128
"""A table with its indexes that is larger is not even begun: it would not be done in time."""
SAMPLES = "pg_catalog.pg_statistic"
"""Where samples of columns stood before the program forbade them; written anew with the rest."""
CONNECT_SECONDS = 5
ATTEMPTS = 10
"""So often a statement is repeated that a limit far too short for it cut off."""
Outcome = Literal["done", "busy", "slow", "large", "seen", "forbidden"]
"""``busy``: another transaction held the table; ``slow``: not done in time; ``large``: refused; ``seen``: a transaction
from before the erasure may still read the erased rows, so PostgreSQL kept them; ``forbidden``: the role may not.
"""
_OUTCOMES: dict[str, Outcome] = {"57014": "slow", "55P03": "busy", "40P01": "busy", "42501": "forbidden"}


class Bounds(NamedTuple):
    """Limits for rewriting while the service runs; offline there are none."""

    seconds: float = MOST_SECONDS
    megabytes: float = LARGEST_MEGABYTES


class Rewriter:
    """A connection of its own, on which tables are written anew."""

    def __init__(self, connection: Any, bounds: Bounds | None) -> None:
        self._connection = connection
        self._bounds = bounds
        self._notices: list[str] = []
        connection.add_notice_handler(lambda notice: self._notices.append(str(notice.message_detail or "")))

    def rewrite(self, table: str) -> Outcome:
        """Writes one table and its indexes anew. Raises the classes of ``storage.core.errors``."""
        if self._bounds and self._megabytes(table) > self._bounds.megabytes:
            return "large"
        self._notices.clear()
        began = time.monotonic()
        outcome = self._run(f"VACUUM (FULL, VERBOSE) {table}")
        if outcome == "done":
            outcome = self._left()
        if self._bounds:
            time.sleep(time.monotonic() - began)  # those who waited come first now
        return outcome

    def turn_log_over(self) -> list[str]:
        """Begins a new file of the log and lets the server remove the older ones; gives what the role may not do."""
        steps = ("SELECT pg_switch_wal()", "CHECKPOINT")
        return [step.removeprefix("SELECT ") for step in steps if self._run(step, seconds=0) == "forbidden"]

    def _left(self) -> Outcome:
        """What the server said of the rows it had to keep. Who may not rewrite a table is told by silence."""
        counts = [int(found[0]) for found in map(re.compile(r"\d+").search, self._notices) if found]
        if not counts:
            return "forbidden"
        return "seen" if any(counts) else "done"

    def _megabytes(self, table: str) -> float:
        row = self._connection.execute("SELECT pg_total_relation_size(%s::regclass)", (table,)).fetchone()
        return float(row[0]) / 1e6

    def _run(self, sql: str, seconds: float | None = None) -> Outcome:
        import psycopg

        most = self._bounds.seconds if self._bounds and seconds is None else 0
        try:
            self._connection.execute(f"SET statement_timeout = {round(most * 1000)}")
            self._connection.execute(sql)
        except psycopg.Error as fault:
            outcome = _OUTCOMES.get(fault.sqlstate or "")
            if outcome is None:
                raise
            self._lift_limit()
            return outcome
        self._lift_limit()
        return "done"

    def _lift_limit(self) -> None:
        """Lets the next statements take their time. This one is itself under the limit until it has taken effect."""
        import psycopg

        for _ in range(ATTEMPTS):
            with suppress(psycopg.errors.QueryCanceled):
                self._connection.execute("SET statement_timeout = 0")
                return
        self._connection.execute("SET statement_timeout = 0")


@contextmanager
def open_rewriter(url: str, bounds: Bounds | None) -> Iterator[Rewriter]:
    """A rewriter; without bounds it takes as long as it takes. Raises the classes of ``storage.core.errors``."""
    with _connection(url) as connection:
        connection.execute(f"SET lock_timeout = {round(LOCK_SECONDS * 1000)}")
        yield Rewriter(connection, bounds)


class Server(NamedTuple):
    """What a PostgreSQL and the role on it are like, as far as what was erased depends on it."""

    settings: dict[str, str]
    """Settings that keep words longer than needed, each with what it should be."""
    forbidden: list[str]
    """What the role may not do."""
    sampled: list[str]
    """Columns of which the planner still has samples."""
    large: list[str]
    """Tables that are too large to be written anew while people are served."""


def examine_server(url: str) -> Server:
    """Looks, and changes nothing. Raises the classes of ``storage.core.errors``."""
    with _connection(url) as connection:
        return Server(_settings(connection), list(_forbidden(connection)), _sampled(connection), _large(connection))


WANTED = {
    "wal_recycle": "off",  # a used file of the log would come back under a new name, with what was in it
    "wal_keep_size": "0",
    "log_parameter_max_length_on_error": "0",  # else the server writes answers into its own log
    "log_error_verbosity": "terse",  # a refused row is quoted otherwise
}


def _settings(connection: Any) -> dict[str, str]:
    rows = connection.execute(
        "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)"
        " OR (name = 'log_parameter_max_length' AND setting <> '0' AND EXISTS (SELECT 1 FROM pg_settings"
        " WHERE (name = 'log_statement' AND setting IN ('mod', 'all'))"
        " OR (name IN ('log_min_duration_statement', 'log_min_duration_sample') AND setting <> '-1')))",
        (list(WANTED),),
    ).fetchall()
    return {name: WANTED.get(name, "0") for name, setting in rows if setting != WANTED.get(name, "0")}


def _forbidden(connection: Any) -> Iterator[str]:
    def may(condition: str, *parameters: Any) -> bool:
        return bool(connection.execute(f"SELECT {condition}", parameters).fetchone()[0])

    if may("rolsuper FROM pg_roles WHERE rolname = current_user"):
        return
    role, database = connection.execute("SELECT quote_ident(current_user), quote_ident(current_database())").fetchone()
    if not may("has_function_privilege('pg_switch_wal()', 'EXECUTE')"):
        yield f"GRANT EXECUTE ON FUNCTION pg_switch_wal() TO {role}"
    roles = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles WHERE pg_has_role(oid, 'MEMBER')")}
    if "pg_checkpoint" not in roles:
        yield f"GRANT pg_checkpoint TO {role}"
    owner = may("pg_has_role(datdba, 'MEMBER') FROM pg_database WHERE datname = current_database()")
    if not (owner or "pg_maintain" in roles):
        yield f"ALTER DATABASE {database} OWNER TO {role}"
    owned = may(
        "bool_and(pg_has_role(relowner, 'MEMBER')) FROM pg_class WHERE oid = ANY(%s::regclass[])", _there(connection)
    )
    if not (owner or owned or "pg_maintain" in roles):
        yield f"ALTER TABLE … OWNER TO {role}"


def _sampled(connection: Any) -> list[str]:
    rows = connection.execute("SELECT tablename, attname FROM pg_stats WHERE schemaname = current_schema()").fetchall()
    found = set(rows)
    return [f"{table}.{column}" for table, column in columns_with_words() if (table, column) in found]


def _large(connection: Any) -> list[str]:
    rows = connection.execute(
        "SELECT oid::regclass::text FROM pg_class WHERE oid = ANY(%s::regclass[]) AND pg_total_relation_size(oid) > %s",
        (_there(connection), LARGEST_MEGABYTES * 1_000_000),
    )
    return [row[0] for row in rows]


def _there(connection: Any) -> list[str]:
    """The tables of residents that this database has."""
    rows = connection.execute(
        "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NOT NULL", (tables_of_residents(),)
    )
    return [row[0] for row in rows]


@contextmanager
def _connection(url: str) -> Iterator[Any]:
    import psycopg  # late: an installation on SQLite needs no PostgreSQL driver

    plain = parse_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with closing(
            psycopg.connect(
                plain, autocommit=True, connect_timeout=CONNECT_SECONDS, application_name="mitsprache scrub"
            )
        ) as connection:
            yield connection
    except psycopg.Error as fault:
        raise (translate_error(fault) or StoreLost(type(fault).__name__)) from None
