"""Live meetings: a room walks through a consultation together, question by question, as its moderator goes on.

Who joins answers an ordinary session, marked by the room's place code; the room only says up to where questions are
open. So answers of a meeting are in the same export as all others, and nothing more is stored of anybody.
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
"""After so long a room that nobody ended has ended."""
_ALPHABET: Final = ALPHABET.removeprefix("01")
"""On a screen far away O and 0, I and 1 look the same."""
_CODE: Final = re.compile(f"[{_ALPHABET}]{{{CODE_LENGTH}}}")

RoomMove = Literal["next", "back", "show", "hide", "end"]


def new_room_code() -> str:
    """A code that can be read out and typed on a phone: six letters and digits that are not mistaken for others."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(CODE_LENGTH))


def parse_room_code(text: str) -> str:
    """The code somebody typed, "" for what cannot be one.

    >>> plain_code("k7m 2px"), plain_code("hello")
    ('K7M2PX', '')
    """
    code = normalise_code(text[:40])
    return code if _CODE.fullmatch(code) else ""


def entry_code_of(room: StoredRoom) -> str:
    """The place code of those who join this room."""
    return f"room-{room.code}"


def open_keys(flow: Flow, room: StoredRoom) -> tuple[str, ...]:
    """The questions the room has come to, the present one last."""
    return flow.questions[: flow.questions.index(room.at) + 1] if room.at in flow.questions else ()


def is_room_over(room: StoredRoom, now: datetime) -> bool:
    return room.ended_at is not None or (now - room.created_at).total_seconds() > HOURS * 3600


def moved_room(flow: Flow, room: StoredRoom, move: RoomMove, now: datetime) -> RoomStep:
    """Where the room stands after the moderator did this."""
    at, keys = room.at, flow.questions
    if move in ("next", "back"):
        place = keys.index(at) if at in keys else -1
        place = min(place + 1, len(keys) - 1) if move == "next" else max(place - 1, 0)
        return RoomStep(room.id, keys[place], shows_results=False, ended_at=room.ended_at)
    return RoomStep(
        room.id, at, move == "show" or (move == "end" and room.shows_results), now if move == "end" else None
    )
