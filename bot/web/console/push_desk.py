"""The processor that counts and starts pushes from the console: one for all requests, used by one of them at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final, TypeVar

from aiohttp import web
from sqlalchemy import Connection

from bot.broadcasts import service
from bot.broadcasts.audience import Audience, AudienceGroup
from bot.broadcasts.sending import BroadcastProcessor
from bot.web.services import Services
from storage.core.errors import StoreBusy
from storage.tables.broadcasts import StoredBroadcast
from storage.tables.participations import Tally

T = TypeVar("T")
PATIENCE_SECONDS: Final = 20.0
"""Counting 100,000 subscribers takes a few seconds; after this time the page says that the database does not answer."""
KEPT: Final = timedelta(seconds=60)
"""So long the participation of recipients, and groups of subscribers, are used without counting again."""
MOST_GROUPS: Final = 20_000
"""Groups of subscribers that are kept; some kilobytes each at most."""
MOST_KEPT: Final = 200


class CountingProcessor(BroadcastProcessor):
    """Keeps the groups of subscribers for `KEPT`, so that a click in the form does not examine all of them again."""

    _kept: Mapping[tuple[str, bool, frozenset[str]], tuple[datetime, Counter[AudienceGroup]]] = {}

    def forget_groups(self) -> None:
        """Lets the next count examine all subscribers: before a push starts."""
        self._kept = {}

    def groups(
        self, connection: Connection, push: StoredBroadcast, audience: Audience, now: datetime
    ) -> Counter[AudienceGroup]:
        kept, key = self._kept, (push.slug, push.is_reminder, audience.segment.slugs)
        at, groups = kept.get(key, (now, None))
        if groups is None or now - at >= KEPT:
            groups = super().groups(connection, push, audience, now)
            fresh = {it: found for it, found in kept.items() if now - found[0] < KEPT}
            number = len(groups) + sum(len(found) for _, found in fresh.values())
            self._kept = {**fresh, key: (now, groups)} if number <= MOST_GROUPS else fresh
        return groups


class PushDesk:
    """Runs work with the processor, whose catalogue is used by one thread at a time."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = asyncio.Lock()
        self._tallies: dict[int, tuple[datetime, Tally]] = {}

    @cached_property
    def processor(self) -> CountingProcessor:
        """The processor, built at its first use."""
        services, channels = self._services, self._services.channels
        proactive = frozenset(name for name, channel in channels.items() if channel.limits.is_proactive)
        return CountingProcessor(services.settings, services.keys, proactive, list(channels))

    async def read(self, work: Callable[[BroadcastProcessor, Connection], T]) -> T:
        """Runs a query. Raises StoreBusy if it takes too long, and the errors of the work."""
        return await self._in_turn(
            lambda: self._services.store.read(lambda connection: work(self.processor, connection))
        )

    async def write(self, work: Callable[[BroadcastProcessor, Connection], T]) -> T:
        """Runs one transaction. Raises StoreBusy if it takes too long, and the errors of the work."""
        return await self._in_turn(
            lambda: self._services.store.write(lambda connection: work(self.processor, connection))
        )

    def tally(self, connection: Connection, push: StoredBroadcast, now: datetime) -> Tally:
        """Returns the participation of the recipients, counted at most once in `KEPT`. Runs within `read`."""
        at, tally = self._tallies.get(push.id, (now, None))
        if tally is None or now - at >= KEPT:
            tally = service.tally_recipients(self.processor, connection, push)
            if len(self._tallies) >= MOST_KEPT:
                self._tallies.clear()
            self._tallies[push.id] = now, tally
        return tally

    async def _in_turn(self, work: Callable[[], Awaitable[T]]) -> T:
        async def locked() -> T:
            async with self._lock:
                return await work()

        task = asyncio.create_task(locked())
        # A cancelled request must not release the lock while its thread still uses the catalogue.
        done, _ = await asyncio.wait([task], timeout=PATIENCE_SECONDS)
        if not done:
            raise StoreBusy("no answer for too long")
        return task.result()


PUSH_DESK: Final = web.AppKey("push_desk", PushDesk)
