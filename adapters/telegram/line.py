"""The connection to one bot of Telegram: its address, its two pools of connections, and its calls."""

from __future__ import annotations

from typing import Any, Final

from telegram import Bot

from adapters.telegram.options import TelegramSettings
from adapters.telegram.transport import READ_SECONDS, Transport
from adapters.telegram.updates import ALLOWED, where_to

POLL_SECONDS: Final = 25
"""How long Telegram holds a request for updates open while there are none."""
MOST_UPDATES: Final = 100


class Line:
    """Calls the Bot API. Polling has a connection of its own, so that it delays no other call."""

    def __init__(self, settings: TelegramSettings, *, read_seconds: float = READ_SECONDS) -> None:
        token = settings.token.get_secret_value()
        # One more than messages in flight: taps are answered in parallel.
        self.transport = Transport(settings.at_once() + 8, read_seconds)
        self._polling = Transport(2, read_seconds)
        self._root = f"{settings.base_url}/bot{token}/"
        self.bot = Bot(
            token,
            base_url=f"{settings.base_url}/bot",
            base_file_url=f"{settings.base_url}/file/bot",
            request=self.transport,
            get_updates_request=self._polling,
        )

    async def open(self) -> None:
        """Creates the pools; sends no request."""
        await self.transport.initialize()
        await self._polling.initialize()

    async def close(self) -> None:
        await self.transport.shutdown()
        await self._polling.shutdown()

    async def call(self, method: str, **parameters: Any) -> Any:
        """Calls a method and returns its raw result."""
        return await self.transport.ask(self._root + method, parameters)

    async def upload_photo(self, address: str, name: str, content: bytes, caption: str) -> tuple[int, str]:
        """Sends a photo with its file; returns the message id, and the id of the file for further messages."""
        sent = await self.bot.send_photo(**where_to(address), photo=content, caption=caption, filename=name)
        return sent.message_id, sent.photo[-1].file_id if sent.photo else ""  # the last size is the largest

    async def updates(self, offset: int, limit: int = MOST_UPDATES, seconds: int = POLL_SECONDS) -> Any:
        """Returns raw updates from an offset on (0: all unconfirmed ones); confirms everything before it."""
        parameters: dict[str, Any] = {"timeout": seconds, "limit": limit, "allowed_updates": ALLOWED}
        if offset:
            parameters["offset"] = offset
        return await self._polling.ask(f"{self._root}getUpdates", parameters, seconds=seconds + 10)
