"""The steps between which a house can die, and how to make it.

`NAMES` in the order in which a message passes them. `tests/campaign` kills the process there; the contract of the
channels, which has them in its own process, lets it stand still and abandons it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import pytest

from bot.conversations import Conversations
from bot.lanes import Lane
from bot.outbox import Outbox
from bot.turns import Turns

NAMES = (
    "received",
    "before commit",
    "after commit",
    "acknowledged",
    "before send",
    "after send",
    "before note",
    "after note",
)

Die = Callable[[], Awaitable[None]]
"""Ends everything, at once. Called in the event loop."""
DieNow = Callable[[], None]
"""The same on the writing thread."""


def plant(patch: pytest.MonkeyPatch, name: str, die: Die, die_now: DieNow) -> None:
    """Lets every house die at this step from now on. `die` may also return, when its moment has not come."""
    match name:
        case "received":
            _before(patch, Conversations, "receive", die)
        case "before commit":
            _after_sync(patch, Turns, "work", die_now)
        case "after commit":
            _after(patch, Conversations, "_commit", die)
        case "acknowledged":
            _after(patch, Conversations, "receive", die)
        case "before send":
            _before(patch, Lane, "_send", die)
        case "after send":
            _after(patch, Lane, "_send", die)
        case "before note":
            _after_sync(patch, Outbox, "write_settled", die_now)
        case "after note":
            _after(patch, Outbox, "_flush", die)
        case _:
            raise LookupError(name)


def _before(patch: pytest.MonkeyPatch, owner: type[Any], name: str, die: Die) -> None:
    real = getattr(owner, name)

    @wraps(real)
    async def dying(*given: Any) -> Any:
        await die()
        return await real(*given)

    patch.setattr(owner, name, dying)


def _after(patch: pytest.MonkeyPatch, owner: type[Any], name: str, die: Die) -> None:
    real = getattr(owner, name)

    @wraps(real)
    async def dying(*given: Any) -> Any:
        result = await real(*given)
        await die()
        return result

    patch.setattr(owner, name, dying)


def _after_sync(patch: pytest.MonkeyPatch, owner: type[Any], name: str, die_now: DieNow) -> None:
    real = getattr(owner, name)

    @wraps(real)
    def dying(*given: Any) -> Any:
        result = real(*given)
        die_now()
        return result

    patch.setattr(owner, name, dying)


def leave_at_once(patch: pytest.MonkeyPatch) -> None:
    """A house that is abandoned sends nothing more and waits for nothing."""

    async def nothing(*_: Any) -> None:
        return None

    patch.setattr(Outbox, "drained", nothing)
    patch.setattr("bot.conversations.PATIENCE_SECONDS", 0.05)
