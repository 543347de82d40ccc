"""Compares a new revision with the answered ones: changes are refused, need confirmation, or are harmless.

Pure: takes the new consultation, the current one, and every earlier revision with answers. Question types declare the
meaning of their fields (`flows.meaning`). Answers to one key are counted together, so a key must keep its meaning.

Parts that equal the current revision are not changes, even if earlier answers belong to other texts: older versions
published without this comparison, and refusing later corrections would not repair that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Final, NamedTuple

from bot.consultations.changes import AnsweredRevision, ChangeLevel, RevisionChange, WordingChange
from bot.consultations.facets import LABELS, MEASURES, Facet, Facets, question_facets
from bot.consultations.harmless_changes import find_harmless_changes
from flows.definition import Consultation
from flows.meaning import Meaning, meanings_of
from flows.questions.base import Node

KEY_LENGTH: Final = 24
NOTHING: Final[Facets] = {}


def compare(
    new: Consultation, current: Consultation | None, earlier: Sequence[AnsweredRevision]
) -> tuple[RevisionChange, ...]:
    """Returns all changes, refused ones first, then in the order of the questions.

    `current` is the live revision, if any; `earlier` are all revisions with answers, including `current` if it has any.
    """
    if not earlier:
        return ()
    grave: dict[RevisionChange, list[AnsweredRevision]] = {}
    for change, before in _grave_changes(new, current, earlier):
        grave.setdefault(change, []).append(before)
    every = [new, *([current] if current else ()), *(it.consultation for it in earlier)]
    taken = {node.key for one in every for node in one.nodes()}
    found = [
        _with_people(change, revisions)._replace(new_key=free_key(change.key, taken))
        for change, revisions in grave.items()
    ]
    found.sort(key=lambda change: change.level is not ChangeLevel.REFUSED)
    return *found, *(find_harmless_changes(new, current, earlier) if current else ())


def _with_people(change: RevisionChange, revisions: Sequence[AnsweredRevision]) -> RevisionChange:
    """Adds the revisions and how many people answered the question in them."""
    return change._replace(
        revisions=tuple(before.number for before in revisions),
        people=sum(before.answered.get(change.key, 0) for before in revisions),
    )


def _grave_changes(
    new: Consultation, current: Consultation | None, earlier: Sequence[AnsweredRevision]
) -> Iterator[tuple[RevisionChange, AnsweredRevision]]:
    """Yields the changes of each question that are refused or need confirmation, per answered revision."""
    now = _sides(current) if current else {}
    for key, will in _sides(new).items():
        for before in earlier:
            if was := _sides(before.consultation).get(key):
                yield from ((change, before) for change in _changes(_Three(was, now.get(key), will)))


def unconfirmed(changes: Iterable[RevisionChange], same_meaning: Iterable[str]) -> tuple[RevisionChange, ...]:
    """Returns the changes still to be confirmed; `same_meaning` are keys of confirmed questions."""
    said = frozenset(same_meaning)
    return tuple(change for change in changes if change.level is ChangeLevel.CONFIRM and change.key not in said)


def free_key(key: str, taken: Iterable[str]) -> str:
    """Returns an unused key similar to this one.

    >>> free_key("light", {"light", "light_2"}), free_key("light_2", {"light_2"})
    ('light_3', 'light_3')
    """
    numbered = re.fullmatch(r"(.+)_(\d{1,3})", key)
    stem, number = (numbered[1], int(numbered[2])) if numbered else (key, 1)
    known = frozenset(taken)
    endings = (f"_{it}" for it in count(number + 1))
    return next(new for ending in endings if (new := stem[: KEY_LENGTH - len(ending)] + ending) not in known)


class _Side(NamedTuple):
    """A question in one revision."""

    node: Node
    facets: Facets


class _Three(NamedTuple):
    """A question in an earlier revision, in the current one (if present), and in the new one."""

    was: _Side
    now: _Side | None
    will: _Side


def _sides(consultation: Consultation) -> dict[str, _Side]:
    return {node.key: _Side(node, question_facets(node, consultation.languages)) for node in consultation.asked()}


def _changes(question: _Three) -> Iterator[RevisionChange]:
    (old, was), now, (new, will) = question
    if old.type != new.type:
        if now is None or now.node.type != new.type:
            yield RevisionChange(ChangeLevel.REFUSED, "type", new.key, old=old.type, new=new.type)
        return
    same = now.facets if now and now.node.type == new.type else {}
    yield from changes_of_meaning(new, was, will, same)


def changes_of_meaning(new: Node, was: Facets, will: Facets, same: Facets = NOTHING) -> Iterator[RevisionChange]:
    """Yields the changes between two versions of a question that are refused or need confirmation.

    `same` are the current facets, which are not changes. Publishing and figures share this
    rule (`bot.results.counts.question_meaning`).
    """
    changed = _without(will, same)
    fixed = list(_fixed(new.key, was, changed))
    yield from fixed
    if fixed:  # with another range the labels differ anyway
        return
    swaps = [] if _has_entries(new) else list(_swaps(new.key, was, changed))
    yield from swaps
    swapped = {Facet(sort, swap.name, it.language) for sort in LABELS for swap in swaps for it in swap.wordings}
    reworded = {facet: content for facet, content in changed.items() if facet not in swapped}
    wordings: dict[tuple[str, str], list[WordingChange]] = {}
    for facet, wording in (*_reworded(was, reworded), *_translated(was, will, changed)):
        wordings.setdefault(facet[:2], []).append(wording)
    yield from (_change(new.key, sort, name, tuple(said)) for (sort, name), said in wordings.items())


def _fixed(key: str, was: Facets, changed: Facets) -> Iterator[RevisionChange]:
    """Yields changes of what an answered question must keep."""
    for facet, content in changed.items():
        if facet.sort == "fixed" and facet in was and was[facet] != content:
            yield RevisionChange(
                ChangeLevel.REFUSED, "fixed", key=key, name=facet.name, old=was[facet].shown, new=content.shown
            )


def _reworded(was: Facets, changed: Facets) -> Iterator[tuple[Facet, WordingChange]]:
    """Yields texts with other words in the same language."""
    for facet, content in changed.items():
        if facet in was and was[facet].bare != content.bare:
            yield facet, WordingChange(facet.language, was[facet].shown, content.shown)


def _without(facets: Facets, same: Facets) -> Facets:
    """Returns the facets without those that have the same words in `same`."""
    return {it: content for it, content in facets.items() if it not in same or same[it].bare != content.bare}


def _has_entries(node: Node) -> bool:
    """Whether its labels are contributions such as statements, which may move from one value to another."""
    return Meaning.ENTRIES in meanings_of(type(node)).values()


def _change(key: str, sort: str, name: str, wordings: tuple[WordingChange, ...]) -> RevisionChange:
    match sort:
        case "agreed_text":
            return RevisionChange(ChangeLevel.REFUSED, "agreed_text", key, name, wordings=wordings)
        case _ if sort in MEASURES:
            return RevisionChange(ChangeLevel.CONFIRM, "measure", key, name, wordings=wordings)
        case "label":
            return RevisionChange(ChangeLevel.CONFIRM, "label", key, name, wordings=wordings)
        case _:
            return RevisionChange(ChangeLevel.CONFIRM, "words", key, name, wordings=wordings)


def _swaps(key: str, was: Facets, changed: Facets) -> Iterator[RevisionChange]:
    """Yields labels that belonged to another value of the question."""
    labels = {(it.language, content.bare): it.name for it, content in was.items() if it.sort in LABELS}
    found: dict[tuple[str, str], list[WordingChange]] = {}
    for facet, content in changed.items():
        other = labels.get((facet.language, content.bare)) if facet.sort in LABELS and content.bare else None
        if other is not None and other != facet.name:
            before = was[facet].shown if facet in was else ""
            found.setdefault((facet.name, other), []).append(WordingChange(facet.language, before, content.shown))
    for (name, other), wordings in found.items():
        yield RevisionChange(ChangeLevel.REFUSED, "swap", key, name, other=other, wordings=tuple(wordings))


def _translated(was: Facets, will: Facets, changed: Facets) -> Iterator[tuple[Facet, WordingChange]]:
    """Yields texts without a common language, which only a person can compare."""
    before, after = _by_text(was), _by_text(will)
    for text, new in after.items():
        old = before.get(text, [])
        if {it.language for it in old}.isdisjoint(it.language for it in new) and changed.keys() >= set(new) and old:
            wording = WordingChange(f"{old[0].language}, {new[0].language}", was[old[0]].shown, will[new[0]].shown)
            if wording.old or wording.new:
                yield new[0], wording


def _by_text(facets: Facets) -> dict[tuple[str, str], list[Facet]]:
    found: dict[tuple[str, str], list[Facet]] = {}
    for facet in facets:
        found.setdefault(facet[:2], []).append(facet)
    return found
