"""What a turn caused, in past tense. Each has one handler in `bot` (`bot/consultations/event_handlers.py`)."""

from __future__ import annotations

from typing import Literal, NamedTuple

from flows.messages import MsgOut
from flows.values import Missing, Value


class MessageCreated(NamedTuple):
    """The bot says something."""

    msg: MsgOut


class AnswerGiven(NamedTuple):
    """A question has an answer, for the first time or anew: a value, or the reason why there is none."""

    key: str
    value: Value | None
    missing: Missing | None = None
    before: Value | None = None
    """Where there is none any more: what it was."""


class AnswerDropped(NamedTuple):
    """A question is not on the person's path any more: its answer goes, with all that came with it."""

    key: str
    value: Value | None = None
    """What it was, None where there was none."""


class GapReopened(NamedTuple):
    """A question without an answer can be answered again: the reason that was recorded for the gap goes."""

    key: str


class MediaGiven(NamedTuple):
    """The answer to this question came with a recording or a picture, which people will listen to or look at."""

    key: str
    kind: Literal["voice", "picture"]
    ref: str
    """The channel's own handle to fetch it with (`MsgIn.media_ref`)."""


class ConsentGiven(NamedTuple):
    """Somebody agreed, or did not, to exactly this text."""

    key: str
    given: bool
    text: str


class Proposed(NamedTuple):
    """Somebody submitted an idea, or changed the one with this code."""

    key: str
    code: str
    title: str
    text: str
    language: str


class Rated(NamedTuple):
    """Somebody said what they think of a proposal of others: -1 disagree, 0 undecided, 1 agree."""

    proposal: int
    vote: Literal[-1, 0, 1]
    important: bool = False
    key: str = ""
    """The question in which it was said."""


class LanguageChosen(NamedTuple):
    """Somebody wants to be spoken to in this language from now on."""

    language: str


class SessionCompleted(NamedTuple):
    """The answers were submitted."""


class SessionInterrupted(NamedTuple):
    """The resident left before submitting; the session can be resumed."""


class ConsultationChosen(NamedTuple):
    """Somebody without an open session wants to take part in this consultation."""

    slug: str


class DataRequested(NamedTuple):
    """Somebody wants to see what is stored about them."""


class ErasureRequested(NamedTuple):
    """Somebody confirmed that everything about them shall be deleted."""


class PushesStopped(NamedTuple):
    """Somebody does not want to be written to unasked."""


class SubscriptionChange(NamedTuple):
    """What somebody asks for. `kind` "" asks what there is, "topics" and "districts" to choose from."""

    kind: str = ""
    value: str = ""
    withdrawn: bool = False


class SubscriptionRequested(NamedTuple):
    """A request to subscribe, to unsubscribe, or to list what can be subscribed to (`flows.commands.subscriptions`)."""

    wanted: SubscriptionChange
    language: str = ""
    """In which it is answered outside of consultations."""


class ContributionsRequested(NamedTuple):
    """Somebody wants to see, withdraw or delete what they brought in (`flows.commands.my_contributions`)."""

    kind: str
    code: str = ""
    language: str = ""
    """In which it is answered outside of consultations."""


class LinkRequested(NamedTuple):
    """Asks for a link code, enters one, answers yes or no to it, or unlinks a chat (`flows.commands.linking`)."""

    kind: str
    value: str = ""
    language: str = ""
    """In which it is answered outside of consultations."""


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
    | PushesStopped
    | SubscriptionRequested
    | LinkRequested
    | ContributionsRequested
)
