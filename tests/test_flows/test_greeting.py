"""The greeting is short, and its last word leads to the whole privacy information."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.authoring import file_check
from bot.common.i18n import phrase_catalogues
from flows.commands.words import Command, CommandMatcher
from flows.dialogue import engine, messages_text
from flows.flow import Flow
from flows.understanding.text import fold

SAMPLES = Path(engine.__file__).parents[1] / "consultations"
MOST_LETTERS = 350
MOST_LINES = 5


@pytest.mark.parametrize("slug", ["mein-kiez", "kiez-ideen", "buergerhaushalt"])
def test_greetings_have_five_short_lines(slug):
    made = file_check.read_consultation_file(SAMPLES / f"{slug}.yaml").publishable
    assert made is not None
    made = made.model_copy(update={"sample": False})
    flow = Flow(made, {tag: phrase_catalogues.load_phrases(tag) for tag in made.languages}, "code1")
    for tag in made.languages:
        if tag != "de-simple":  # one sentence is one line there
            text = messages_text.greeting_message(flow, tag).text
            assert len(text.splitlines()) <= MOST_LINES, tag
            assert len(text) <= MOST_LETTERS, (tag, len(text))


@pytest.mark.parametrize("tag", phrase_catalogues.catalogue_languages())
def test_the_last_word_of_the_greeting_is_understood(tag):
    spoken = phrase_catalogues.load_phrases(tag)
    word = spoken.text("greeting.voluntary", "sie").rpartition(":")[2]
    found = CommandMatcher([spoken]).find(fold(word))
    assert found is not None
    assert found.command is Command.PRIVACY
