"""Finds changes that keep the meaning of every answer, compared with the current revision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.consultations.changes import AnsweredRevision, ChangeKind, ChangeLevel, RevisionChange, WordingChange
from bot.consultations.facets import Facets, fields_with_meaning, options_of, question_facets
from flows.definition import Consultation
from flows.meaning import Meaning, meanings_of
from flows.questions.base import Node

_APART = frozenset({"slug", "revision", "languages", "questions"})


def find_harmless_changes(
    new: Consultation, current: Consultation, earlier: Sequence[AnsweredRevision]
) -> Iterator[RevisionChange]:
    """Yields the changes from the current revision in the order of the questions, then those of the consultation."""
    before = {node.key: node for node in current.questions}
    after = {node.key: node for node in new.questions}
    found = [
        *(it for key, node in after.items() if key in before for it in _question(before[key], current, node, new)),
        *(_of("question_new", key) for key in after if key not in before),
        *(_of("question_gone", key) for key in before if key not in after),
        *_whole(current, new),
    ]
    for change in found:
        revisions = [it for it in earlier if it.answered.get(change.key)] if change.key else []
        yield change._replace(
            revisions=tuple(it.number for it in revisions), people=sum(it.answered[change.key] for it in revisions)
        )


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
    if any(getattr(old, name) != getattr(new, name) for name in fields_with_meaning(cls, Meaning.PATH)):
        yield _of("path", key)
    for name in fields_with_meaning(cls, Meaning.FREE):
        if getattr(old, name) != getattr(new, name):
            yield _of("setting", key, name, getattr(old, name), getattr(new, name))
    options = options_of(old)
    for value, option in options_of(new).items():
        for name in fields_with_meaning(type(option), Meaning.FREE):
            if value in options and getattr(options[value], name) != getattr(option, name):
                yield _of("setting", key, f"{name} of {value}")


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
    if Meaning.ENTRIES in meanings_of(type(new)).values():
        yield from (_of("statement_new", new.key, new=label) for value, label in will.items() if value not in was)
        yield from (_of("statement_gone", new.key, old=label) for value, label in was.items() if value not in will)
    elif options_of(new):
        yield from (_of("option_new", new.key, value, new=it) for value, it in will.items() if value not in was)
        yield from (_of("option_gone", new.key, value, old=it) for value, it in was.items() if value not in will)


def _shown_labels(node: Node, consultation: Consultation) -> dict[str, str]:
    """Returns the label of each value in the first language that has one."""
    tags = list(consultation.languages)
    return {
        value: next((label.root[tag].text for tag in tags if tag in label.root), value)
        for value, label in node.labels(tags)
        if label
    }


def _whole(current: Consultation, new: Consultation) -> Iterator[RevisionChange]:
    """Yields the changes of the consultation as a whole."""
    yield from (_of("language_new", name=tag) for tag in new.languages if tag not in current.languages)
    yield from (_of("language_gone", name=tag) for tag in current.languages if tag not in new.languages)
    common = {node.key for node in current.questions} & {node.key for node in new.questions}
    if [it.key for it in current.questions if it.key in common] != [it.key for it in new.questions if it.key in common]:
        yield _of("order")
    told = [
        name for name in type(new).model_fields if name not in _APART and getattr(current, name) != getattr(new, name)
    ]
    if told:
        yield _of("told", name=", ".join(told))
