"""Checks of the references in a consultation file, and of the braces in its texts.

A reference may only name an earlier question of a type that fits. The models declare which fields are references
(`flows.references`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Final, NamedTuple

from flows.authoring.braces import may_refer
from flows.authoring.references import Reference, references
from flows.conditions import All, AnyOf, Comparison, Condition, Not
from flows.definition import Consultation
from flows.questions.base import END, LEAVE, Node, Problem, Question, Where
from flows.questions.district import DISTRICTS
from flows.references import Purpose
from flows.tally import PER_OPTION


class _Fit(NamedTuple):
    """The questions that fit a purpose, and the issue of the others."""

    accepts: Callable[[Question], bool]
    reason: str
    remedy: str


def reference_problems(consultation: Consultation) -> Iterator[Problem]:
    """Yields references to unknown, later or unsuitable questions, and answers that may be missing in a text."""
    places = places_of(consultation)
    for reference in references(consultation):
        where = _shown_place(reference.where)
        if reference.purpose == "step":
            yield from _step(consultation, reference, places, where)
        elif reference.purpose != "label" or may_refer(consultation, reference.where):
            yield from _answer(consultation, reference, places, where)


def places_of(consultation: Consultation) -> dict[str, int]:
    """Maps the keys of a session to indexes in the file; of two nodes with the same key the first counts."""
    places: dict[str, int] = {}
    for index, node in consultation.placed_nodes():
        places.setdefault(node.key, index)
    return places


def is_numeric(question: Question) -> bool:
    """Whether every answer is a number."""
    possible = question.values()
    if isinstance(possible, frozenset):
        return all(isinstance(value, int | float) and not isinstance(value, bool) for value in possible)
    return possible in (int, float)


def _is_ordered(question: Question) -> bool:
    """Whether answers can be compared by less and greater."""
    return question.values() is date or is_numeric(question)


def takes_several(question: Question) -> bool:
    """Whether an answer can hold several values."""
    return question.tally in PER_OPTION


def may_be_missing(consultation: Consultation, key: str, at: int | None) -> bool:
    """Whether the answer to an earlier question can be missing at the node with index `at` (None: at the end)."""
    nodes, places = consultation.questions, places_of(consultation)
    index = places[key]
    asking = nodes[at].ask_if if at is not None else None
    if asking and _implies_answer(asking, key):
        return False
    ways = {way.to for node in nodes[:index] for way in node.leaving()}
    is_bypassed = any(places.get(to, -1) > index for to in ways) or (at is None and END in ways)
    return is_bypassed or _may_lack_answer(_node(consultation, key))


def can_be_passed(question: Question) -> bool:
    """Whether a participant can go on without an answer, or is not asked on every channel."""
    return any((question.skip, question.dont_know, question.refuse, question.web_only))


def _may_lack_answer(node: Node) -> bool:
    """Whether the node itself allows that no answer is stored, on every path to it."""
    if not isinstance(node, Question) or node.ask_if or can_be_passed(node):
        return True
    return node.may_be_empty


def _node(consultation: Consultation, key: str) -> Node:
    return next(node for node in consultation.nodes() if node.key == key)


def _shown_place(where: Where) -> Where:
    """Returns the path up to the condition, whose inner names say nothing."""
    for end, name in enumerate(where):
        if name in {"ask_if", "exits"}:
            return where[: end + (1 if name == "ask_if" else 2)]
    return where


def _step(consultation: Consultation, reference: Reference, places: dict[str, int], where: Where) -> Iterator[Problem]:
    index, to = reference.where[1], reference.key
    if to not in {END, LEAVE} and to not in places:
        reason, remedy = f"there is no question “{to}” to go to", "write the key of a later question, end or leave"
        first = next((it.expanded()[0].key for it in consultation.questions if it.key == to), "")
        yield Problem(where, reason, f"go to its first row: {first}" if first else remedy)
    elif isinstance(index, int) and places.get(to, index + 1) <= index:
        reason = f"“{to}” is an earlier question, so the path would form a circle"
        yield Problem(where, reason, "go to a later question, end or leave")


def _answer(
    consultation: Consultation, reference: Reference, places: dict[str, int], where: Where
) -> Iterator[Problem]:
    key, at = reference.key, _index_of(reference.where)
    last = _last_place(consultation, reference.where)
    index = places.get(key)
    if index is None:
        known = ", ".join(name for name, place in places.items() if place <= last)
        yield Problem(where, f"there is no question “{key}”", f"use one of: {known}" if known else "ask it before")
        return
    if index > last:
        reason = f"“{key}” is not answered yet at this point"
        yield Problem(where, reason, _EARLIER.get(reference.purpose, "name an earlier question only"))
        return
    if misfit := _misfit(_node(consultation, key), reference.purpose):
        yield Problem(where, *misfit)
    elif not reference.has_otherwise and may_be_missing(consultation, key, at):
        reason = f"the answer to “{key}” may be missing here"
        remedy = f"say what stands there then: {{answer:{key}|other words}}, or ask only if it is answered"
        yield Problem(where, reason, remedy)


def _index_of(where: Where) -> int | None:
    """Returns the index of the node that a path leads into; None outside the questions."""
    index = where[1] if where[0] == "questions" else None
    return index if isinstance(index, int) else None


def _last_place(consultation: Consultation, where: Where) -> int:
    """Returns the index of the last node that is answered here. An exit knows the answer to its own node."""
    at = _index_of(where)
    if at is None:
        return len(consultation.questions)
    return at if "exits" in where else at - 1


def _misfit(node: Node, purpose: Purpose) -> tuple[str, str] | None:
    """Returns why this node does not fit the purpose, and the remedy."""
    if not isinstance(node, Question):
        return f"“{node.key}” is a note, which has no answer", _QUESTION.get(purpose, "name a question")
    fit = _FITS[purpose]
    if not fit.accepts(node):
        return fit.reason.format(key=node.key), fit.remedy
    is_private = node.sensitive or node.web_only or node.needs_own_consent
    if is_private and purpose not in {"condition", "number"}:
        return f"the answer to “{node.key}” is sensitive, so it is not shown elsewhere", "name another question"
    return None


def _has_plain_label(question: Question) -> bool:
    """Whether an answer has words that do not name another answer."""
    options = (text for path, text in question.texts() if path[0] == "options")
    is_named = question.tally not in {"pairs", "votes"} and not question.asks_consent
    return is_named and not any(any(text.references()) for text in options)


def _asks_district(question: Question) -> bool:
    possible = question.values()
    return isinstance(possible, frozenset) and possible.issuperset(DISTRICTS)


def _offers_labels(question: Question) -> bool:
    """Whether an answer is one option that the consultation file names."""
    return question.tally == "option" and any(label for _, label in question.labels(()))


_EARLIER: Final[dict[Purpose, str]] = dict.fromkeys(("condition", "number"), "compare with an earlier question only")
_QUESTION: Final[dict[Purpose, str]] = dict.fromkeys(("condition", "number"), "compare with a question")
_FITS: Final[dict[Purpose, _Fit]] = {
    "condition": _Fit(lambda question: True, "", ""),
    "number": _Fit(
        _is_ordered, "“{key}” is not answered by a number", "use equal or one_of instead of less and greater"
    ),
    "label": _Fit(
        _has_plain_label,
        "the answer to “{key}” has no words of its own that a text could name",
        "name another question",
    ),
    "district": _Fit(
        _asks_district,
        "“{key}” does not ask for the district",
        "name a question of type district",
    ),
    "topic": _Fit(
        _offers_labels,
        "“{key}” does not offer topics to choose from",
        "name a question of type choice",
    ),
}


def _implies_answer(condition: Condition, key: str) -> bool:
    """Whether the condition holds only if the question is answered."""
    if isinstance(condition, All):
        return any(_implies_answer(part, key) for part in condition.all)
    if isinstance(condition, AnyOf):
        return all(_implies_answer(part, key) for part in condition.any)
    if isinstance(condition, Not):
        return False
    compared: list[Comparison] = list(condition.comparisons())
    return all(comparison.question == key for comparison in compared)
