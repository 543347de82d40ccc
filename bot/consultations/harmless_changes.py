"""Finds changes that keep the meaning of every answer, compared with the current revision."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TypeVar

from bot.consultations.changes import AnsweredRevision, ChangeKind, ChangeLevel, RevisionChange, WordingChange
from bot.consultations.facets import Facets, fields_with_meaning, options_of, question_facets
from flows.definition import Consultation
from flows.meaning import Meaning, meanings_of
from flows.questions.base import Node

T = TypeVar("T")

_APART = frozenset({"slug", "revision", "languages", "questions"})


def find_harmless_changes(
    new: Consultation, current: Consultation, earlier: Sequence[AnsweredRevision]
) -> Iterator[RevisionChange]:
    """Yields the changes from the current revision in the order of the questions, then those of the consultation."""
    before = {node.key: node for node in current.nodes()}
    after = {node.key: node for node in new.nodes()}
    kept = [key for key in after if key in before]
    found = [
        *chain.from_iterable(_question(before[key], current, after[key], new) for key in kept),
        *(_of("question_new", key) for key in _only_in(after, before)),
        *(_of("question_gone", key) for key in _only_in(before, after)),
        *_whole(current, new),
    ]
    yield from (_with_people(change, earlier) for change in found)


def _with_people(change: RevisionChange, earlier: Sequence[AnsweredRevision]) -> RevisionChange:
    """Adds how many people answered the changed question, and in which revisions."""
    revisions = [it for it in earlier if it.answered.get(change.key)] if change.key else []
    return change._replace(
        revisions=tuple(it.number for it in revisions), people=sum(it.answered[change.key] for it in revisions)
    )


def _only_in(one: Mapping[str, T], other: Container[str]) -> dict[str, T]:
    return {key: value for key, value in one.items() if key not in other}


def _differing(old: object, new: object, names: Iterable[str]) -> list[str]:
    """Returns the fields in which the two differ."""
    return [name for name in names if getattr(old, name) != getattr(new, name)]


def _of(kind: ChangeKind, key: str = "", name: str = "", old: object = "", new: object = "") -> RevisionChange:
    """Builds a harmless change; shows only values that are a word or number."""
    is_short = all(isinstance(value, str | int | float | None) for value in (old, new))
    return RevisionChange(
        ChangeLevel.HARMLESS, kind, key, name, *((_shown(old), _shown(new)) if is_short else ("", ""))
    )


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else str(value)


def _question(old: Node, current: Consultation, new: Node, after: Consultation) -> Iterator[RevisionChange]:
    key, cls = new.key, type(new)
    if not (old.waits and new.waits):
        if old.text != new.text or old.type != new.type:
            yield _of("note", key)
        return
    if old.type != new.type:  # without answers; otherwise the change is refused
        yield _of("setting", key, "type", old.type, new.type)
        return
    yield from _spelling(key, question_facets(old, current.languages), question_facets(new, after.languages))
    yield from _labels(old, current, new, after)
    if _differing(old, new, fields_with_meaning(cls, Meaning.PATH)):
        yield _of("path", key)
    for name in _differing(old, new, fields_with_meaning(cls, Meaning.FREE)):
        yield _of("setting", key, name, getattr(old, name), getattr(new, name))
    yield from _option_settings(old, new)


def _option_settings(old: Node, new: Node) -> Iterator[RevisionChange]:
    """Yields changed settings of the options that stay."""
    options = options_of(old)
    for value, option in options_of(new).items():
        if value in options:
            names = _differing(options[value], option, fields_with_meaning(type(option), Meaning.FREE))
            yield from (_of("setting", new.key, f"{name} of {value}") for name in names)


def _spelling(key: str, was: Facets, will: Facets) -> Iterator[RevisionChange]:
    wordings = [
        WordingChange(facet.language, was[facet].shown, content.shown)
        for facet, content in will.items()
        if facet in was and was[facet].bare == content.bare and was[facet].shown != content.shown
    ]
    if wordings:
        yield _of("spelling", key)._replace(wordings=tuple(wordings))


def _labels(old: Node, current: Consultation, new: Node, after: Consultation) -> Iterator[RevisionChange]:
    """Yields added and removed options and statements."""
    was, will = _shown_labels(old, current), _shown_labels(new, after)
    added, removed = _only_in(will, was), _only_in(was, will)
    if Meaning.ENTRIES in meanings_of(type(new)).values():
        yield from (_of("statement_new", new.key, new=label) for label in added.values())
        yield from (_of("statement_gone", new.key, old=label) for label in removed.values())
    elif options_of(new):
        yield from (_of("option_new", new.key, value, new=label) for value, label in added.items())
        yield from (_of("option_gone", new.key, value, old=label) for value, label in removed.items())


def _shown_labels(node: Node, consultation: Consultation) -> dict[str, str]:
    """Returns the label of each value in the first language that has one."""
    tags = list(consultation.languages)
    return {
        value: next((label.root[tag].text for tag in tags if tag in label.root), value)
        for value, label in node.labels(tags)
        if label
    }


def _kept_keys(one: Consultation, other: Consultation) -> list[str]:
    """Returns the keys of both, in the order of the first."""
    kept = {node.key for node in other.nodes()}
    return [node.key for node in one.nodes() if node.key in kept]


def _whole(current: Consultation, new: Consultation) -> Iterator[RevisionChange]:
    """Yields the changes of the consultation as a whole."""
    yield from (_of("language_new", name=tag) for tag in _only_in(new.languages, current.languages))
    yield from (_of("language_gone", name=tag) for tag in _only_in(current.languages, new.languages))
    if _kept_keys(current, new) != _kept_keys(new, current):
        yield _of("order")
    told = _differing(current, new, _only_in(type(new).model_fields, _APART))
    if told:
        yield _of("told", name=", ".join(told))
