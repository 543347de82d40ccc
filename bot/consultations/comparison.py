"""What a new revision changes for those who answered earlier ones: refused, to be confirmed, or harmless.

Pure: it takes the new consultation, the one that is asked now, and every earlier revision that has answers. What a
field means stands with the question types (`flows.meaning`), what is said about a change in `change_words`. Answers to
one key are counted together, so a key never changes its meaning; what only changes from now on passes.

What the new revision has in common with the one that is asked now is no change, also where earlier answers were given
to something else: a program without this comparison let that pass, and refusing later corrections would mend nothing.
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
    """All changes, the gravest first, then in the order of the questions.

    `current` is what is asked now, None where nothing is; `earlier` every revision with answers, `current` among them
    where it has some.
    """
    if not earlier:
        return ()
    now = _sides(current) if current else {}
    grave: dict[RevisionChange, list[AnsweredRevision]] = {}
    for key, will in _sides(new).items():
        for before in earlier:
            if was := _sides(before.consultation).get(key):
                for change in _changes(_Three(was, now.get(key), will)):
                    grave.setdefault(change, []).append(before)
    taken = {node.key for one in (new, current, *(it.consultation for it in earlier)) if one for node in one.questions}
    found = [
        change._replace(
            new_key=free_key(change.key, taken),
            revisions=tuple(before.number for before in revisions),
            people=sum(before.answered.get(change.key, 0) for before in revisions),
        )
        for change, revisions in grave.items()
    ]
    found.sort(key=lambda change: change.level is not ChangeLevel.REFUSED)
    return *found, *(find_harmless_changes(new, current, earlier) if current else ())


def unconfirmed(changes: Iterable[RevisionChange], same_meaning: Iterable[str]) -> tuple[RevisionChange, ...]:
    """The changes a person has yet to confirm; the questions of these keys are said to mean the same as before."""
    said = frozenset(same_meaning)
    return tuple(change for change in changes if change.level is ChangeLevel.CONFIRM and change.key not in said)


def free_key(key: str, taken: Iterable[str]) -> str:
    """A key that no question has, close to this one.

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
    """A question in an earlier revision, as it is asked now (where it is), and in the new one."""

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
    """What is refused or to be confirmed between two wordings of a question of one type; `same` is what is asked now
    and so no change. The one rule: publishing asks it, and so do figures (`bot.results.counts.question_meaning`).
    """
    changed = {facet: content for facet, content in will.items() if not _stands(facet, content.bare, same)}
    fixed = [it for it in changed if it.sort == "fixed" and it in was and was[it] != will[it]]
    if fixed:  # of another range the labels stand elsewhere anyway
        yield from (
            RevisionChange(ChangeLevel.REFUSED, "fixed", new.key, it.name, was[it].shown, will[it].shown)
            for it in fixed
        )
        return
    swaps = [] if Meaning.ENTRIES in meanings_of(type(new)).values() else list(_swaps(new.key, was, changed))
    yield from swaps
    swapped = {Facet(sort, swap.name, it.language) for sort in LABELS for swap in swaps for it in swap.wordings}
    wordings: dict[tuple[str, str], list[WordingChange]] = {}
    for facet, content in changed.items():
        if facet in was and facet not in swapped and was[facet].bare != content.bare:
            wording = WordingChange(facet.language, was[facet].shown, content.shown)
            wordings.setdefault(facet[:2], []).append(wording)
    for facet, wording in _translated(was, will, changed):
        wordings.setdefault(facet[:2], []).append(wording)
    yield from (_change(new.key, sort, name, tuple(said)) for (sort, name), said in wordings.items())


def _stands(facet: Facet, bare: str, now: Facets) -> bool:
    return facet in now and now[facet].bare == bare


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
    """Labels that another value of the question had."""
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
    """Texts that have no language in common with the earlier ones, so that only a person can compare them."""
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
