"""Messages waiting in the inbox, grouped by the call of `Conversations.receive` that delivered them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from adapters.base import NotStored, Replies
from flows.messages import MsgIn

Sender = tuple[str, str]
"""Channel and address."""


@dataclass(slots=True, eq=False)
class Message:
    """An incoming message and, once it is committed, the replies to it."""

    msg: MsgIn
    replies: Replies = ()

    @property
    def sender(self) -> Sender:
        """Channel and address of the sender."""
        return self.msg.channel, self.msg.address


class Arrival(NamedTuple):
    """Messages that a channel delivered together; `stored` resolves when all of them are committed."""

    messages: Sequence[Message]
    stored: asyncio.Future[None]
    rounds: int = 0
    """Number of times these messages have waited for a compilation."""

    def split(self, apart: Collection[Sender]) -> tuple[Arrival | None, Arrival | None]:
        """Separates the messages of these senders from the others. `stored` resolves when both parts are stored."""
        later = [it for it in self.messages if it.sender in apart]
        if not later:
            return self, None
        now = [it for it in self.messages if it.sender not in apart]
        if not now:
            return None, self
        loop = asyncio.get_running_loop()
        first, second = (Arrival(part, loop.create_future(), self.rounds) for part in (now, later))
        asyncio.gather(first.stored, second.stored).add_done_callback(partial(_resolve_whole, self.stored))
        return first, second


class PostponedSenders(NamedTuple):
    """Senders that wait for a compilation, with their postponed and later arrivals."""

    senders: frozenset[Sender]
    arrivals: list[Arrival]


def mark_stored(arrivals: Sequence[Arrival]) -> None:
    """Resolves the futures of committed arrivals."""
    for arrival in arrivals:
        if not arrival.stored.done():
            arrival.stored.set_result(None)


def return_arrival(arrival: Arrival) -> None:
    """Fails the future of an arrival with NotStored, so that its channel reports the problem."""
    if not arrival.stored.done():
        arrival.stored.set_exception(NotStored())


def _resolve_whole(whole: asyncio.Future[None], parts: asyncio.Future[list[None]]) -> None:
    """Copies the result of the parts of a split arrival to the whole."""
    if whole.done() or parts.cancelled():
        return
    if error := parts.exception():
        whole.set_exception(error)
    else:
        whole.set_result(None)
