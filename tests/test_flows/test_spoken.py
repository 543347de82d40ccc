"""What is read aloud belongs to the type of the question: no sign that only the eye understands is left in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from bot.common.i18n.phrase_catalogues import catalogue_languages
from flows.messages import MsgOut
from flows.questions.outcomes import PartialAnswer
from tests.test_flows.golden_files import TYPES, ask, read, reply_of

SIGNS = re.compile(r"[☐☑]|(?<!\w)[+−]\s?\d|^\d+ [–-] ")
"""A box, a step with its sign, and the number of a step beside its label."""


def said(name: str, language: str) -> Iterator[MsgOut]:
    """The prompt of a type, and each partial answer of its golden file, with what is read aloud."""
    definition = read(name)["definition"]
    question = ask(definition, language)
    yield question.aloud(question.prompt)
    for row, _ in read(name)["replies"].get(language, ()):
        reply, draft = reply_of(row)
        parsed = question.parse(reply, draft)
        if isinstance(parsed, PartialAnswer):
            yield question.aloud(parsed.msg)


@pytest.mark.parametrize("language", catalogue_languages())
@pytest.mark.parametrize("name", TYPES)
def test_no_sign_is_read_aloud(name: str, language: str):
    for msg in said(name, language):
        for reply in msg.quick_replies:
            assert reply.read_aloud.strip()
            assert not SIGNS.search(reply.spoken or reply.label)


def test_a_chosen_option_is_said_to_be_chosen():
    heard = {reply.read_aloud for msg in said("choices", "de") for reply in msg.quick_replies}
    assert {"1: Bäume", "1: Bäume, ausgewählt"} <= heard


def test_a_step_is_said_with_its_unit():
    heard = [reply.read_aloud for msg in said("points", "de") for reply in msg.quick_replies]
    assert "1: Park: 1 Punkt mehr" in heard
    assert "Park: 1 Punkt weniger" in heard


def test_a_scale_says_its_ends_once():
    assert [reply.read_aloud for reply in next(said("scale", "de")).quick_replies][:5] == [*"12345"]
