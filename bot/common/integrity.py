"""Looks now and then whether the file of SQLite is sound: a page that the disk, or another program, has spoilt.

SQLite itself finds out when it reads that page, which may be after the next restart. PostgreSQL watches over its own.
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
"""Of this many seconds one is spent on looking at most: a file of 1 GB takes about one, so up to some 5 GB are looked
through within a minute, and larger ones less often."""


async def keep_looking(store: Store) -> None:
    """Looks until it is cancelled, on a connection and a thread of its own. What is found stands in `store.damage`, and
    nothing more is written then: it would be acknowledged, and gone with the next restore.
    """
    if store.dialect != "sqlite":
        return
    while True:
        began = time.monotonic()
        try:
            flaw = await asyncio.to_thread(store.flaw)
        except StorageError:
            flaw = None  # it cannot be looked at now; who writes finds out why
        if flaw and not store.damage:
            log.critical("database_damaged")
        if flaw is not None:
            store.damage = StoreDamaged(flaw) if flaw else None
        await asyncio.sleep(max(EVERY_SECONDS, (time.monotonic() - began) * (SHARE - 1)))
