"""Who is in a room, and getting into and out of rooms."""

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
    """A door that did not open so many times, and until when it is left alone (monotonic seconds)."""

    times: int
    until: float


NOT_STUCK: Final = Stuck(0, 0.0)


def address_of(person: str, room: str, *, is_group: bool) -> str:
    """Where an answer goes: to a person, or to a person in front of others.

    In direct rooms it is the Matrix id, so that somebody who opens a second room is still the same person.
    """
    return f"{room} {person}" if is_group else person


def parts_of(address: str) -> tuple[str, str]:
    """Room ("" for the direct one) and person of an address.

    >>> parts_of("!r:x @a:x"), parts_of("@a:x")
    (('!r:x', '@a:x'), ('', '@a:x'))
    """
    room, _, person = address.partition(" ") if address.startswith(GROUP_PREFIX) else ("", "", address)
    return room, person


async def people_in(client: MatrixClient, room_id: str) -> set[str]:
    """Who is in the room or invited, the bot included. Asked once, then kept up to date by every sync.

    A room the bot has not seen since its start is made known to nio here, so that no start has to read all rooms.
    Raises Refusal and NoAnswer.
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
    """Who can read along in a room. Asked where only two are there, and once until something of it changes.

    Raises Refusal and NoAnswer.
    """
    if len(await people_in(client, room_id)) > _BOTH:
        return OPEN_ROOM
    found = client.found_rooms.get(room_id)
    if found is None:
        state = await call_for_list(client, api_path("rooms", room_id, "state"))
        found = client.found_rooms[room_id] = room_of(state, is_encrypted=known_room(client, room_id).encrypted)
    return found


def room_of(state: Iterable[Mapping[str, Any]], *, is_encrypted: bool = True) -> Room:
    """What the state of a room of two says about who can read along. `is_encrypted`: so are our own messages there.

    >>> room_of([{"type": "m.room.join_rules", "content": {"join_rule": "public"}}])
    Room(is_direct=False, is_confidential=False)
    """
    said = {str(event.get("type")): object_in(event.get("content")) for event in state if not event.get("state_key")}
    rule = said.get("m.room.join_rules", {}).get("join_rule", "invite")
    history = said.get("m.room.history_visibility", {}).get("history_visibility", "shared")
    is_direct = isinstance(rule, str) and rule in _INVITED and history != "world_readable"
    has_algorithm = said.get("m.room.encryption", {}).get("algorithm") == "m.megolm.v1.aes-sha2"
    return Room(is_direct, is_direct and is_encrypted and has_algorithm)


def note_room_changes(client: MatrixClient, room_id: str, info: Mapping[str, Any]) -> None:
    """What a sync says of a room: where it changes who can read along, it is looked at anew."""
    parts = (objects_in(object_in(info.get(name)).get("events")) for name in ("state", "timeline"))
    if any(event.get("type") in _ROOM_STATE for events in parts for event in events):
        client.found_rooms.pop(room_id, None)


def known_room(client: MatrixClient, room_id: str) -> MatrixRoom:
    """The room as nio keeps it; whether it is encrypted stands in nio's store."""
    if room_id not in client.rooms:
        client.rooms[room_id] = MatrixRoom(room_id, client.user_id, room_id in client.encrypted_rooms)
    return client.rooms[room_id]


def _memberships(events: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for event in events:
        if event.get("type") == "m.room.member" and isinstance(event.get("content"), dict):
            yield str(event.get("state_key", "")), str(event["content"].get("membership", ""))


def invitation(me: str, state: Iterable[Mapping[str, Any]]) -> tuple[str, bool] | None:
    """Who invites the bot by these events, and whether to a direct room; None where nobody does."""
    for event in state:
        content = event.get("content")
        is_mine = event.get("type") == "m.room.member" and event.get("state_key") == me
        if is_mine and isinstance(content, dict) and content.get("membership") == "invite":
            return str(event.get("sender", "")), content.get("is_direct") is True
    return None


def may_invite(options: MatrixSettings, sender: str, *, is_direct: bool) -> bool:
    """Whether the bot follows this invitation."""
    server = sender.partition(":")[2]
    if options.allowed_servers:
        return server in options.allowed_servers
    return is_direct or server == options.server


async def leave_room(client: MatrixClient, ledger: MatrixState, room_id: str) -> None:
    """Leaves a room, or declines an invitation. Raises NoAnswer."""
    for verb in ("leave", "forget"):
        try:
            await call_api(client, "POST", api_path("rooms", room_id, verb), {})
        except MatrixRefusal as fault:
            if fault.is_signed_out:
                raise
            log.warning("matrix_room_not_left", status=fault.status)
    forget_room(client, ledger, room_id)


def forget_room(client: MatrixClient, ledger: MatrixState, room_id: str) -> None:
    """The bot is not in the room any more."""
    client.rooms.pop(room_id, None)
    client.found_rooms.pop(room_id, None)
    client.invited_rooms.pop(room_id, None)
    with ledger.writing():
        ledger.forget_room(room_id)


class RoomJoiner:
    """Joins the rooms the bot is invited to, at the pace the homeserver bears, while everything else goes on.

    A door that does not open is tried after all others, and ever more seldom: nobody waits for a server that is gone.
    """

    def __init__(self, client: MatrixClient, ledger: MatrixState) -> None:
        self._client = client
        self._ledger = ledger
        self._knock = asyncio.Event()
        self._stuck: dict[str, Stuck] = {}

    def knock(self) -> None:
        """There may be new doors."""
        self._knock.set()

    async def run(self) -> None:
        """Works until it is cancelled."""
        while True:
            self._knock.clear()
            try:
                pause = await self._open_next()
            except Exception as fault:  # noqa: BLE001 - nobody else would open doors any more
                log.error("matrix_invitations_not_processed", fault=type(fault).__name__)
                pause = AGAIN_SECONDS
            with suppress(TimeoutError):
                await asyncio.wait_for(self._knock.wait(), pause)

    async def _open_next(self) -> float | None:
        """Tries the door that failed least; gives the seconds until there is something to do, None where nothing is."""
        doors = self._ledger.doors()
        self._stuck = {door.room: self._stuck[door.room] for door in doors if door.room in self._stuck}
        if not doors:
            return None
        now = time.monotonic()
        ready = [door for door in doors if self._stuck.get(door.room, NOT_STUCK).until <= now]
        if not ready:
            return min(stuck.until for stuck in self._stuck.values()) - now
        await self._join(min(ready, key=lambda door: self._stuck.get(door.room, NOT_STUCK).times))
        return 0

    async def _join(self, door: PendingRoom) -> None:
        """Tries to join. Where the homeserver wants to be left alone, it is."""
        try:
            await call_api(self._client, "POST", api_path("join", door.room), {})
        except NoAnswer:
            self._put_off(door)
        except MatrixRefusal as fault:
            if fault.is_limit or fault.is_signed_out:
                await asyncio.sleep(fault.seconds or AGAIN_SECONDS)
            elif fault.status >= 500:
                self._put_off(door)
            else:
                self._give_up(door, fault)
        else:
            with self._ledger.writing():
                self._ledger.close_door(door.room)

    def _put_off(self, door: PendingRoom) -> None:
        times = self._stuck.get(door.room, NOT_STUCK).times + 1
        pause = min(AGAIN_SECONDS * 2 ** min(times - 1, 10), LONGEST_SECONDS)
        self._stuck[door.room] = Stuck(times, time.monotonic() + pause)

    def _give_up(self, door: PendingRoom, fault: MatrixRefusal) -> None:
        log.warning("matrix_room_not_joined", status=fault.status)
        with self._ledger.writing():
            if door.predecessor:
                self._ledger.await_invitation(door.room)
            else:
                self._ledger.drop_door(door.room)
