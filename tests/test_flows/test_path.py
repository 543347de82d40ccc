"""The path of a person: what answers that are not given yet can still lead to, held against trying all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from flows.conditions import Condition
from flows.dialogue.pruning import prune
from flows.flow import Flow
from flows.path import compile_steps, reachable
from flows.questions.base import END
from flows.session import Session
from tests.support.sizes import size
from tests.test_flows.test_engine import Walk, ask, compiled

CONDITION: TypeAdapter[Any] = TypeAdapter(Condition)
A_YES: Final = {"equal": {"question": "a", "value": "yes"}}
B_YES: Final = {"equal": {"question": "b", "value": "yes"}}
OLD: Final = {"greater": {"question": "n", "than": 3}}
CONSENT: Final = {"key": "ok", "type": "consent", "text": {"de": "Dürfen wir?", "en": "May we?"}}
OK: Final = {"equal": {"question": "ok", "value": True}}


@pytest.mark.parametrize(
    ("condition", "answers", "unsure", "expected"),
    [
        (A_YES, {"a": "yes"}, (), True),
        (A_YES, {}, (), False),
        (A_YES, {}, "a", None),
        (A_YES, {"a": "yes"}, "a", None),
        (A_YES, {"a": "no"}, "a", False),
        ({"not": A_YES}, {"a": "no"}, "a", True),
        ({"not": A_YES}, {}, "a", None),
        ({"answered": "a"}, {}, "a", None),
        (OLD, {"n": 4}, "n", None),
        (OLD, {"n": 3}, "n", False),
        ({"less": {"question": "n", "than": 3}}, {}, "n", None),
        ({"one_of": {"question": "a", "values": ["yes", "no"]}}, {}, "a", None),
        ({"all": [A_YES, B_YES]}, {"b": "no"}, "a", False),
        ({"all": [A_YES, B_YES]}, {"b": "yes"}, "a", None),
        ({"any": [A_YES, B_YES]}, {"b": "yes"}, "a", True),
        ({"any": [A_YES, B_YES]}, {"b": "no"}, "a", None),
    ],
)
def test_what_is_open_makes_a_condition_unknown(
    condition: dict[str, Any], answers: dict[str, Any], unsure: str, expected: bool | None
):
    assert CONDITION.validate_python(condition).compile_open()(answers, set(unsure)) is expected


def left(flow: Flow, **answers: Any) -> set[str]:
    """What is still stored of these answers."""
    return set(prune(flow, Session("code1", "de", "R", answers=answers)).session.answers)


def test_what_depends_on_what_goes_goes_too():
    flow = compiled(ask("a"), ask("b", ask_if=A_YES), ask("c", ask_if=B_YES))
    assert left(flow, a="yes", b="yes", c="yes") == {"a", "b", "c"}
    assert left(flow, a="no", b="yes", c="yes") == {"a"}


def test_an_open_question_keeps_what_lies_behind_it():
    flow = compiled(ask("a"), ask("b", ask_if=A_YES), ask("c", ask_if={"not": B_YES}), ask("d", ask_if=B_YES))
    assert left(flow, a="yes", c="yes", d="yes") == {"a", "c", "d"}
    assert left(flow, a="yes", b="yes", c="yes", d="yes") == {"a", "b", "d"}


def test_of_a_sensitive_question_unknown_counts_as_off():
    flow = compiled(ask("a"), CONSENT, ask("b"), ask("h", sensitive=True, ask_if={"all": [OK, B_YES]}))
    assert left(flow, a="no", ok=True, h="yes") == {"a", "ok"}
    assert left(flow, a="no", ok=True, b="yes", h="yes") == {"a", "ok", "b", "h"}
    assert left(flow, ok=True, b="yes", h="yes") == {"ok", "b", "h"}, "an open question that decides nothing"
    out = [{"if": A_YES, "to": "end"}]
    assert left(compiled(CONSENT, ask("a", exits=out), ask("h", sensitive=True)), ok=True, h="yes") == {"ok"}


def test_both_ways_of_a_fork_lead_to_what_lies_behind_it():
    fork = [{"if": A_YES, "to": "h"}]
    flow = compiled(CONSENT, ask("a", exits=fork), ask("b"), ask("h", sensitive=True))
    assert left(flow, ok=True, b="no", h="yes") == {"ok", "b", "h"}
    assert left(flow, ok=True, a="yes", b="no", h="yes") == {"ok", "a", "h"}


def test_exits_belong_to_the_path():
    out = [{"if": A_YES, "to": "end"}]
    assert left(compiled(ask("a", exits=out), ask("b")), a="yes", b="yes") == {"a"}
    flow = compiled({**CONSENT, "required": True}, ask("a"))
    assert left(flow, ok=False, a="yes") == {"ok"}


def test_sensitive_question_always_needs_a_consent():
    flow = compiled(CONSENT, ask("h", sensitive=True), ask("z"))
    assert Walk(flow).say("nein").session.at == "z"
    assert Walk(flow).say("ja").session.at == "h"


def test_looking_and_going_back_change_nothing():
    flow = compiled(ask("a"), ask("b", ask_if=A_YES), ask("c"))
    walk = Walk(flow).say("ja").say("nein")
    for line in (
        "zurück",
        "zurück",
        "weiter",
        "ändern 1",
        "weiter",
        "status",
        "hilfe",
        "start",
        "1",
        "sprache",
        "deutsch",
    ):
        walk.say(line)
        assert walk.session.answers == {"a": "yes", "b": "no"}, line


def test_an_edit_does_not_bring_back_what_went():
    flow = compiled(ask("a"), ask("b", ask_if=A_YES), ask("c"))
    walk = Walk(flow).say("ja").say("ja", external_id="second").say("ändern 1").say("überspringen")
    assert walk.session.answers == {"a": "yes", "b": "yes"}
    walk.say("ändern 1").say("nein", external_id="third")
    assert walk.session.answers == {"a": "no"}
    assert walk.say("nein", edits="second").session.answers == {"a": "no"}


def test_many_questions_are_not_all_named():
    questions = [ask(key, ask_if=A_YES) for key in "bcdefgh"]
    walk = Walk(compiled(ask("a"), *questions))
    for _ in range(8):
        walk.say("ja")
    said = walk.say("ändern 1").say("nein").said().partition("\n")[0]
    assert said == (
        "Damit sind diese Antworten gelöscht: „Frage b?“, „Frage c?“, „Frage d?“, „Frage e?“, „Frage f?“ und 2 weitere"
    )


def conditions(before: list[str]) -> st.SearchStrategy[Any]:
    leaf = st.sampled_from(before).flatmap(
        lambda key: st.sampled_from([{"equal": {"question": key, "value": "yes"}}, {"answered": key}])
    )
    return st.recursive(
        leaf,
        lambda inner: (
            st.builds(lambda it: {"not": it}, inner)
            | st.builds(lambda some: {"all": some}, st.lists(inner, min_size=1, max_size=2))
            | st.builds(lambda some: {"any": some}, st.lists(inner, min_size=1, max_size=2))
        ),
        max_leaves=3,
    )


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    keys = "abcdef"[: draw(st.integers(2, 6))]
    questions = []
    for at, key in enumerate(keys):
        more: dict[str, Any] = {"sensitive": draw(st.booleans())}
        if at and draw(st.booleans()):
            more["ask_if"] = draw(conditions(list(keys[:at])))
        if draw(st.integers(0, 3)) == 0:
            to = draw(st.sampled_from([*keys[at + 1 :], "end", "leave"]))
            more["exits"] = [{"if": draw(conditions(list(keys[: at + 1]))), "to": to}]
        questions.append(ask(key, **more))
    return compiled(*questions)


def ways(flow: Flow, session: Session) -> Iterator[set[str]]:
    """The questions that are asked, for everything people may still answer."""
    fixed: dict[str, Any] = {**session.answers, **dict.fromkeys(session.missing)}
    open_ones = [key for key in flow.questions if key not in fixed]
    for chosen in product(["yes", "no", None], repeat=len(open_ones)):
        yield asked(flow, {**fixed, **dict(zip(open_ones, chosen, strict=True))})


def asked(flow: Flow, said: Mapping[str, Any]) -> set[str]:
    """The questions that are asked of a person with these answers; None stands for a skipped one."""
    given: dict[str, Any] = {}
    on: set[str] = set()
    jump = ""
    for node in flow.consultation.questions:
        if jump and node.key != jump:
            continue
        jump = ""
        if node.ask_if and not node.ask_if.compile()(given):
            continue
        on.add(node.key)
        if said[node.key] is not None:
            given[node.key] = said[node.key]
        jump = next((way.to for way in node.exits if way.condition is None or way.condition.compile()(given)), "")
        if jump in {END, "leave"}:
            break
    return on


@settings(max_examples=size("flows that are pruned"), deadline=None)
@given(flows(), st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["yes", "no", None]), max_size=6))
def test_pruning_keeps_reachable_and_certain_answers_only(flow: Flow, said: dict[str, str | None]):
    known = {key: value for key, value in said.items() if key in flow.questions}
    answers: dict[str, Any] = {key: value for key, value in known.items() if value}
    session = Session("code1", "de", "R", answers=answers, missing=dict.fromkeys(known.keys() - answers, "skipped"))
    pruned = prune(flow, session).session
    assert prune(flow, pruned).session == pruned
    every = list(ways(flow, session))
    can_come, certain = set[str]().union(*every), set(flow.questions).intersection(*every)
    kept = set(pruned.stored_keys())
    for key in known:
        if flow.question(key).sensitive:
            assert key in certain if key in kept else True, f"{key} is sensitive"
        elif key not in kept:
            assert key not in can_come or depends_on_sensitive(flow, session), f"{key} can be reached"


def depends_on_sensitive(flow: Flow, session: Session) -> bool:
    """Whether a sensitive answer goes too: it is open then, and what hangs on it is another matter."""
    return any(flow.question(key).sensitive for key in session.stored_keys())


@settings(max_examples=size("flows that are passed"), deadline=None)
@given(flows(), st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["yes", "no"]), max_size=6))
def test_what_is_passed_can_be_reached(flow: Flow, said: dict[str, str]):
    session = Session("code1", "de", "R", answers={key: value for key, value in said.items() if key in flow.questions})
    pruned = prune(flow, session)
    on = reachable(compile_steps(flow.consultation.questions), pruned.session)
    assert on.issuperset(pruned.path.passed)
    assert not pruned.path.open or pruned.path.open in on
