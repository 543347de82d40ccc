"""The steps between which an app can die, and how to make it.

`NAMES` in the order in which a message passes them. `tests/chaos` kills the process there; the contract of the
channels, which has them in its own process, lets it stand still and abandons it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Final

import pytest

from bot.conversations.batch import BatchProcessor
from bot.conversations.inbox import Conversations
from bot.delivery.channel_queue import ChannelQueue
from bot.delivery.outbox import Outbox

_STEPS: Final = {
    "received": ("before", Conversations, "receive"),
    "before commit": ("on the writing thread", BatchProcessor, "work"),
    "after commit": ("after", Conversations, "_commit"),
    "acknowledged": ("after", Conversations, "receive"),
    "before send": ("before", ChannelQueue, "send"),
    "after send": ("after", ChannelQueue, "send"),
    "before note": ("on the writing thread", Outbox, "write_settled"),
    "after note": ("after", Outbox, "_flush"),
}
NAMES = tuple(_STEPS)

Die = Callable[[], Awaitable[None]]
"""Ends everything, at once. Called in the event loop."""
DieNow = Callable[[], None]
"""The same on the writing thread."""


def plant(patch: pytest.MonkeyPatch, name: str, die: Die, die_now: DieNow) -> None:
    """Lets every app die at this step from now on. `die` may also return, when its moment has not come."""
    when, owner, method = _STEPS[name]
    real = getattr(owner, method)

    @wraps(real)
    async def dying(*given: Any, **named: Any) -> Any:
        if when == "before":
            await die()
        result = await real(*given, **named)
        if when == "after":
            await die()
        return result

    @wraps(real)
    def dying_now(*given: Any, **named: Any) -> Any:
        """Dies after the work, which is within the transaction and so before its commit."""
        result = real(*given, **named)
        die_now()
        return result

    patch.setattr(owner, method, dying_now if when == "on the writing thread" else dying)


def leave_at_once(patch: pytest.MonkeyPatch) -> None:
    """An app that is abandoned sends nothing more and waits for nothing."""

    async def nothing(*_: Any) -> None:
        return None

    patch.setattr(Outbox, "drained", nothing)
    patch.setattr("bot.conversations.inbox.PATIENCE_SECONDS", 0.05)
