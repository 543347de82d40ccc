"""One person walking one flow: small plain data, stored between messages."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic_core import from_json, to_json

from flows.events import Event
from flows.values import Value

Aside = Literal["", "language", "return", "change", "delete"]
"""A side question which is open next to the question itself: which language, go on or start over, which answer, really
delete."""
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
    status: Status = "waiting"
    submitted: bool = False
    wanted: str = ""
    """While the language is asked: the one the person wants, which the bot speaks but this consultation does not."""
    words: dict[str, str] = {}  # noqa: RUF012
    """How answers read whose value is only a reference, by question key."""
    overheard: bool = False
    """Whether others can read along on the channel of the newest message."""
    also_stored: list[str] = []  # noqa: RUF012
    """Keys of questions without an answer here of which something is stored nevertheless: votes in a block that was
    left, answers given in a revision that cannot be read any more."""

    has_left: bool = False
    """Whether it is recorded why questions have no answer, because the person left once. It holds until they answer."""

    asked_before: list[str] = []  # noqa: RUF012
    """Keys of questions that were asked before the person started over."""

    def stored_keys(self) -> tuple[str, ...]:
        """Keys of all questions of which something is stored."""
        more = [key for key in self.also_stored if key not in self.answers and key not in self.missing]
        return (*self.answers, *self.missing, *more)

    def to_json(self) -> str:
        """The session as stored; what has its default is left out."""
        fields = zip(Session._fields, self, _DEFAULTS, strict=True)
        # pydantic's encoder takes a third of the time of the standard library's.
        return to_json({name: value for name, value, default in fields if value != default}).decode()

    @staticmethod
    def from_json(text: str) -> Session:
        return Session(**from_json(text))


_DEFAULTS = tuple(Session._field_defaults.get(name) for name in Session._fields)


class Turn(NamedTuple):
    """What one message caused."""

    session: Session
    events: tuple[Event, ...]
