"""What a contact writes to the team is told from answers by a slash or a colon."""

from __future__ import annotations

import pytest

from bot.common.i18n.phrase_catalogues import catalogue_languages, load_phrases
from flows.commands.words import LONGEST_WORDS, Command, CommandMatcher, ParsedCommand
from flows.understanding.text import fold

COMMANDS = CommandMatcher([load_phrases(tag) for tag in catalogue_languages()])


@pytest.mark.parametrize("tag", catalogue_languages())
def test_every_language_can_write_to_the_team(tag: str):
    word = load_phrases(tag).words("words.human")[0]
    for said in (f"/{word} Hallo, Team", f"!{word}  Hallo, Team", f"{word}: Hallo, Team", "/human\nHallo, Team"):
        assert COMMANDS.words_for_people(said) == "Hallo, Team"


@pytest.mark.parametrize(
    "answer",
    [
        "Mensch, das ist schön",
        "mensch",
        "/mensch",
        "Mensch:",
        "Bänke: viele",
        "/start park",
        "Der Mensch: ein Rätsel",
        "",
    ],
)
def test_answers_and_other_commands_are_none(answer: str):
    assert COMMANDS.words_for_people(answer) == ""


def test_words_are_cut_at_a_limit():
    assert len(COMMANDS.words_for_people(f"/human {'a' * 9_000}")) == LONGEST_WORDS


@pytest.mark.parametrize(
    "sentence",
    [
        "Ich will mit einem Menschen reden!",
        "Kann ich bitte mit jemandem sprechen?",
        "I would like to speak to a person",
        "Bir insanla konuşmak istiyorum",
        "أريد التحدث مع شخص",
        "Хочу поговорить с человеком",
        "Хочу поговорити з людиною",
        "Chcę porozmawiać z człowiekiem",
    ],
)
def test_sentences_ask_for_a_person(sentence):
    assert COMMANDS.find(fold(sentence)) == ParsedCommand(Command.HUMAN)


@pytest.mark.parametrize("idea", ["Menschen sollen mehr miteinander reden", "Talk to people about the park"])
def test_ideas_about_people_are_no_request(idea):
    assert COMMANDS.find(fold(idea)) is None
