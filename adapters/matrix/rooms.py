"""Who is in a room, and getting into and out of rooms."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import structlog
from nio import JoinedMembersResponse, MatrixRoom, RoomMember

from adapters.matrix import api
from adapters.matrix.account import Client
from adapters.matrix.ledger import Door, Ledger
from adapters.matrix.options import MatrixSettings

log = structlog.get_logger()

GROUP_PREFIX: Final = "!"
AGAIN_SECONDS: Final = 5.0


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


async def people_in(client: Client, room_id: str) -> set[str]:
    """Who is in the room or invited, the bot included. Asked once, then kept up to date by every sync.

    A room the bot has not seen since its start is made known to nio here, so that no start has to read all rooms.
    Raises Refusal and NoAnswer.
    """
    room = known_room(client, room_id)
    if not room.members_synced:
        where = api.path("rooms", room_id, "members") + "?not_membership=leave"
        events = (await api.call(client, "GET", where)).get("chunk", [])
        members = dict(_memberships(events))
        joined = [RoomMember(name, "", "") for name, membership in members.items() if membership == "join"]
        await client.receive_response(JoinedMembersResponse(joined, room_id))
        for name in (name for name, membership in members.items() if membership == "invite"):
            room.add_member(name, "", "", invited=True)
        if room.encrypted and client.olm is not None:
            client.olm.update_tracked_users(room)
    return set(room.users)


def known_room(client: Client, room_id: str) -> MatrixRoom:
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


async def leave(client: Client, ledger: Ledger, room_id: str) -> None:
    """Leaves a room, or declines an invitation. Raises NoAnswer."""
    for verb in ("leave", "forget"):
        try:
            await api.call(client, "POST", api.path("rooms", room_id, verb), {})
        except api.Refusal as fault:
            if fault.is_signed_out:
                raise
            log.warning("room not left", status=fault.status)
    forget(client, ledger, room_id)


def forget(client: Client, ledger: Ledger, room_id: str) -> None:
    """The bot is not in the room any more."""
    client.rooms.pop(room_id, None)
    client.invited_rooms.pop(room_id, None)
    with ledger.writing():
        ledger.forget_room(room_id)


class Doorman:
    """Joins the rooms the bot is invited to, at the pace the homeserver bears, while everything else goes on."""

    def __init__(self, client: Client, ledger: Ledger) -> None:
        self._client = client
        self._ledger = ledger
        self._knock = asyncio.Event()

    def knock(self) -> None:
        """There may be new doors."""
        self._knock.set()

    async def run(self) -> None:
        """Works until it is cancelled."""
        while True:
            self._knock.clear()
            pause = 0.0
            try:
                for door in self._ledger.doors():
                    pause = max(pause, await self._join(door))
            except Exception as fault:  # noqa: BLE001 - nobody else would open doors any more
                log.error("doors not opened", fault=type(fault).__name__)
                pause = AGAIN_SECONDS
            if pause:
                await asyncio.sleep(pause)
            else:
                await self._knock.wait()

    async def _join(self, door: Door) -> float:
        """Tries to join; gives the seconds after which to try again, 0 where the door is done with."""
        try:
            await api.call(self._client, "POST", api.path("join", door.room), {})
        except api.NoAnswer:
            return AGAIN_SECONDS
        except api.Refusal as fault:
            return self._refused(door, fault)
        with self._ledger.writing():
            self._ledger.close_door(door.room)
        return 0

    def _refused(self, door: Door, fault: api.Refusal) -> float:
        if fault.is_limit or fault.is_signed_out or fault.status >= 500:
            return fault.seconds or AGAIN_SECONDS
        log.warning("room not joined", status=fault.status)
        with self._ledger.writing():
            if door.predecessor:
                self._ledger.await_invitation(door.room)
            else:
                self._ledger.drop_door(door.room)
        return 0
