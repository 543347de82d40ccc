"""Publishing and figures never disagree: over all types of question and every change of a field, what publishing would
refuse is told apart, and what it lets pass, or what a person may confirm, is counted together.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bot.consultations.changes import ChangeLevel
from bot.results.counts.question_meaning import AskedQuestion, have_same_meaning
from flows.definition import Consultation
from flows.questions.base import Question, registry
from tests.test_consultations.test_comparison import asks, history

Definition = dict[str, Any]
GOLDEN = Path(__file__).parents[1] / "test_flows" / "golden"
LANGUAGES: Mapping[str, Any] = {"de": {}, "en": {}}
ASKED = sorted(name for name, cls in registry().items() if issubclass(cls, Question))
OTHER: Mapping[str, Any] = {
    "budget": 1_000,
    "unit": {"de": "Meter", "en": "metres"},
    "hint": {"de": "Nur eines.", "en": "One only."},
    "middle_label": {"de": "teils", "en": "partly"},
    "max": 9,
    "min": 3,
    "decimals": 2,
    "step": 2,
    "seeds": [{"de": "Mehr Ruhe", "en": "More quiet"}],
}
"""What a field that may not be there is set to."""

COUNTED_TOGETHER = [
    (name, cls.counted_with)
    for name, cls in sorted(registry().items())
    if issubclass(cls, Question) and cls.counted_with
]


def base(type_: str) -> Definition:
    definition: Definition = json.loads((GOLDEN / f"{type_}.json").read_text(encoding="utf-8"))["definition"]
    return definition


def variants(start: Definition) -> Iterator[Definition]:
    """Definitions in which one thing differs; not all of them are allowed."""
    for name, value in {**dict.fromkeys(OTHER), **start}.items():
        if name in {"key", "type", "options"}:
            continue
        yield from (start | {name: it} for it in other_texts(value))
        if isinstance(value, bool):
            yield start | {name: not value}
        elif isinstance(value, int):
            yield start | {name: value + 1}
        if name in OTHER:
            yield start | {name: OTHER[name]}
        yield {it: content for it, content in start.items() if it != name}
    for other in COUNTED_TOGETHER:
        if start["type"] in other:
            yield start | {"type": other[1 - other.index(start["type"])]}
    if "options" in start:
        yield from (start | {"options": it} for it in other_options(start["options"]))
    if start["type"] == "scale":
        yield start | {"min_label": start["max_label"], "max_label": start["min_label"]}


def other_texts(value: Any) -> Iterator[Definition]:
    if isinstance(value, dict) and set(value) & {"de", "en"}:
        yield {"de": "Etwas ganz anderes", "en": "Something else"}
        yield value | {"en": "Only this changed"}
        yield value | {"tr": "Bu dilde sorulmadı"}
        yield {tag: f" {text.upper()} " for tag, text in value.items()}
        yield {"de": value.get("de", "Hier")}


def other_options(options: list[Definition]) -> Iterator[list[Definition]]:
    def changed(place: int, **more: Any) -> list[Definition]:
        found = deepcopy(options)
        found[place] |= more
        return found

    first, second = (it["label"] for it in options[:2])
    new = {"de": "Etwas Neues", "en": "Something new"}
    costs = {"cost": 3} if "cost" in options[0] else {}
    yield [*options, {"value": "brand_new", "label": new} | costs]
    yield options[:-1]
    yield [options[0] | {"label": second}, options[1] | {"label": first}, *options[2:]]
    yield changed(0, label=new)
    yield changed(0, label=first | {"en": "Only in English"})
    yield changed(0, value="brand_new")
    yield [*options[1:], {"value": "brand_new", "label": first} | costs]
    yield [{"value": "brand_new", "label": second} | costs, *options[2:], options[0]]
    yield changed(0, cost=7)
    yield [{name: it for name, it in option.items() if name != "cost"} for option in options]
    yield [option | {"cost": 5} for option in options]
    yield list(reversed(options))
    yield changed(0, synonyms={"de": ["ein anderes Wort"]})


def allowed(definition: Definition) -> Consultation | None:
    try:
        return asks(definition, languages=LANGUAGES)
    except ValidationError:
        return None


def asked(consultation: Consultation) -> AskedQuestion:
    (question,) = consultation.questions
    assert isinstance(question, Question)
    return AskedQuestion(question, tuple(consultation.languages))


@pytest.mark.parametrize("type_", ASKED)
def test_figures_and_publishing_say_the_same_of_every_change(type_: str):
    start = base(type_)
    old = asks(start, languages=LANGUAGES)
    found = [it for it in map(allowed, variants(start)) if it]
    assert len(found) >= 6
    for new in found:
        before, after = asked(old), asked(new)
        changes = [*history(old, new), *history(new, old)]
        is_apart = any(it.level is ChangeLevel.REFUSED or it.kind == "measure" for it in changes)
        if before.question.type != after.question.type:
            assert {it.kind for it in changes if it.level is ChangeLevel.REFUSED} == {"type"}
        else:
            assert have_same_meaning(before, after) is not is_apart, (before.question, after.question, changes)
        assert have_same_meaning(before, after) == have_same_meaning(after, before)


def test_choice_and_choices_are_counted_together():
    start = base("choice")
    several, one = (asked(asks(start | {"type": it}, languages=LANGUAGES)) for it in ("choices", "choice"))
    assert have_same_meaning(one, several)
    assert COUNTED_TOGETHER == [("choice", "choices")], "the only types whose answers are counted together"


@pytest.mark.parametrize(("one", "other"), [it for it in permutations(ASKED, 2) if set(it) != {"choice", "choices"}])
def test_answers_of_two_types_are_never_counted_together(one: str, other: str):
    old, new = (asked(asks(base(it) | {"key": "same"}, languages=LANGUAGES)) for it in (one, other))
    assert not have_same_meaning(old, new)


@pytest.mark.parametrize(
    ("type_", "more"),
    [
        ("number", {"decimals": 0}),
        ("consent", {"hint": {"de": "Auch Ihren Namen.", "en": "Your name, too."}}),
        ("consent", {"text": {"tr": "Yalnızca Türkçe"}}),
        (
            "choice",
            {
                "options": [
                    {"value": "new", "label": base("choice")["options"][0]["label"]},
                    *base("choice")["options"][1:],
                ]
            },
        ),
    ],
    ids=["decimals", "second line of a consent", "consent in another language", "label given to a new value"],
)
def test_what_was_refused_and_yet_counted_together_is_told_apart(type_: str, more: Definition):
    languages: Definition = {"de": {}, "en": {}, "tr": {}}
    old, new = (asked(asks(it, languages=languages)) for it in (base(type_), base(type_) | more))
    if "tr" in more.get("text", {}):
        old = asked(asks(base(type_) | {"text": {"de": "Dürfen wir?"}}, languages=languages))
    assert not have_same_meaning(old, new)
