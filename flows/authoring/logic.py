"""Static checks of the skip logic: comparisons, reachability, exits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, NamedTuple

from flows.conditions import Comparison, Condition, Test
from flows.definition import Consultation
from flows.path import conditions_of
from flows.questions.base import END, LEAVE, Node, Problem, Question, Where
from flows.values import Value

MOST_STATES = 20_000
"""Maximum number of states; above it reachability is not checked, because it would take too long."""

_SOMETHING_ELSE = "\0something else"


class Reachability(NamedTuple):
    """The union over all possible paths."""

    asked: frozenset[int]
    """Indexes of the reachable nodes."""
    taken: frozenset[tuple[int, int]]
    """Exits taken on some path, as (node, exit)."""
    ends: frozenset[str]


def logic_problems(consultation: Consultation) -> Iterator[Problem]:
    """Yields all problems of keys, conditions and exits; checks reachability only if there are none."""
    faults = [*_keys(consultation), *_comparisons(consultation), *_exits(consultation)]
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
        if node.key in {END, LEAVE}:
            yield Problem(
                where, f"no question can be called “{node.key}”", "that is a place to go to; choose another key"
            )
        if node.key in seen:
            yield Problem(where, f"the key “{node.key}” stands twice", "give each question its own key")
        seen.add(node.key)


def _places(consultation: Consultation) -> dict[str, int]:
    """Maps keys to indexes; of two nodes with the same key the first counts."""
    return {node.key: index for index, node in reversed(list(enumerate(consultation.questions)))}


def _comparisons(consultation: Consultation) -> Iterator[Problem]:
    places = _places(consultation)
    for where, last, condition in placed_conditions(consultation):
        for comparison in condition.comparisons():
            index = places.get(comparison.question)
            if index is None:
                known = ", ".join(reversed(places))
                yield Problem(where, f"there is no question “{comparison.question}”", f"use one of: {known}")
            elif index > last:
                reason = f"“{comparison.question}” is not answered yet at this point"
                yield Problem(where, reason, "compare with an earlier question only")
            else:
                yield from _values(where, comparison, consultation.questions[index])


def _values(where: Where, comparison: Comparison, node: Node) -> Iterator[Problem]:
    if not isinstance(node, Question):
        yield Problem(where, f"“{node.key}” asks nothing, so it never has an answer", "compare with a question")
        return
    possible = node.values()
    if comparison.ordered:
        if not _is_numeric(possible):
            yield Problem(
                where, f"“{node.key}” has no number as its answer", "use equal or one_of instead of less and greater"
            )
        return
    for value in comparison.values:
        if isinstance(possible, frozenset):
            if value not in possible or any(
                value == it and isinstance(value, bool) != isinstance(it, bool) for it in possible
            ):
                offered = ", ".join(sorted(map(str, possible)))
                yield Problem(where, f"“{node.key}” can never have the value “{value}”", f"use one of: {offered}")
        elif possible is not None and not _fits(value, possible):
            kind = _KINDS.get(possible, "something else")
            yield Problem(where, f"“{value}” is compared with “{node.key}”, whose answer is {kind}", f"write {kind}")


_KINDS: dict[type, str] = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


def _fits(value: Value, kind: type) -> bool:
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    return isinstance(value, int | float) if kind is float else isinstance(value, kind)


def _is_numeric(possible: frozenset[Value] | type | None) -> bool:
    if isinstance(possible, frozenset):
        return all(isinstance(value, int | float) and not isinstance(value, bool) for value in possible)
    return possible in (int, float)


def _exits(consultation: Consultation) -> Iterator[Problem]:
    places = _places(consultation)
    for index, node in enumerate(consultation.questions):
        for number, way in enumerate(node.exits):
            where = ("questions", index, "exits", number)
            if way.to not in {END, LEAVE} and way.to not in places:
                yield Problem(
                    where,
                    f"there is no question “{way.to}” to go to",
                    "write the key of a later question, end or leave",
                )
            elif places.get(way.to, index + 1) <= index:
                yield Problem(
                    where,
                    f"“{way.to}” comes earlier, so people would go in circles",
                    "go to a later question, end or leave",
                )


def _reachability(consultation: Consultation, walks: Reachability) -> Iterator[Problem]:
    for index, node in enumerate(consultation.questions):
        if index not in walks.asked:
            what = "question" if node.waits else "text"
            yield Problem(
                ("questions", index), f"nobody ever comes to this {what}", "check ask_if here and the exits before it"
            )
            continue
        # Exits that the type adds come first (a refused consent leaves).
        own = len(node.leaving()) - len(node.exits)
        for number in range(len(node.exits)):
            if (index, own + number) not in walks.taken:
                reason = "nobody ever takes this exit"
                yield Problem(
                    ("questions", index, "exits", number), reason, "check its condition and the exits above it", True
                )
    if END not in walks.ends:
        yield Problem(
            ("questions",), "no way leads to the end, so nobody can submit", "let at least one way reach the end"
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
        if index == len(consultation.questions):
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
        nodes = consultation.questions
        self._nodes = nodes
        self._places = {node.key: index for index, node in enumerate(nodes)}
        asked_if = conditions_of(nodes)
        self.tests: list[Test | None] = [it.compile() if it else None for it in asked_if.values()]
        self._exits = [
            [(way.condition.compile() if way.condition else None, way.to) for way in node.leaving()] for node in nodes
        ]
        compared: dict[str, list[Comparison]] = {}
        self._last_use: dict[str, int] = {}
        for index, node in enumerate(nodes):
            for condition in (asked_if[node.key], *(way.condition for way in node.leaving())):
                for comparison in condition.comparisons() if condition else ():
                    compared.setdefault(comparison.question, []).append(comparison)
                    self._last_use[comparison.question] = index
        self._answers = {
            node.key: _answers(node, compared[node.key])
            for node in nodes
            if isinstance(node, Question) and node.key in compared
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


def _answers(question: Question, comparisons: list[Comparison]) -> list[Any]:
    """Returns one answer per equivalence class of a question; None means no answer."""
    mentioned = {value for comparison in comparisons for value in comparison.values}
    possible = question.values()
    given: list[Any]
    if possible is bool:
        given = [True, False]
    elif _is_numeric(possible) and not isinstance(possible, frozenset):
        given = _numbers(question, mentioned)
    elif isinstance(possible, frozenset):
        given = [value for value in possible if value in mentioned]
        given += [value for value in possible if value not in mentioned][
            : len(possible) if _is_numeric(possible) else 1
        ]
        if _takes_several(question):
            least = 0 if getattr(question, "min", 1) == 0 else 1
            given = [list(some) for size in range(least, min(len(given), 6) + 1) for some in combinations(given, size)]
    else:
        given = [*mentioned, _SOMETHING_ELSE]
    may_lack = question.skip or question.dont_know or question.refuse or question.web_only
    return [*given, None] if may_lack else given


def _numbers(question: Question, mentioned: set[Any]) -> list[float]:
    """Returns numbers on, below, between and above the compared ones, within the limits of the question."""
    low, high = (getattr(question, name, None) for name in ("min", "max"))
    around = {value + step for value in mentioned for step in (-1, -0.5, 0, 0.5, 1)} or {0}
    whole = {value for value in around if question.values() is float or value == int(value)}
    whole |= {bound for bound in (low, high) if bound is not None}
    return [it for it in sorted(whole) if (low is None or it >= low) and (high is None or it <= high)]


def _takes_several(question: Question) -> bool:
    return question.expects in {"many", "order", "amounts"}
