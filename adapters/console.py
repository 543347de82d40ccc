"""The channel of the terminal: one participant, typed lines as input, printed messages as output."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from adapters.base import Delivery, Limits, Outgoing, Receive, Refused, Sent
from flows.messages import Location, MsgIn, MsgOut


class ConsoleChannel:
    """A chat in the terminal. `show` prints a message; `type` hands over typed input.

    Tests use it as a working channel whose `show` collects the messages in a list.
    """

    limits = Limits(text_utf16=1_000_000, idempotent=True, workers=1)

    def __init__(self, show: Callable[[MsgOut], None], *, name: str = "console", address: str = "terminal") -> None:
        self.name = name
        self.address = address
        self._show = show
        self._receive: Receive | None = None
        self._run = datetime.now(UTC).isoformat()
        self.number = 0

    async def start(self, receive: Receive) -> None:
        self._receive = receive

    async def type(
        self,
        text: str,
        *,
        choice: str = "",
        media: str = "",
        media_ref: str = "",
        place: Location | None = None,
        edits: int = 0,
        language_hint: str = "",
    ) -> None:
        """Hands over one typed line; returns when it is stored. `edits` is the number of an earlier line."""
        assert self._receive is not None, "the channel is not started"  # noqa: S101
        self.number += 1
        msg = MsgIn(
            self.name,
            self.address,
            self._id(self.number),
            datetime.now(UTC),
            text=text,
            choice=choice,
            media=media,
            media_ref=media_ref,
            location=place,
            edits=self._id(edits) if edits else "",
            language_hint=language_hint,
        )
        await self._receive([msg])

    def _id(self, number: int) -> str:
        return f"{self._run}/{number}"

    async def send(self, message: Outgoing) -> Delivery:
        if message.address != self.address:
            return Refused("that terminal was closed")  # left over from a chat that ended abruptly
        self._show(message.msg)
        return Sent()

    async def stop(self) -> None:
        self._receive = None

    def trouble(self) -> str:
        return ""
