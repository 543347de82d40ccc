"""Checks the SQLite file regularly for pages damaged by the disk or another program.

SQLite itself notices damage only when it reads the page, maybe after the next restart. PostgreSQL has its own checks.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

import structlog

from storage.core.errors import StorageError, StoreDamaged
from storage.core.store import Store

log = structlog.get_logger()

EVERY_SECONDS: Final = 20.0
SHARE: Final = 10
"""A check takes at most this fraction of the time. A file of 1 GB takes about one second, so files up to some 5 GB are
checked every minute, larger ones less often.
"""


async def keep_looking(store: Store) -> None:
    """Checks until cancelled, on its own connection and thread, and sets `store.damage`.

    A damaged store refuses writes: they would be acknowledged, and lost with the next restore.
    """
    if store.dialect != "sqlite":
        return
    while True:
        began = time.monotonic()
        try:
            flaw = await asyncio.to_thread(store.flaw)
        except StorageError:
            flaw = None  # not possible now; the next write reports the error
        if flaw and not store.damage:
            log.critical("database_damaged")
        if flaw is not None:
            store.damage = StoreDamaged(flaw) if flaw else None
        await asyncio.sleep(max(EVERY_SECONDS, (time.monotonic() - began) * (SHARE - 1)))
