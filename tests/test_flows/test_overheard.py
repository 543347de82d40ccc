"""Where others can read along, people are told, and what is marked is not asked; in private it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.common.i18n import phrase_catalogues
from flows.authoring.check import check_consultation
from flows.dialogue import engine
from flows.dialogue.unencrypted_channel import on_channel
from flows.events import AnswerGiven, MessageCreated
from flows.flow import Flow
from flows.messages import MsgIn
from flows.session import Session, Turn
from flows.values import Missing
from tests.support.app import consultation

ENGLISH: dict[str, Any] = {"languages": {"en": {}}}
LINK = "https://mitsprache.example/c/park"


def asked(key: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "type": "text", "text": {"en": f"What about {key}?", "de": f"Was ist mit {key}?"}, **more}


QUESTIONS = [asked("trees"), asked("health", web_only=True), asked("debts", web_only=True), asked("benches")]


def flow_of(questions: list[dict[str, Any]] = QUESTIONS, link: str = LINK) -> Flow:
    made = consultation(questions=questions, **ENGLISH)
    return Flow(made, {"en": phrase_catalogues.load_phrases("en")}, "code1", link)


FLOW = flow_of()


def say(turn: Turn, text: str, *, overheard: bool = True, flow: Flow = FLOW) -> Turn:
    stored = Session.from_json(turn.session.to_json())
    return engine.resume(flow, stored, MsgIn("c", "a", text, datetime.now(UTC), text=text), overheard=overheard)


def texts(turn: Turn) -> list[str]:
    return [event.msg.text for event in turn.events if isinstance(event, MessageCreated)]


def recorded(turn: Turn) -> dict[str, Missing | None]:
    return {event.key: event.missing for event in turn.events if isinstance(event, AnswerGiven)}


def begin(*, overheard: bool = True, flow: Flow = FLOW) -> Turn:
    return engine.start(flow, receipt="R", language="en", overheard=overheard)


def test_people_are_told_before_the_first_question():
    greeting, question = texts(begin())
    assert "not end-to-end encrypted" in greeting
    assert LINK in greeting
    assert "trees" in question
    assert "encrypted" not in texts(begin(overheard=False))[0]


def test_without_a_public_address_there_is_no_link():
    greeting, _ = texts(begin(flow=flow_of(link="")))
    assert "end-to-end" in greeting
    assert "http" not in greeting


def test_marked_questions_are_passed_over_and_recorded():
    turn = say(begin(), "More trees")
    assert turn.session.at == "benches"
    assert recorded(turn) == {"trees": None, "health": Missing.NOT_ASKED, "debts": Missing.NOT_ASKED}
    (question,) = texts(turn)
    assert question.startswith("There is a question I do not ask here")
    assert question.count(LINK) == 1
    summary = say(turn, "More benches")
    assert "health" in texts(summary)[0]
    assert "benches" in texts(summary)[0]


def test_in_private_they_are_asked():
    turn = say(begin(overheard=False), "More trees", overheard=False)
    assert turn.session.at == "health"


def test_whoever_goes_on_in_private_is_asked_what_was_withheld():
    turn = say(begin(), "More trees")
    turn = say(turn, "More benches", overheard=False)
    assert turn.session.at == "health"


def test_whoever_goes_on_where_others_read_along_is_not_asked_on():
    turn = say(begin(overheard=False), "More trees", overheard=False)
    turn = say(turn, "I am ill")
    assert turn.session.at == "benches"
    assert turn.session.answers == {"trees": "More trees"}


@pytest.mark.parametrize("words", ["change 2", "back"])
def test_there_is_no_way_round(words):
    turn = say(say(begin(), "More trees"), words)
    assert turn.session.at != "health"
    assert "health" not in turn.session.answers


def test_starting_over_keeps_quiet_too():
    turn = say(say(begin(), "More trees"), "/start")
    turn = say(turn, "2")
    assert turn.session.overheard
    assert say(turn, "More trees").session.at == "benches"


def test_a_marked_question_may_be_the_first_and_the_last():
    flow = flow_of([asked("health", web_only=True)])
    turn = begin(flow=flow)
    assert turn.session.at == ""
    assert recorded(turn) == {"health": Missing.NOT_ASKED}


def check_of(*questions: dict[str, Any]) -> list[str]:
    made = consultation(questions=list(questions))
    return [
        problem.remedy
        for problem in check_consultation(made, {tag: phrase_catalogues.load_phrases(tag) for tag in ("de", "en")})
    ]


def test_checking_knows_it():
    consent = asked("agree", type="consent")
    assert any("web_only: true" in remedy for remedy in check_of(consent, asked("health", sensitive=True)))
    assert not any("web_only" in r for r in check_of(consent, asked("health", sensitive=True, web_only=True)))
    assert "ask for consent everywhere" in check_of({**consent, "web_only": True})


def test_in_private_only_what_was_withheld_is_open_again():
    missing = {"trees": "skipped", "health": "not_asked", "debts": "skipped", "benches": "not_asked"}
    before = Session("code1", "en", "R", at="benches", missing=missing, overheard=True)
    assert on_channel(FLOW, before, overheard=False).missing == {
        "trees": "skipped",
        "debts": "skipped",
        "benches": "not_asked",
    }
    at_the_end = before._replace(at="")
    assert on_channel(FLOW, at_the_end, overheard=False) == at_the_end._replace(overheard=False)
    assert on_channel(FLOW, before._replace(overheard=False), overheard=True).missing == missing
