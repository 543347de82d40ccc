"""The channel of the terminal: one participant, typed lines as input, printed messages as output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import ClassVar, Final

from adapters.base import Delivery, Limits, Outgoing, Receive, Refused, Sent
from flows.messages import Location, MsgIn, MsgOut

_ALONE: Final = "one person sits at a terminal"
_SAME: Final = "the terminal is part of the process: it ends with it, and what was typed is typed again"
_TAKES: Final = "a terminal shows everything at once"
_STAYS: Final = "a terminal cannot be blocked or moved"


class ConsoleChannel:
    """A chat in the terminal. `show` prints a message; `type` hands over typed input.

    Tests use it as a working channel whose `show` collects the messages in a list.
    """

    cannot: ClassVar[Mapping[str, str]] = {
        "a_repeat_changes_nothing": "the terminal hands every line over exactly once",
        "a_crash_between_two_steps_loses_and_doubles_nothing": _SAME,
        "what_was_said_while_the_service_was_down_is_answered": _SAME,
        "a_flood_answer_puts_off_and_loses_nothing": _TAKES,
        "who_blocks_is_left_alone_and_welcome_again": _STAYS,
        "a_chat_that_moves_is_followed": _STAYS,
        "several_replies_change_one_message": "a terminal prints lines, which stay as they are",
        "unknown_events_do_not_disturb_others": "a terminal has lines of text and nothing else",
        "one_slow_chat_does_not_delay_others": _ALONE,
        "replies_stay_fast_during_a_large_broadcast": _ALONE,
        "a_deleted_message_takes_its_answer_back": "a line that was typed stays in the terminal",
        "a_reply_to_an_earlier_question_is_no_answer": "a line cannot refer to another one",
        "files_sent_together_arrive_together": "a line names one file at most",
        "images_arrive_as_files": "a terminal shows text only, so it says the alternative text",
        "encrypted_rooms_stay_readable_after_a_restart": "nothing is encrypted between a person and their terminal",
    }
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
