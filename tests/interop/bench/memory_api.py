"""A Bot API in memory, for what a bot costs without a network: the residents and the bot share a process.

It answers what polling bots ask, as Telegram writes it; `tests/botapi` is the strict one. Standard library only.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from tests.interop.bench.residents import Say

TOKEN = "4711:TEST-TOKEN-in-memory-0123456789-abcdefgh"
BOT = {"id": 4711, "is_bot": True, "first_name": "Mitsprache", "username": "MitspracheTestBot"}
_ABOUT_BOT = BOT | {
    "can_join_groups": True,
    "can_read_all_group_messages": False,
    "supports_inline_queries": False,
}
_SETTINGS = {"deletewebhook", "setmycommands", "setmydescription", "setmyshortdescription"}


class MemoryApi:
    """One bot and its residents. `heard` is called with the chat of each message that the bot sends."""

    token = TOKEN

    def __init__(self) -> None:
        self.heard: Callable[[int], None] = lambda chat: None
        self.hands_over: Say | None = None
        """Takes what residents write, for a bot that wants no updates."""
        self._updates: deque[dict[str, Any]] = deque()
        self._arrived = asyncio.Event()
        self._number = 1_000_000

    def say(self, chat: int, text: str) -> None:
        """A resident writes."""
        if self.hands_over:
            self.hands_over(chat, text)
            return
        self._number += 1
        message = {
            "message_id": self._number,
            "date": int(time.time()),
            "chat": {"id": chat, "type": "private", "first_name": "Erfunden"},
            "from": {"id": chat, "is_bot": False, "first_name": "Erfunden", "language_code": "de"},
            "text": text,
        }
        if text.startswith("/"):
            length = len(text.split()[0])
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        self._updates.append({"update_id": self._number, "message": message})
        self._arrived.set()

    async def updates(self, offset: int = 0, limit: int = 100, timeout: float = 10) -> list[dict[str, Any]]:
        """getUpdates: forgets what lies before the offset, then gives what waits, or waits for it."""
        await asyncio.sleep(0)  # a caller that never waits would block all others
        waiting = self._updates
        while waiting and waiting[0]["update_id"] < offset:
            waiting.popleft()
        if not waiting:
            self._arrived.clear()
            try:
                async with asyncio.timeout(timeout):
                    await self._arrived.wait()
            except TimeoutError:
                return []
        return [waiting[place] for place in range(min(limit, len(waiting)))]

    def send(self, chat: int, text: str) -> dict[str, Any]:
        """sendMessage: the message as Telegram gives it back."""
        self._number += 1
        self.heard(chat)
        return self._message(chat, self._number, text)

    @staticmethod
    def _message(chat: int, number: int, text: str) -> dict[str, Any]:
        return {
            "message_id": number,
            "date": int(time.time()),
            "chat": {"id": chat, "type": "private", "first_name": "Erfunden"},
            "from": BOT,
            "text": text,
        }

    async def request(self, method: str, given: dict[str, Any]) -> bytes:
        """The answer to a request, as its body."""
        match method.lower():
            case "getupdates":
                offset, limit, timeout = (float(given.get(name) or 0) for name in ("offset", "limit", "timeout"))
                result: Any = await self.updates(int(offset), int(limit) or 100, timeout)
            case "sendmessage":
                result = self.send(int(given["chat_id"]), given["text"])
            case "getme":
                result = _ABOUT_BOT
            case "editmessagereplymarkup":  # of a message that loses its buttons
                result = self._message(int(given["chat_id"]), int(given["message_id"]), "")
            case other if other in _SETTINGS:
                result = True
            case other:
                raise AssertionError(f"this API in memory has no {other}")
        return json.dumps({"ok": True, "result": result}).encode()


async def answer(api: MemoryApi, url: str, request_data: Any) -> tuple[int, bytes]:
    """What a `telegram.request.BaseRequest` has to give: status and body."""
    given = json.loads(request_data.json_payload) if request_data else {}
    return 200, await api.request(url.rpartition("/")[2], given)
