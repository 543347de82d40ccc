"""Renders messages as plain text, for channels without markup."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from flows.languages import LANGUAGES
from flows.parts import EarlierAnswerPart, MessagePart, ProposalCard, ReceiptPart, SummaryRow

_ISOLATE: Final = "\N{FIRST STRONG ISOLATE}"
_END: Final = "\N{POP DIRECTIONAL ISOLATE}"
_HANGING: Final = "     "
"""Indent of continuation lines of an answer in a summary, so that a list in it does not look like questions."""


def parts_as_text(parts: Iterable[MessagePart], language: str) -> str:
    """Joins the parts of a message in this language with their separators."""
    pieces: list[str] = []
    for part in parts:
        pieces += (part.gap, _WORDS.get(type(part), _text)(part, language))
    return "".join(pieces[1:])


def arrow(language: str) -> str:
    """Returns an arrow that points at the following text; clients do not mirror arrows in right-to-left languages."""
    known = LANGUAGES.get(language)
    return "←" if known and known.right_to_left else "→"


def shortened(text: str, limit: int = 60) -> str:
    """Returns the text cut at a word so that it has at most `limit` characters.

    >>> shortened("Was wünschen Sie sich?", 12)
    'Was…'
    """
    if len(text) <= limit:
        return text
    cut = text[: limit - 1].rsplit(" ", 1)[0]
    return f"{cut}…{_END * (cut.count(_ISOLATE) - cut.count(_END))}"


def isolated(text: str) -> str:
    """Returns the text isolated from the direction of the text around it (Unicode bidirectional algorithm, UAX 9)."""
    return f"{_ISOLATE}{text}{_END}"


def _text(part: Any, language: str) -> str:
    text: str = part.text
    return text


def _row(part: SummaryRow, language: str) -> str:
    answer = part.answer.replace("\n", f"\n{_HANGING}") if "\n" in part.answer else part.answer
    return f"{part.number}. {part.question}\n   {arrow(language)} {answer}"


def _card(part: ProposalCard, language: str) -> str:
    return f"{part.number}. {part.text}" if part.number else part.text


def _receipt(part: ReceiptPart, language: str) -> str:
    return f"{part.before}{part.code}{part.after}"


def _earlier_answer(part: EarlierAnswerPart, language: str) -> str:
    return f"{part.before}{part.answer}{part.after}"


_WORDS: Final[dict[type[MessagePart], Callable[[Any, str], str]]] = {
    SummaryRow: _row,
    ProposalCard: _card,
    ReceiptPart: _receipt,
    EarlierAnswerPart: _earlier_answer,
}
"""Renderers of the parts that have more fields than `text`."""
