"""Joins the pictures of an album, which Telegram delivers as one update each, into one message."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from flows.messages import MsgIn

ALBUM_SECONDS: Final = 1.0
"""How long the next update of an album may take. A part that comes later counts as a repeat of the others."""
MOST_ROUNDS: Final = 5
"""How often it is waited for further parts."""


def album_parts(updates: Sequence[Any]) -> int:
    """Returns how many of these updates are parts of albums."""
    return sum(is_album(update) for update in updates)


def is_album(update: Any) -> bool:
    """Whether an update is a part of an album (https://core.telegram.org/bots/api#message, `media_group_id`)."""
    message = update.get("message") if isinstance(update, dict) else None
    return isinstance(message, dict) and bool(message.get("media_group_id"))


def join_albums(messages: Sequence[MsgIn]) -> list[MsgIn]:
    """Joins messages with the same id, which the parts of an album have: the first one with the caption, and with the
    handles of all others.
    """
    joined: dict[str, MsgIn] = {}
    for msg in messages:
        first = joined.get(msg.external_id)
        joined[msg.external_id] = msg if first is None else _joined(first, msg)
    return list(joined.values())


def _joined(first: MsgIn, msg: MsgIn) -> MsgIn:
    ref = msg.media_ref
    is_new = ref and msg.media == first.media and ref not in (first.media_ref, *first.more_refs)
    refs = (*first.more_refs, ref) if is_new and first.media_ref else first.more_refs
    return first._replace(text=first.text or msg.text, media_ref=first.media_ref or ref, more_refs=refs)


class AlbumGatherer:
    """Holds back the parts of albums that arrive in calls of their own (webhook)."""

    def __init__(self, handle: Callable[[Sequence[Any]], Awaitable[None]], seconds: float) -> None:
        self._handle = handle
        self._seconds = seconds
        self._waiting: dict[tuple[Any, Any], tuple[list[Any], asyncio.Task[None]]] = {}

    async def handle(self, update: Any) -> None:
        """Hands over an update; returns, or raises, when it is handled together with its album."""
        if not is_album(update):
            await self._handle([update])
            return
        message = update["message"]
        key = str(message.get("chat")), str(message["media_group_id"])
        if key not in self._waiting:
            updates: list[Any] = []
            self._waiting[key] = updates, asyncio.create_task(self._gather(key, updates))
        parts, task = self._waiting[key]
        parts.append(update)
        await asyncio.shield(task)

    async def _gather(self, key: tuple[Any, Any], updates: list[Any]) -> None:
        known = 0
        for _ in range(MOST_ROUNDS):
            if len(updates) == known:
                break
            known = len(updates)
            await asyncio.sleep(self._seconds)
        del self._waiting[key]
        await self._handle(updates)
