"""Ensures one service per PostgreSQL database; for SQLite the lock of the data folder does so.

While the lock is lost, as after a restart of the server, nothing is sent: another service may hold it. The lock is
taken again when the server answers; if another service holds it by then, this service ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import structlog

from bot.common.errors import CommandError
from bot.delivery.outbox import Outbox
from bot.settings import Settings
from storage.core.engines import parse_url
from storage.core.errors import StorageError
from storage.core.serving_lock import ServingLock

log = structlog.get_logger()

AGAIN_SECONDS: Final = 0.5
"""The interval between attempts to take the lock again."""
LOOK_SECONDS: Final = 10.0
"""Interval for checking the connection, which may break silently."""


@contextmanager
def hold_service_lock(settings: Settings) -> Iterator[ServiceLock | None]:
    """Holds the lock during the block; None on SQLite.

    Raises CommandError if another service has it, and the classes of `storage.core.errors`.
    """
    try:
        url = parse_url(settings.database())
    except ValueError:
        yield None  # reported when the store is opened
        return
    if url.get_backend_name() == "sqlite":
        yield None
        return
    lock = ServingLock(settings.database())
    place = f"{url.host or 'local'}/{url.database}"
    if not lock.take():
        lock.let_go()
        raise _taken(place, lock.holder)
    try:
        yield ServiceLock(lock, place)
    finally:
        lock.let_go()


class ServiceLock:
    """The lock of a running service."""

    def __init__(self, lock: ServingLock, place: str) -> None:
        self._lock = lock
        self._place = place
        self.lost: CommandError | None = None
        """Set when another service holds the lock: this one must end."""

    @asynccontextmanager
    async def kept(self, outbox: Outbox) -> AsyncIterator[None]:
        """Monitors the lock inside this block and holds the outbox while it is lost."""
        task = asyncio.create_task(self._keep(outbox))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _keep(self, outbox: Outbox) -> None:
        while True:
            await self._wait_for_server()
            outbox.hold()
            if not await asyncio.to_thread(self._lock.is_held):
                log.error("serving_lock_lost")
                if not await self._take_again():
                    self.lost = _taken(self._place, self._lock.holder)
                    return
                log.info("serving_lock_regained")
            outbox.go_on()

    async def _wait_for_server(self) -> None:
        """Waits until the server sends something, as it does before shutting down, or for LOOK_SECONDS."""
        loop, said, descriptor = asyncio.get_running_loop(), asyncio.Event(), self._lock.fileno()
        loop.add_reader(descriptor, said.set)
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await said.wait()
        except TimeoutError:
            pass
        finally:
            loop.remove_reader(descriptor)

    async def _take_again(self) -> bool:
        while True:
            try:
                return await asyncio.to_thread(self._lock.take)
            except StorageError:
                await asyncio.sleep(AGAIN_SECONDS)


def _taken(place: str, holder: str) -> CommandError:
    return CommandError(
        f"{place}: Mitsprache is already running here (process {holder}); stop it first, "
        "or use another database with database_url"
    )
