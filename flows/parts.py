"""The typed parts of a message, in order.

A channel renders the parts that it supports; `flows.messages.message_as_text` renders all of them as plain text.
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
    """The effect of the last reply, or a remark about it."""

    text: str
    about: Literal["", "understood", "corrected"] = ""
    """`understood`: the answer as it was interpreted. `corrected`: the answer after an edit."""
    gap: Gap = LINE


class EarlierAnswerPart(NamedTuple):
    """The stored answer to a question that is asked again."""

    before: str
    answer: str
    after: str
    """How to change or keep the answer in a chat."""
    is_missing: bool = False
    """`answer` is the reason for a missing value."""
    gap: Gap = LINE


class ProgressPart(NamedTuple):
    """The position of the question: "question 2 of 5"."""

    text: str
    gap: Gap = LINE


class TitlePart(NamedTuple):
    """The wording of the question, or the subject of the message."""

    text: str
    gap: Gap = LINE


class BodyPart(NamedTuple):
    """Any other text."""

    text: str
    language: str = ""
    """Language tag if the text has another language than the message; else ""."""
    gap: Gap = LINE


class HintPart(NamedTuple):
    """How to answer or to continue."""

    text: str
    is_typing: bool = False
    """Explains what to type in a chat; redundant beside buttons and fields."""
    gap: Gap = LINE


class WarningPart(NamedTuple):
    """What should be looked at before going on, such as a telephone number in a proposal; pages let it stand out."""

    text: str
    gap: Gap = LINE


class ErrorPart(NamedTuple):
    """Why a reply is not accepted."""

    text: str
    most: int = 0
    """The maximum number of options, if more are chosen; else 0."""
    gap: Gap = LINE


class SelectionPart(NamedTuple):
    """The current content of a partial answer."""

    text: str
    is_list: bool = False
    """Whether it only names the chosen options, as ticked boxes do."""
    gap: Gap = LINE


class ProposalCard(NamedTuple):
    """The proposal of another resident."""

    text: str
    code: str = ""
    language: str = ""
    """Language tag of `text`; "" for the language of the message."""
    number: int = 0
    """Its number in a list; 0 outside of a list."""
    gap: Gap = LINE


class SummaryRow(NamedTuple):
    """One answer of the summary."""

    number: int
    question: str
    answer: str
    gap: Gap = LINE


class ReceiptPart(NamedTuple):
    """The receipt code and the text around it."""

    before: str
    code: str
    after: str
    gap: Gap = LINE


class AboutPart(NamedTuple):
    """A paragraph about the consultation: the asking body, the reason, the readers, the retention period."""

    text: str
    gap: Gap = BLANK


class ImagePart(NamedTuple):
    """An image of the question, or of one of its options. Channels without images show `text`."""

    text: str
    """The alternative text with what it is: "Image 2: a lamp with warm light"."""
    alt: str = ""
    media: str = ""
    """Media name of the file."""
    width: int = 0
    """Pixels; 0 if unknown."""
    height: int = 0
    number: int = 0
    """Number of the option that it shows; 0 for the image of the whole question."""
    gap: Gap = LINE


MessagePart = (
    NoticePart
    | EarlierAnswerPart
    | ProgressPart
    | TitlePart
    | BodyPart
    | HintPart
    | WarningPart
    | ErrorPart
    | SelectionPart
    | ProposalCard
    | SummaryRow
    | ReceiptPart
    | AboutPart
    | ImagePart
)
Parts = tuple[MessagePart, ...]

KINDS: Final[Mapping[str, type[MessagePart]]] = {
    "notice": NoticePart,
    "earlier_answer": EarlierAnswerPart,
    "progress": ProgressPart,
    "title": TitlePart,
    "body": BodyPart,
    "hint": HintPart,
    "warning": WarningPart,
    "error": ErrorPart,
    "selection": SelectionPart,
    "proposal": ProposalCard,
    "row": SummaryRow,
    "receipt": ReceiptPart,
    "about": AboutPart,
    "image": ImagePart,
}
"""Part classes by their names in stored payloads."""
NAMES: Final[Mapping[type[MessagePart], str]] = {part: name for name, part in KINDS.items()}


def noticed(text: str, about: Literal["", "understood", "corrected"] = "") -> Parts:
    """Returns a notice, or no parts for an empty text."""
    return (NoticePart(text, about),) if text else ()
