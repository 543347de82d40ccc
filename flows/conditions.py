"""Skip logic as a typed tree: all, any, not, answered, equal, one_of, less, greater.

A tree can be checked before publishing and is never evaluated as code.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Set
from typing import Annotated, Any, TypeGuard

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from flows.days import DayText, parse_day
from flows.references import CONDITION, NUMBER
from flows.values import Value

Answers = Mapping[str, Any]
Test = Callable[[Answers], bool]
OpenTest = Callable[[Answers, Set[str]], bool | None]
"""A test during a session: takes the answers and the keys of questions that may still get another answer or none.
Returns None where the result depends on one of those questions."""


class _Condition(BaseModel, ABC):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @abstractmethod
    def compile(self) -> Test:
        """Returns the test; a comparison with an unanswered or skipped question is false."""

    @abstractmethod
    def compile_open(self) -> OpenTest:
        """Returns the same test in three-valued logic, for a session with open questions."""

    @abstractmethod
    def comparisons(self) -> Iterator[Comparison]:
        """Yields every comparison in the tree, for the static check."""


class _Leaf(_Condition):
    """A single comparison. Its result is unknown only while the answer to its question is."""

    def compile_open(self) -> OpenTest:
        test = self.compile()
        (key,) = {comparison.question for comparison in self.comparisons()}

        def test_open(answers: Answers, unsure: Set[str]) -> bool | None:
            if key not in unsure:
                return test(answers)
            # The answer may be dropped later, so a match is uncertain and a mismatch is final.
            return None if key not in answers or test(answers) else False

        return test_open


class Comparison(BaseModel):
    """One question and the values it is compared with; `values` is empty for `answered`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: str
    values: tuple[Value, ...] = ()
    ordered: bool = False


class ValueOf(BaseModel):
    """The right side of `equal`: a question and the value it must have (or, of several, contain)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: Annotated[str, CONDITION]
    value: str | int | float | bool


class ValuesOf(BaseModel):
    """The right side of `one_of`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: Annotated[str, CONDITION]
    values: tuple[str | int | float | bool, ...] = Field(min_length=1)


class Bound(BaseModel):
    """The right side of `less` and `greater`: a number, or a day."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: Annotated[str, NUMBER]
    than: int | float | DayText


class All(_Condition):
    """True when every condition is."""

    all: tuple[Condition, ...] = Field(min_length=1)

    def compile(self) -> Test:
        tests = [condition.compile() for condition in self.all]
        return lambda answers: all(test(answers) for test in tests)

    def compile_open(self) -> OpenTest:
        tests = [condition.compile_open() for condition in self.all]

        def test_open(answers: Answers, unsure: Set[str]) -> bool | None:
            found = [test(answers, unsure) for test in tests]
            return False if False in found else None if None in found else True

        return test_open

    def comparisons(self) -> Iterator[Comparison]:
        for condition in self.all:
            yield from condition.comparisons()


class AnyOf(_Condition):
    """True when at least one condition is."""

    any: tuple[Condition, ...] = Field(min_length=1)

    def compile(self) -> Test:
        tests = [condition.compile() for condition in self.any]
        return lambda answers: any(test(answers) for test in tests)

    def compile_open(self) -> OpenTest:
        tests = [condition.compile_open() for condition in self.any]

        def test_open(answers: Answers, unsure: Set[str]) -> bool | None:
            found = [test(answers, unsure) for test in tests]
            return True if True in found else None if None in found else False

        return test_open

    def comparisons(self) -> Iterator[Comparison]:
        for condition in self.any:
            yield from condition.comparisons()


class Not(_Condition):
    """True when the condition is not."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_alias=True, serialize_by_alias=True)

    negated: Condition = Field(alias="not")

    def compile(self) -> Test:
        test = self.negated.compile()
        return lambda answers: not test(answers)

    def compile_open(self) -> OpenTest:
        test = self.negated.compile_open()

        def test_open(answers: Answers, unsure: Set[str]) -> bool | None:
            found = test(answers, unsure)
            return None if found is None else not found

        return test_open

    def comparisons(self) -> Iterator[Comparison]:
        yield from self.negated.comparisons()


class Answered(_Leaf):
    """True when the question has an answer ("don't know" is none)."""

    answered: Annotated[str, CONDITION]

    def compile(self) -> Test:
        key = self.answered
        return lambda answers: key in answers

    def comparisons(self) -> Iterator[Comparison]:
        yield Comparison(question=self.answered)


class Equal(_Leaf):
    """True when the question has this value, or this value among several chosen."""

    equal: ValueOf

    def compile(self) -> Test:
        return OneOf(one_of=ValuesOf(question=self.equal.question, values=(self.equal.value,))).compile()

    def comparisons(self) -> Iterator[Comparison]:
        yield Comparison(question=self.equal.question, values=(self.equal.value,))


class OneOf(_Leaf):
    """True when the question has one of these values, or one of them among several chosen."""

    one_of: ValuesOf

    def compile(self) -> Test:
        key = self.one_of.question
        # In Python True == 1; in a consultation file true and 1 are different values.
        wanted_bools = frozenset(value for value in self.one_of.values if isinstance(value, bool))
        wanted = frozenset(value for value in self.one_of.values if not isinstance(value, bool))

        def test(answers: Answers) -> bool:
            value = answers.get(key)
            if isinstance(value, list | dict):
                return not wanted.isdisjoint(value)
            return value in wanted_bools if isinstance(value, bool) else value in wanted

        return test

    def comparisons(self) -> Iterator[Comparison]:
        yield Comparison(question=self.one_of.question, values=self.one_of.values)


class Less(_Leaf):
    """True when the answered number is smaller, or the answered day earlier."""

    less: Bound

    def compile(self) -> Test:
        key, than = self.less.question, self.less.than
        if isinstance(than, str):
            return lambda answers: _is_day(value := answers.get(key)) and value < than
        return lambda answers: _is_number(value := answers.get(key)) and value < than

    def comparisons(self) -> Iterator[Comparison]:
        yield Comparison(question=self.less.question, values=(self.less.than,), ordered=True)


class Greater(_Leaf):
    """True when the answered number is greater, or the answered day later."""

    greater: Bound

    def compile(self) -> Test:
        key, than = self.greater.question, self.greater.than
        if isinstance(than, str):
            return lambda answers: _is_day(value := answers.get(key)) and value > than
        return lambda answers: _is_number(value := answers.get(key)) and value > than

    def comparisons(self) -> Iterator[Comparison]:
        yield Comparison(question=self.greater.question, values=(self.greater.than,), ordered=True)


def _is_number(value: Any) -> TypeGuard[int | float]:
    """Type guard: an answer to an older revision may have another type than the question has now."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_day(value: Any) -> TypeGuard[str]:
    return parse_day(value) is not None


def _kind(condition: object) -> str | None:
    if isinstance(condition, Not):
        return "not"
    names = (
        condition
        if isinstance(condition, dict)
        else type(condition).model_fields
        if isinstance(condition, BaseModel)
        else ()
    )
    return next(iter(names), None)


Condition = Annotated[
    Annotated[All, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[Not, Tag("not")]
    | Annotated[Answered, Tag("answered")]
    | Annotated[Equal, Tag("equal")]
    | Annotated[OneOf, Tag("one_of")]
    | Annotated[Less, Tag("less")]
    | Annotated[Greater, Tag("greater")],
    Discriminator(_kind),
]
"""A condition as written in a file. Its only key names its kind, so errors are reported at the right path."""
