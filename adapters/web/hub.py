"""The conversations of the web page: one on the server for each web session, over any transport.

WebSocket, server-sent events, long poll and plain HTML forms all read the same numbered log and write with message ids
of their own, so that resending is harmless and a broken connection loses or repeats no message.

The log is memory only. After a restart, or on another device, the page asks the bot to repeat the current step: answers
are stored in the database only.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import ClassVar, Final

from adapters.base import Delivery, Limits, NotStored, Outgoing, Receive, Refused, Sent
from adapters.web.log import ChatEntry, Exchange, WebChat
from flows.messages import Mode, MsgIn, MsgOut

MOST_WAITING = 20
"""The maximum number of messages of one visitor that wait to be stored; more are refused with `TooMany`."""
MOST_CHATS = 50_000
MOST_FAREWELLS = 200
MOST_COMMON = 2_000
"""Messages shared in memory by many conversations."""
IDLE_SECONDS = 3600.0
ANSWER_SECONDS = 2.5
"""How long a visitor waits for replies in the log before the page says that they will follow."""
LOOKED_AT = 100
"""The maximum number of conversations checked to make room for one; limits the work, not the memory."""

_PULLED: Final = "a page is never called: it fetches, and takes what there is"
_WITHIN: Final = "the service is at both ends: the channel hands messages from one part of it to another"


class TooMany(Exception):
    """The visitor sends messages too fast; the refused message was not stored."""


class NotRunning(Exception):
    """The application is starting or stopping."""


class WebHub:
    """The channel `web`: conversations by address. An address is a secret of the browser (or a resume code).

    >>> hub = WebHub()                                                    # doctest: +SKIP
    >>> await hub.say("address", "c1", text="/start mein-kiez")           # doctest: +SKIP
    >>> await hub.wait("address", after=0, seconds=5)                     # doctest: +SKIP
    """

    cannot: ClassVar[Mapping[str, str]] = {
        "what_was_said_while_the_service_was_down_is_answered": (
            "a page that is not served cannot be opened; a page that was open keeps its words (test_troubles.py)"
        ),
        "several_replies_change_one_message": "a page has fields for several answers, which it sends as one message",
        "an_edit_corrects_the_answer": "a page cannot change what was sent; people go back and answer again",
        "a_flood_answer_puts_off_and_loses_nothing": _PULLED,
        "who_blocks_is_left_alone_and_welcome_again": _PULLED,
        "a_chat_that_moves_is_followed": "the address of a conversation is a secret of the browser and never changes",
        "unknown_events_do_not_disturb_others": f"{_WITHIN}; what strangers send is tried in test_web_abuse.py",
        "one_slow_chat_does_not_delay_others": f"{_PULLED}; slow readers are tried in test_web_abuse.py",
        "replies_stay_fast_during_a_large_broadcast": "nothing is pushed to pages: `is_proactive` is off",
        "a_deleted_message_takes_its_answer_back": "a page cannot delete what was sent; people go back and skip",
        "a_reply_to_an_earlier_question_is_no_answer": "a page has one field, which belongs to the open question",
        "files_sent_together_arrive_together": "a page sends text and choices, but no files",
        "images_arrive_as_files": f"{_PULLED}; images are loaded in test_images.py",
        "encrypted_rooms_stay_readable_after_a_restart": "the line is encrypted (https), not the conversation",
    }
    limits = Limits(
        text_utf16=100_000, buttons=True, idempotent=True, workers=1, tells_trouble=True, is_proactive=False
    )

    def __init__(self, name: str = "web") -> None:
        self.name = name
        self.epoch = secrets.token_hex(4)
        """Different in every process: the entry numbers of a page with another epoch belong to a log that no longer
        exists."""
        self.voices: frozenset[str] = frozenset()
        """Languages for which the application offers reading aloud, below `/c/SLUG/speak/`."""
        self._receive: Receive | None = None
        self._chats: OrderedDict[str, WebChat] = OrderedDict()
        self._common: dict[MsgOut, MsgOut] = {}
        self._said_once: set[int] = set()
        self._farewells: OrderedDict[str, MsgOut] = OrderedDict()

    async def start(self, receive: Receive) -> None:
        self._receive = receive

    async def stop(self) -> None:
        self._receive = None

    def trouble(self) -> str:
        return ""

    async def send(self, message: Outgoing) -> Delivery:
        chat = self._chats.get(message.address)
        if chat is None:
            return Refused("the page is closed")
        speak = ""
        if message.msg.language in self.voices and not message.msg.audio:
            slug, _, _ = message.address.partition("/")
            speak = f"/c/{slug}/speak/{chat.seq + 1}"
        chat.reply(message.id, self._shared(message.msg), speak)
        return Sent(str(chat.seq))

    def _shared(self, msg: MsgOut) -> MsgOut:
        """Returns one shared copy of a message that many conversations have: questions are the larger part of a log.

        Only messages that were sent twice are shared; a message to one visitor alone is in no other log.
        """
        known = self._common.get(msg)
        if known is not None:
            return known
        mark = hash(msg)
        if mark not in self._said_once:
            self._said_once.add(mark)
        else:
            self._common[msg] = msg
        for kept in (self._common, self._said_once):
            if len(kept) > MOST_COMMON:
                kept.clear()
        return msg

    def chat(self, address: str) -> WebChat:
        """Returns the conversation of an address, a new and empty one if it is not in memory."""
        chat = self._chats.get(address)
        if chat is None:
            self._forget_idle()
            chat = self._chats[address] = WebChat()
        self._chats.move_to_end(address)
        chat.seen = time.monotonic()
        return chat

    def is_known(self, address: str) -> bool:
        """Whether the conversation is in memory; if not, the page should request the current step."""
        chat = self._chats.get(address)
        return chat is not None and (chat.is_open or chat.seq > 0)

    def language(self, address: str) -> str:
        """Returns the language of the bot's last message in a conversation, "" if there is none yet."""
        chat = self._chats.get(address)
        return next((entry.msg.language for entry in reversed(chat.entries) if entry.msg), "") if chat else ""

    def label(self, address: str, token: str) -> str:
        """Returns the label of the button with this token, "" if none of the messages in memory has it."""
        chat = self._chats.get(address)
        offered = (
            (reply for entry in reversed(chat.entries) if entry.msg for reply in entry.msg.quick_replies)
            if chat
            else ()
        )
        return next((reply.label for reply in offered if reply.token == token), "")

    async def open(self, address: str, ask: Callable[[], Awaitable[None]]) -> None:
        """Runs `ask` unless the conversation is in memory; two tabs that open at the same moment run it once."""
        chat = self.chat(address)
        if self.is_known(address):
            return
        if chat.opening is None:
            chat.opening = asyncio.create_task(self._open(address, chat, ask))
        await asyncio.shield(chat.opening)

    async def _open(self, address: str, chat: WebChat, ask: Callable[[], Awaitable[None]]) -> None:
        try:
            await ask()
            chat.is_open = True
        finally:
            chat.opening = None
            # A refused conversation must not displace an accepted one.
            if not chat.is_open and not chat.seq and self._chats.get(address) is chat:
                del self._chats[address]

    def wipe(self, address: str) -> None:
        """Wipes a conversation from memory (kiosk, shared device); its open connections end."""
        chat = self._chats.pop(address, None)
        if chat is not None:
            chat.entries.clear()
            chat.leave()

    def forget(self, address: str, *, was_told: bool = True) -> None:
        """Deletes the conversation after an erasure; only the final message stays until a page has shown it."""
        chat = self._chats.get(address) if was_told else None
        # A visitor's own answers that were sent twice are stored like a message to many.
        self._common.clear()
        self._said_once.clear()
        if chat is None:
            self.wipe(address)
            return
        del self._chats[address]
        last = next((entry for entry in reversed(chat.entries) if entry.msg), None)
        chat.entries[:] = [last] if last else []
        if last and last.msg:
            self._farewells[address] = last.msg
            while len(self._farewells) > MOST_FAREWELLS:
                self._farewells.popitem(last=False)
        chat.leave()

    def has_parted(self, address: str) -> bool:
        """Whether the final message of an erased conversation waits to be shown."""
        return address in self._farewells

    def farewell(self, address: str) -> MsgOut | None:
        """Returns the final message of an erased conversation, once."""
        return self._farewells.pop(address, None)

    async def say(
        self,
        address: str,
        client_id: str,
        *,
        text: str = "",
        choice: str = "",
        shown: str = "",
        language_hint: str = "",
        mode: Mode = "self",
        entry_code: str = "",
        is_burst: bool = False,
        until_answered: bool = False,
    ) -> None:
        """Hands over one message of the visitor; returns when it is stored, or when the replies to it are in the log as
        well (`until_answered`). The same `client_id` again changes nothing.

        `shown` is the text of the message in the log (the label of a tapped answer); empty for messages that the page
        sends by itself, such as the start. Raises TooMany, NotRunning, and NotStored: then nothing of it is in the log.
        """
        chat = self.chat(address)
        if self._receive is None:
            raise NotRunning
        if chat.waiting >= MOST_WAITING:
            raise TooMany
        if shown and all(entry.client_id != client_id for entry in chat.entries):
            chat.add(None, shown, client_id)
        msg = MsgIn(
            self.name,
            address,
            _external_id(address, client_id),
            datetime.now(UTC),
            text=text,
            choice=choice,
            language_hint=language_hint,
            mode=mode,
            entry_code=entry_code,
            is_burst=is_burst,
        )
        exchange, replies = chat.begin(), frozenset[int]()
        try:
            (said,) = await self._receive([msg])
            replies = frozenset(reply.id for reply in said)
        except NotStored:
            chat.take_back(client_id)
            raise
        finally:
            chat.end(exchange, replies)
        if until_answered:
            await _answered(chat, exchange, replies)

    async def settled(self, address: str) -> None:
        """Returns when all messages of the conversation are stored and the replies are in the log."""
        chat = self.chat(address)
        if chat.exchange is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_SECONDS):
                    await chat.exchange.over.wait()

    async def wait(self, address: str, after: int, seconds: float) -> list[ChatEntry]:
        """Returns the entries after this one; waits at most this number of seconds for the first of them."""
        chat = self.chat(address)
        if not (entries := chat.after(after)) and seconds > 0:
            came = asyncio.Event()
            chat.watch(came.set)
            try:
                async with asyncio.timeout(seconds):
                    await came.wait()
            except TimeoutError:
                return []
            finally:
                chat.unwatch(came.set)
            entries = chat.after(after)
        return entries

    def _forget_idle(self) -> None:
        """Removes idle conversations to make room, oldest first. Those with an open connection stay."""
        limit = time.monotonic() - IDLE_SECONDS
        for _ in range(min(LOOKED_AT, len(self._chats))):
            address, chat = next(iter(self._chats.items()))
            if chat.lines or chat.waiting:
                self._chats.move_to_end(address)
            elif chat.seen < limit or len(self._chats) >= MOST_CHATS:
                del self._chats[address]
            else:
                return


async def _answered(chat: WebChat, exchange: Exchange, replies: frozenset[int]) -> None:
    """Returns when these replies are in the log, or are given up because the channel is held or the data was erased."""
    came = asyncio.Event()
    chat.watch(came.set)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            while exchange.lacks(replies) and not chat.is_gone:
                came.clear()
                await came.wait()
    except TimeoutError:
        chat.give_up(exchange, replies)
    finally:
        chat.unwatch(came.set)


def _external_id(address: str, client_id: str) -> str:
    """Returns an id of the message that does not reveal the conversation: it is stored for days, and the address is
    secret."""
    return hashlib.blake2b(f"{address}/{client_id}".encode(), digest_size=16).hexdigest()
