"""Sends messages as encrypted notices, each with its own transaction id, so that none is sent twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final, NamedTuple
from uuid import uuid4
from weakref import WeakValueDictionary

import structlog
from aiohttp import ClientError
from nio.crypto.device import OlmDevice

from adapters.base import Delivery, Outgoing, Refused, RetryAfter, Sent, Unreachable
from adapters.matrix.account import MatrixClient
from adapters.matrix.api import MatrixRefusal, NoAnswer, api_path, call_api
from adapters.matrix.groups import GroupInvitations, group_invitation
from adapters.matrix.images import ImageUploads
from adapters.matrix.newest import NewestMessages
from adapters.matrix.rooms import parts_of, people_in, room_privacy
from adapters.matrix.state import MatrixState, QuestionThread
from adapters.matrix.verifying import CANCEL, VerificationRequest, refusal
from adapters.numbered import numbered_text
from adapters.splitting import split_text, utf16_length
from flows.messages import MsgOut, message_as_text
from flows.parts import ImagePart

log = structlog.get_logger()

TEXT_UTF16: Final = 7_500
"""An event may have 65,536 bytes; nio encodes a non-ASCII letter in six, and encryption turns three bytes into four."""
AGAIN_SECONDS: Final = 5.0
CLAIM_AGAIN_SECONDS: Final = 30.0
"""The shortest time between two requests for the keys of devices in a room that had none."""
KEYCAPS: Final = (*(f"{digit}\ufe0f\u20e3" for digit in range(1, 10)), "\U0001f51f")
POLL: Final = "org.matrix.msc3381.poll"
_TEXT: Final = "org.matrix.msc1767.text"
MOST_POLL_ANSWERS: Final = 20


class OutgoingEvent(NamedTuple):
    """An event to be sent. `suffix` tells the events of one message apart."""

    suffix: str
    kind: str
    content: dict[str, Any]


class MatrixSender:
    """Sends to rooms. Never waits for rate limits: it returns them as `RetryAfter`."""

    def __init__(
        self, client: MatrixClient, state: MatrixState, choices: str, images: ImageUploads, newest: NewestMessages
    ) -> None:
        self._uploads = images
        self._newest = newest
        self._client = client
        self._state = state
        self._choices = choices
        self._sharing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._invitations = GroupInvitations()
        self._claim_after: dict[str, float] = {}
        """The monotonic time after which keys that a room lacks are claimed again."""

    async def send(self, message: Outgoing) -> Delivery:
        """Sends a message. An unknown outcome is `RetryAfter`: the same transaction id is the same event."""
        group, _ = parts_of(message.address)
        if not group:
            return await self._deliver(self._state.room_of(message.address), message, is_direct=True)
        if self._invitations.is_enough(group):
            return Refused("the group was invited often enough")
        invitation = group_invitation(message.msg, self._client.user_id)
        delivery = await self._deliver(group, message._replace(msg=invitation), is_direct=False)
        if isinstance(delivery, Sent):
            self._invitations.note(group)
        return delivery

    async def decline(self, request: VerificationRequest) -> None:
        """Declines to verify the device and tells it, if possible. Raises nothing but errors of the program."""
        try:
            await people_in(self._client, request.room)
            await self._put(request.room, OutgoingEvent("", CANCEL, refusal(request)), f"v{request.event}")
        except (MatrixRefusal, NoAnswer) as error:
            log.warning("matrix_verification_not_declined", fault=type(error).__name__)

    async def _deliver(self, room: str, message: Outgoing, *, is_direct: bool) -> Delivery:
        if not room:
            return Unreachable("shares no room with the bot")
        try:
            others = await people_in(self._client, room) - {self._client.user_id}
            if not others:
                return Unreachable("left the room")
            if is_direct and len(others) > 1:
                return Refused("others have joined the room")
            if is_direct and not (await room_privacy(self._client, room)).is_direct:
                return Refused("others can read along in the room")
            return Sent(await self._send_all(room, message))
        except MatrixRefusal as error:
            return self._refused(room, error)
        except NoAnswer:
            return RetryAfter(AGAIN_SECONDS, "no answer", is_overall=True)

    async def _send_all(self, room: str, message: Outgoing) -> str:
        """Sends all events; returns the id of the last one, which contains the question if there is one."""
        # 0 for a message that was never in the outbox
        transaction = f"m{message.id}" if message.id else f"u{uuid4().hex}"
        place = self._state.position(message.address)
        event_id = self._newest.event(message.address, message.msg)
        if edit := render_edit(message.msg, event_id):
            await self._put(room, edit, transaction + edit.suffix)
            return event_id
        images = [it async for it in self._images(room, message.msg, place.thread)]
        text = message.msg.without_images(image for image, _ in images)
        for event in (*(event for _, event in images), *render_events(text, self._choices, place.thread)):
            event_id = await self._put(room, event, transaction + event.suffix)
        self._newest.sent(message.address, message.msg, event_id)
        has_numbers = any(reply.number for reply in message.msg.quick_replies)
        if has_numbers or message.msg.expects:
            with self._state.writing():
                self._state.set_position(message.address, QuestionThread(event_id if has_numbers else "", place.thread))
                self._state.note_asked(message.address, event_id, message.msg.title or message_as_text(message.msg))
        if has_numbers and self._choices == "reactions" and not message.msg.sensitive:
            for reaction in reactions(message.msg, event_id):
                await self._put(room, reaction, transaction + reaction.suffix)
        return event_id

    async def _images(self, room: str, msg: MsgOut, thread: str) -> AsyncIterator[tuple[ImagePart, OutgoingEvent]]:
        """Yields the images that can be shown, each with its event; the text of the message says the others."""
        is_encrypted = bool(self._client.rooms[room].encrypted)
        for number, image in enumerate(msg.images):
            content = await self._uploads.content(self._client, image, is_encrypted=is_encrypted)
            if content is not None:
                yield image, OutgoingEvent(f".i{number}", "m.room.message", content | _in_thread(thread))

    async def _put(self, room: str, event: OutgoingEvent, transaction: str) -> str:
        kind, content = event.kind, event.content
        if self._client.rooms[room].encrypted and kind != "m.reaction":  # reactions are never encrypted in Matrix
            await self._share_key(room)
            kind, content = self._client.encrypt(room, kind, content)
        where = api_path("rooms", room, "send", kind, transaction)
        return str((await call_api(self._client, "PUT", where, content)).get("event_id", ""))

    async def _share_key(self, room: str) -> None:
        """Shares the key of the next message with every device in the room. Raises MatrixRefusal and NoAnswer.

        nio would also do this, but treats a refusal as success, and the message would stay unreadable.
        """
        client, olm = self._client, self._client.olm
        assert olm is not None  # noqa: S101 - for the type checker: encryption is always on
        async with self._sharing.setdefault(room, asyncio.Lock()):
            if unknown := client.users_for_key_query & set(client.rooms[room].users):
                await client.query_keys(unknown)
            is_shared = not olm.should_share_group_session(room)
            if is_shared and not self._without_key(room):
                return
            await self._claim_keys(room, is_shared=is_shared)
            if is_shared:
                if not self._can_be_given_key(room):
                    return
                olm.outbound_group_sessions[room].shared = False  # nio would begin another session
            try:
                await client.share_group_session(room, ignore_unverified_devices=True)
            except (ClientError, TimeoutError, OSError) as error:
                raise NoAnswer(type(error).__name__) from None
            if self._can_be_given_key(room):
                olm.outbound_group_sessions[room].shared = False
                raise MatrixRefusal(503, "key not shared")

    async def _claim_keys(self, room: str, *, is_shared: bool) -> None:
        """Claims keys of the devices to which the bot has not written before. A device whose homeserver had none is
        asked again after a while, with the next message. Raises MatrixRefusal and NoAnswer.
        """
        now = time.monotonic()
        missing = self._client.get_missing_sessions(room)
        if missing and not (is_shared and now < self._claim_after.get(room, 0.0)):
            await self._client.claim_keys(missing)
            self._claim_after[room] = now + CLAIM_AGAIN_SECONDS
        elif not missing:
            self._claim_after.pop(room, None)

    def _can_be_given_key(self, room: str) -> list[OlmDevice]:
        """Returns the devices without the key to which it can be sent now: by a claimed key, or because they wrote."""
        olm = self._client.olm
        assert olm is not None  # noqa: S101 - as above
        return [device for device in self._without_key(room) if olm.session_store.get(device.curve25519)]

    def _without_key(self, room: str) -> list[OlmDevice]:
        """Returns the devices in a room that do not have the key of its messages."""
        client, olm = self._client, self._client.olm
        assert olm is not None  # noqa: S101 - as above
        session = olm.outbound_group_sessions.get(room)
        have = session.users_shared_with | session.users_ignored if session else set()
        people = client.rooms[room].users
        devices = (device for who in people for device in client.device_store.active_user_devices(who))
        return [it for it in devices if it.id != client.device_id and (it.user_id, it.id) not in have]

    def _refused(self, room: str, error: MatrixRefusal) -> Delivery:
        if error.is_limit:
            return RetryAfter(error.seconds or AGAIN_SECONDS, "limit of the homeserver", is_overall=True)
        if error.is_signed_out or error.status >= 500 or error.status == 0:
            return RetryAfter(error.seconds or AGAIN_SECONDS, error.code or f"status {error.status}", is_overall=True)
        if error.code in {"M_FORBIDDEN", "M_NOT_FOUND"}:
            if self._state.is_moving(room):
                return RetryAfter(60, "the room goes on elsewhere")
            return Unreachable("not in the room")
        return Refused(error.code or f"status {error.status}")


def render_events(msg: MsgOut, choices: str, thread: str) -> Iterator[OutgoingEvent]:
    """Returns the events of a message: its text in as many parts as needed, with numbered answers; or a poll.

    >>> [event.content["body"] for event in render_events(MsgOut("Hallo"), "numbers", "")]
    ['Hallo']
    """
    related, msg = _in_thread(thread), msg.whole()
    if choices == "polls" and msg.expects == "one" and 0 < len(msg.quick_replies) <= MOST_POLL_ANSWERS:
        yield OutgoingEvent("", f"{POLL}.start", _poll(msg) | related)
        return
    for number, part in enumerate(split_text(numbered_text(msg), TEXT_UTF16)):
        yield OutgoingEvent(
            f".{number}" if number else "", "m.room.message", {"msgtype": "m.notice", "body": part} | related
        )


def render_edit(msg: MsgOut, event_id: str) -> OutgoingEvent | None:
    """Returns the event that puts a message in place of an earlier one
    (https://spec.matrix.org/v1.11/client-server-api/#event-replacements); None if there is none, or if the text, which
    it contains twice, is too long. It has the transaction of the message's first event, so that a message that is sent
    again after a restart is not a second event.
    """
    text = numbered_text(msg.whole())
    if not event_id or utf16_length(text) > TEXT_UTF16 // 2:
        return None
    new = {"msgtype": "m.notice", "body": text}
    relation = {"rel_type": "m.replace", "event_id": event_id}
    content = {**new, "body": f"* {text}", "m.new_content": new, "m.relates_to": relation}
    return OutgoingEvent("", "m.room.message", content)


def reactions(msg: MsgOut, event_id: str) -> Iterator[OutgoingEvent]:
    """Returns a keycap reaction for each numbered answer, to tap on."""
    for reply in msg.quick_replies:
        if 0 < reply.number <= len(KEYCAPS):
            relation = {"rel_type": "m.annotation", "event_id": event_id, "key": KEYCAPS[reply.number - 1]}
            yield OutgoingEvent(f".r{reply.number}", "m.reaction", {"m.relates_to": relation})


def _poll(msg: MsgOut) -> dict[str, Any]:
    """Returns a poll whose answers carry the tokens of the quick replies (MSC3381)."""
    answers = [{"id": reply.token, _TEXT: reply.label} for reply in msg.quick_replies]
    question = message_as_text(msg)
    return {
        f"{POLL}.start": {
            "kind": f"{POLL}.disclosed",
            "max_selections": 1,
            "question": {"msgtype": "m.text", "body": question, _TEXT: question},
            "answers": answers,
        },
        _TEXT: numbered_text(msg),
        "body": numbered_text(msg),
        "msgtype": "m.notice",
    }


def _in_thread(root: str) -> dict[str, Any]:
    if not root:
        return {}
    return {
        "m.relates_to": {
            "rel_type": "m.thread",
            "event_id": root,
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": root},
        }
    }
