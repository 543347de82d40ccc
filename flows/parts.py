"""What a message is made of: typed parts, in the order in which they are said.

A channel renders the parts that it supports; `flows.plain_text.message_as_text` renders all of them as plain text.
Stored payloads list the fields of a part in order, so new fields come last and have a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

Gap = Literal["\n", "\n\n"]
"""What separates a part from the one before it, in plain text."""
LINE: Final = "\n"
BLANK: Final = "\n\n"


class NoticePart(NamedTuple):
    """What the bot did with the last reply, or says about it."""

    text: str
    about: Literal["", "understood", "corrected"] = ""
    """`understood`: the answer as it was guessed. `corrected`: the answer after an edit."""
    gap: Gap = LINE


class EarlierAnswerPart(NamedTuple):
    """The answer that is stored for a question which is asked again."""

    before: str
    answer: str
    after: str
    """How to answer anew or to keep it, in a chat."""
    is_missing: bool = False
    """`answer` says why there is none."""
    gap: Gap = LINE


class ProgressPart(NamedTuple):
    """Where the question stands: "question 2 of 5"."""

    text: str
    gap: Gap = LINE


class TitlePart(NamedTuple):
    """The words of the question, or what the message is about."""

    text: str
    gap: Gap = LINE


class BodyPart(NamedTuple):
    """Any other text."""

    text: str
    language: str = ""
    """A tag where the text has another language than the message; "" for the same."""
    gap: Gap = LINE


class HintPart(NamedTuple):
    """How to answer, or how to go on."""

    text: str
    is_typing: bool = False
    """Says what to type in a chat: of no use beside buttons and fields."""
    gap: Gap = LINE


class ErrorPart(NamedTuple):
    """Why a reply is not accepted as it is."""

    text: str
    most: int = 0
    """The number of options that may be chosen, where more are; else 0."""
    gap: Gap = LINE


class SelectionPart(NamedTuple):
    """What an answer in the making contains so far."""

    text: str
    is_list: bool = False
    """Names the chosen options and nothing else, as ticked boxes do."""
    gap: Gap = LINE


class ProposalCard(NamedTuple):
    """The proposal of another resident."""

    text: str
    code: str = ""
    language: str = ""
    """The tag of the language of `text`; "" for that of the message."""
    number: int = 0
    """Its number in a list; 0 where it stands alone."""
    gap: Gap = LINE


class SummaryRow(NamedTuple):
    """One answer of the summary."""

    number: int
    question: str
    answer: str
    gap: Gap = LINE


class ReceiptPart(NamedTuple):
    """The receipt code, and the words around it."""

    before: str
    code: str
    after: str
    gap: Gap = LINE


class AboutPart(NamedTuple):
    """A paragraph about the consultation: who asks and why, who reads the answers, how long they are kept."""

    text: str
    gap: Gap = BLANK


MessagePart = (
    NoticePart
    | EarlierAnswerPart
    | ProgressPart
    | TitlePart
    | BodyPart
    | HintPart
    | ErrorPart
    | SelectionPart
    | ProposalCard
    | SummaryRow
    | ReceiptPart
    | AboutPart
)
Parts = tuple[MessagePart, ...]

KINDS: Final[Mapping[str, type[MessagePart]]] = {
    "notice": NoticePart,
    "earlier_answer": EarlierAnswerPart,
    "progress": ProgressPart,
    "title": TitlePart,
    "body": BodyPart,
    "hint": HintPart,
    "error": ErrorPart,
    "selection": SelectionPart,
    "proposal": ProposalCard,
    "row": SummaryRow,
    "receipt": ReceiptPart,
    "about": AboutPart,
}
"""The parts by their names in stored payloads."""
NAMES: Final[Mapping[type[MessagePart], str]] = {part: name for name, part in KINDS.items()}


def noticed(text: str, about: Literal["", "understood", "corrected"] = "") -> Parts:
    """A notice, or nothing where there is nothing to say."""
    return (NoticePart(text, about),) if text else ()
