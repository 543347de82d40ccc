"""Sends one message to one chat, or edits the one that a tap has changed."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

from telegram.error import TelegramError

from adapters.base import Delivery, Outgoing, Sent
from adapters.telegram.chats import ChatQuestion, Chats
from adapters.telegram.line import Line
from adapters.telegram.optional_calls import OptionalCalls
from adapters.telegram.outcomes import is_missing, is_unchanged
from adapters.telegram.photos import Photos
from adapters.telegram.rendering import Keyboard, Photo, Rendered, render_message, with_choice
from adapters.telegram.updates import where_to

MOST_BEGUN: Final = 10_000
_NO_PREVIEW: Final = {"is_disabled": True}


class TelegramSender:
    """Sends messages; raises the library's errors. `username` is needed for links into the private chat."""

    def __init__(self, line: Line, chats: Chats, beside: OptionalCalls, part_seconds: float) -> None:
        self._line = line
        self._chats = chats
        self._beside = beside
        self._part_seconds = part_seconds
        """The pause between the parts of one message, which Telegram counts as messages."""
        self.photos = Photos(line)
        self._begun: dict[int, int] = {}
        """The number of parts that have arrived, so that another attempt continues after them."""
        self.username = ""

    async def send(self, message: Outgoing) -> Delivery:
        """Sends the message, or edits the one that was just tapped."""
        address, msg = message.address, message.msg
        rendered = render_message(msg, deep_link=self._deep_link(address))
        there = self._chats.to_change(address, msg)
        if there and len(rendered.parts) == 1 and await self._change(address, there, rendered):
            return Sent(str(there))
        if tapped := self._chats.take_tapped(address):
            self._beside.run(partial(self._put_away, address, tapped))
        message_id = await self._send_parts(message, rendered)
        if rendered.keyboard:
            earlier = self._chats.sent(address, msg, message_id, str(rendered.parts[-1]))
            self.take_buttons(address, earlier)
        return Sent(str(message_id))

    def _deep_link(self, address: str) -> str:
        return f"https://t.me/{self.username}" if address.startswith("-") and self.username else ""

    async def _send_parts(self, message: Outgoing, rendered: Rendered) -> int:
        """Sends the parts and returns the message id of the last one."""
        done = self._begun.get(message.id, 0)
        message_id = 0
        last = len(rendered.parts) - 1
        for number, part in enumerate(rendered.parts[done:], start=done):
            if number > done:
                await asyncio.sleep(self._part_seconds)
            message_id = await self._send_part(message.address, part, rendered.keyboard if number == last else None)
            if number < last and message.id:
                self._note_begun(message.id, number + 1)
        self._begun.pop(message.id, None)
        return message_id

    async def _send_part(self, address: str, part: str | Photo, keyboard: Keyboard | None) -> int:
        """Sends one part and returns its message id. A photo that cannot be sent becomes its text."""
        if isinstance(part, Photo):
            message_id = await self.photos.send(address, part)
            if message_id is not None:
                return message_id
            part = part.caption
        more = {"reply_markup": keyboard} if keyboard else {}
        sent = await self._line.call(
            "sendMessage", **where_to(address), text=part, link_preview_options=_NO_PREVIEW, **more
        )
        return int(sent["message_id"])

    def _note_begun(self, number: int, parts: int) -> None:
        if len(self._begun) >= MOST_BEGUN:
            self._begun.clear()
        self._begun[number] = parts

    async def _change(self, address: str, message_id: int, rendered: Rendered) -> bool:
        """Edits a message; returns False if it is missing or too old."""
        try:
            await self._line.call(
                "editMessageText",
                chat_id=address,
                message_id=message_id,
                text=rendered.parts[0],
                link_preview_options=_NO_PREVIEW,
                **({"reply_markup": rendered.keyboard} if rendered.keyboard else {}),
            )
        except TelegramError as error:
            if is_missing(error):
                return False
            if not is_unchanged(error):
                raise
        self._chats.changed(address, str(rendered.parts[0]))
        return True

    def take_buttons(self, address: str, message_id: int | None) -> None:
        """Removes the buttons of an earlier message of a question, if there is one."""
        if message_id is not None:
            self._beside.run(partial(self._put_away, address, ChatQuestion(message_id, "")))

    async def _put_away(self, address: str, asked: ChatQuestion) -> None:
        """Removes the buttons of an answered message and adds the answer to its text."""
        where = {"chat_id": address, "message_id": asked.message_id}
        if text := with_choice(asked.text, asked.chosen) if asked.chosen else "":
            await self._line.call("editMessageText", **where, text=text, link_preview_options=_NO_PREVIEW)
        else:
            await self._line.call("editMessageReplyMarkup", **where, reply_markup={"inline_keyboard": []})
