"""Membership and privacy of rooms; joins and leaves them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

import structlog
from nio import JoinedMembersResponse, MatrixRoom, RoomMember

from adapters.matrix.account import MatrixClient
from adapters.matrix.api import MatrixRefusal, NoAnswer, api_path, call_api, call_for_list, object_in, objects_in
from adapters.matrix.options import MatrixSettings
from adapters.matrix.state import MatrixState, PendingRoom
from flows.messages import Room

log = structlog.get_logger()

GROUP_PREFIX: Final = "!"
OPEN_ROOM: Final = Room(is_direct=False, is_confidential=False)
_BOTH: Final = 2
_INVITED: Final = frozenset({"invite", "knock"})
_ROOM_STATE: Final = frozenset({"m.room.join_rules", "m.room.history_visibility", "m.room.encryption"})
AGAIN_SECONDS: Final = 5.0
LONGEST_SECONDS: Final = 600.0


class Stuck(NamedTuple):
    """Failed attempts to join a room, and the time of the next one (monotonic seconds)."""

    times: int
    until: float


NOT_STUCK: Final = Stuck(0, 0.0)


def address_of(person: str, room: str, *, is_group: bool) -> str:
    """Returns the address of a user, in a direct room or in a group.

    In direct rooms it is the Matrix id, so that a second direct room belongs to the same contact.
    """
    return f"{room} {person}" if is_group else person


def parts_of(address: str) -> tuple[str, str]:
    """Returns room ("" for the direct one) and user of an address.

    >>> parts_of("!r:x @a:x"), parts_of("@a:x")
    (('!r:x', '@a:x'), ('', '@a:x'))
    """
    room, _, person = address.partition(" ") if address.startswith(GROUP_PREFIX) else ("", "", address)
    return room, person


async def people_in(client: MatrixClient, room_id: str) -> set[str]:
    """Returns the members and invited users of a room, including the bot. Requested once, then updated by every sync.

    Registers with nio a room that the bot has not seen since its start, so that a start does not load all rooms. Raises
    MatrixRefusal and NoAnswer.
    """
    room = known_room(client, room_id)
    if not room.members_synced:
        where = api_path("rooms", room_id, "members") + "?not_membership=leave"
        events = objects_in((await call_api(client, "GET", where)).get("chunk"))
        members = dict(_memberships(events))
        joined = [RoomMember(name, "", "") for name, membership in members.items() if membership == "join"]
        await client.receive_response(JoinedMembersResponse(joined, room_id))
        for name in (name for name, membership in members.items() if membership == "invite"):
            room.add_member(name, "", "", invited=True)
        if room.encrypted and client.olm is not None:
            client.olm.update_tracked_users(room)
    return set(room.users)


async def room_privacy(client: MatrixClient, room_id: str) -> Room:
    """Returns the privacy of a room. Requested only for rooms of two, and cached until the room changes.

    Raises MatrixRefusal and NoAnswer.
    """
    if len(await people_in(client, room_id)) > _BOTH:
        return OPEN_ROOM
    found = client.found_rooms.get(room_id)
    if found is None:
        state = await call_for_list(client, api_path("rooms", room_id, "state"))
        found = client.found_rooms[room_id] = room_of(state, is_encrypted=known_room(client, room_id).encrypted)
    return found


def room_of(state: Iterable[Mapping[str, Any]], *, is_encrypted: bool = True) -> Room:
    """Derives the privacy of a room of two from its state. `is_encrypted`: our messages there are encrypted.

    >>> room_of([{"type": "m.room.join_rules", "content": {"join_rule": "public"}}])
    Room(is_direct=False, is_confidential=False, is_proactive=True)
    """
    said = {str(event.get("type")): object_in(event.get("content")) for event in state if not event.get("state_key")}
    rule = said.get("m.room.join_rules", {}).get("join_rule", "invite")
    history = said.get("m.room.history_visibility", {}).get("history_visibility", "shared")
    is_direct = isinstance(rule, str) and rule in _INVITED and history != "world_readable"
    has_algorithm = said.get("m.room.encryption", {}).get("algorithm") == "m.megolm.v1.aes-sha2"
    return Room(is_direct, is_direct and is_encrypted and has_algorithm)


def note_room_changes(client: MatrixClient, room_id: str, info: Mapping[str, Any]) -> None:
    """Drops the cached privacy of a room if a sync changes it."""
    parts = (objects_in(object_in(info.get(name)).get("events")) for name in ("state", "timeline"))
    if any(event.get("type") in _ROOM_STATE for events in parts for event in events):
        client.found_rooms.pop(room_id, None)


def known_room(client: MatrixClient, room_id: str) -> MatrixRoom:
    """Returns the room object of nio; its store knows whether the room is encrypted."""
    if room_id not in client.rooms:
        client.rooms[room_id] = MatrixRoom(room_id, client.user_id, room_id in client.encrypted_rooms)
    return client.rooms[room_id]


def _memberships(events: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for event in events:
        if event.get("type") == "m.room.member" and isinstance(event.get("content"), dict):
            yield str(event.get("state_key", "")), str(event["content"].get("membership", ""))


def invitation(me: str, state: Iterable[Mapping[str, Any]]) -> tuple[str, bool] | None:
    """Returns the sender of an invitation, and whether it is for a direct room; None without an invitation."""
    for event in state:
        content = event.get("content")
        is_mine = event.get("type") == "m.room.member" and event.get("state_key") == me
        if is_mine and isinstance(content, dict) and content.get("membership") == "invite":
            return str(event.get("sender", "")), content.get("is_direct") is True
    return None


def may_invite(options: MatrixSettings, sender: str, *, is_direct: bool) -> bool:
    """Whether the bot accepts this invitation."""
    server = sender.partition(":")[2]
    if options.allowed_servers:
        return server in options.allowed_servers
    return is_direct or server == options.server


async def leave_room(client: MatrixClient, matrix_state: MatrixState, room_id: str) -> None:
    """Leaves a room, or declines an invitation. Raises NoAnswer."""
    for verb in ("leave", "forget"):
        try:
            await call_api(client, "POST", api_path("rooms", room_id, verb), {})
        except MatrixRefusal as error:
            if error.is_signed_out:
                raise
            log.warning("matrix_room_not_left", status=error.status)
    forget_room(client, matrix_state, room_id)


def forget_room(client: MatrixClient, matrix_state: MatrixState, room_id: str) -> None:
    """Deletes all state of a room that the bot has left."""
    client.rooms.pop(room_id, None)
    client.found_rooms.pop(room_id, None)
    client.invited_rooms.pop(room_id, None)
    with matrix_state.writing():
        matrix_state.forget_room(room_id)


class RoomJoiner:
    """Joins rooms in the background, at the rate the homeserver accepts.

    Failed rooms are retried after all others with growing pauses, so that an unreachable server delays no other room.
    """

    def __init__(self, client: MatrixClient, matrix_state: MatrixState) -> None:
        self._client = client
        self._state = matrix_state
        self._wake = asyncio.Event()
        self._stuck: dict[str, Stuck] = {}

    def wake(self) -> None:
        """Signals that there may be new rooms to join."""
        self._wake.set()

    async def run(self) -> None:
        """Runs until it is cancelled."""
        while True:
            self._wake.clear()
            try:
                pause = await self._open_next()
            except Exception as error:  # noqa: BLE001 - the task must continue joining rooms
                log.error("matrix_invitations_not_processed", fault=type(error).__name__)
                pause = AGAIN_SECONDS
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause)

    async def _open_next(self) -> float | None:
        """Joins the room with the fewest failures; returns the seconds to the next attempt, None if there is none."""
        rooms = self._state.rooms_to_join()
        self._stuck = {room.room: self._stuck[room.room] for room in rooms if room.room in self._stuck}
        if not rooms:
            return None
        now = time.monotonic()
        ready = [room for room in rooms if self._stuck.get(room.room, NOT_STUCK).until <= now]
        if not ready:
            return min(stuck.until for stuck in self._stuck.values()) - now
        await self._join(min(ready, key=lambda room: self._stuck.get(room.room, NOT_STUCK).times))
        return 0

    async def _join(self, room: PendingRoom) -> None:
        """Tries to join a room. Waits for the time that the homeserver requests."""
        try:
            await call_api(self._client, "POST", api_path("join", room.room), {})
        except NoAnswer:
            self._put_off(room)
        except MatrixRefusal as error:
            if error.is_limit or error.is_signed_out:
                await asyncio.sleep(error.seconds or AGAIN_SECONDS)
            elif error.status >= 500:
                self._put_off(room)
            else:
                self._give_up(room, error)
        else:
            with self._state.writing():
                self._state.mark_joined(room.room)

    def _put_off(self, room: PendingRoom) -> None:
        times = self._stuck.get(room.room, NOT_STUCK).times + 1
        pause = min(AGAIN_SECONDS * 2 ** min(times - 1, 10), LONGEST_SECONDS)
        self._stuck[room.room] = Stuck(times, time.monotonic() + pause)

    def _give_up(self, room: PendingRoom, error: MatrixRefusal) -> None:
        log.warning("matrix_room_not_joined", status=error.status)
        with self._state.writing():
            if room.predecessor:
                self._state.await_invitation(room.room)
            else:
                self._state.drop_pending_room(room.room)
