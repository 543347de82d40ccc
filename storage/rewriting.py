"""Rewrites tables of PostgreSQL, so that erased data does not stay in their files, and switches the log file.

A plain VACUUM only marks the space of a deleted row as free; its bytes stay until another row uses the space. VACUUM
FULL rewrites the table and blocks its other users meanwhile; therefore one table at a time, with limits.
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
"""The maximum wait for the lock of a table; other statements queue behind it meanwhile."""
MOST_SECONDS = 3.0
"""The maximum time for one table, including the wait. A longer rewrite is rolled back."""
LARGEST_MEGABYTES = 128
"""The maximum size of a table with its indexes: a larger one could not be rewritten in time."""
SAMPLES = "pg_catalog.pg_statistic"
"""The table with samples of columns from before the program forbade them; it is rewritten too."""
CONNECT_SECONDS = 5
ATTEMPTS = 10
"""The number of attempts for a statement that was cut off by a much too short limit."""
Outcome = Literal["done", "busy", "slow", "large", "seen", "forbidden"]
"""``busy``: another transaction locked the table; ``slow``: not finished in time; ``large``: too large; ``seen``: a
transaction from before the erasure may still read the erased rows, so that PostgreSQL kept them; ``forbidden``: the
role lacks the privilege.
"""
_OUTCOMES: dict[str, Outcome] = {"57014": "slow", "55P03": "busy", "40P01": "busy", "42501": "forbidden"}


class Bounds(NamedTuple):
    """Limits for rewriting while the service runs; there are none offline."""

    seconds: float = MOST_SECONDS
    megabytes: float = LARGEST_MEGABYTES


class Rewriter:
    """A separate connection for rewriting tables."""

    def __init__(self, connection: Any, bounds: Bounds | None) -> None:
        self._connection = connection
        self._bounds = bounds
        self._notices: list[str] = []
        connection.add_notice_handler(lambda notice: self._notices.append(str(notice.message_detail or "")))

    def rewrite(self, table: str) -> Outcome:
        """Rewrites one table and its indexes. Raises the classes of ``storage.core.errors``."""
        if self._bounds and self._megabytes(table) > self._bounds.megabytes:
            return "large"
        self._notices.clear()
        began = time.monotonic()
        outcome = self._run(f"VACUUM (FULL, VERBOSE) {table}")
        if outcome == "done":
            outcome = self._left()
        if self._bounds:
            time.sleep(time.monotonic() - began)  # statements that waited run first now
        return outcome

    def turn_log_over(self) -> list[str]:
        """Starts a new log file and lets the server remove older ones; returns the missing privileges."""
        steps = ("SELECT pg_switch_wal()", "CHECKPOINT")
        return [step.removeprefix("SELECT ") for step in steps if self._run(step, seconds=0) == "forbidden"]

    def _left(self) -> Outcome:
        """Returns the outcome from the server's messages about rows it had to keep. For a missing privilege the server
        sends none.
        """
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
        except psycopg.Error as error:
            outcome = _OUTCOMES.get(error.sqlstate or "")
            if outcome is None:
                raise
            self._lift_limit()
            return outcome
        self._lift_limit()
        return "done"

    def _lift_limit(self) -> None:
        """Lifts the time limit for the next statements. This statement is itself subject to the limit until it takes
        effect.
        """
        import psycopg

        for _ in range(ATTEMPTS):
            with suppress(psycopg.errors.QueryCanceled):
                self._connection.execute("SET statement_timeout = 0")
                return
        self._connection.execute("SET statement_timeout = 0")


@contextmanager
def open_rewriter(url: str, bounds: Bounds | None) -> Iterator[Rewriter]:
    """Opens a rewriter, without time limit if there are no bounds. Raises the classes of ``storage.core.errors``."""
    with _connection(url) as connection:
        connection.execute(f"SET lock_timeout = {round(LOCK_SECONDS * 1000)}")
        yield Rewriter(connection, bounds)


class Server(NamedTuple):
    """Properties of a PostgreSQL server and of the role that affect erased data."""

    settings: dict[str, str]
    """Settings that store residents' texts longer than needed, each with the recommended value."""
    forbidden: list[str]
    """The missing privileges."""
    sampled: list[str]
    """Columns with samples in the planner's statistics."""
    large: list[str]
    """Tables too large to be rewritten while the service runs."""


def examine_server(url: str) -> Server:
    """Reads the properties of the server; changes nothing. Raises the classes of ``storage.core.errors``."""
    with _connection(url) as connection:
        return Server(_settings(connection), list(_forbidden(connection)), _sampled(connection), _large(connection))


WANTED = {
    "wal_recycle": "off",  # a recycled log file would return under a new name with its old content
    "wal_keep_size": "0",
    "log_parameter_max_length_on_error": "0",  # otherwise the server writes answers into its log
    "log_error_verbosity": "terse",  # otherwise it quotes refused rows
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
    """Returns the tables with data of residents in this database."""
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
    except psycopg.Error as error:
        raise (translate_error(error) or StoreLost(type(error).__name__)) from None
