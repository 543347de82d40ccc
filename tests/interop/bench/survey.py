"""The six questions as the peers ask them, and how they read an answer. Standard library only.

The peers get the least that makes a survey: plain texts, no buttons, no second language, nothing to go back to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

DONE = "fertig"
GOODBYE = "Vielen Dank! Ihre Antworten sind angekommen."


class NotUnderstood(Exception):
    """This is no answer to the question."""


class Question(NamedTuple):
    """A question; `read` parses a typed answer."""

    key: str
    text: str
    read: Callable[[str], Any]


def _option(*values: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        return values[_number(1, len(values))(text) - 1]

    return read


def _options(*values: str) -> Callable[[str], list[str]]:
    one = _option(*values)
    return lambda text: [one(part.strip()) for part in text.split(",")]


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise NotUnderstood
        return int(text)

    return read


def _text(text: str) -> str:
    if not text.strip():
        raise NotUnderstood
    return text


def _yes_or_no(text: str) -> str:
    try:
        return {"ja": "yes", "nein": "no"}[text.lower()]
    except KeyError:
        raise NotUnderstood from None


PLACES = _options("park", "square", "school", "street", "yard")
QUESTIONS = (
    Question("trees", "Soll es mehr Bäume geben?\n1 Ja\n2 Nein\n3 Vielleicht", _option("yes", "no", "maybe")),
    Question("places", "Und wo?\n1 Park\n2 Platz\n3 Schulhof\n4 Straße\n5 Hof\nZum Schluss: fertig", PLACES),
    Question("safety", "Wie sicher fühlen Sie sich?\n1 = gar nicht, 5 = sehr", _number(1, 5)),
    Question("minutes", "Wie viele Minuten gehen Sie bis zum nächsten Park?", _number(0, 200)),
    Question("wish", "Was wünschen Sie sich?", _text),
    Question("again", "Dürfen wir Sie wieder fragen? Ja oder nein", _yes_or_no),
)
MULTI = 1
"""The question that takes answers until a person writes that this is all."""
NOT_UNDERSTOOD = "Das habe ich nicht verstanden."


class Step(NamedTuple):
    """What a turn leads to: the next question (the number of questions: the end), what is to be stored, the reply."""

    place: int
    chosen: list[str]
    stored: tuple[str, Any] | None
    reply: str


def begin() -> Step:
    """The first question."""
    return Step(0, [], None, QUESTIONS[0].text)


def step(place: int, chosen: list[str], text: str) -> Step:
    """An answer to the question at this place, where this number of options of it are chosen already."""
    question = QUESTIONS[place]
    try:
        if place != MULTI:
            return _on(place, (question.key, question.read(text)))
        if chosen and text.lower() == DONE:
            return _on(place, (question.key, chosen))
        more = [*chosen, *(value for value in question.read(text) if value not in chosen)]
    except NotUnderstood:
        return Step(place, chosen, None, NOT_UNDERSTOOD)
    return Step(place, more, None, f"Gewählt: {', '.join(more)}. Fertig? Dann schreiben Sie: fertig")


def _on(place: int, stored: tuple[str, Any]) -> Step:
    following = place + 1
    return Step(following, [], stored, QUESTIONS[following].text if following < len(QUESTIONS) else GOODBYE)
