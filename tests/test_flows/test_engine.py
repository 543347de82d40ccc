"""The engine: branches, going back, changing, leaving and coming back. Everyday talk stands in tests/transcripts/."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.common.i18n import phrase_catalogues
from flows.dialogue import engine
from flows.errors import EndlessFlowError
from flows.events import AnswerDropped, AnswerGiven, ConsentGiven, MessageCreated, SessionCompleted, SessionInterrupted
from flows.flow import Flow
from flows.messages import MsgIn
from flows.session import Session
from flows.values import Missing
from tests.support.app import consultation

YES_NO = [{"value": "yes", "label": {"de": "Ja", "en": "Yes"}}, {"value": "no", "label": {"de": "Nein", "en": "No"}}]


def ask(key: str, **more):
    return {"key": key, "type": "choice", "text": {"de": f"Frage {key}?", "en": f"{key}?"}, "options": YES_NO} | more


def compiled(*questions) -> Flow:
    made = consultation(questions=list(questions)) if questions else consultation()
    return Flow(made, {tag: phrase_catalogues.load_phrases(tag) for tag in made.languages}, "code1")


class Walk:
    """A session that is stored and read back between messages."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.turn = engine.start(flow, receipt="R", language="de")
        self.number = 0

    @property
    def session(self) -> Session:
        return self.turn.session

    def say(self, text: str = "", **more) -> Walk:
        self.number += 1
        msg = MsgIn("c", "a", more.pop("external_id", f"m{self.number}"), datetime.now(UTC), text=text, **more)
        stored = Session.from_json(self.session.to_json())
        assert stored == self.session
        self.turn = engine.resume(self.flow, stored, msg)
        return self

    def answers(self) -> list[tuple[str, object]]:
        return [
            (event.key, event.missing or event.value) for event in self.turn.events if isinstance(event, AnswerGiven)
        ]

    def said(self) -> str:
        return "\n".join(event.msg.text for event in self.turn.events if isinstance(event, MessageCreated))


def test_a_question_is_asked_only_where_its_condition_holds():
    flow = compiled(ask("a"), ask("b", ask_if={"equal": {"question": "a", "value": "yes"}}), ask("c"))
    assert Walk(flow).say("nein").session.at == "c"
    assert Walk(flow).say("ja").session.at == "b"


def test_what_was_never_asked_is_recorded_at_the_end():
    flow = compiled(ask("a"), ask("b", ask_if={"equal": {"question": "a", "value": "yes"}}))
    walk = Walk(flow).say("nein").say("absenden")
    assert walk.answers() == [("b", Missing.NOT_ASKED)]
    assert SessionCompleted() in walk.turn.events


def test_a_change_takes_back_what_does_not_belong_any_more():
    flow = compiled(ask("a"), ask("b", ask_if={"equal": {"question": "a", "value": "yes"}}), ask("c"))
    walk = Walk(flow).say("ja").say("ja").say("ja").say("ändern 1").say("nein")
    assert walk.answers() == [("a", "no")]
    assert AnswerDropped("b", "yes") in walk.turn.events
    assert "b" not in walk.session.answers
    assert walk.said().startswith("Damit ist diese Antwort gelöscht: „Frage b?“")
    assert walk.session.answers["c"] == "yes", "later answers are kept"


@pytest.mark.parametrize("number", ["7", "0", "9" * 5000])
def test_a_number_of_no_answer_is_asked_for_once_more(number):
    walk = Walk(compiled(ask("a"))).say("ja").say(number)
    assert walk.session.aside == "change"
    assert walk.say("1").session.at == "a"


def test_a_digit_that_is_no_decimal_is_no_number():
    walk = Walk(compiled(ask("a"))).say("ja").say("፩")
    assert walk.session.aside == ""
    assert SessionCompleted() in walk.say("absenden").turn.events


def test_exits_jump_forward_to_the_summary_and_out():
    jump = {"if": {"equal": {"question": "a", "value": "yes"}}, "to": "c"}
    leave = {"if": {"equal": {"question": "a", "value": "no"}}, "to": "leave"}
    flow = compiled(ask("a", exits=[jump, leave]), ask("b"), ask("c"))
    assert Walk(flow).say("ja").session.at == "c"
    left = Walk(flow).say("nein")
    assert left.session.status == "interrupted"
    assert SessionInterrupted() in left.turn.events


def test_a_flow_that_goes_in_circles_is_stopped():
    flow = compiled(ask("a"), ask("b", exits=[{"to": "a"}]))
    with pytest.raises(EndlessFlowError):
        Walk(flow).say("ja").say("ja")


def test_a_refused_consent_ends_politely_and_is_on_record():
    consent = {"key": "ok", "type": "consent", "required": True, "text": {"de": "Einverstanden?", "en": "Agree?"}}
    flow = compiled(consent, ask("a"))
    walk = Walk(flow).say("nein")
    given = [event for event in walk.turn.events if isinstance(event, ConsentGiven)]
    assert [(event.given, "Einverstanden?" in event.text) for event in given] == [(False, True)]
    assert walk.session.status == "interrupted"
    assert Walk(flow).say("ja").session.at == "a"


def test_an_edit_corrects_the_answer_it_gave():
    walk = Walk(compiled(ask("a"), ask("b"))).say("ja", external_id="first").say("neim", edits="first")
    assert walk.answers() == [("a", "no")]
    assert walk.session.at == "b"
    assert walk.say("egal", edits="something else").answers() == []


def test_an_edit_that_changes_nothing_has_no_reply():
    walk = Walk(compiled(ask("a"), ask("b"))).say("ja", external_id="first").say("Ja.", edits="first")
    assert walk.turn.events == ()
    assert walk.session.at == "b"


@pytest.mark.parametrize("text", ["/stop", "stopp", "!stop"])
def test_an_answer_edited_to_stop_is_a_stop(text):
    wish = {"key": "wish", "type": "text", "text": {"de": "Was fehlt?", "en": "What is missing?"}}
    walk = Walk(compiled(wish, ask("b"))).say("Bänke", external_id="first").say(text, edits="first")
    assert walk.session.status == "interrupted"
    assert walk.session.answers == {"wish": "Bänke"}


def test_a_changed_vote_replaces_its_answer():
    walk = Walk(compiled(ask("a"), ask("b"))).say(choice="code1.a.yes", refers_to="poll").say("ja")
    walk.say(choice="code1.a.no", refers_to="poll")
    assert walk.answers() == [("a", "no")]
    assert walk.session.answers == {"a": "no", "b": "yes"}
    assert walk.say(choice="code1.a.no", refers_to="poll").turn.events == (), "the same vote once more"
    assert walk.say(choice="code1.a.yes").answers() == [], "an old button"


def test_a_vote_in_the_poll_of_another_question_is_explained():
    walk = Walk(compiled(ask("a"), ask("b"))).say("ja")
    for token in ("code1.b.maybe", "code1.zzz.no", "other.a.no"):
        assert walk.say(choice=token, refers_to="poll").answers() == [], token
    assert walk.session.answers == {"a": "yes"}


def test_a_deleted_message_takes_its_answer_back():
    walk = Walk(compiled(ask("a"), ask("b"))).say("ja", external_id="first").say(taken_back="first")
    assert AnswerDropped("a", "yes") in walk.turn.events
    assert (walk.session.answers, walk.session.at) == ({}, "a")
    (said,) = [event.msg.text for event in walk.turn.events if isinstance(event, MessageCreated)]
    assert "gelöscht" in said
    assert walk.say(taken_back="first").session.answers == {}


def test_a_deleted_older_message_is_explained():
    walk = Walk(compiled(ask("a"), ask("b"))).say("ja", external_id="first").say("nein").say(taken_back="first")
    assert walk.session.answers == {"a": "yes", "b": "no"}
    (said,) = [event.msg.text for event in walk.turn.events if isinstance(event, MessageCreated)]
    assert "noch gespeichert" in said


def test_chat_words_are_understood_without_umlauts():
    walk = Walk(compiled(ask("a"), ask("b"))).say("Ueberspringen!")
    assert walk.answers() == [("a", Missing.SKIPPED)]
    assert walk.say("zurueck").session.at == "a"
    assert walk.say("ja").say("nein").say("aendern 2").session.at == "b"


def test_old_buttons_are_harmless():
    walk = Walk(compiled(ask("a"), ask("b"))).say("ja")
    for token in ("other.a.no", "code1.zzz.no", "code1..nonsense", "garbage", "code1.a.no"):
        assert walk.say(choice=token).answers() == [], token
        assert walk.session.at == "b"
    assert "ändern 1" in walk.said()


def test_what_was_jumped_over_is_not_asked_and_not_interrupted():
    jump = {"if": {"equal": {"question": "a", "value": "yes"}}, "to": "c"}
    only_no = {"equal": {"question": "a", "value": "no"}}
    flow = compiled(ask("a", exits=[jump]), ask("b"), ask("c"), ask("d", ask_if=only_no), ask("e"))
    gaps = {"b": Missing.NOT_ASKED, "c": Missing.INTERRUPTED, "d": Missing.NOT_ASKED, "e": Missing.INTERRUPTED}
    assert dict(Walk(flow).say("ja").say("stopp").answers()) == gaps
    out = {"if": {"equal": {"question": "a", "value": "no"}}, "to": "leave"}
    assert Walk(compiled(ask("a", exits=[out]), ask("b"))).say("nein").answers()[-1] == ("b", Missing.NOT_ASKED)


def test_stop_wins_over_everything_and_says_what_is_open():
    flow = compiled(ask("a"), {"key": "w", "type": "text", "text": {"de": "Wunsch?", "en": "Wish?"}})
    walk = Walk(flow).say("ja").say("STOPP")
    assert walk.answers() == [("w", Missing.INTERRUPTED)]
    again = engine.reopen(flow, walk.session)
    assert again.session.status == "waiting"
    assert again.session.aside == "return"


def test_starting_over_forgets_and_says_so():
    walk = Walk(compiled(ask("a"), ask("b"))).say("ja").say("start").say("2")
    assert walk.answers() == [], "what was asked is never told as not asked"
    assert AnswerDropped("a", "yes") in walk.turn.events
    assert walk.said().startswith("Damit ist diese Antwort gelöscht: „Frage a?“")
    assert walk.session.at == "a"
    assert dict(walk.say("stopp").answers()) == {"a": Missing.INTERRUPTED, "b": Missing.INTERRUPTED}


def test_two_repairs_then_a_way_out():
    walk = Walk(compiled(ask("a"), ask("b")))
    first, second, third = (walk.say("blafasel").said() for _ in range(3))
    assert first != second != third
    assert "überspringen" in third
    assert walk.say("überspringen").answers() == [("a", Missing.SKIPPED)]


def test_the_language_changes_at_any_moment_and_answers_stay():
    walk = Walk(compiled(ask("a"), ask("b"))).say("ja").say("language").say("english")
    assert walk.session.language == "en"
    assert walk.session.answers == {"a": "yes"}
    assert "b?" in walk.said()


def test_answer_to_change_is_chosen_by_number_or_question():
    wish = {"key": "w", "type": "text", "text": {"de": "Wunsch?", "en": "Wish?"}}
    walk = Walk(compiled(ask("a"), wish)).say("ja").say("ändern")
    assert walk.session.aside == "change"
    assert walk.say("was weiß ich").answers() == [], "no wish was meant"
    assert walk.say("Frage a?").session.at == "a"


WORDS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "ja",
            "nein",
            "1",
            "2",
            "9",
            "zurück",
            "weiter",
            "überspringen",
            "start",
            "stopp",
            "hilfe",
            "status",
            "ändern",
            "sprache",
            "2️⃣",
            "absenden",
            "löschen",
        ]
    ),
)


@settings(max_examples=300)
@given(st.lists(st.tuples(WORDS, st.sampled_from(["", "code1.a.yes", "code1..skip", "x.y.z"])), max_size=12))
def test_nothing_anybody_says_leaves_them_without_an_answer(said):
    flow = compiled(ask("a"), {"key": "w", "type": "text", "text": {"de": "Wunsch?", "en": "Wish?"}}, ask("b"))
    walk = Walk(flow)
    for text, choice in said:
        if walk.session.status != "waiting":
            break
        walk.say(text, choice=choice)
        assert walk.turn.events
        assert walk.session.at in ("", *flow.questions)


def test_undecryptable_message_is_asked_for_again():
    walk = Walk(compiled(ask("a")))
    before = walk.session
    walk.say(media="sealed")
    assert walk.answers() == []
    assert "entschlüsseln" in walk.said()
    assert "Frage a?" in walk.said()
    assert walk.session == before
    walk.say("Ja")
    assert walk.answers() == [("a", "yes")]
