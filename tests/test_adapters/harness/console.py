"""The terminal: its person sits in the same process, so there is no counterpart that could outlive the house."""

from __future__ import annotations

from typing import ClassVar

from adapters.base import Channel
from adapters.console import ConsoleChannel
from flows.messages import MsgOut
from tests.test_adapters import harness

ALONE = "one person sits at a terminal"
SAME = "the terminal is part of the process: it ends with it, and what was typed is typed again"
TAKES = "a terminal shows everything at once"
STAYS = "a terminal cannot be blocked or moved"


class Typist(harness.Resident):
    def __init__(self, owner: Harness) -> None:
        self._owner = owner
        self._last = 0

    async def says(self, text: str) -> None:
        await self._owner.terminal.type(text)
        self._last = self._owner.terminal.number

    async def taps(self, label: str) -> None:
        for msg in reversed(self._owner.shown):
            for reply in msg.quick_replies:
                if reply.label == label:
                    await self._owner.terminal.type("", choice=reply.token)
                    return
        raise LookupError(label)

    async def taps_again(self, question: str, label: str) -> None:
        await self.taps(label)

    async def edits(self, text: str) -> None:
        await self._owner.terminal.type(text, edits=self._last)

    def heard(self) -> list[str]:
        return [msg.text for msg in self._owner.shown]


class Harness(harness.Harness):
    cannot: ClassVar[dict[str, str]] = {
        "a_repeat_changes_nothing": "the terminal hands every line over exactly once",
        "a_crash_between_two_steps_loses_and_doubles_nothing": SAME,
        "what_was_said_while_the_service_was_down_is_answered": SAME,
        "a_flood_answer_puts_off_and_loses_nothing": TAKES,
        "who_blocks_is_left_alone_and_welcome_again": STAYS,
        "a_chat_that_moves_is_followed": STAYS,
        "unknown_events_do_not_disturb_others": "a terminal has lines of text and nothing else",
        "one_slow_chat_does_not_delay_others": ALONE,
        "replies_stay_fast_during_a_large_broadcast": ALONE,
        "encrypted_rooms_stay_readable_after_a_restart": "nothing is encrypted between a person and their terminal",
    }

    def channel(self) -> Channel:
        self.shown: list[MsgOut] = []
        self.terminal = ConsoleChannel(self.shown.append)
        return self.terminal

    async def resident(self) -> Typist:
        return Typist(self)

    def address(self, resident: harness.Resident) -> str:
        return self.terminal.address
