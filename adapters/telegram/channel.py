"""The channel of one Telegram bot: receives by polling or webhook, sends, and reports problems."""

from __future__ import annotations

import asyncio
import hmac
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Final

import structlog
from aiohttp import web
from telegram.error import InvalidToken, TelegramError

from adapters.base import (
    Delivery,
    ImageReader,
    Introduction,
    Limits,
    MessagePreview,
    Outgoing,
    PublicAddress,
    Receive,
    RetryAfter,
    Unknown,
)
from adapters.telegram.albums import ALBUM_SECONDS, AlbumGatherer, join_albums
from adapters.telegram.chats import Chats
from adapters.telegram.floods import Floods
from adapters.telegram.introducing import set_bot_profile
from adapters.telegram.line import Line
from adapters.telegram.optional_calls import OptionalCalls
from adapters.telegram.options import TelegramSettings
from adapters.telegram.outcomes import TOO_FAST, TROUBLE_SECONDS, delivery_of, describe_error, outcome_of_fetching
from adapters.telegram.polling import TOKEN_PAUSE, Poller, update_id_of
from adapters.telegram.rendering import render_message
from adapters.telegram.sending import TelegramSender
from adapters.telegram.updates import ALLOWED, UpdateReader
from adapters.tolerant_json import CutOff, parse_json
from flows.messages import MsgIn, MsgOut

log = structlog.get_logger()

SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header
COMMIT_SECONDS: Final = 50.0
"""Telegram waits a minute for the answer to a webhook call; the channel asks it to call again before that."""
FILE_SECONDS: Final = 120.0
WEBHOOK_CHECK_SECONDS: Final = 300.0
LONGEST_WAIT: Final = 300.0
START_WORDS: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What a deep link transfers (https://core.telegram.org/bots/features#deep-linking)."""


class TelegramChannel:
    """One bot. Addresses are chat ids as text; those of groups begin with a minus."""

    cannot: ClassVar[Mapping[str, str]] = {
        "a_deleted_message_takes_its_answer_back": "the Bot API does not report deleted messages",
        "encrypted_rooms_stay_readable_after_a_restart": "Telegram's chats with bots are not end-to-end encrypted",
    }

    def __init__(self, name: str, settings: TelegramSettings, *, pace: float = 1.0) -> None:
        self.name = name
        self.limits = Limits(
            buttons=True,
            workers=settings.at_once(),
            per_second=settings.per_second,
            per_chat_per_second=1,
            per_group_per_minute=20,
            group_prefix="-",
            is_confidential=False,
            edits=True,
        )
        self._settings = settings
        self._pace = pace
        self._line = Line(settings)
        self._reader = UpdateReader(name, settings.token.get_secret_value())
        self._chats = Chats()
        self._beside = OptionalCalls(pace)
        self._gatherer = AlbumGatherer(self._handle, ALBUM_SECONDS * pace)
        self._sender = TelegramSender(self._line, self._chats, self._beside, pace / self.limits.per_chat_per_second)
        self._floods = Floods()
        self._poller = Poller(self._line.updates, self._handle, name=name, pace=pace)
        self._secrets = [secret.encode() for secret in settings.secrets()]
        self._introductions: Sequence[Introduction] = ()
        self._receive: Receive | None = None
        self._work: asyncio.Task[None] | None = None
        self._trouble = ""
        self._failing_since = 0.0

    def introduce(self, introductions: Sequence[Introduction]) -> None:
        """Stores the introductions that the next start sends to Telegram."""
        self._introductions = introductions

    def show_images(self, read: ImageReader) -> None:
        """Stores the function that reads the files of images."""
        self._sender.photos.read = read

    def public_address(self, start: str) -> PublicAddress | None:
        """Returns the bot's name and its deep link (https://core.telegram.org/bots/features#deep-linking)."""
        name = self._sender.username
        if not name:
            return None
        fits = START_WORDS.fullmatch(start) is not None
        link = f"https://t.me/{name}" + (f"?start={start}" if fits else "")
        return PublicAddress("Telegram", f"@{name}", link, is_transferred=fits)

    def preview(self, msg: MsgOut) -> MessagePreview:
        """Returns the texts and the labels of the keyboard, as `render_message` makes them."""
        parts, keyboard = render_message(msg)
        rows = keyboard["inline_keyboard"] if keyboard else []
        texts = tuple(part if isinstance(part, str) else part.caption for part in parts)
        return MessagePreview(texts, tuple(button["text"] for row in rows for button in row))

    async def start(self, receive: Receive) -> None:
        """Starts the channel without waiting for Telegram, so that no other channel is delayed; `trouble` reports
        failures."""
        self._receive = receive
        await self._line.open()
        self._work = asyncio.create_task(self._for_ever())

    async def stop(self) -> None:
        """Stops receiving. Sending continues until `close`, because the last replies are still in flight."""
        self._receive = None
        if self._work:
            self._work.cancel()
            await asyncio.wait([self._work])

    async def close(self) -> None:
        """Stops sending and closes the connections."""
        await self._beside.close()
        await self._line.close()

    def trouble(self) -> str:
        return self._trouble or (self._poller.trouble() if self._settings.mode == "polling" else "")

    async def send(self, message: Outgoing) -> Delivery:
        try:
            delivery = await self._sender.send(message)
        except TelegramError as error:
            delivery = delivery_of(error, self._wait())
            if isinstance(delivery, RetryAfter) and delivery.reason == TOO_FAST:
                return self._floods.refused(message.address, delivery)
            if isinstance(delivery, Unknown | RetryAfter):
                self._failing_since = self._failing_since or time.monotonic()
                self._trouble = describe_error(error)
            return delivery
        self._floods.sent()
        if self._failing_since:
            self._failing_since, self._trouble = 0.0, ""
        return delivery

    def _wait(self) -> float:
        """Returns the seconds until the next attempt: as long as the outage has lasted, so that attempts stay few."""
        failing = time.monotonic() - self._failing_since if self._failing_since else 0.0
        return min(max(TROUBLE_SECONDS, failing), LONGEST_WAIT) * self._pace

    async def fetch(self, media_ref: str) -> bytes | Delivery:
        """Returns an attachment of at most 20 MB, by the `media_ref` of its message."""
        try:
            file = await self._line.bot.get_file(media_ref)
            if not file.file_path:
                return Unknown("no path")
            return await self._line.transport.retrieve(file.file_path, read_timeout=FILE_SECONDS)
        except TelegramError as error:
            return outcome_of_fetching(error, self._wait())

    def forget(self, address: str, *, was_told: bool = True) -> None:
        """Deletes the stored data of the chat."""
        self._chats.forget(address)

    async def hook(self, request: web.Request) -> web.Response:
        """Answers a call of Telegram: 200 after the commit, 503 if there is none yet, 403 for any other caller.

        Telegram repeats a call until the answer is 200, so an unreadable update is skipped. A call with an incomplete
        body (400) may arrive complete the next time.
        """
        shown = request.headers.get(SECRET_HEADER, "").encode("utf-8", "replace")
        if request.method != "POST":
            return web.Response(status=405)
        if not any([hmac.compare_digest(shown, secret) for secret in self._secrets]):  # noqa: C419 - always all
            return web.Response(status=403)
        try:
            update = parse_json(await request.read())
        except web.HTTPRequestEntityTooLarge as error:
            self._set_aside(None, error)
            return web.Response()
        except CutOff:
            return web.Response(status=400)
        except ValueError as error:
            self._set_aside(None, error)
            return web.Response()
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await self._gatherer.handle(update)
        except Exception as error:  # noqa: BLE001 - after any error Telegram shall call again
            log.error("telegram_webhook_call_not_stored", fault=type(error).__name__)
            return web.Response(status=503)
        return web.Response()

    async def _handle(self, updates: Sequence[Any]) -> None:
        """Hands over the messages of these updates in order, as one batch; returns after the commit."""
        if self._receive is None:
            raise RuntimeError("the channel is not started")
        messages = [message for update in updates if (message := self._read(update))]
        if messages:
            await self._receive(join_albums(messages))

    def _read(self, update: Any) -> MsgIn | None:
        """Returns an update as a message; an unreadable update is skipped, so that it does not block others."""
        try:
            message = self._reader.read(update)
            tap = update.get("callback_query")
            if tap:  # at once: the button shows a clock until then, and later the answer is refused
                answer = partial(self._line.call, "answerCallbackQuery", callback_query_id=tap["id"])
                self._beside.run(answer, can_wait=False)
            if message is None:
                return None
            if not tap:
                self._chats.said(message.address)
            elif self._chats.is_repeated(message.address, tap):
                return None
            else:
                older = self._chats.tapped(message.address, tap["message"], message.choice)
                self._sender.take_buttons(message.address, older)
        except Exception as error:  # noqa: BLE001 - any error would recur with the same update
            self._set_aside(update_id_of(update), error)
            return None
        return message

    def _set_aside(self, number: int | None, error: Exception) -> None:
        """Skips an unreadable update. Nothing of it is stored: its sender is unknown, and it may contain anything."""
        log.error("telegram_update_skipped", channel=self.name, update_id=number, exc_info=error)

    async def _for_ever(self) -> None:
        """Restarts receiving after an error of this program, because the channel would otherwise stop without
        notice.
        """
        while True:
            try:
                await self._connect()
                if self._settings.mode == "polling":
                    await self._poller.run()
                else:
                    await self._watch_webhook()
            except Exception as error:  # noqa: BLE001 - as above
                log.error("telegram_channel_restarted", fault=type(error).__name__)
                self._trouble = f"an internal error of the channel ({type(error).__name__})"
                await asyncio.sleep(TROUBLE_SECONDS * self._pace)

    async def _connect(self) -> None:
        """Loads the bot's profile and sets the way updates are delivered; repeats until both succeed."""
        await self._insist(self._line.bot.initialize)
        self._reader.username = self._sender.username = self._line.bot.username
        await self._insist(self._choose_way)
        if self._introductions:
            self._beside.run(partial(set_bot_profile, self._line.bot, self._introductions, self._pace))

    async def _choose_way(self) -> None:
        if self._settings.mode == "polling":
            await self._line.bot.delete_webhook(drop_pending_updates=False)
            return
        await self._line.bot.set_webhook(
            self._settings.webhook_url,
            secret_token=self._settings.secrets()[0],
            allowed_updates=ALLOWED,
            max_connections=100,
            drop_pending_updates=False,
        )

    async def _insist(self, step: Callable[[], Awaitable[object]]) -> None:
        pause = 1.0
        while True:
            try:
                await step()
            except TelegramError as error:
                words = describe_error(error)
                if words != self._trouble:
                    log.error("telegram_connection_failed", fault=type(error).__name__)
                self._trouble = words
                await asyncio.sleep((TOKEN_PAUSE if isinstance(error, InvalidToken) else pause) * self._pace)
                pause = min(pause * 2, 60.0)
                continue
            self._trouble = ""
            return

    async def _watch_webhook(self) -> None:
        """Checks periodically whether the webhook is still set: another program with the token may have changed it."""
        while True:
            await asyncio.sleep(WEBHOOK_CHECK_SECONDS * self._pace)
            try:
                info = await self._line.bot.get_webhook_info()
            except TelegramError as error:
                self._trouble = describe_error(error)
                continue
            if info.url != self._settings.webhook_url:
                log.error("telegram_webhook_replaced")
                await self._insist(self._choose_way)
            elif info.last_error_message and info.pending_update_count:
                self._trouble = f"Telegram cannot reach the webhook, {info.pending_update_count} updates wait"
            else:
                self._trouble = ""
