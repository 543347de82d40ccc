"""Skip logic: what each condition holds for, and that nothing in an answer can break it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from flows.conditions import Comparison, Condition

CONDITION: TypeAdapter[Any] = TypeAdapter(Condition)

LAMPS = {"equal": {"question": "lamps", "value": "yes"}}
OLD = {"greater": {"question": "age", "than": 64}}


def holds(condition: dict[str, Any], answers: dict[str, Any]) -> bool:
    result: bool = CONDITION.validate_python(condition).compile()(answers)
    return result


@pytest.mark.parametrize(
    ("condition", "answers", "expected"),
    [
        (LAMPS, {"lamps": "yes"}, True),
        (LAMPS, {"lamps": "no"}, False),
        (LAMPS, {}, False),
        (LAMPS, {"lamps": ["no", "yes"]}, True),
        (LAMPS, {"lamps": []}, False),
        ({"equal": {"question": "ok", "value": True}}, {"ok": True}, True),
        ({"equal": {"question": "ok", "value": True}}, {"ok": False}, False),
        ({"equal": {"question": "ok", "value": True}}, {"ok": 1}, False),
        ({"equal": {"question": "n", "value": 1}}, {"n": True}, False),
        ({"equal": {"question": "n", "value": 1}}, {"n": 1.0}, True),
        ({"equal": {"question": "n", "value": "1"}}, {"n": 1}, False),
        ({"one_of": {"question": "lamps", "values": ["a", "b"]}}, {"lamps": "b"}, True),
        ({"one_of": {"question": "lamps", "values": ["a", "b"]}}, {"lamps": "c"}, False),
        ({"one_of": {"question": "lamps", "values": ["a", "b"]}}, {"lamps": ["c", "a"]}, True),
        (OLD, {"age": 65}, True),
        (OLD, {"age": 64}, False),
        (OLD, {}, False),
        (OLD, {"age": "66"}, False),
        (OLD, {"age": ["66"]}, False),
        ({"less": {"question": "age", "than": 18}}, {"age": True}, False),
        ({"less": {"question": "age", "than": 18}}, {"age": 17.5}, True),
        ({"less": {"question": "age", "than": 18}}, {"age": 18}, False),
        ({"less": {"question": "age", "than": 18}}, {"age": "x"}, False),
        ({"less": {"question": "since", "than": "2020-01-01"}}, {"since": "2019-12-31"}, True),
        ({"less": {"question": "since", "than": "2020-01-01"}}, {"since": "2020-01-01"}, False),
        ({"greater": {"question": "since", "than": "2020-01-01"}}, {"since": "2020-01-02"}, True),
        ({"greater": {"question": "since", "than": "2020-01-01"}}, {"since": "a text"}, False),
        ({"greater": {"question": "since", "than": "2020-01-01"}}, {"since": 2021}, False),
        ({"greater": {"question": "since", "than": "2020-01-01"}}, {}, False),
        ({"answered": "age"}, {"age": 0}, True),
        ({"answered": "age"}, {}, False),
        ({"not": LAMPS}, {}, True),
        ({"not": LAMPS}, {"lamps": "yes"}, False),
        ({"all": [LAMPS, OLD]}, {"lamps": "yes", "age": 70}, True),
        ({"all": [LAMPS, OLD]}, {"lamps": "yes", "age": 60}, False),
        ({"any": [LAMPS, OLD]}, {"lamps": "no", "age": 70}, True),
        ({"any": [LAMPS, {"not": OLD}]}, {"lamps": "no", "age": 70}, False),
    ],
)
def test_holds(condition: dict[str, Any], answers: dict[str, Any], *, expected: bool) -> None:
    assert holds(condition, answers) is expected


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"equals": {"question": "a", "value": 1}},
        {"equal": {"question": "a"}},
        {"equal": {"question": "a", "value": 1, "more": 2}},
        {"equal": {"question": "a", "value": 1}, "answered": "b"},
        {"all": []},
        {"any": []},
        {"one_of": {"question": "a", "values": []}},
        {"less": {"question": "a", "than": "b"}},
        {"not": None},
        "lamps == 'yes'",
        None,
        ["answered"],
    ],
)
def test_what_is_no_condition_is_refused(broken: Any) -> None:
    with pytest.raises(ValidationError):
        CONDITION.validate_python(broken)


def test_comparisons_name_every_question_and_value() -> None:
    tree = CONDITION.validate_python({"all": [LAMPS, {"not": {"any": [OLD, {"answered": "wish"}]}}]})
    assert list(tree.comparisons()) == [
        Comparison(question="lamps", values=("yes",)),
        Comparison(question="age", values=(64,), ordered=True),
        Comparison(question="wish"),
    ]


VALUES = st.one_of(
    st.text(max_size=3), st.integers(), st.floats(), st.booleans(), st.lists(st.text(max_size=3), max_size=3), st.none()
)
SCALARS = st.one_of(st.text(max_size=3), st.integers(-5, 5), st.booleans())
QUESTIONS = st.sampled_from(["a", "b"])
TREES = st.recursive(
    st.one_of(
        st.builds(lambda question, value: {"equal": {"question": question, "value": value}}, QUESTIONS, SCALARS),
        st.builds(lambda question, than: {"less": {"question": question, "than": than}}, QUESTIONS, st.integers(-5, 5)),
        st.builds(
            lambda question, than: {"greater": {"question": question, "than": than}}, QUESTIONS, st.floats(-5, 5)
        ),
        st.builds(lambda question: {"answered": question}, QUESTIONS),
        st.builds(
            lambda question, values: {"one_of": {"question": question, "values": values}},
            QUESTIONS,
            st.lists(SCALARS, min_size=1, max_size=3),
        ),
    ),
    lambda inner: st.one_of(
        st.builds(lambda one: {"not": one}, inner),
        st.builds(lambda several: {"all": several}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda several: {"any": several}, st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=6,
)


@given(TREES, st.dictionaries(QUESTIONS, VALUES))
def test_any_condition_on_any_answers_is_true_or_false(tree: dict[str, Any], answers: dict[str, Any]) -> None:
    """An answer of an older revision may be of another kind than the question is now: false, never an exception."""
    condition = CONDITION.validate_python(tree)
    assert condition.compile()(answers) in (True, False)
    assert CONDITION.validate_python(condition.model_dump(mode="json")) == condition
