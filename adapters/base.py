"""What every channel promises, and what it says about each message it was asked to send."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

from flows.messages import MsgIn, MsgOut

Receive = Callable[[Sequence[MsgIn]], Awaitable[None]]
"""Takes messages; returns when they are stored for good. Only then may the channel move on."""


class Outgoing(NamedTuple):
    """One message to be sent. `id` rises with time and stays the same when the message is sent again."""

    id: int
    address: str
    msg: MsgOut


class Sent(NamedTuple):
    """The channel took the message; `ref` is its own id of it, "" where it has none."""

    ref: str = ""


class RetryAfter(NamedTuple):
    """Not now: try again after so many seconds."""

    seconds: float
    reason: str = ""


class Unreachable(NamedTuple):
    """The person cannot be reached there any more: blocked, left, deleted. Nothing more is sent."""

    reason: str


class Refused(NamedTuple):
    """The channel will never take this message, others perhaps."""

    reason: str


class Unknown(NamedTuple):
    """Asked to send and heard nothing: it may have arrived."""

    reason: str


Delivery = Sent | RetryAfter | Unreachable | Refused | Unknown


class Limits(NamedTuple):
    """What a channel can take. Rates are messages per second, 0 for none."""

    text_utf16: int = 4096
    buttons: bool = False
    idempotent: bool = False
    """Whether sending the same id twice is the same as once; else every sent message is noted before the next one."""
    workers: int = 8
    """How many messages may be on their way at once."""
    per_second: float = 0
    per_chat_per_second: float = 0


class Channel(Protocol):
    """A way to reach people. Registered by name: `[channels.town] type = "telegram"` loads `adapters.telegram`."""

    name: str
    limits: Limits

    async def start(self, receive: Receive) -> None:
        """Begins to hand over messages. Returns when the channel is ready."""

    async def send(self, message: Outgoing) -> Delivery:
        """Sends one message and says what became of it; what a channel can answer is data, never an exception."""

    async def stop(self) -> None:
        """Ends receiving; messages not yet stored will come again."""
