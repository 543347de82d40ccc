"""Replies as question types get them, and the outcomes of parsing one."""

from __future__ import annotations

from typing import NamedTuple

from flows.events import Event
from flows.messages import MsgIn, MsgOut
from flows.values import Missing, Value


class Reply(NamedTuple):
    """A reply of a contact, as passed to a question type."""

    text: str = ""
    folded: str = ""
    choice: str = ""
    """Value of a tapped quick reply of this question."""
    msg: MsgIn | None = None
    """The whole message, for types that accept media or locations."""


class Interpreted(NamedTuple):
    """A value interpreted from a typo, an alias or a location; the bot repeats it to the contact."""

    value: Value


class Accepted(NamedTuple):
    """A value with further events, and with a text if the value is only a reference."""

    value: Value
    events: tuple[Event, ...] = ()
    words: str = ""
    echo: str = ""
    """A line that is sent before the next message."""


class PartialAnswer(NamedTuple):
    """A partial answer (several choices, a ranking): stored in the session, with a message that shows it."""

    value: Value | None
    msg: MsgOut
    events: tuple[Event, ...] = ()
    """Events of the partial answer, e.g. the rating of one of several statements."""


class Invalid(NamedTuple):
    """The reply is no answer; `hint` explains in the language of the contact how to answer."""

    hint: str
    is_whole: bool = False
    """Whether the hint already explains why an attachment was not accepted."""


ParseResult = Value | Missing | Interpreted | Accepted | PartialAnswer | Invalid
