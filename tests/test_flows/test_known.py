"""What a question must know from the store: asked for as a need, given as a fact, never looked up by the engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import pytest

from bot.common.i18n import phrase_catalogues
from flows.dialogue import engine
from flows.events import MessageCreated
from flows.facts import DEFAULT_FACTS, NO_FACTS, FactQuery, Facts, MissingFacts
from flows.flow import Flow
from flows.messages import MsgIn
from flows.questions.base import LocalizedQuestion, Question
from flows.questions.fact_based import FactBasedQuestion
from flows.questions.outcomes import Accepted, Invalid, ParseResult, PartialAnswer, Reply
from flows.renderer import Renderer
from flows.session import Session, Turn
from flows.values import Missing, Value
from tests.support.app import consultation


@dataclass(frozen=True)
class Weather(FactQuery[str]):
    """A kind of need that only these tests have."""

    day: str

    @property
    def default(self) -> str:
        return "unknown"


class Umbrella(Question):
    type: Literal["umbrella"] = "umbrella"

    def localize(self, renderer: Renderer) -> LocalizedQuestion:
        return _LocalizedUmbrella(self, renderer)


class _LocalizedUmbrella(FactBasedQuestion):
    def __init__(self, definition: Umbrella, renderer: Renderer) -> None:
        self._renderer = renderer
        self.prompt = definition.prompt(renderer)

    def begin(self, facts: Facts, rated: int = 0) -> PartialAnswer:
        weather = facts.get(Weather("today"))
        return PartialAnswer([weather], self._renderer.message(f"It is {weather}."))

    def respond(self, reply: Reply, draft: Value | None, facts: Facts) -> ParseResult:
        facts.require(Weather("today"), Weather("tomorrow"))
        if reply.folded == "hm":
            return Invalid("Say yes.")
        return Accepted(len(reply.folded), words=f"an umbrella for {facts.get(Weather('tomorrow'))}")

    def show(self, value: Value) -> str:
        return str(value)

    def value_if_skipped(self, draft: Value | None) -> Value | Missing:
        return 0


def compiled() -> Flow:
    made = consultation()
    umbrella = Umbrella.model_validate({"key": "u", "text": {"de": "Schirm?", "en": "Umbrella?"}})
    made = made.model_copy(update={"questions": (*made.questions[:1], umbrella)})
    return Flow(made, {tag: phrase_catalogues.load_phrases(tag) for tag in made.languages}, "code1")


FLOW = compiled()
TODAY = Facts({Weather("today"): "dry"})
BOTH = TODAY.with_facts({Weather("tomorrow"): "rain"})


def say(session: Session, text: str, facts: Facts = NO_FACTS) -> Turn:
    stored = Session.from_json(session.to_json())
    assert stored == session
    return engine.resume(FLOW, stored, MsgIn("c", "a", "m", datetime.now(UTC), text=text), facts=facts)


def said(turn: Turn) -> list[str]:
    return [event.msg.text for event in turn.events if isinstance(event, MessageCreated)]


@pytest.fixture
def asked() -> Session:
    begun = engine.start(FLOW, receipt="R", language="de")
    return say(begun.session, "ja", TODAY).session


def test_turn_names_missing_facts_and_changes_nothing() -> None:
    begun = engine.start(FLOW, receipt="R", language="de")
    with pytest.raises(MissingFacts) as lacking:
        say(begun.session, "ja")
    assert lacking.value.queries == (Weather("today"),)
    turn = say(begun.session, "ja", TODAY)
    assert turn.session.draft == ["dry"]
    assert [line.splitlines()[-1] for line in said(turn)] == ["Schirm?", "It is dry."]


def test_several_needs_are_told_at_once(asked: Session) -> None:
    with pytest.raises(MissingFacts) as lacking:
        say(asked, "ja", TODAY)
    assert lacking.value.queries == (Weather("tomorrow"),)
    with pytest.raises(MissingFacts) as lacking:
        say(asked, "ja")
    assert lacking.value.queries == (Weather("today"), Weather("tomorrow"))


def test_a_value_that_is_a_reference_reads_in_words_of_its_own(asked: Session) -> None:
    done = say(asked, "ja", BOTH)
    assert done.session.answers["u"] == 2
    assert "an umbrella for rain" in said(done)[-1]
    again = say(done.session, "ändern 2", BOTH)
    assert "an umbrella for rain" in said(again)[0]
    assert said(say(again.session, "start over", BOTH))


def test_what_was_looked_up_is_kept_while_the_question_stands(asked: Session) -> None:
    for words in ("status", "hilfe", "datenschutz"):
        turn = say(asked, words)
        assert turn.session.draft == ["dry"], "nothing is looked up again"
    english = say(say(asked, "sprache").session, "english", Facts({Weather("today"): "wet"}))
    assert english.session.draft == ["wet"], "another language is another question"


def test_leaving_a_question_may_be_an_answer(asked: Session) -> None:
    assert say(asked, "überspringen").session.answers["u"] == 0


def test_a_rehearsal_looks_nothing_up() -> None:
    turn = engine.start(FLOW, receipt="R", language="de", facts=DEFAULT_FACTS)
    assert say(turn.session, "ja", DEFAULT_FACTS).session.draft == ["unknown"]
