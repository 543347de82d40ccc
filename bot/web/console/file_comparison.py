"""Describes in words how an uploaded file differs from the live revision. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from bot.authoring.differences import Difference, differences
from bot.common.i18n.locale import Locale
from bot.consultations.changes import RevisionChange, WordingChange
from bot.web.console.labels import CHANGE_PHRASES, FIELD_PHRASES
from flows.definition import Consultation
from flows.languages import LANGUAGES, language_name

LONGEST: Final = 600
"""Characters of a text that are shown."""


class ChangedPart(NamedTuple):
    """One part with its old and its new text; `is_entry`: a whole question, answer or language came or went."""

    place: str
    old: str
    new: str
    is_entry: bool


class PartGroup(NamedTuple):
    """The changed parts of one question, or of the consultation as a whole."""

    title: str
    parts: list[ChangedPart]


class MeaningChange(NamedTuple):
    """A change of a question that has answers."""

    key: str
    title: str
    text: str
    people: int
    wordings: tuple[WordingChange, ...]
    new_key: str


def describe_parts(before: Consultation, after: Consultation, locale: Locale) -> list[PartGroup]:
    """Returns the differences between two consultations, by question."""
    return group_parts(differences(before, after), (after, before), locale)


def group_parts(found: Iterable[Difference], definitions: Sequence[Consultation], locale: Locale) -> list[PartGroup]:
    """Returns differences by question, in their order."""
    return [
        PartGroup(_heading(head, definitions, locale), [_part(it, locale) for it in some])
        for head, some in groupby(found, key=lambda it: _head(it.where))
    ]


def describe_question(change: RevisionChange, definition: Consultation | None, locale: Locale) -> MeaningChange:
    """Returns a change of a question in words."""
    values = {"name": change.name, "old": change.old, "new": change.new, "other": change.other}
    return MeaningChange(
        key=change.key,
        title=_title(change.key, [definition] if definition else [], locale),
        text=locale.text(CHANGE_PHRASES[change.kind], **values),
        people=change.people,
        wordings=tuple(it._replace(language=_languages(it.language)) for it in change.wordings),
        new_key=change.new_key,
    )


def _languages(tags: str) -> str:
    """Returns the names of languages; "de, tr" is a text that changed its language."""
    return ", ".join(language_name(tag) for tag in tags.split(", "))


def _head(where: Sequence[str]) -> str:
    return where[1] if len(where) > 1 and where[0] == "questions" else ""


def _heading(key: str, definitions: Sequence[Consultation], locale: Locale) -> str:
    return _title(key, definitions, locale) if key else locale.text("console.part.whole")


def _title(key: str, definitions: Sequence[Consultation], locale: Locale) -> str:
    """Returns the wording of a question in the language of the reader, or in its main language."""
    for definition in definitions:
        for node in definition.nodes():
            if node.key == key:
                tag = locale.tag if locale.tag in node.text.languages() else definition.main_language
                return locale.text("console.part.question", text=node.text.in_language(tag, definition.fallbacks))
    return locale.text("console.part.question", text=key)


def _part(difference: Difference, locale: Locale) -> ChangedPart:
    where = difference.where[2:] if _head(difference.where) else difference.where
    return ChangedPart(
        _place(where, locale), _short(difference.old), _short(difference.new), is_entry=difference.is_entry
    )


def _place(where: Sequence[str], locale: Locale) -> str:
    """Returns a path in words: ("options", "yes", "label", "de") becomes "Antwort yes, Beschriftung (Deutsch)"."""
    words: list[str] = []
    parts = iter(where)
    for part in parts:
        if part in LANGUAGES and words:
            words[-1] += f" ({LANGUAGES[part].name})"
        elif part in ("options", "seeds", "languages", "questions") and (name := next(parts, None)) is not None:
            shown = LANGUAGES[name].name if part == "languages" and name in LANGUAGES else name
            words.append(f"{locale.text(FIELD_PHRASES[part])} {_short(shown)}")
        elif part in ("options", "seeds", "languages", "questions"):
            words.append(locale.text("console.part.order"))
        else:
            words.append(locale.text(FIELD_PHRASES[part]) if part in FIELD_PHRASES else part)
    return ", ".join(words) or locale.text("console.part.question_itself")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
