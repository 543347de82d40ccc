"""One person walking one flow: small plain data, stored between messages."""

from __future__ import annotations

import json
from typing import Literal, NamedTuple

from flows.events import Event
from flows.values import Value

Aside = Literal["", "language", "return", "change"]
"""A side question which is open next to the question itself: which language, go on or start over, which answer."""
Status = Literal["waiting", "completed", "interrupted"]


class Session(NamedTuple):
    """Where somebody stands in a flow.

    `at` is the key of the question that waits, or "" at the summary. `missing` holds missing codes by question key; a
    question in neither `answers` nor `missing` is still open.
    """

    flow: str
    """Code of the compiled revision the session stays on."""
    language: str
    receipt: str
    at: str = ""
    answers: dict[str, Value] = {}  # noqa: RUF012 - never changed in place: sessions are values
    missing: dict[str, str] = {}  # noqa: RUF012
    aside: Aside = ""
    draft: Value | None = None
    repairs: int = 0
    last_message: str = ""
    """External id of the message that gave the last answer, so that an edit of it can be told from others."""
    last_key: str = ""
    seen: int = 0
    """Seconds since 1970 of the last message: after a long pause the bot asks before it goes on."""
    status: Status = "waiting"
    submitted: bool = False

    def to_json(self) -> str:
        """The session as stored; what has its default is left out."""
        return json.dumps(
            {name: value for name, value in zip(_FIELDS, self, strict=True) if value != _DEFAULTS[name]},
            ensure_ascii=False,
            separators=(",", ":"),
        )

    @staticmethod
    def from_json(text: str) -> Session:
        return Session(**json.loads(text))


_FIELDS = Session._fields
_DEFAULTS = {name: Session._field_defaults.get(name) for name in _FIELDS}


class Turn(NamedTuple):
    """What one message caused."""

    session: Session
    events: tuple[Event, ...]
