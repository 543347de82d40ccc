"""For any messages in any order: each gets a reply, no answer of theirs is lost, and the session can be stored.

Hypothesis walks through the samples and through a consultation that branches; answers are compared with the events,
which are all that reaches the database.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pydantic_core import from_json, to_json

from bot.authoring import file_check
from bot.common.i18n import phrase_catalogues
from flows.commands.words import Command
from flows.dialogue import engine
from flows.events import (
    AnswerDropped,
    AnswerGiven,
    ContributionsRequested,
    DataRequested,
    ErasureRequested,
    GapReopened,
    LinkRequested,
    MessageCreated,
    SubscriptionRequested,
)
from flows.facts import DEFAULT_FACTS
from flows.flow import Flow
from flows.messages import Location, MsgIn, MsgOut, QuickReply
from flows.session import Session, Turn
from flows.values import Missing, Value
from tests.support.app import consultation
from tests.support.sizes import size
from tests.test_flows.test_engine import YES_NO

SAMPLES: Final = Path(engine.__file__).with_name("consultations")
SPOKEN: Final = {tag: phrase_catalogues.load_phrases(tag) for tag in phrase_catalogues.catalogue_languages()}
ANSWERED_BY_OTHERS: Final = (
    DataRequested,
    ErasureRequested,
    SubscriptionRequested,
    ContributionsRequested,
    LinkRequested,
)
"""Events which `bot/` answers, because it takes more than the engine knows."""


def branching() -> Flow:
    """Questions that depend on each other, in which a change takes answers back."""
    a_choice = {"type": "choice", "options": YES_NO}
    made = consultation(
        questions=[
            {"key": "dogs", "text": {"de": "Hunde?", "en": "Dogs?"}, **a_choice},
            {
                "key": "many",
                "type": "number",
                "max": 9,
                "text": {"de": "Wie viele?", "en": "How many?"},
                "ask_if": {"equal": {"question": "dogs", "value": "yes"}},
            },
            {"key": "thanks", "type": "note", "text": {"de": "Danke.", "en": "Thank you."}},
            {
                "key": "why",
                "type": "text",
                "text": {"de": "Warum so viele?", "en": "Why so many?"},
                "ask_if": {"greater": {"question": "many", "than": 3}},
            },
            {"key": "ok", "type": "consent", "text": {"de": "Einverstanden?", "en": "All right?"}},
        ]
    )
    return Flow(made, {tag: SPOKEN[tag] for tag in made.languages}, "branch")


def sample(path: Path) -> Flow:
    made = file_check.read_consultation_file(path).publishable
    assert made
    return Flow(made, {tag: SPOKEN[tag] for tag in made.languages}, path.stem[:6])


FLOWS: Final = [branching(), *map(sample, sorted(SAMPLES.glob("*.yaml")))]
WORDS: Final = sorted(
    {f"{sign}{word}" for sign in ("", "/", "!") for word in Command}
    | {word for spoken in SPOKEN.values() for command in Command for word in spoken.words(f"words.{command}")}
    | {f"{word} {n}" for spoken in SPOKEN.values() for word in spoken.words("words.change") for n in (0, 1, 2, 99)}
)
LIKELY: Final = ["1", "2", "٣", "1 und 3", "alle", "fertig", "ja", "nein", "Wedding", "5️⃣", "vier", "Mehr Bänke", "65+"]
NUMBER: Final = st.integers(0, 30)


class Conversation(RuleBasedStateMachine):
    """One person, who says anything at all. The session is stored and read back before every message."""

    @initialize(flow=st.sampled_from(FLOWS), language=st.sampled_from([None, "de", "ar", "tr", "pl"]))
    def begin(self, flow: Flow, language: str | None) -> None:
        self.flow, self.stored, self.number = flow, dict[str, Value | Missing](), 0
        self.offered: list[QuickReply] = []
        self.every: list[QuickReply] = []
        self.take(engine.start(flow, receipt="R", language=language, facts=DEFAULT_FACTS))

    @rule(text=st.text(max_size=60) | st.sampled_from(LIKELY))
    def say(self, text: str) -> None:
        self.send(text=text)

    @rule(word=st.sampled_from(WORDS))
    def say_a_chat_word(self, word: str) -> None:
        self.send(text=word)

    @rule(number=NUMBER, is_tapped=st.booleans())
    def take_what_is_offered(self, number: int, is_tapped: bool) -> None:
        if self.offered:
            reply = self.offered[number % len(self.offered)]
            self.send(choice=reply.token if is_tapped else "", text="" if is_tapped else reply.label)

    @rule(number=NUMBER)
    def tap_an_old_button(self, number: int) -> None:
        if self.every:
            self.send(choice=self.every[number % len(self.every)].token)

    @rule(
        choice=st.text(max_size=20) | st.sampled_from(["branch.dogs.yes", "branch..submit", "x.y.z", "..", "branch.."])
    )
    def tap_what_was_never_offered(self, choice: str) -> None:
        self.send(choice=choice)

    @rule(media=st.sampled_from(["voice", "picture", "video", "file", "sticker", "contact", "other", "sealed"]))
    def send_something_else(self, media: str) -> None:
        self.send(media=media, media_ref="ref")

    @rule(latitude=st.floats(-90, 90), longitude=st.floats(-180, 180))
    def share_a_place(self, latitude: float, longitude: float) -> None:
        self.send(location=Location(latitude, longitude))

    @rule(back=st.integers(0, 5), text=st.sampled_from([*LIKELY, "", "🌳"]))
    def edit_a_message(self, back: int, text: str) -> None:
        self.send(text=text, edits=f"m{self.number - back}")

    @rule(text=st.sampled_from([*LIKELY, "hallo", "/start", "weiter"]))
    def come_back_after_days(self, text: str) -> None:
        self.send(idle=3 * 24 * 3600.0, text=text)

    @precondition(lambda self: self.turn.session.status != "waiting")
    @rule()
    def come_back(self) -> None:
        self.take(engine.reopen(self.flow, self.read_back()))

    def send(self, idle: float = 0, **given: Any) -> None:
        if self.turn.session.status != "waiting":
            return
        self.number += 1
        msg = MsgIn("c", "a", f"m{self.number}", datetime.now(UTC), **given)
        turn = engine.resume(self.flow, self.read_back(), msg, idle, DEFAULT_FACTS)
        if msg.edits and not turn.events:
            assert turn.session == self.turn.session, "changed without a word"
            return
        self.take(turn)

    def read_back(self) -> Session:
        return Session.from_json(self.turn.session.to_json())

    def take(self, turn: Turn) -> None:
        self.turn = turn
        said = [event.msg for event in turn.events if isinstance(event, MessageCreated)]
        assert said or any(isinstance(event, ANSWERED_BY_OTHERS) for event in turn.events), "left without an answer"
        for msg in said:
            assert msg.text.strip()
            assert MsgOut.from_data(from_json(to_json(msg.as_data()))) == msg
            assert all(len(reply.token.encode()) <= 64 and reply.label for reply in msg.quick_replies)
            self.every += msg.quick_replies
        if said:
            self.offered = [*said[-1].quick_replies]
        for event in turn.events:
            if isinstance(event, AnswerGiven):
                self.stored[event.key] = event.missing or event.value or 0
            elif isinstance(event, AnswerDropped | GapReopened):
                self.stored.pop(event.key, None)

    @invariant()
    def nothing_is_lost(self) -> None:
        session = self.turn.session
        known = {key: value or 0 for key, value in session.answers.items()}
        assert known == {key: it for key, it in self.stored.items() if not isinstance(it, Missing)}
        gaps = {key: Missing(code) for key, code in session.missing.items()}
        assert gaps.items() <= self.stored.items()

    @invariant()
    def it_can_be_stored(self) -> None:
        assert self.read_back() == self.turn.session

    @invariant()
    def they_stand_somewhere(self) -> None:
        session = self.turn.session
        assert session.at in ("", *self.flow.questions)
        assert session.language in self.flow.languages


TestConversation = Conversation.TestCase
TestConversation.settings = settings(
    max_examples=size("conversations of the engine"), stateful_step_count=30, deadline=None
)
