"""Braces in the texts of a consultation: references to answers, and literal braces.

`{answer:KEY}` and `{answer:KEY|else text}` stand for the answer to an earlier question, `{{` and `}}` for one brace.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

_BRACES: Final = re.compile(
    r"(?P<literal>\{\{|\}\})"
    r"|\{answer:(?P<key>[a-z][a-z0-9_]{0,23})(?:\|(?P<otherwise>[^{}]*))?\}"
    r"|(?P<stray>\{[^{}]*\}?|\})"
)
UNKNOWN: Final = "…"
"""Replaces an answer that is not known, where no other text is given."""


class AnswerReference(NamedTuple):
    """A reference to the answer to a question."""

    key: str
    otherwise: str | None = None
    """The text for a missing answer; None if there is none."""


class StrayBraces(NamedTuple):
    """Braces with another content, or a single brace; `check` refuses them."""

    text: str


def split_braces(text: str) -> Iterator[str | AnswerReference | StrayBraces]:
    """Yields the pieces of a text in order, with literal braces as they are shown.

    >>> list(split_braces("{{x}} {answer:lamps|dunkel} {person}"))
    ['{', 'x', '}', ' ', AnswerReference(key='lamps', otherwise='dunkel'), ' ', StrayBraces(text='{person}')]
    """
    at = 0
    for found in _BRACES.finditer(text):
        if found.start() > at:
            yield text[at : found.start()]
        at = found.end()
        if found["literal"]:
            yield found["literal"][0]
        elif found["key"]:
            yield AnswerReference(found["key"], found["otherwise"])
        else:
            yield StrayBraces(found["stray"])
    if at < len(text):
        yield text[at:]


def has_braces(text: str) -> bool:
    """Whether the text contains any brace; most texts contain none."""
    return "{" in text or "}" in text


def references_in(text: str) -> Iterator[AnswerReference]:
    """Yields the references to answers in a text."""
    if has_braces(text):
        yield from (piece for piece in split_braces(text) if isinstance(piece, AnswerReference))


def unknown_answer(reference: AnswerReference) -> str:
    """Returns the text shown for a reference whose answer is not known."""
    return UNKNOWN if reference.otherwise is None else reference.otherwise


def fill_in(text: str, words: Callable[[AnswerReference], str]) -> str:
    """Returns the text as it is shown: each reference replaced by its words, literal braces as one brace.

    Stray braces stay, because texts that were published before `check` refused them go on working.

    >>> fill_in("Mehr {answer:wish}?", lambda reference: "Bäume")
    'Mehr Bäume?'
    """
    if not has_braces(text):
        return text
    return "".join(
        words(piece) if isinstance(piece, AnswerReference) else piece.text if isinstance(piece, StrayBraces) else piece
        for piece in split_braces(text)
    )
