"""Our bot from a message in to a sink: the live path without any channel's own work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from adapters.base import Delivery, Outgoing
from bot.cli.bench import live, subject
from tests.interop.bench import ours
from tests.interop.bench.memory_api import MemoryApi
from tests.interop.bench.program import Api

IS_OURS = True


class Sink(live.SinkChannel):
    """Takes everything at once, and says where."""

    def __init__(self, api: MemoryApi) -> None:
        self._api = api

    async def send(self, message: Outgoing) -> Delivery:
        delivery = await super().send(message)
        self._api.heard(int(message.address))
        return delivery


@asynccontextmanager
async def serve(database: Path, api: Api) -> AsyncIterator[None]:
    assert isinstance(api, MemoryApi), "a sink has no address"
    numbers = iter(range(1, 1 << 62))
    tasks: set[asyncio.Task[object]] = set()
    async with ours.house(database, live.SinkChannel.name, Sink(api)) as app:

        def hand_over(chat: int, text: str) -> None:
            message = subject.message(str(chat), next(numbers), text)
            task = asyncio.create_task(app.conversations.receive([message]))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        api.hands_over = hand_over
        yield
        await asyncio.gather(*tasks)
