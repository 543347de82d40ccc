"""Static checks of the skip logic: comparisons, reachability, exits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import combinations
from math import inf
from typing import Any, Final, NamedTuple

from flows.authoring.reference_checks import can_be_passed, is_numeric, places_of, reference_problems, takes_several
from flows.conditions import Comparison, Condition, Test
from flows.days import parse_day
from flows.definition import Consultation
from flows.path import conditions_of
from flows.questions.base import END, LEAVE, Node, Problem, Question, Where
from flows.tokens import START
from flows.values import Value

MOST_STATES = 20_000
"""Maximum number of states; above it reachability is not checked, because it would take too long."""

_SOMETHING_ELSE = "\0something else"
_RESERVED: Final = {
    END: "that is a place to go to",
    LEAVE: "that is a place to go to",
    START: "old buttons with this name start a consultation",
}
"""Keys that a new file may not use. Published revisions with such a key go on working."""


class Reachability(NamedTuple):
    """The union over all possible paths."""

    asked: frozenset[int]
    """Indexes of the reachable nodes."""
    taken: frozenset[tuple[int, int]]
    """Exits taken on some path, as (node, exit)."""
    ends: frozenset[str]


def logic_problems(consultation: Consultation) -> Iterator[Problem]:
    """Yields all problems of keys, references and conditions; checks reachability only if there are none."""
    faults = [*_keys(consultation), *reference_problems(consultation), *_comparisons(consultation)]
    yield from faults
    if not faults and (walks := explore(consultation)):
        yield from _reachability(consultation, walks)


def placed_conditions(consultation: Consultation) -> Iterator[tuple[Where, int, Condition]]:
    """Yields every condition with its path and the index of the last question that it may refer to."""
    for index, node in enumerate(consultation.questions):
        if node.ask_if:
            yield ("questions", index, "ask_if"), index - 1, node.ask_if
        for number, way in enumerate(node.exits):
            if way.condition:
                yield ("questions", index, "exits", number), index, way.condition


def _keys(consultation: Consultation) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, node in enumerate(consultation.questions):
        where = ("questions", index, "key")
        if remedy := _RESERVED.get(node.key):
            yield Problem(where, f"the key of a question cannot be “{node.key}”", f"{remedy}; choose another key")
        if node.key in seen:
            yield Problem(where, f"the key “{node.key}” is used twice", "give each question its own key")
        seen.add(node.key)


def _comparisons(consultation: Consultation) -> Iterator[Problem]:
    """Yields comparisons with values that a question cannot have. References are checked before."""
    places, nodes = places_of(consultation), {node.key: node for node in reversed(consultation.nodes())}
    for where, last, condition in placed_conditions(consultation):
        for comparison in condition.comparisons():
            node = nodes.get(comparison.question)
            if isinstance(node, Question) and places[node.key] <= last:
                yield from _values(where, comparison, node)


def _values(where: Where, comparison: Comparison, node: Question) -> Iterator[Problem]:
    possible = node.values()
    if comparison.ordered:
        yield from _bounds(where, comparison, node)
    elif isinstance(possible, frozenset):
        offered = ", ".join(sorted(map(str, possible)))
        for value in comparison.values:
            if not _is_among(value, possible):
                yield Problem(where, f"“{node.key}” can never have the value “{value}”", f"use one of: {offered}")
    elif possible is not None:
        kind = _KINDS.get(possible, "something else")
        for value in comparison.values:
            if not _fits(value, possible):
                reason = f"“{value}” is compared with “{node.key}”, whose answer is {kind}"
                yield Problem(where, reason, f"write {kind}")


def _bounds(where: Where, comparison: Comparison, node: Question) -> Iterator[Problem]:
    """Yields a day compared with a number, and a number compared with a day."""
    is_day = any(isinstance(value, str) for value in comparison.values)
    asks_day = node.values() is date
    if asks_day and not is_day:
        yield Problem(where, f"“{node.key}” has a date as its answer", "compare with a date, e.g. 2027-03-31")
    elif is_day and not asks_day:
        yield Problem(where, f"“{node.key}” has no date as its answer", "compare with a value that it can have")


def _is_among(value: Value, possible: frozenset[Any]) -> bool:
    """Whether it is one of the values. `True` equals 1 in Python, but is no answer to a question about numbers."""
    return value in possible and all(isinstance(value, bool) == isinstance(it, bool) for it in possible if it == value)


_KINDS: dict[type, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a text",
    date: "a date",
}


def _fits(value: Value, kind: type) -> bool:
    if kind is date:
        return parse_day(value) is not None
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    return isinstance(value, int | float) if kind is float else isinstance(value, kind)


def _reachability(consultation: Consultation, walks: Reachability) -> Iterator[Problem]:
    reported: set[int] = set()
    for index, (place, node) in enumerate(consultation.placed_nodes()):
        if index not in walks.asked:
            what = "question" if node.waits else "text"
            if place in reported:
                continue
            reported.add(place)
            yield Problem(
                ("questions", place), f"no path leads to this {what}", "check ask_if here and the exits before it"
            )
            continue
        # Exits that the type adds come first (a refused consent leaves).
        own = len(node.leaving()) - len(node.exits)
        for number in range(len(node.exits)):
            if (index, own + number) not in walks.taken:
                reason = "no path takes this exit"
                yield Problem(
                    ("questions", place, "exits", number), reason, "check its condition and the exits above it", True
                )
    if END not in walks.ends:
        yield Problem(
            ("questions",),
            "no path leads to the end, so the answers cannot be submitted",
            "let at least one path reach the end",
        )


def explore(consultation: Consultation) -> Reachability | None:
    """Follows all paths with all distinguishable answers; returns None above the maximum number of states."""
    steps = _Steps(consultation)
    asked: set[int] = set()
    taken: set[tuple[int, int]] = set()
    ends: set[str] = set()
    waiting: list[tuple[int, dict[str, Any]]] = [(0, {})]
    seen: set[tuple[int, str]] = set()
    while waiting:
        index, answers = waiting.pop()
        if index == len(steps.tests):
            ends.add(END)
            continue
        state = (index, repr(sorted(answers.items())))
        if state in seen:
            continue
        seen.add(state)
        if len(seen) > MOST_STATES:
            return None
        test = steps.tests[index]
        if test and not test(answers):
            waiting.append((index + 1, steps.forget(answers, index + 1)))
            continue
        asked.add(index)
        for after in steps.answered(index, answers):
            number, to = steps.leave(index, after)
            if number is not None:
                taken.add((index, number))
            if isinstance(to, str):
                ends.add(to)
            else:
                waiting.append((to, steps.forget(after, to)))
    return Reachability(frozenset(asked), frozenset(taken), frozenset(ends))


class _Steps:
    """The nodes for the exploration: compiled tests, and the distinguishable answers per question."""

    def __init__(self, consultation: Consultation) -> None:
        nodes = consultation.nodes()
        self._nodes = nodes
        self._places = {node.key: index for index, node in enumerate(nodes)}
        self.tests: list[Test | None] = [it.compile() if it else None for it in conditions_of(nodes).values()]
        self._exits = [_compiled_exits(node) for node in nodes]
        mentioned: dict[str, set[Any]] = {}
        self._last_use: dict[str, int] = {}
        for index, comparison in _placed_comparisons(nodes):
            mentioned.setdefault(comparison.question, set()).update(comparison.values)
            self._last_use[comparison.question] = index
        self._answers = {
            node.key: _answers(node, mentioned[node.key])
            for node in nodes
            if isinstance(node, Question) and node.key in mentioned
        }

    def answered(self, index: int, answers: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yields the answers extended by each distinguishable answer to this node; `None` means no answer."""
        key = self._nodes[index].key
        for value in self._answers.get(key, [None]):
            yield dict(answers) if value is None else {**answers, key: value}

    def leave(self, index: int, answers: Mapping[str, Any]) -> tuple[int | None, int | str]:
        """Returns the exit taken, and the next node or end."""
        for number, (test, to) in enumerate(self._exits[index]):
            if test is None or test(answers):
                return number, to if to in {END, LEAVE} else self._places[to]
        return None, index + 1

    def forget(self, answers: Mapping[str, Any], index: int) -> dict[str, Any]:
        """Removes answers that no later node refers to, so that equal states coincide."""
        return {key: value for key, value in answers.items() if self._last_use[key] >= index}


def _compiled_exits(node: Node) -> list[tuple[Test | None, str]]:
    return [(way.condition.compile() if way.condition else None, way.to) for way in node.leaving()]


def _placed_comparisons(nodes: Sequence[Node]) -> Iterator[tuple[int, Comparison]]:
    """Yields every comparison with the index of the node whose condition or exit it belongs to."""
    asked_if = conditions_of(nodes)
    for index, node in enumerate(nodes):
        for condition in (asked_if[node.key], *(way.condition for way in node.leaving())):
            for comparison in condition.comparisons() if condition else ():
                yield index, comparison


def _answers(question: Question, mentioned: set[Any]) -> list[Any]:
    """Returns one answer per equivalence class of a question, given the compared values; None means no answer."""
    given = _values_given(question, mentioned)
    return [*given, None] if can_be_passed(question) else given


def _values_given(question: Question, mentioned: set[Any]) -> list[Any]:
    possible = question.values()
    if isinstance(possible, frozenset):
        return _selections(question, possible, mentioned)
    if possible is bool:
        return [True, False]
    if possible is date:
        return _days(question, mentioned)
    return _numbers(question, mentioned) if is_numeric(question) else [*mentioned, _SOMETHING_ELSE]


def _selections(question: Question, possible: frozenset[Any], mentioned: set[Any]) -> list[Any]:
    """Returns the compared options and one more; all options of a scale. Several are combined, up to six at a time."""
    others = [value for value in possible if value not in mentioned]
    given = [value for value in possible if value in mentioned]
    given += others if is_numeric(question) else others[:1]
    if not takes_several(question):
        return given
    sizes = range(0 if question.may_be_empty else 1, min(len(given), 6) + 1)
    return [list(some) for size in sizes for some in combinations(given, size)]


def _numbers(question: Question, mentioned: set[Any]) -> list[float]:
    """Returns numbers on, below, between and above the compared ones, within the limits of the question."""
    low, high = question.bounds()
    least, most = low if isinstance(low, int | float) else -inf, high if isinstance(high, int | float) else inf
    around = _neighbours(mentioned, whole=question.values() is not float) | ({least, most} - {-inf, inf})
    return [it for it in sorted(around) if least <= it <= most]


def _neighbours(numbers: set[Any], *, whole: bool) -> set[float]:
    found = {number + step for number in numbers for step in (-1, -0.5, 0, 0.5, 1)} or {0}
    return {number for number in found if number == int(number)} if whole else found


def _days(question: Question, mentioned: set[Any]) -> list[str]:
    """Returns days on, before, between and after the compared ones, within the limits of the question."""
    given = (bound if isinstance(bound, date) else None for bound in question.bounds())
    low, high = (bound or widest for bound, widest in zip(given, (date.min, date.max), strict=True))
    days = {
        date.fromordinal(min(max(day.toordinal() + step, 1), date.max.toordinal()))
        for value in mentioned
        if (day := parse_day(value))
        for step in (-1, 0, 1)
    }
    return [day.isoformat() for day in sorted(days | {low, high}) if low <= day <= high]
