"""One step of the sync loop: stores the events of the homeserver before they are acknowledged."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from typing import Any, Final
from urllib.parse import quote

import structlog
from aiohttp import ClientError
from nio import SyncResponse
from peewee import OperationalError  # of nio's store
from pydantic_core import to_json

from adapters.base import Receive
from adapters.matrix.account import MatrixClient
from adapters.matrix.api import TIMEOUT_SECONDS, MatrixRefusal, NoAnswer, api_path, call_api, object_in, objects_in
from adapters.matrix.options import MatrixSettings
from adapters.matrix.reading import TimelineReader
from adapters.matrix.rooms import (
    RoomJoiner,
    forget_room,
    invitation,
    leave_room,
    may_invite,
    note_room_changes,
    people_in,
    room_privacy,
)
from adapters.matrix.state import MatrixState
from adapters.matrix.verifying import VerificationRequest
from flows.messages import MsgIn

log = structlog.get_logger()

POLL_SECONDS: Final = 30
GRACE_POLL_SECONDS: Final = 2
SINCE: Final = "since"
KEYS_AT_ONCE: Final = 100
"""The number of to-device messages, which carry keys, per response of Synapse."""
MOST_AT_ONCE: Final = 100
"""The maximum number of responses read before their messages are handled: to-device messages cannot block the
application.
"""
_WHOLE: Final = {"next_batch": "?", "rooms": {}}
_NONE: Final[dict[str, list[str]]] = {"types": []}
_FILTER: Final = quote(
    to_json(
        {
            "presence": _NONE,
            "account_data": _NONE,
            "room": {
                "timeline": {"limit": 100},
                "state": {"lazy_load_members": True},
                "ephemeral": _NONE,
                "account_data": _NONE,
            },
        }
    ).decode()
)


class Syncer:
    """Reads new events step by step. A failed step is repeated from the last sync position."""

    def __init__(
        self,
        name: str,
        client: MatrixClient,
        state: MatrixState,
        options: MatrixSettings,
        joiner: RoomJoiner,
        *,
        decline: Callable[[VerificationRequest], Awaitable[None]],
    ) -> None:
        """`decline`: answers requests to verify the device."""
        self._name = name
        self._client = client
        self._state = state
        self._options = options
        self._joiner = joiner
        self._decline = decline
        self._reader = TimelineReader(name, client, state, options.display_name)
        self._not_answering: set[str] = set()
        """Users whose homeserver did not answer the query for their devices."""

    async def step(self, receive: Receive, *, is_patient: bool) -> None:
        """Runs one sync. Waits for new events if `is_patient`. Raises MatrixRefusal and NoAnswer."""
        since = self._state.mark(SINCE)
        seconds = GRACE_POLL_SECONDS if self._state.has_untold() else POLL_SECONDS
        bodies = [await self._fetch(since, seconds if is_patient and since else 0)]
        while len(_to_devices(bodies[-1])) >= KEYS_AT_ONCE and len(bodies) < MOST_AT_ONCE:
            # first the keys, then the events encrypted with them
            bodies.append(await self._fetch(str(bodies[-1]["next_batch"]), 0))
        await self._keep_keys()
        messages: list[MsgIn] = []
        for body in bodies:
            messages += await self._read(body, since)
            since = str(body["next_batch"])
        await self._look_at_sealed()
        with self._state.writing():
            late = list(self._reader.late())
        await receive([*late, *messages])
        for request in self._reader.verifications:
            await self._decline(request)
        with self._state.writing():
            self._reader.settle()
            self._state.set_mark(SINCE, since)

    async def _fetch(self, since: str, seconds: int) -> dict[str, Any]:
        """Requests one response and stores its keys, since the homeserver drops them with the next request."""
        where = f"{api_path('sync')}?filter={_FILTER}&timeout={seconds * 1000}" + (f"&since={since}" if since else "")
        body = await call_api(self._client, "GET", where, seconds=seconds + TIMEOUT_SECONDS)
        await self._absorb(body)
        return body

    async def _absorb(self, body: dict[str, Any]) -> None:
        """Passes keys, members and devices to nio, part by part, so that a malformed part does not drop the others."""
        for event in _to_devices(body):
            await self._is_understood({"to_device": {"events": [event]}})
        if not await self._is_understood({name: part for name, part in body.items() if name != "to_device"}):
            for room_id, info in _rooms(body, "join").items():
                await self._is_understood({"rooms": {"join": {room_id: info}}})
        if self._client.olm is not None:
            self._client.note_keys(body)
            # nio itself updates only users in rooms it has seen since the start
            names = _changed_users(body)
            self._client.olm.add_changed_users({user for user in names if self._client.device_store[user]})

    async def _is_understood(self, part: dict[str, Any]) -> bool:
        """Whether nio accepted all of it. Raises an error if its store cannot be written: then the sync is repeated,
        because keys in memory would be lost with the next start.
        """
        try:
            await self._give_to_nio(part)
        except (OSError, OperationalError):
            raise
        except Exception as error:  # noqa: BLE001 - nio may fail on any malformed event
            log.error("matrix_sync_part_skipped", channel=self._name, fault=type(error).__name__)
            return False
        return True

    async def _give_to_nio(self, part: dict[str, Any]) -> None:
        response = SyncResponse.from_dict(deepcopy(_WHOLE | part))  # nio modifies the events in place
        if not isinstance(response, SyncResponse):
            raise NoAnswer("not a sync response")
        self._client.next_batch = ""  # otherwise nio ignores a repeated response as already known
        await self._client.receive_response(response)

    async def _keep_keys(self) -> None:
        """Uploads, queries and claims keys and sends to-device messages, as nio's own loop does after each sync."""
        client = self._client
        await client.upload_keys()
        if unknown := client.users_for_key_query - self._not_answering:
            await client.query_keys(unknown)
        self._not_answering = set(
            client.users_for_key_query
        )  # not requested with every sync; a message to these users requests it again
        if client.should_claim_keys:
            await client.claim_keys(client.get_users_for_key_claiming())
        try:
            await client.send_to_device_messages()
        except (ClientError, TimeoutError, OSError) as error:
            raise NoAnswer(type(error).__name__) from None

    async def _read(self, body: dict[str, Any], since: str) -> list[MsgIn]:
        """Returns the messages of all rooms, in order per room, and applies changes to the rooms."""
        client, state = self._client, self._state
        for room_id in _rooms(body, "leave"):
            forget_room(client, state, room_id)
        for room_id, info in _rooms(body, "invite").items():
            await self._invitation(room_id, info)
        lines = []
        for room_id, info in _rooms(body, "join").items():
            try:
                note_room_changes(client, room_id, info)
                room, people = await room_privacy(client, room_id), await people_in(client, room_id)
                lines.append((room_id, people, room, await self._reader.timeline(room_id, info, since)))
            except MatrixRefusal as error:
                if error.status not in {403, 404}:
                    raise
                # the bot has just left it
                log.warning("matrix_room_unreadable", channel=self._name, status=error.status)
        messages: list[MsgIn] = []
        with state.writing():
            for room_id, people, room, found in lines:
                messages += self._reader.read(room_id, found, room, is_alone=len(people) <= 2)
        self._joiner.wake()
        for room_id, people, *_ in lines:
            if people == {client.user_id}:
                await leave_room(client, state, room_id)
        return messages

    async def _look_at_sealed(self) -> None:
        """Updates the privacy of rooms with undecrypted events."""
        for room_id in {sealed.room for sealed in self._state.undecrypted()}:
            with suppress(MatrixRefusal):
                await room_privacy(self._client, room_id)

    async def _invitation(self, room_id: str, info: Mapping[str, Any]) -> None:
        """Accepts or declines an invitation."""
        found = invitation(self._client.user_id, objects_in(object_in(info.get("invite_state")).get("events")))
        if found is None:
            return
        sender, is_direct = found
        if self._state.is_awaited(room_id) or may_invite(self._options, sender, is_direct=is_direct):
            with self._state.writing():
                self._state.add_invitation(room_id)
        else:
            await leave_room(self._client, self._state, room_id)


def _to_devices(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return objects_in(object_in(body.get("to_device")).get("events"))


def _rooms(body: Mapping[str, Any], kind: str) -> dict[str, Any]:
    found = object_in(object_in(body.get("rooms")).get(kind))
    return {room_id: info for room_id, info in found.items() if isinstance(info, dict)}


def _changed_users(body: dict[str, Any]) -> list[str]:
    """Returns the users with new or removed devices."""
    changed = object_in(body.get("device_lists")).get("changed")
    return [user for user in changed if isinstance(user, str)] if isinstance(changed, list) else []
