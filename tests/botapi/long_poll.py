"""getUpdates: the long poll, with the offset that confirms, and one poller at a time."""

import asyncio
from typing import Any

from tests.botapi.refusal import Refusal
from tests.botapi.state import State


class LongPoll:
    """The newest poller wins; the other one gets an error."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._waiting: asyncio.Future[None] | None = None

    async def get(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        """Confirms what lies before the offset, then gives what waits, or waits."""
        if self._waiting and not self._waiting.done():
            self._waiting.set_result(None)
        mine = self._waiting = asyncio.get_running_loop().create_future()
        state = self._state
        if (allowed := given.get("allowed_updates")) is not None:
            state.allowed = tuple(allowed)
        offset = int(given.get("offset") or 0)
        if offset < 0:
            raise Refusal(400, "Bad Request: this server takes no negative offset: it forgets what people wrote")
        state.confirm([number for number in state.waiting() if number < offset])
        if not state.queue:
            await self._something(mine, float(given.get("timeout") or 0))
        found = [update for _, update in list(state.waiting().values())[: int(given.get("limit") or 100)]]
        state.ledger.delivered.update(update["update_id"] for update in found)
        return found

    async def _something(self, mine: asyncio.Future[None], seconds: float) -> None:
        arrived = asyncio.ensure_future(self._state.arrived.wait())
        either: list[asyncio.Future[Any]] = [arrived, mine]
        try:
            await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            arrived.cancel()
        if mine.done():
            words = "terminated by other getUpdates request; make sure that only one bot instance is running"
            raise Refusal(409, f"Conflict: {words}")
