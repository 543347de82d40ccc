"""The Matrix channel: one account, one device, one sync loop; the outbox calls `send` concurrently."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import ClassVar, Final

import structlog
from peewee import PeeweeException  # of nio's store

from adapters.base import (
    CipherError,
    Delivery,
    ImageReader,
    Limits,
    MessagePreview,
    Outgoing,
    PublicAddress,
    Receive,
    Replies,
    Sent,
    Unreachable,
)
from adapters.matrix.account import ChannelProblem, MatrixClient, forget_token, sign_in
from adapters.matrix.api import MatrixRefusal, NoAnswer, api_path, call_api
from adapters.matrix.files import SecretFolder
from adapters.matrix.groups import matrix_link
from adapters.matrix.images import ImageUploads
from adapters.matrix.media import fetch_attachment
from adapters.matrix.newest import NewestMessages
from adapters.matrix.options import MatrixSettings
from adapters.matrix.rooms import GROUP_PREFIX, RoomJoiner
from adapters.matrix.sending import TEXT_UTF16, MatrixSender, render_events
from adapters.matrix.state import MatrixState
from adapters.matrix.syncing import Syncer
from adapters.numbered import Offers
from flows.messages import MsgIn, MsgOut

log = structlog.get_logger()

FIRST_PAUSE_SECONDS: Final = 1.0
PROBLEM_PAUSE_SECONDS: Final = 60.0
"""The longest pause where only the operator can help: homeservers limit failed sign-ins."""
LONGEST_PAUSE_SECONDS: Final = 8.0
"""Residents wait no longer than that for the first answer after an outage of the homeserver."""
READY_SECONDS: Final = 3.0


class MatrixChannel:
    """A bot account on a homeserver. `trouble` names the current problem; the loop retries with growing pauses."""

    cannot: ClassVar[Mapping[str, str]] = {
        "a_chat_that_moves_is_followed": "the address is the person, in whichever room; upgrades are in test_matrix.py",
        "files_sent_together_arrive_together": "clients send each file as a message of its own",
        "one_slow_chat_does_not_delay_others": "a homeserver answers for all rooms or for none",
    }
    limits = Limits(text_utf16=TEXT_UTF16, idempotent=True, group_prefix=GROUP_PREFIX, edits=True)

    def __init__(self, name: str, options: MatrixSettings, store: SecretFolder) -> None:
        self.name = name
        self._options = options
        self._store = store
        self._trouble = ""
        self._online = asyncio.Event()
        self._tried = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._sending = 0
        self._is_stopped = False
        self._client: MatrixClient | None = None
        self._state: MatrixState | None = None
        self._sender: MatrixSender | None = None
        self._syncer: Syncer | None = None
        self._offers = Offers()
        self._images = ImageUploads()
        self._newest = NewestMessages()

    def show_images(self, read: ImageReader) -> None:
        """Stores the function that reads the files of images."""
        self._images.read = read

    async def start(self, receive: Receive) -> None:
        """Starts the channel. Returns when the homeserver has answered, or after a short timeout: the application does
        not wait for it.
        """
        self._tasks = [asyncio.create_task(self._run(receive))]
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_SECONDS):
                await self._tried.wait()

    def public_address(self, start: str) -> PublicAddress:
        """Returns the bot's user id and its link."""
        user = self._options.user_id
        return PublicAddress("Matrix", user, matrix_link(user), is_transferred=False)

    def preview(self, msg: MsgOut) -> MessagePreview:
        """Returns the bodies of the events, as `render_events` makes them."""
        events = render_events(msg, self._options.choices, "")
        return MessagePreview(tuple(str(event.content["body"]) for event in events))

    async def send(self, message: Outgoing) -> Delivery:
        """Sends a message. Without a homeserver or a login it waits, so that no attempts are counted."""
        self._sending += 1
        try:
            await self._online.wait()
            delivery = await self._sender.send(message) if self._sender else Unreachable("never signed in")
            if isinstance(delivery, Sent):
                self._offers.note(message.address, message.msg)
            return delivery
        finally:
            self._sending -= 1
            await self._close_when_done()

    async def fetch(self, media_ref: str) -> bytes | Delivery:
        """Returns an attachment, decrypted."""
        await self._online.wait()
        assert self._client is not None  # noqa: S101 - for the type checker: online means signed in
        return await fetch_attachment(self._client, media_ref)

    def forget(self, address: str, *, was_told: bool = True) -> None:
        """Deletes the state of an erased contact."""
        self._offers.forget(address)
        self._newest.forget(address)
        if self._state is not None:
            with self._state.writing():
                self._state.forget_person(address)

    async def stop(self) -> None:
        """Stops receiving; messages can still be sent afterwards."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._tasks = []
        self._is_stopped = True
        await self._close_when_done()

    async def _close_when_done(self) -> None:
        if self._is_stopped and not self._sending and self._client is not None:
            await self._client.close()  # the next message opens them again, if there is one
            if self._state is not None:
                self._state.close()

    def trouble(self) -> str:
        return self._trouble

    async def _run(self, receive: Receive) -> None:
        async def hear(messages: Sequence[MsgIn]) -> Sequence[Replies]:
            return await receive([self._offers.read(msg) for msg in messages])

        pause = 0.0
        while True:
            try:
                if self._syncer is None:
                    self._syncer = await self._sign_in()
                await self._syncer.step(hear, is_patient=self._online.is_set())
            except Exception as error:  # noqa: BLE001 - the loop must continue after any error
                longest = PROBLEM_PAUSE_SECONDS if isinstance(error, ChannelProblem) else LONGEST_PAUSE_SECONDS
                pause = min(max(FIRST_PAUSE_SECONDS, pause * 2), longest)
                pause = max(pause, self._note(error))
                self._tried.set()
                await asyncio.sleep(pause)
                continue
            if self._trouble:
                log.info("matrix_sync_recovered", channel=self.name)
            pause, self._trouble = 0.0, ""
            self._online.set()
            self._tried.set()

    def _note(self, error: Exception) -> float:
        """Stores the current problem; returns the seconds the homeserver asks to wait."""
        words, seconds = self._in_words(error), 0.0
        if isinstance(error, MatrixRefusal):
            seconds = error.seconds
            if error.is_signed_out:
                self._signed_out()
        if not (isinstance(error, MatrixRefusal) and error.is_limit):
            self._online.clear()
        if words != self._trouble:
            self._trouble = words
            log.error("matrix_sync_failed", channel=self.name, fault=type(error).__name__)
        return seconds

    def _in_words(self, error: Exception) -> str:
        match error:
            case ChannelProblem() | CipherError():
                return str(error)
            case NoAnswer():
                where = self._options.homeserver
                return f"{where} does not answer as a Matrix homeserver ({error}): see that it is up, check homeserver"
            case MatrixRefusal() if error.is_signed_out:
                return f"{self._options.user_id} was signed out"
            case MatrixRefusal():
                return f"{self._options.homeserver} refuses ({error})"
            case OSError() | sqlite3.Error() | PeeweeException():
                return f"the store {self._store.path} cannot be used: check its rights and the free space"
        return f"an internal error of the channel ({type(error).__name__})"

    def _signed_out(self) -> None:
        """Forgets the login, so that the next round signs in again as the same device."""
        with suppress(OSError, CipherError):  # then the homeserver refuses the token again
            forget_token(self._store)
        if self._client is not None:
            self._client.access_token = ""
        self._syncer = None

    async def _sign_in(self) -> Syncer:
        self._store.prepare()
        if self._client is None or self._client.olm is None:  # nio opens a store only once
            if self._client is not None:
                await self._client.close()
            self._client = MatrixClient(self._options, self._store.path)
        if self._state is None:
            self._state = MatrixState(self._store.path)
        await sign_in(self._client, self._options, self._store)
        await self._show_name(self._client)
        self._sender = MatrixSender(self._client, self._state, self._options.choices, self._images, self._newest)
        joiner = RoomJoiner(self._client, self._state)
        for task in self._tasks[1:]:
            task.cancel()
        self._tasks[1:] = [asyncio.create_task(joiner.run())]
        return Syncer(self.name, self._client, self._state, self._options, joiner, decline=self._sender.decline)

    async def _show_name(self, client: MatrixClient) -> None:
        """Sets the display name if it differs. A refusal is ignored."""
        where = api_path("profile", client.user_id, "displayname")
        with suppress(MatrixRefusal):
            if (await call_api(client, "GET", where)).get("displayname") != self._options.display_name:
                await call_api(client, "PUT", where, {"displayname": self._options.display_name})
