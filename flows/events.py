"""Events of a turn, named in the past tense. `bot/consultations/event_handlers.py` registers one handler for each."""

from __future__ import annotations

from typing import Literal, NamedTuple

from flows.messages import MsgOut
from flows.values import Missing, Value


class MessageCreated(NamedTuple):
    """The bot created a message."""

    msg: MsgOut


class AnswerGiven(NamedTuple):
    """A question was answered, for the first time or again: a value, or the reason for a missing one."""

    key: str
    value: Value | None
    missing: Missing | None = None
    before: Value | None = None
    """The previous value, where a missing code replaces it."""


class AnswerDropped(NamedTuple):
    """A question left the path of the session: its answer and everything attached to it is deleted."""

    key: str
    value: Value | None = None
    """The dropped value; None if there was none."""


class GapReopened(NamedTuple):
    """A question without an answer is open again: the recorded missing code is deleted."""

    key: str


class MediaGiven(NamedTuple):
    """The answer to this question has a voice message or a picture attached."""

    key: str
    kind: Literal["voice", "picture"]
    ref: str
    """The channel's handle to fetch the file (`MsgIn.media_ref`)."""


class ConsentGiven(NamedTuple):
    """The contact gave or refused consent to exactly this text."""

    key: str
    given: bool
    text: str


class Proposed(NamedTuple):
    """The contact submitted a proposal, or changed the one with this code."""

    key: str
    code: str
    title: str
    text: str
    language: str


class Rated(NamedTuple):
    """The contact rated the proposal of another contact: -1 disagree, 0 undecided, 1 agree."""

    proposal: int
    vote: Literal[-1, 0, 1]
    important: bool = False
    key: str = ""
    """The question in which it was rated."""


class LanguageChosen(NamedTuple):
    """The contact chose this language."""

    language: str


class SessionCompleted(NamedTuple):
    """The answers were submitted."""


class SessionInterrupted(NamedTuple):
    """The contact left before submitting; the session can be resumed."""


class ConsultationChosen(NamedTuple):
    """A contact without an open session chose this consultation."""

    slug: str


class DataRequested(NamedTuple):
    """The contact requested a copy of their stored data."""


class ErasureRequested(NamedTuple):
    """The contact confirmed the erasure of all their data."""


class PersonAsked(NamedTuple):
    """The contact wrote to the team: words that a person reads, no answer."""

    words: str
    passed_on: MsgOut
    """The reply if the team gets the words."""
    held_back: MsgOut
    """The reply if too many words of this contact wait there already."""


class PushesStopped(NamedTuple):
    """The contact opted out of broadcasts."""


class SubscriptionChange(NamedTuple):
    """A change of subscriptions. `kind` "" lists all subscriptions, "topics" and "districts" list the choices."""

    kind: str = ""
    value: str = ""
    withdrawn: bool = False


class SubscriptionRequested(NamedTuple):
    """A request to subscribe, to unsubscribe, or to list what can be subscribed to (`flows.commands.subscriptions`)."""

    wanted: SubscriptionChange
    language: str = ""
    """The language of the reply outside of consultations."""


class ContributionsRequested(NamedTuple):
    """The contact wants to see, withdraw or delete their own contributions (`flows.commands.my_contributions`)."""

    kind: str
    code: str = ""
    language: str = ""
    """The language of the reply outside of consultations."""


class LinkRequested(NamedTuple):
    """Asks for a link code, enters one, answers yes or no to it, or unlinks a chat (`flows.commands.linking`)."""

    kind: str
    value: str = ""
    language: str = ""
    """The language of the reply outside of consultations."""


Event = (
    MessageCreated
    | AnswerGiven
    | AnswerDropped
    | GapReopened
    | MediaGiven
    | ConsentGiven
    | Proposed
    | Rated
    | LanguageChosen
    | SessionCompleted
    | SessionInterrupted
    | ConsultationChosen
    | DataRequested
    | ErasureRequested
    | PersonAsked
    | PushesStopped
    | SubscriptionRequested
    | LinkRequested
    | ContributionsRequested
)
