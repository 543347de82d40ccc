"""A contact who does not understand the open question gets it explained, in every language and for every type."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.common.i18n.phrase_catalogues import load_phrases
from flows.commands.words import Command, command_matcher
from flows.dialogue import engine
from flows.dialogue.explanation import explanation
from flows.dialogue.messages_text import open_message
from flows.events import MessageCreated
from flows.facts import DEFAULT_FACTS
from flows.flow import Flow
from flows.languages import LANGUAGES
from flows.messages import MsgIn
from flows.understanding.text import fold
from tests.support.app import consultation
from tests.support.every_type import every_type, typed_questions
from tests.test_flows.test_engine import Walk, ask, compiled

ALL = tuple(load_phrases(tag) for tag in LANGUAGES)
WITHOUT_ANSWER = {"statements"}  # without stored proposals there is nothing to rate


@pytest.mark.parametrize(
    "words",
    [
        "Hä?",
        "was?",
        "versteh ich nicht",
        "what?",
        "ne demek?",
        "ماذا يعني؟",
        "o co chodzi?",
        "не понял",
        "не зрозуміло",
    ],
)
def test_words_that_ask_what_is_meant(words):
    found = command_matcher(ALL).find(fold(words))
    assert found is not None
    assert found.command is Command.EXPLAIN


def test_the_question_is_explained_before_commands():
    walk = Walk(compiled(ask("a"))).say("hä?")
    said = [event.msg for event in walk.turn.events if isinstance(event, MessageCreated)][-1]
    lines = said.text.split("\n")
    assert lines[:3] == [
        "Bitte wählen Sie eine der Antworten. Sie können auch ihre Nummer schreiben.",
        "Zum Beispiel: 1 oder „Ja“",
        "Was sonst noch möglich ist, zeigt: hilfe",
    ]
    assert said.text.endswith(open_message(walk.flow, walk.session).text)
    assert "meinedaten" not in said.text
    assert walk.session.repairs == 0


def test_without_an_open_question_commands_are_listed():
    assert "meinedaten" in Walk(compiled(ask("a"))).say("ja").say("hä?").said()


def test_an_answer_that_is_offered_stays_an_answer():
    was = [{"value": "w", "label": {"de": "Was", "en": "What"}}, {"value": "x", "label": {"de": "Wo", "en": "Where"}}]
    assert Walk(compiled(ask("a", options=was))).say("was?").answers() == [("a", "w")]


def test_every_type_says_how_to_answer():
    asked = every_type()
    flow = Flow(asked, {"de": load_phrases("de")}, "code")
    session = engine.start(flow, receipt="", language="de", facts=DEFAULT_FACTS).session
    for question in typed_questions(asked):
        assert session.at == question.key
        if flow.question(question.key).type not in WITHOUT_ANSWER:
            assert len(explanation(flow, session).split("\n")) > 1, question.key
        for words in question.words:
            msg = MsgIn("c", "a", "1", datetime.now(UTC), text=words)
            session = engine.resume(flow, session, msg, facts=DEFAULT_FACTS).session
            if session.at == question.key:  # a part of the answer, for example the step before a proposal is submitted
                assert explanation(flow, session)


@pytest.mark.parametrize(
    ("words", "language"),
    [
        ("English please", "en"),
        ("Türkçe konuşmak istiyorum", "tr"),
        ("أريد التحدث بالعربية", "ar"),
        ("po polsku proszę", "pl"),
        ("на русском, пожалуйста", "ru"),
        ("українською, будь ласка", "uk"),
    ],
)
def test_a_sentence_that_asks_for_a_language(words, language):
    made = consultation(questions=[ask("a")])
    phrases = dict(zip(LANGUAGES, ALL, strict=True))
    flow = Flow(made, phrases, "code1")
    session = Walk(flow).say(words).session
    assert language in {session.language, session.wanted}
