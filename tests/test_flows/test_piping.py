"""Answers in later texts, apart from conversations (tests/transcripts/piping-*.txt) and broken files (faults.txt)."""

from __future__ import annotations

from typing import Any

import pytest

from flows.authoring.reference_checks import may_be_missing
from flows.dialogue.messages_text import answer_text, localized_flow
from flows.dialogue.piping import LONGEST_OWN_TEXT
from flows.events import MessageCreated
from flows.flow import Flow
from flows.session import Session
from tests.test_flows.test_check import CATALOGUES, choice, choices, consultation, equal, free, reasons, text
from tests.test_flows.test_engine import Walk, ask, compiled

SURE = {"skip": False, "dont_know": False}


def note(said: str) -> dict[str, Any]:
    return {"key": "so_far", "type": "note", "text": {"de": said, "en": said}}


def shown(said: str, *questions: dict[str, Any], **state: Any) -> str:
    """The note after the questions, as a session with these answers shows it."""
    flow = compiled(*questions, note(said), ask("last"))
    return localized_flow(flow, Session(flow.code, "de", "R", **state)).titles["so_far"]


def written(key: str = "wish", **more: Any) -> dict[str, Any]:
    return {"key": key, "type": "text", "text": {"de": "Was?", "en": "What?"}} | more


class TestWords:
    """What stands in the place of a reference."""

    def test_own_words_are_short_in_one_line_and_isolated(self):
        said = "viele\nWorte " * 50
        found = shown("Zu {answer:wish|x}!", written(), answers={"wish": said})
        assert found.startswith("Zu \u2068viele Worte viele")
        assert found.endswith("…\u2069!")
        assert len(found) <= len("Zu !") + LONGEST_OWN_TEXT + 2

    def test_own_words_are_not_read_as_references(self):
        answers = {"wish": "{answer:lamps}", "lamps": "yes"}
        assert shown("{answer:wish}", ask("lamps"), written(), answers=answers) == "\u2068{answer:lamps}\u2069"

    def test_a_cut_title_closes_its_isolate(self):
        flow = compiled(written(), ask("why", text={"de": "Warum {answer:wish|x}?", "en": "x"}))
        walk = Walk(flow).say("Wort " * 40).say("1").say("ändern")
        assert walk.session.aside == "change"
        said = walk.turn.events[-1]
        assert isinstance(said, MessageCreated)
        [label] = [it.label for it in said.msg.quick_replies if "Warum" in it.label]
        assert label.count("\u2068") == label.count("\u2069") == 1

    @pytest.mark.parametrize("value", [None, [], {}])
    def test_a_missing_or_empty_answer_gets_the_other_text(self, value):
        answers = {} if value is None else {"lamps": value}
        assert shown("a {answer:lamps|b} c", ask("lamps"), answers=answers) == "a b c"

    def test_an_unforeseen_gap_is_an_ellipsis(self):
        assert shown("a {answer:lamps} c", ask("lamps")) == "a … c"

    def test_what_is_asked_on_the_web_only_is_not_repeated_elsewhere(self):
        asked = ask("lamps", web_only=True)
        assert shown("{answer:lamps|-}", asked, answers={"lamps": "yes"}) == "Ja"
        assert shown("{answer:lamps|-}", asked, answers={"lamps": "yes"}, overheard=True) == "-"

    def test_amounts_are_listed_with_their_units(self):
        fund = ask("fund", type="points", budget=10, unit={"de": "Euro", "en": "euros"})
        assert shown("{answer:fund|-}", fund, answers={"fund": {"yes": 2, "no": 1}}) == "Ja: 2 Euro und Nein: 1 Euro"

    def test_the_summary_names_the_option_as_it_was_shown(self):
        label = {"de": "Mehr: {answer:lamps|x}", "en": "More"}
        options = [{"value": "more", "label": label}, {"value": "less", "label": {"de": "Weniger", "en": "Less"}}]
        flow = compiled(ask("lamps"), ask("then", options=options))
        session = Session(flow.code, "de", "R", answers={"lamps": "no", "then": "more"})
        assert answer_text(flow, session, "then") == "Mehr: Nein"
        assert flow.localized["de"].questions["then"].show("more") == "Mehr: [Antwort auf ‚Frage lamps?‘]"


class TestSharing:
    """Texts without references are built once per revision."""

    def test_a_flow_without_references_is_shared_by_all_sessions(self):
        flow = compiled(ask("lamps"))
        assert localized_flow(flow, Session(flow.code, "de", "R")) is flow.localized["de"]

    def test_only_questions_with_references_are_built_again(self):
        flow = compiled(ask("lamps"), ask("why", text={"de": "{answer:lamps|x}?", "en": "x"}))
        shared, own = flow.localized["de"], localized_flow(flow, Session(flow.code, "de", "R"))
        assert own.questions["lamps"] is shared.questions["lamps"]
        assert own.prompts["lamps"] is shared.prompts["lamps"]
        assert own.questions["why"] is not shared.questions["why"]


class TestOldRevisions:
    """Published revisions that `check` would refuse today go on working."""

    def test_unknown_braces_stay_as_they_are(self):
        assert Walk(compiled(ask("lamps", text={"de": "Mehr {x} } {answer:?", "en": "x"}))).said().count("{x} } {") == 1

    def test_a_question_called_start_takes_answers(self):
        walk = Walk(compiled(ask("start"), ask("last"))).say(choice="code1.start.yes")
        assert walk.session.answers == {"start": "yes"}


class TestMissing:
    """Where an answer may be missing."""

    @pytest.mark.parametrize(
        ("before", "asked", "after"),
        [
            ([], choice("lamps", "yes", "no"), {}),
            ([], choice("lamps", "yes", "no", skip=False), {}),
            ([], choice("lamps", "yes", "no", refuse=True, **SURE), {}),
            ([], choices("lamps", "a", "b", min=0, **SURE), {}),
            ([free("first")], choice("lamps", "yes", "no", ask_if={"answered": "first"}, **SURE), {}),
            ([free("first", exits=[{"to": "last"}])], choice("lamps", "yes", "no", **SURE), {}),
            ([], choice("lamps", "yes", "no"), {"ask_if": {"not": equal("lamps", "yes")}}),
            ([], choice("lamps", "yes", "no"), {"ask_if": {"any": [equal("lamps", "yes"), {"answered": "two"}]}}),
        ],
    )
    def test_it_may_be_missing(self, before, asked, after):
        it = consultation(*before, asked, free("two"), free("last", **after))
        assert may_be_missing(it, "lamps", len(it.questions) - 1)

    @pytest.mark.parametrize(
        ("asked", "after"),
        [
            (choice("lamps", "yes", "no", **SURE), {}),
            (choice("lamps", "yes", "no"), {"ask_if": {"answered": "lamps"}}),
            (choice("lamps", "yes", "no"), {"ask_if": {"all": [equal("lamps", "yes"), {"answered": "two"}]}}),
        ],
    )
    def test_it_is_never_missing(self, asked, after):
        it = consultation(asked, free("two"), free("last", **after))
        assert not may_be_missing(it, "lamps", 2)

    def test_who_goes_to_the_end_early_lacks_the_answer_there(self):
        early = [{"if": equal("first", "yes"), "to": "end"}]
        it = consultation(choice("first", "yes", "no", exits=early), choice("lamps", "yes", "no", **SURE), free("last"))
        assert may_be_missing(it, "lamps", None)
        assert not may_be_missing(it, "lamps", 2)


@pytest.mark.parametrize(
    "said",
    ["Was {{fehlt}}?", "Was noch außer {answer:lamps|Licht}?", "Was noch {answer:lamps|}?", "{{{answer:lamps|x}}}"],
)
def test_braces_with_a_meaning_are_accepted(said):
    assert reasons(consultation(choice("lamps", "yes", "no"), free("wish", text=text(said)))) == []


def test_a_recording_cannot_name_an_answer():
    asked = free("wish", text=text("Was außer {answer:lamps|Licht}?"), audio={"de": "a.ogg"})
    assert reasons(consultation(choice("lamps", "yes", "no"), asked)) == [
        "a recording cannot name the answer that the text names"
    ]


def test_the_size_of_a_message_counts_the_longest_answer():
    options = [{"value": it, "label": text(it * 900)} for it in "ab"]
    asked = [choices("lamps", "a", "b", options=options), free("wish", text=text("{answer:lamps|x} " * 3))]
    found = [reason for reason in reasons(consultation(*asked)) if "this message has" in reason]
    assert len(found) == 1


def test_a_district_and_a_topic_may_not_be_sensitive():
    private = {"sensitive": True, "web_only": True}
    found = reasons(
        consultation(
            {"key": "may", "type": "consent", "text": text("Ja?")},
            {"key": "borough", "type": "district", "text": text("Wo?"), **private},
            choice("about", "a", "b", **private),
            {
                "key": "idea",
                "type": "proposal",
                "text": text("Was?"),
                "district_from": "borough",
                "topic_from": "about",
            },
        )
    )
    assert [it for it in found if "sensitive" in it] == [
        f"the answer to “{key}” is sensitive, so it is not shown elsewhere" for key in ("borough", "about")
    ]


def test_a_phrase_names_the_question_where_no_answer_is_known():
    it = consultation(choice("lamps", "yes", "no"), free("wish", text=text("Mehr {answer:lamps|x}?")))
    assert Flow(it, CATALOGUES, "c").localized["de"].titles["wish"] == "Mehr [answer.reference]Was??"
