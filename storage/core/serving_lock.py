"""The lock for serving a PostgreSQL database. One process at a time holds it, because two would send every message
twice.

An advisory lock on a connection of its own. It ends with the process, with the connection and with the server; the
serving process checks that it is still held (``bot/delivery/service_lock.py``). It does not work through a pooler that
assigns connections per transaction. SQLite needs no such lock: its file is in a data folder, which has its own lock.
"""

import os
import secrets
import socket
from contextlib import suppress
from typing import Any

from storage.core.engines import parse_url
from storage.core.errors import StoreLost, translate_error

LOCK = 0x4D697474
"""Different from that of the migrations (``storage.migrate``)."""
CONNECT_SECONDS = 5
_HOLDER = """
SELECT activity.pid, activity.application_name FROM pg_locks JOIN pg_stat_activity AS activity USING (pid)
WHERE locktype = 'advisory' AND granted AND objid = %s AND objsubid = 1
    AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class ServingLock:
    """The lock. Acquired with ``take``; lost with its connection, which may end at any moment."""

    def __init__(self, url: str) -> None:
        self._url = parse_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._name = f"mitsprache serve {os.getpid()} on {socket.gethostname()[:20]} {secrets.token_hex(4)}"
        self._connection: Any = None
        self.holder = ""
        """The process and machine of the holder, after ``take`` failed."""

    def take(self) -> bool:
        """Acquires the lock; returns whether it is held now. Raises the classes of ``storage.core.errors``."""
        import psycopg  # late: an installation on SQLite needs no PostgreSQL driver

        self.let_go()
        try:
            self._connection = psycopg.connect(
                self._url,
                autocommit=True,
                connect_timeout=CONNECT_SECONDS,
                application_name=self._name,
                keepalives_idle=10,
                keepalives_interval=5,
                keepalives_count=3,
            )
            if self._connection.info.server_version >= 140000:
                self._connection.execute("SET idle_session_timeout = 0")
            return self._try() or self._try_after_ending_ours()
        except psycopg.Error as error:
            self.let_go()
            raise (translate_error(error) or StoreLost(type(error).__name__)) from None

    def is_held(self) -> bool:
        """Whether its connection still works."""
        with suppress(Exception):
            self._connection.execute("SELECT 1")
            return True
        return False

    def fileno(self) -> int:
        """Returns the file descriptor of the connection; it becomes readable when the server sends a message or closes
        the connection.
        """
        return int(self._connection.fileno())

    def let_go(self) -> None:
        """Releases the lock, if it is held."""
        if self._connection is not None:
            with suppress(Exception):
                self._connection.close()
            self._connection = None

    def _try(self) -> bool:
        row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
        if row[0]:
            return True
        found = self._connection.execute(_HOLDER, (LOCK,)).fetchone()
        self.holder = str(found[1]).removeprefix("mitsprache serve ").rpartition(" ")[0] if found else "?"
        return False

    def _try_after_ending_ours(self) -> bool:
        """Acquires the lock after a broken connection: the server may still hold the old one, which is terminated
        first.
        """
        found = self._connection.execute(_HOLDER, (LOCK,)).fetchone()
        if not found or found[1] != self._name:
            return False
        self._connection.execute("SELECT pg_terminate_backend(%s, 2000)", (found[0],))
        return self._try()
