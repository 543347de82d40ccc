"""Live meetings: a room answers a consultation question by question, paced by its moderator.

Participants answer ordinary sessions, marked by the room's entry code; the room only limits which questions are open.
Answers of a meeting are exported like all others, and no further personal data is stored.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from typing import Final, Literal

from bot.common.code_alphabet import ALPHABET, normalise_code
from flows.flow import Flow
from storage.tables.rooms import RoomStep, StoredRoom

CODE_LENGTH: Final = 6
HOURS: Final = 24
"""Lifetime of a room that its moderator does not end."""
_ALPHABET: Final = ALPHABET.removeprefix("01")
"""Without characters that look alike on a distant screen: O and 0, I and 1."""
_CODE: Final = re.compile(f"[{_ALPHABET}]{{{CODE_LENGTH}}}")

RoomMove = Literal["next", "back", "show", "hide", "end"]


def new_room_code() -> str:
    """Returns a random code of six unambiguous letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(CODE_LENGTH))


def parse_room_code(text: str) -> str:
    """Normalises a typed room code; "" for anything else.

    >>> parse_room_code("k7m 2px"), parse_room_code("hello")
    ('K7M2PX', '')
    """
    code = normalise_code(text[:40])
    return code if _CODE.fullmatch(code) else ""


def entry_code_of(room: StoredRoom) -> str:
    """Returns the entry code of participations in this room."""
    return f"room-{room.code}"


def open_keys(flow: Flow, room: StoredRoom) -> tuple[str, ...]:
    """Returns the questions opened so far, the current one last."""
    return flow.questions[: flow.questions.index(room.at) + 1] if room.at in flow.questions else ()


def is_room_over(room: StoredRoom, now: datetime) -> bool:
    return room.ended_at is not None or (now - room.created_at).total_seconds() > HOURS * 3600


def moved_room(flow: Flow, room: StoredRoom, move: RoomMove, now: datetime) -> RoomStep:
    """Returns the state of the room after a move of the moderator."""
    at, keys = room.at, flow.questions
    if move in ("next", "back"):
        place = keys.index(at) if at in keys else -1
        place = min(place + 1, len(keys) - 1) if move == "next" else max(place - 1, 0)
        return RoomStep(room.id, keys[place], shows_results=False, ended_at=room.ended_at)
    return RoomStep(
        room.id, at, move == "show" or (move == "end" and room.shows_results), now if move == "end" else None
    )
