"""A person whose language is not offered: told so in that language, asked, and never spoken to in a mixture."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.common.i18n import phrase_catalogues
from flows.commands import words
from flows.dialogue import engine
from flows.dialogue.main_menu import MainMenu
from flows.events import ErasureRequested, Event, LanguageChosen, MessageCreated, PushesStopped, SessionCompleted
from flows.flow import Flow
from flows.languages import LANGUAGES, best_guess
from flows.messages import MsgIn, MsgOut
from flows.session import Session, Turn
from tests.support.app import consultation

HOUSE = {tag: phrase_catalogues.load_phrases(tag) for tag in phrase_catalogues.catalogue_languages()}
FLOW = Flow(consultation(), HOUSE, "code1")
ONLY_GERMAN = Flow(consultation(languages={"de": {"review": "reviewed"}}), HOUSE, "code2")
OTHERS = [tag for tag in HOUSE if tag not in FLOW.languages]


def begin(language: str | None, flow: Flow = FLOW, hint: str = "") -> Turn:
    return engine.start(flow, receipt="R", language=language, hint=hint)


def say(turn: Turn, text: str = "", choice: str = "", flow: Flow = FLOW) -> Turn:
    stored = Session.from_json(turn.session.to_json())
    assert stored == turn.session
    return engine.resume(flow, stored, MsgIn("c", "a", text, datetime.now(UTC), text=text, choice=choice))


def said(turn: Turn) -> list[MsgOut]:
    return [event.msg for event in turn.events if isinstance(event, MessageCreated)]


def happened(turn: Turn) -> list[Event]:
    return [event for event in turn.events if not isinstance(event, MessageCreated)]


@pytest.mark.parametrize("language", OTHERS)
def test_says_in_the_persons_language_that_it_is_not_offered(language: str):
    (asked,) = said(begin(language))
    assert asked.language == language
    assert LANGUAGES[language].name in asked.text
    assert [(reply.label, reply.number) for reply in asked.quick_replies] == [("Deutsch", 1), ("English", 2)]


def test_then_speaks_the_chosen_language_and_no_other():
    turn = say(begin("ru"), "2")
    assert turn.session.language == "en"
    assert {msg.language for msg in said(turn)} == {"en"}


@pytest.mark.parametrize("answer", ["English", "english", "английский", "2"])
def test_the_makeshift_is_for_this_consultation_only(answer: str):
    turn = say(begin("ru"), answer)
    assert happened(turn) == [], "elsewhere the person is still spoken to in Russian"
    later = say(say(turn, "language"), "Deutsch")
    assert happened(later) == [LanguageChosen("de")], "who chooses without need means it"
    assert later.session.language == "de"


def test_asks_again_in_the_same_language_then_goes_on():
    first = begin("uk")
    second = say(first, "щось інше")
    assert said(second) == said(first)
    third = say(second, "???")
    assert third.session.language == "de"
    assert {msg.language for msg in said(third)} == {"de"}


def test_where_there_is_but_one_language_it_says_so_and_begins():
    told, *rest = said(begin("pl", ONLY_GERMAN))
    assert (told.language, told.quick_replies) == ("pl", ())
    assert told.text == "Niestety ta ankieta jest tylko w tym języku: Deutsch."
    assert {msg.language for msg in rest} == {"de"}
    assert len(said(begin(None, ONLY_GERMAN))) == len(said(begin("de", ONLY_GERMAN))) == len(rest)


def test_the_channels_hint_decides_nothing():
    turn = begin(None, hint="ru-RU")
    assert "Welche Sprache" in said(turn)[0].text
    assert turn.session.wanted == ""


def test_language_is_recognised_by_name_even_if_not_offered():
    turn = say(begin(None), "по-русски")
    assert happened(turn) == [LanguageChosen("ru")], "for the lobby and for other consultations"
    assert said(turn) == said(begin("ru"))
    assert happened(say(turn, "Deutsch")) == []
    polish = say(turn, "polski")
    assert said(polish) == said(begin("pl"))


def test_in_the_middle_of_a_session_too():
    turn = say(say(begin("de"), "sprache"), "українська")
    assert said(turn) == said(begin("uk"))
    turn = say(turn, "Deutsch")
    assert turn.session.language == "de"
    assert turn.session.at == FLOW.questions[0]


@pytest.mark.parametrize("language", OTHERS)
def test_stop_help_and_delete_work_in_other_languages(language: str):
    words = HOUSE[language]
    turn = begin(language)
    helped = said(say(turn, words.words("words.help")[0]))[0]
    assert helped.language == language
    assert words.text("help", "sie") in helped.text
    stopped = say(turn, words.words("words.stop")[0])
    assert PushesStopped() in stopped.events
    assert {msg.language for msg in said(stopped)} == {language}
    asked = say(turn, words.words("words.delete")[0])
    assert said(asked)[0].text == words.text("delete.ask", "sie")
    assert ErasureRequested() in say(asked, words.words("words.delete_all")[0]).events


@pytest.mark.parametrize("language", OTHERS)
def test_their_words_are_understood_in_the_middle_of_it(language: str):
    turn = say(begin(language), "Deutsch")
    assert PushesStopped() in say(turn, HOUSE[language].words("words.stop")[0]).events


def test_nothing_is_submitted_before_a_language_is_chosen():
    for language in ("ru", None):
        for word in ("absenden", "status", "отправить", "ändern"):
            turn = say(begin(language), word)
            assert turn.session.aside == "language"
            assert not any(isinstance(event, SessionCompleted) for event in turn.events)
        assert say(begin(language), "weiter").session.at == FLOW.questions[0]


def test_who_left_before_choosing_is_asked_again():
    left = say(begin("ru"), "стоп")
    again = engine.reopen(FLOW, left.session)
    assert said(again) == said(begin("ru"))
    assert again.session.aside == "language"


def test_a_flow_that_knows_only_its_own_languages_asks_in_those():
    own = Flow(consultation(), {tag: HOUSE[tag] for tag in ("de", "en")}, "code3")
    assert said(begin("ru", own))[0].text == said(begin(None))[0].text


def test_the_lobby_speaks_every_language_of_the_house():
    lobby = MainMenu((), HOUSE)
    for language in HOUSE:
        (event,) = lobby.receive(MsgIn("c", "a", "1", datetime.now(UTC), text="?!"), language)
        assert isinstance(event, MessageCreated)
        assert event.msg.language == language


@pytest.mark.parametrize(
    ("hint", "guess"), [("tr-TR", "tr"), ("de_AT", "de"), ("PL", "pl"), ("uk-UA", "uk"), ("fr", "de"), ("", "de")]
)
def test_a_hint_is_taken_for_the_nearest_language(hint: str, guess: str):
    assert best_guess(hint, tuple(HOUSE)) == guess


def test_the_words_of_commands_are_read_once_for_all_menus(monkeypatch):
    MainMenu((), HOUSE)
    monkeypatch.setattr(words, "spellings", pytest.fail)
    assert MainMenu((), HOUSE).run_command(MsgIn("c", "a", "1", datetime.now(UTC), text="/stop"), None)
    assert words.CommandMatcher(HOUSE.values()).find("stop")
