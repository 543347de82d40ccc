"""Short names of consultations."""

from __future__ import annotations

import re

import pytest
from pydantic import TypeAdapter, ValidationError

from adapters.web import sessions
from bot.exchange.definition import slug_from_title
from bot.web.public import chat
from flows.slugs import SLUG_PATTERN, Slug

GOOD = ("park", "15-euro", "2040-klima", "1a", "a1", "a-", "2-0-x", "x" * 40)
BAD = ("2040", "1-2", "-park", "a", "Park", "15 euro", "park.1", "x" * 41, "1" * 40 + "x", "")


@pytest.mark.parametrize("slug", [*GOOD, *BAD])
def test_links_accept_the_short_names_of_files(slug: str) -> None:
    """A number alone is no name: in a chat it is the answer to a question."""
    assert bool(re.fullmatch(SLUG_PATTERN, slug) and len(slug) <= 40) is (slug in GOOD)
    try:
        TypeAdapter(Slug).validate_python(slug)
    except ValidationError:
        assert slug in BAD
    else:
        assert slug in GOOD
    assert bool(sessions.SLUG.fullmatch(slug)) is (slug in GOOD)
    assert bool(re.fullmatch(chat.SLUG.removeprefix("{slug:").removesuffix("}"), slug)) is (slug in GOOD)


@pytest.mark.parametrize("title", ["15 Euro für alle", "2040", "Grün", "…", "x" * 60, "1" * 60, "الحديقة"])
def test_each_title_gives_a_valid_short_name(title: str) -> None:
    TypeAdapter(Slug).validate_python(slug_from_title(title))
