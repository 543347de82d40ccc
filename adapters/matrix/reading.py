"""Turns sync responses into messages: decrypts, fills gaps, keeps undecrypted events until their key arrives."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from nio import Event, MegolmEvent
from nio.exceptions import EncryptionError
from peewee import PeeweeException  # of nio's store

from adapters.matrix.account import MatrixClient
from adapters.matrix.api import api_path, call_api, object_in, objects_in
from adapters.matrix.events import Heard, read_event
from adapters.matrix.rooms import address_of
from adapters.matrix.state import MatrixState, QuestionThread, UndecryptedEvent
from adapters.matrix.verifying import VerificationRequest, verification_request
from adapters.tolerant_json import mended
from flows.messages import UNDECRYPTABLE, MsgIn, Room

log = structlog.get_logger()

PAGE: Final = 250
GRACE_SECONDS: Final = 10.0
"""How long a message may wait for its key before the sender is asked to repeat it."""
LONGEST_WAIT_SECONDS: Final = 7 * 86_400.0
NO_TOKEN_SECONDS: Final = 86_400.0
"""How far back to read without a sync position; messages are still accepted only once."""

_CALLS: Final = ("!", "/")

Raw = Mapping[str, Any]


class TimelineReader:
    """Reads sync responses. Writes to the state, inside the transaction of its caller."""

    def __init__(self, name: str, client: MatrixClient, state: MatrixState, display_name: str = "") -> None:
        self._name = name
        self._display_name = display_name
        self._client = client
        self._state = state
        self._opened: list[str] = []
        self._told: list[str] = []
        self.verifications: list[VerificationRequest] = []
        """The requests to verify the bot that were read since the last `settle`."""

    async def timeline(self, room_id: str, info: Raw, since: str) -> list[Raw]:
        """Returns the new events of a room, in order and without gaps; none from before the bot became a member. Raises
        MatrixRefusal and NoAnswer.
        """
        line = object_in(info.get("timeline"))
        found = objects_in(line.get("events"))
        start = line.get("prev_batch")
        if since and line.get("limited") and isinstance(start, str) and self._beginning(found) is None:
            found = [*await self._gap(room_id, start, since), *found]
        found = found[self._beginning(found) or 0 :]
        if since:
            return found
        earliest = (time.time() - NO_TOKEN_SECONDS) * 1000
        return [event for event in found if _moment(event) >= earliest]

    async def _gap(self, room_id: str, start: str, since: str) -> list[Raw]:
        """Returns all events between the last sync and this one, oldest first."""
        found: list[Raw] = []
        while start:
            where = f"{api_path('rooms', room_id, 'messages')}?dir=b&limit={PAGE}&from={start}&to={since}"
            page = await call_api(self._client, "GET", where)
            chunk = objects_in(page.get("chunk"))
            found += chunk
            start = str(page.get("end") or "") if chunk else ""
            if self._beginning(chunk[::-1]) is not None:
                break
        return found[::-1]

    def _beginning(self, found: list[Raw]) -> int | None:
        """Returns the index of the event by which the bot became a member: its invitation, otherwise its join."""
        joined = None
        for index in range(len(found) - 1, -1, -1):
            event = found[index]
            if event.get("type") == "m.room.member" and event.get("state_key") == self._client.user_id:
                membership = object_in(event.get("content")).get("membership")
                before = object_in(object_in(event.get("unsigned")).get("prev_content")).get("membership")
                if membership == "invite" or (membership == "join" and before not in {"join", "invite"}):
                    return index
                if membership == "join" and before == "invite":
                    joined = index
        return joined

    def read(self, room_id: str, found: list[Raw], room: Room, *, is_alone: bool) -> list[MsgIn]:
        """Returns the messages among these events, and their effects on the room. `is_alone`: messages are for the bot,
        although others could read them.
        """
        heard: list[MsgIn] = []
        for event in found:
            sender = event.get("sender")
            if event.get("type") == "m.room.tombstone":
                replacement = object_in(event.get("content")).get("replacement_room")
                if isinstance(replacement, str) and replacement:
                    self._state.add_replacement(replacement, room_id)
            elif isinstance(sender, str) and sender != self._client.user_id and "state_key" not in event:
                heard += self._readable(self._event(room_id, sender, event, room, is_alone=is_alone))
        return heard

    def _readable(self, found: Iterator[MsgIn]) -> list[MsgIn]:
        """Returns the messages of an event; skips an unreadable event, which would otherwise block all others. Raises
        an error if the state or nio's store cannot be written: then the sync is repeated.
        """
        try:
            return list(found)
        except (OSError, sqlite3.Error, PeeweeException):
            raise
        except Exception as error:
            log.error("matrix_event_skipped", channel=self._name, exc_info=error)
            return []

    def _event(self, room_id: str, sender: str, event: Raw, room: Room, *, is_alone: bool) -> Iterator[MsgIn]:
        is_group = not room.is_direct
        address = address_of(sender, room_id, is_group=is_group)
        if event.get("type") == "m.room.encrypted":
            opened = self.decrypt(room_id, event)
            if opened is None:
                if not is_group:  # in a group the message may not be for the bot
                    sealed = UndecryptedEvent(
                        str(event.get("event_id")),
                        room_id,
                        address=address,
                        source=dict(event),
                        since=time.time(),
                        is_told=False,
                    )
                    self._state.keep_undecrypted(sealed)
                return
            event = opened
        if request := verification_request(room_id, event, self._client.user_id):
            self.verifications.append(request)
        msg = self._message(address, event, room, is_alone=is_alone)
        if msg is not None:
            if not is_group:
                self._state.set_direct_room(address, room_id)
                self._state.drop_told(address)
            yield msg

    def decrypt(self, room_id: str, event: Raw) -> Raw | None:
        """Returns the decrypted event; None without a key."""
        try:
            parsed = Event.parse_encrypted_event(deepcopy(dict(event)))
            if not isinstance(parsed, MegolmEvent) or self._client.olm is None:
                return None
            opened = self._client.olm.decrypt_megolm_event(parsed, room_id)
            # the homeserver cannot validate the encrypted content
            return object_in(mended(getattr(opened, "source", None))) or None
        except EncryptionError:
            return None
        except (OSError, PeeweeException):
            raise
        except Exception as error:
            log.error("matrix_event_not_decrypted", channel=self._name, exc_info=error)
            return None

    def _message(self, address: str, event: Raw, room: Room, *, is_alone: bool = True) -> MsgIn | None:
        heard = _redaction(event) or read_event(str(event.get("type")), object_in(event.get("content")))
        event_id = event.get("event_id")
        if heard is None or not isinstance(event_id, str):
            return None
        place = self._state.position(address)
        if heard.reacts_to and heard.reacts_to != place.question:
            return None  # a reaction to another event, or to an earlier question
        if heard.taken_back:
            self._state.drop_undecrypted(heard.taken_back)
            if not room.is_direct:
                return None
        if not room.is_direct:
            if not (is_alone or self._is_for_bot(heard)):
                return None
            if not heard.text.startswith(_CALLS):
                heard = heard._replace(text=_CALLS[0])  # a mention addresses the bot too; the text stays unchanged
        if not (heard.reacts_to or heard.taken_back):
            self._state.set_position(address, QuestionThread(place.question, heard.thread))
        return MsgIn(
            self._name,
            address,
            event_id,
            datetime.fromtimestamp(_moment(event) / 1000, UTC),
            text=heard.text,
            choice=heard.choice,
            media=heard.media,
            media_ref=heard.media_ref,
            location=heard.place,
            edits=heard.edits,
            taken_back=heard.taken_back,
            refers_to=heard.votes_in or heard.replies_to,
            is_group=not room.is_direct,
            room=room,
            replies_to=self._state.replied_to(address, heard.replies_to) if heard.replies_to else "",
        )

    def _is_for_bot(self, heard: Heard) -> bool:
        """Whether a message in a group is meant for the bot: a command, its name, or its shown name as clients complete
        it ("Mitsprache-Bot: hallo"). All others are ignored.
        """
        me, shown = self._client.user_id, self._display_name.casefold()
        if shown and heard.text.casefold().startswith((f"{shown}:", f"{shown},")):
            return True
        return heard.text.startswith(_CALLS) or me in heard.mentions or me in heard.text

    def late(self) -> Iterator[MsgIn]:
        """Returns undecrypted messages whose key has arrived, and the events that waited too long. They are older than
        the messages of the sync that brings the key. Call `settle` when they are stored.

        A message that its sender has repeated on request is not waited for any more (`MatrixState.drop_told`).
        """
        now = time.time()
        self._state.drop_older_than(now - LONGEST_WAIT_SECONDS)
        self._opened, self._told = [], []
        told: set[str] = set()
        for sealed in self._state.undecrypted():
            if sealed.is_told:
                told.add(sealed.address)
            opened = self.decrypt(sealed.room, sealed.source)
            if opened is not None:
                self._opened.append(sealed.event)
                yield from self._readable(self._opened_late(sealed, opened))
            elif now - sealed.since >= GRACE_SECONDS and sealed.address not in told:
                told.add(sealed.address)
                self._state.set_direct_room(sealed.address, sealed.room)
                self._told.append(sealed.address)
                moment = datetime.fromtimestamp(_moment(sealed.source) / 1000, UTC)
                yield MsgIn(
                    self._name,
                    sealed.address,
                    f"{sealed.event} {UNDECRYPTABLE}",
                    moment,
                    media=UNDECRYPTABLE,
                    room=self._room_of(sealed),
                )

    def _room_of(self, sealed: UndecryptedEvent) -> Room:
        """The room was direct when the event was kept; a room of unknown state counts as not confidential."""
        return self._client.found_rooms.get(sealed.room, Room(is_direct=True, is_confidential=False))

    def _opened_late(self, sealed: UndecryptedEvent, opened: Raw) -> Iterator[MsgIn]:
        room = self._room_of(sealed)
        address = address_of(sealed.address, sealed.room, is_group=not room.is_direct)
        msg = self._message(address, opened, room)
        if msg is not None:
            if room.is_direct:
                self._state.set_direct_room(address, sealed.room)
            yield msg

    def settle(self) -> None:
        """Removes the events that `late` returned, after they were stored."""
        for event in self._opened:
            self._state.drop_undecrypted(event)
        for address in self._told:
            self._state.mark_told(address)
        self.verifications = []


def _redaction(event: Raw) -> Heard | None:
    """Returns which event was deleted; None for other events. Room version 11 moved the id into the content
    (https://spec.matrix.org/v1.11/client-server-api/#redactions).
    """
    if event.get("type") != "m.room.redaction":
        return None
    gone = event.get("redacts") or object_in(event.get("content")).get("redacts")
    return Heard(taken_back=gone) if isinstance(gone, str) else None


def _moment(event: Raw) -> float:
    """Returns when the sender's homeserver received the event, in milliseconds since the epoch; 0 if invalid."""
    moment = event.get("origin_server_ts")
    return float(moment) if isinstance(moment, int) and 0 <= moment < 10**14 else 0.0
