"""Our bot over its Telegram channel: parsing, encoding and the order of replies as in service, rate limits lifted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from telegram.request import RequestData

from adapters.telegram import line
from adapters.telegram.transport import Transport
from bot.cli.bench import telegram
from tests.interop.bench import ours
from tests.interop.bench.memory_api import MemoryApi, answer
from tests.interop.bench.program import Api

IS_OURS = True
NOWHERE = "http://127.0.0.1"


@asynccontextmanager
async def serve(database: Path, api: Api) -> AsyncIterator[None]:
    if isinstance(api, MemoryApi):
        memory = api

        class InMemory(Transport):
            """The channel's way to the Bot API, without a network."""

            async def do_request(
                self, url: str, method: str, request_data: RequestData | None = None, *timeouts: Any, **more: Any
            ) -> tuple[int, bytes]:
                return await answer(memory, url, request_data)

        with patch.object(line, "Transport", InMemory):
            channel = telegram.unlimited(NOWHERE, memory.token)
    else:
        channel = telegram.unlimited(api.url, api.token)
    async with ours.house(database, channel.name, channel):
        yield
