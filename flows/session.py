"""The state of one contact in one flow: plain data, stored between messages."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic_core import from_json, to_json

from flows.events import Event
from flows.named_tuples import with_fast_replace
from flows.values import Value

Aside = Literal["", "language", "return", "change", "delete"]
"""A side question that is open beside the question itself: choose a language, continue or start over, choose an
answer, confirm the erasure."""
Status = Literal["waiting", "completed", "interrupted"]


@with_fast_replace
class Session(NamedTuple):
    """The position and the answers of a contact in a flow. Field names are keys of the stored JSON.

    `at` is the key of the open question, or "" at the summary. `missing` holds missing codes by question key; a
    question in neither `answers` nor `missing` is still open.
    """

    flow: str
    """Code of the compiled revision to which the session is bound."""
    language: str
    receipt: str
    at: str = ""
    answers: dict[str, Value] = {}  # noqa: RUF012 - never changed in place: sessions are values
    missing: dict[str, str] = {}  # noqa: RUF012
    aside: Aside = ""
    draft: Value | None = None
    repairs: int = 0
    last_message: str = ""
    """External id of the message with the last answer, to recognise an edit of it."""
    last_key: str = ""
    status: Status = "waiting"
    submitted: bool = False
    wanted: str = ""
    """While the language is asked: the requested language, if the bot supports it but this consultation does not."""
    words: dict[str, str] = {}  # noqa: RUF012
    """Texts of answers whose value is only a reference, by question key."""
    overheard: bool = False
    """Whether the channel of the newest message is not confidential."""
    also_stored: list[str] = []  # noqa: RUF012
    """Keys of questions with stored data but without an answer here: votes of an unfinished block, answers to a
    revision that can no longer be loaded."""

    has_left: bool = False
    """Whether missing codes of open questions are recorded because the contact left. Reset by the next answer."""

    asked_before: list[str] = []  # noqa: RUF012
    """Keys of questions that were asked before the contact started over."""

    def stored_keys(self) -> tuple[str, ...]:
        """Returns the keys of all questions with stored data."""
        more = [key for key in self.also_stored if key not in self.answers and key not in self.missing]
        return (*self.answers, *self.missing, *more)

    def to_json(self) -> str:
        """Serialises the session; fields with default values are left out."""
        fields = zip(Session._fields, self, _DEFAULTS, strict=True)
        # Most values are the very objects of the defaults, and comparing only the others takes half the time;
        # pydantic's encoder takes a third of the time of the standard library's.
        changed = {name: value for name, value, default in fields if value is not default and value != default}
        return to_json(changed).decode()

    @staticmethod
    def from_json(text: str) -> Session:
        return Session(**from_json(text))


_DEFAULTS = tuple(Session._field_defaults.get(name) for name in Session._fields)


class Turn(NamedTuple):
    """The result of one message: the new session and the events."""

    session: Session
    events: tuple[Event, ...]
