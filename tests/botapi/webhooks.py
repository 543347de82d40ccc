"""The webhook: calls the bot for every update until it answers 2xx; several at once, for each chat one."""

import asyncio
import contextlib
from typing import Any

import aiohttp

from tests.botapi.parameters import Parameters
from tests.botapi.refusal import Refusal
from tests.botapi.state import State

SECRET = "X-Telegram-Bot-Api-Secret-Token"
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0


class Webhooks:
    """Where to call, and the calling. `pause` is how long it waits after a call that failed."""

    def __init__(self, state: State) -> None:
        self.url = ""
        self.secret = ""
        self.failures = 0
        """Calls that were not answered with 2xx."""
        self._state = state
        self._connections = 40
        self._last_error: tuple[int, str] | None = None
        self._busy: set[Any] = set()
        self._under_way: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None
        self._free = asyncio.Event()
        self._session: aiohttp.ClientSession | None = None

    def set(self, given: Parameters) -> bool:
        url = str(given.get("url") or "")
        if given.get("drop_pending_updates") in (True, "true"):
            raise Refusal(400, "Bad Request: this server drops nothing people wrote")
        if not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise Refusal(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        self.url, self.secret = url, str(given.get("secret_token") or "")
        self._connections = int(given.get("max_connections") or 40)
        self._state.allowed = tuple(given.get("allowed_updates") or self._state.allowed)
        if self._loop is None:
            self._loop = asyncio.create_task(self._run())
        return True

    async def delete(self, given: Parameters) -> bool:
        if given.get("drop_pending_updates") in (True, "true"):
            raise Refusal(400, "Bad Request: this server drops nothing people wrote")
        await self.stop()
        return True

    def info(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "url": self.url,
            "has_custom_certificate": False,
            "pending_update_count": len(self._state.waiting()),
        }
        if self._last_error:
            data["last_error_date"], data["last_error_message"] = self._last_error
        return data

    async def stop(self) -> None:
        self.url = ""
        tasks = [*self._tasks, *([self._loop] if self._loop else [])]
        self._loop = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session:
            await self._session.close()
            self._session = None

    async def _run(self) -> None:
        connector = aiohttp.TCPConnector(limit=self._connections)
        self._session = aiohttp.ClientSession(connector=connector)
        while True:
            self._free.clear()
            for number, (_, update) in list(self._state.waiting().items()):
                if len(self._under_way) >= self._connections:
                    break
                chat = _chat_of(update)
                if number in self._under_way or chat in self._busy:
                    continue
                self._busy.add(chat)
                self._under_way.add(number)
                task = asyncio.create_task(self._call(number, chat, update))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            if self._state.queue.keys() <= self._under_way:
                self._state.arrived.clear()
                waits = [asyncio.ensure_future(event.wait()) for event in (self._state.arrived, self._free)]
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                for wait in waits:
                    wait.cancel()
            else:
                await self._free.wait()

    async def _call(self, number: int, chat: Any, update: dict[str, Any]) -> None:
        """Calls until it is taken."""
        pause = FIRST_PAUSE
        headers = {SECRET: self.secret} if self.secret else {}
        while number in self._state.waiting():
            self._state.ledger.delivered[number] += 1
            status = 0
            assert self._session
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                timeout = aiohttp.ClientTimeout(total=60)
                async with self._session.post(self.url, json=update, headers=headers, timeout=timeout) as answer:
                    status = answer.status
            if 200 <= status < 300:
                self._state.confirm([number])
                break
            self.failures += 1
            self._last_error = int(self._state.now()), f"Wrong response from the webhook: {status}"
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        self._busy.discard(chat)
        self._under_way.discard(number)
        self._free.set()


def _chat_of(update: dict[str, Any]) -> Any:
    content = next(value for key, value in update.items() if key != "update_id")
    message = content.get("message", content)
    return message["chat"]["id"] if isinstance(message, dict) and "chat" in message else None
