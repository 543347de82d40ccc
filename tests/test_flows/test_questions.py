"""Every question type: what it makes of replies, what it promises for any input, which faults it finds."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from bot.common.i18n.phrase_catalogues import catalogue_languages
from flows.days import parse_day
from flows.questions.age_band import BANDS, band_of
from flows.questions.base import Question, registry
from flows.questions.fact_based import FactBasedQuestion
from flows.questions.outcomes import Accepted, Interpreted, Invalid, PartialAnswer, Reply
from flows.questions.pairwise import pairs
from flows.understanding.text import clean_text, fold
from flows.values import Missing
from tests.test_flows.golden_files import (
    FOLDER,
    TYPES,
    PhraseIdRenderer,
    ask,
    node_of,
    outcome,
    read,
    reply_of,
    shown,
    write,
)

DEFINITIONS = {name: read(name)["definition"] for name in TYPES if (FOLDER / f"{name}.json").exists()}
ASKED = {
    (name, language): ask(DEFINITIONS[name], language) for name in DEFINITIONS for language in catalogue_languages()
}
WAITING = [name for name in DEFINITIONS if node_of(DEFINITIONS[name]).waits]


@pytest.mark.parametrize("name", TYPES)
def test_golden(name: str, request: pytest.FixtureRequest) -> None:
    data = read(name)
    prompts = {language: shown(ask(data["definition"], language).prompt) for language in data["prompts"]}
    replies = {
        language: [_played(data, language, row) for row, _ in rows] for language, rows in data["replies"].items()
    }
    if request.config.getoption("update_golden"):
        write(name, {**data, "prompts": prompts, "replies": replies})
    assert prompts == read(name)["prompts"]
    for language, rows in read(name)["replies"].items():
        for expected, played in zip(rows, replies[language], strict=True):
            assert played == expected


def _played(data: dict[str, Any], language: str, row: Any) -> list[Any]:
    reply, draft = reply_of(row)
    return [row, outcome(ask(data["definition"], language, renderer=PhraseIdRenderer).parse(reply, draft))]


def test_no_golden_file_without_a_type() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(TYPES)


@pytest.mark.parametrize("name", TYPES)
def test_the_example_in_the_docstring_can_be_copied(name: str) -> None:
    example = re.search(r"```yaml\n(.*?)```", inspect.getdoc(registry()[name]) or "", re.DOTALL)
    assert example
    (definition,) = YAML(typ="safe").load(example[1])
    assert definition["type"] == name
    assert list(node_of(definition).problems()) == []
    assert ask(definition, "de").prompt.text


@pytest.mark.parametrize("name", TYPES)
def test_sample_definitions_have_no_faults(name: str) -> None:
    node = node_of(DEFINITIONS[name])
    assert list(node.problems()) == []
    assert node_of(node.model_dump(mode="json", by_alias=True, exclude_unset=True)) == node


# Signs and words that mean something to one type or another, and some that break things.
SIGNS = st.text("0123456789٣۳½🔟️⃣ ,.;/-–+'٫٬و{}%\\\"İıßﷺ\u200d\u202e\u00a0\ud800\x00\n", max_size=20)
WORDS = st.lists(
    st.sampled_from(["ja", "nicht", "keine", "fertig", "und", "ve", "Mitte", "Bäume", "sicher", "34", "1", "3"])
)
LONG = "9" * 5000
"""Python refuses to read a number of this number of digits."""
ANY_TEXT = st.text(max_size=300) | SIGNS | WORDS.map(" ".join) | st.tuples(SIGNS, WORDS).map(str) | st.just(LONG)
ANY_DRAFT = (
    st.none()
    | st.lists(st.sampled_from(["trees", "benches", "nothing", "gone", "+done", "park", "bridge", "park>bridge"]))
    | st.text(max_size=5)
    | st.dictionaries(st.sampled_from(["park", "trees", "gone"]), st.integers(-3, 20))
)
ANY_CHOICE = (
    st.just("")
    | st.text(max_size=30)
    | st.sampled_from(["yes", "no", "3", "07", "+done", "-park", "-", "0-1", "7-2", *Missing, "27_45", f"{LONG}-1"])
)


@given(st.sampled_from(sorted(ASKED)), ANY_TEXT, ANY_CHOICE, ANY_DRAFT)
def test_any_reply_gets_an_answer_of_the_promised_kind(
    which: tuple[str, str], text: str, choice: str, draft: Any
) -> None:
    """For any reply: no exception, no value outside `values()`, no missing code that was not offered."""
    node, asked = node_of(DEFINITIONS[which[0]]), ASKED[which]
    text = clean_text(text)
    parsed = asked.parse(Reply(text, fold(text), choice), draft)
    if isinstance(parsed, Invalid):
        assert parsed.hint.strip()
        return
    assert isinstance(node, Question)
    if isinstance(parsed, Missing):
        assert {Missing.DONT_KNOW: node.dont_know, Missing.REFUSED: node.refuse}[parsed]
        return
    if isinstance(parsed, PartialAnswer) and isinstance(asked, FactBasedQuestion):
        assert asked.prompt_for(parsed.value).quick_replies == parsed.msg.quick_replies
        return  # what it keeps on the way is no value
    value = parsed.value if isinstance(parsed, Interpreted | Accepted | PartialAnswer) else parsed
    possible = node.values()
    if possible is date:
        assert parse_day(value)
        possible = str
    for one in value if isinstance(value, list | dict) else [value]:
        assert one in possible if isinstance(possible, frozenset) else isinstance(one, possible or object)
    assert value is not None
    assert asked.show(value)
    if isinstance(parsed, PartialAnswer):
        assert asked.prompt_for(value).quick_replies == parsed.msg.quick_replies


@pytest.mark.parametrize("language", catalogue_languages())
@pytest.mark.parametrize("name", WAITING)
def test_what_is_offered_can_be_tapped_typed_and_numbered(name: str, language: str) -> None:
    """Buttons are never required: number and label mean the same as the button."""
    asked = ASKED[name, language]
    for offered in asked.prompt.quick_replies:
        _, key, value = offered.token.split(".", 2)
        assert len(offered.token.encode()) <= 64
        if not key:
            continue
        tapped = asked.parse(Reply(choice=value), None)
        assert not isinstance(tapped, Invalid)
        assert asked.parse(Reply(offered.label, fold(offered.label)), None) == tapped
        assert asked.matches_exactly(fold(offered.label))
        if offered.number:
            assert asked.parse(Reply(str(offered.number), str(offered.number)), None) == tapped


@pytest.mark.parametrize("language", catalogue_languages())
@pytest.mark.parametrize("form", ["du", "sie"])
@pytest.mark.parametrize("name", TYPES)
def test_every_type_can_be_asked_in_every_language_and_form(name: str, form: Any, language: str) -> None:
    """Finds a phrase that is missing from a catalogue, or a placeholder that a translation lost or invented."""
    asked = ask(DEFINITIONS[name], language, form)
    for row, _ in (row for rows in read(name)["replies"].values() for row in rows):
        reply, draft = reply_of(row)
        assert asked.parse(reply, draft) is not None
    assert asked.prompt.text
    assert asked.prompt.language == language


def test_a_draft_says_in_words_what_is_chosen() -> None:
    """The symbols ☑ and ☐ alone would tell nothing to a screen reader that leaves them out."""
    draft = ASKED["choices", "de"].parse(Reply("1 3", "1 3"), None)
    assert isinstance(draft, PartialAnswer)
    assert "Bäume, Bänke und Tische" in draft.msg.text
    assert [reply.label for reply in draft.msg.quick_replies if reply.chosen] == ["☑ Bäume", "☑ Bänke und Tische"]
    assert ASKED["choices", "de"].prompt_for(["trees", "tables"]) == draft.msg
    assert ASKED["choices", "de"].prompt_for(None) == ASKED["choices", "de"].prompt


def test_none_of_these_is_enough_whatever_the_least_number() -> None:
    asked = ask({**DEFINITIONS["choices"], "min": 2}, "de")
    draft = asked.parse(Reply("5", "5"), None)
    assert isinstance(draft, PartialAnswer)
    assert draft.msg.quick_replies[-1].token.endswith("+done")
    assert asked.parse(Reply(choice="+done"), draft.value) == ["nothing"]
    assert isinstance(asked.parse(Reply(choice="+done"), ["trees"]), PartialAnswer)


def test_nothing_chosen_is_an_answer_where_none_is_required() -> None:
    asked = ask({**DEFINITIONS["choices"], "min": 0}, "de")
    assert asked.prompt.quick_replies[-2].token.endswith("+done")
    assert asked.parse(Reply(choice="+done"), None) == []
    assert asked.show([])


def test_pairs_differ_per_person_and_use_options_equally() -> None:
    values = tuple("abcdefgh")
    drawn = {seed: pairs(values, seed, 12) for seed in map(str, range(50))}
    assert len({*drawn.values()}) == 50
    for order in drawn.values():
        assert len({frozenset(pair) for pair in order}) == 12
        came = Counter(value for pair in order for value in pair)
        assert len(came) == len(values)
        assert max(came.values()) - min(came.values()) <= 2, "12 pairs of 8 options: each about three times"
    left = Counter(order[0].first for order in drawn.values())
    assert len(left) == len(values), "nobody always stands first"


def test_a_pair_decided_is_never_asked_again() -> None:
    asked = ASKED["pairwise", "de"]
    draft = asked.draft_for(None, "7K3QP")
    seen = []
    for _ in range(4):
        msg = asked.prompt_for(draft)
        seen.append(frozenset(reply.label for reply in msg.quick_replies[:2]))
        parsed = asked.parse(Reply("1", "1"), draft)
        assert isinstance(parsed, PartialAnswer)
        draft = parsed.value
    done = asked.parse(Reply("1", "1"), draft)
    assert len({*seen}) == 4
    assert isinstance(done, list)
    assert len(done) == 5
    assert asked.draft_for(done[:3], "7K3QP") == ["#7K3QP", *done[:3]], "one goes on where one stopped"
    assert asked.draft_for(done, "7K3QP") == ["#7K3QP"], "what is complete begins anew"
    assert asked.value_if_skipped(["#7K3QP", "park>well", "park>school"]) == ["park>well", "park>school"]
    assert asked.value_if_skipped(["#7K3QP", "park>well"]) is Missing.SKIPPED


def test_required_consent_lets_only_a_yes_pass() -> None:
    first, *_ = node_of(DEFINITIONS["consent"]).leaving()
    assert first.condition is not None
    leaves = first.condition.compile()
    assert (first.to, leaves({"may_store": False}), leaves({}), leaves({"may_store": True})) == (
        "leave",
        True,
        True,
        False,
    )
    assert node_of({**DEFINITIONS["consent"], "required": False}).leaving() == ()


@pytest.mark.parametrize("field", ["skip", "dont_know", "refuse"])
def test_consent_cannot_be_skipped(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        node_of({**DEFINITIONS["consent"], field: True})


def test_bands_meet_without_gap_or_overlap() -> None:
    assert [band_of(age) for age in (0, 5, 6, 14, 15, 17, 18, 26, 27, 44, 45, 54, 55, 64, 65, 120)] == [
        band for band in BANDS for _ in range(2)
    ]


def option(value: str, label: str, *synonyms: str) -> dict[str, Any]:
    return {"value": value, "label": {"de": label}, "synonyms": {"de": synonyms} if synonyms else {}}


TWO = [option("a", "Anna-Park"), option("b", "Bert-Park")]
THREE = [*TWO, option("c", "Neu-Park")]
SCALE = {"type": "scale", "min_label": {"de": "wenig"}, "max_label": {"de": "viel"}}
FAULTS: list[tuple[dict[str, Any], tuple[str | int, ...], bool]] = [
    ({"type": "choice", "options": [*TWO, option("a", "Anders")]}, ("options", 2, "value"), False),
    ({"type": "choice", "options": [*TWO, option("c", "anna park!")]}, ("options", 2, "label", "de"), False),
    (
        {"type": "choice", "options": [*TWO, option("c", "Neu", "Bert-Park")]},
        ("options", 2, "synonyms", "de", 0),
        False,
    ),
    ({"type": "choice", "options": [*TWO, option("c", "1")]}, ("options", 2, "label", "de"), False),
    ({"type": "choice", "options": [*TWO, option("dont_know", "Egal")]}, ("options", 2, "value"), False),
    ({"type": "choice", "options": [*TWO, option("c", "x" * 65)]}, ("options", 2, "label", "de"), True),
    ({"type": "choice", "options": [*TWO, option("c", "👍")]}, ("options", 2, "label", "de"), True),
    ({"type": "choices", "options": [*TWO, option("a", "Anders")]}, ("options", 2, "value"), False),
    ({"type": "choices", "options": TWO, "min": 3}, ("min",), False),
    ({"type": "choices", "options": TWO, "min": 2, "exclusive": "b"}, ("min",), False),
    ({"type": "choices", "options": TWO, "min": 2, "max": 1}, ("max",), False),
    ({"type": "choices", "options": TWO, "max": 3}, ("max",), True),
    ({"type": "choices", "options": TWO, "max": 1}, ("max",), True),
    ({"type": "choices", "options": TWO, "exclusive": "c"}, ("exclusive",), False),
    ({"type": "rank", "options": TWO, "min": 3}, ("min",), False),
    ({"type": "rank", "options": TWO, "max": 3}, ("max",), False),
    ({"type": "rank", "options": [*TWO, option("c", "Neu")], "min": 3, "max": 2}, ("max",), False),
    ({"type": "rank", "options": [*TWO, option("a", "Anders")]}, ("options", 2, "value"), False),
    ({"type": "pairwise", "options": THREE, "min": 5, "max": 4}, ("max",), False),
    ({"type": "pairwise", "options": THREE, "min": 4}, ("min",), False),
    ({"type": "points", "budget": 5, "step": 6, "options": TWO}, ("step",), False),
    ({"type": "points", "budget": 5, "options": [*TWO, option("a", "Anders")]}, ("options", 2, "value"), False),
    ({"type": "points", "budget": 5, "options": [{**TWO[0], "cost": 3}, TWO[1]]}, ("options", 1, "cost"), False),
    (
        {"type": "points", "budget": 5, "options": [{**TWO[0], "cost": 6}, {**TWO[1], "cost": 3}]},
        ("options", 0, "cost"),
        False,
    ),
    ({"type": "points", "budget": 5, "options": [{**it, "cost": 2} for it in TWO]}, ("budget",), True),
    ({**SCALE, "min": 5, "max": 5}, ("max",), False),
    ({**SCALE, "max_label": {"de": "Wenig!"}}, ("max_label", "de"), False),
    ({**SCALE, "max": 4, "middle_label": {"de": "teils"}}, ("middle_label",), False),
    ({**SCALE, "max_label": {"de": "x" * 65}}, ("max_label", "de"), True),
    ({"type": "number", "min": 5, "max": 5}, ("max",), False),
    ({"type": "number", "min": 0.5}, ("min",), False),
    ({"type": "text", "min_length": 20, "max_length": 10}, ("max_length",), False),
]


@pytest.mark.parametrize(("definition", "where", "warning"), FAULTS)
def test_faults_are_found_where_they_are(
    definition: dict[str, Any], where: tuple[str | int, ...], *, warning: bool
) -> None:
    found = list(node_of({"key": "k", "text": {"de": "Frage?"}, **definition}).problems())
    assert [(problem.where, problem.warning) for problem in found] == [(where, warning)]
    assert found[0].reason
    assert found[0].remedy
