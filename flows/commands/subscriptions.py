"""Subscriptions: topics, districts and outcomes, and the parser of the command "news"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, get_args

from flows.events import SubscriptionChange
from flows.phrase_families import TOPIC_NAMES
from flows.phrases import Phrases
from flows.questions.district import DISTRICTS, district_label
from flows.tokens import arguments_of
from flows.understanding.matching import spellings
from flows.understanding.text import fold

Topic = Literal["economy", "inclusion", "chances", "administration", "neighbourhoods"]
"""The four fields of the strategy "Gemeinsam Digital: Berlin", and the Kieze. No topic is personal data."""
TOPICS: Final[tuple[Topic, ...]] = get_args(Topic)


def parse_subscription(argument: str) -> SubscriptionChange | None:
    """Parses "", "all", "topics", "topic.economy", "district.01", "outcome.SLUG", each with ".no" to unsubscribe.

    Returns None for anything else.
    """
    if not argument:
        return SubscriptionChange()
    kind, *rest = arguments_of(argument)
    withdrawn = rest[-1:] == ["no"]
    value, *more = (rest[:-1] if withdrawn else rest) or [""]
    known = {
        "none": not value,
        "topics": not value,
        "districts": not value,
        "all": not value,
        "topic": value in TOPICS,
        "district": value in DISTRICTS,
        "about": bool(value),
        "outcome": bool(value),
    }
    return SubscriptionChange(kind, value, withdrawn) if known.get(kind) and not more else None


def subscription_words(phrases: Phrases) -> dict[str, str]:
    """Maps every accepted word after the command, folded, to its argument: "verkehr" or "mitte"."""
    return {fold(word): argument for argument, name in _labels(phrases) for word in spellings(name)}


def _labels(phrases: Phrases) -> Iterator[tuple[str, str]]:
    for word in phrases.words("words.news.all"):
        yield "all", word
    for word in phrases.words("words.news.none"):
        yield "none", word
    for topic in TOPICS:
        yield f"topic.{topic}", phrases.text(TOPIC_NAMES[topic], "sie")
    for key, name in DISTRICTS.items():
        yield f"district.{key}", name
        yield f"district.{key}", district_label(key, phrases.language)
