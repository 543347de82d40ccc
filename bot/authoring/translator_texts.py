"""The texts of a draft for a translator, and what of a returned file is taken into the draft. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from bot.authoring.draft_fields import DraftField, FieldConflict, changes_of, field_name, shown_value, tidy_text
from bot.authoring.draft_texts import TextPair, text_pairs, texts_to_review
from flows.questions.base import Where


class TextForTranslator(NamedTuple):
    """One text: its place, its wording in the main language and in another one, and whether it must be read again."""

    place: str
    source: str
    text: str
    is_unread: bool


class OutdatedText(NamedTuple):
    """A returned translation of a text that was changed meanwhile."""

    source_then: str
    source_now: str
    text: str


class TakenTranslations(NamedTuple):
    """What of a returned file is taken, and what is not."""

    changes: Mapping[Where, Any]
    outdated: list[OutdatedText]
    """Not taken: the text in the main language changed."""
    conflicts: list[FieldConflict]
    """Not taken: the translation was changed in the draft meanwhile."""
    unknown: list[str]
    """Not taken: translations of texts that the draft does not have any more."""


def texts_for_translator(data: dict[str, Any], main: str, tag: str) -> list[TextForTranslator]:
    """Returns every text of a draft that has a wording in the main language."""
    unread = {field_name(it) for it in texts_to_review(data, tag)}
    return [
        TextForTranslator(_place(it), it.original, shown_value(it.field, data), it.field.name in unread)
        for it in text_pairs(data, main, tag)
        if it.original
    ]


def take_translations(
    data: dict[str, Any], base: dict[str, Any] | None, main: str, tag: str, sent: Iterable[tuple[str, str, str]]
) -> TakenTranslations:
    """Returns the changes for the newest version `data`. `sent`: place, text in the main language and translation;
    empty translations change nothing. `base`: the version that the file was made from, None if it is unknown.
    """
    pairs = {_place(it): it for it in text_pairs(data, main, tag)}
    fields: dict[DraftField, str] = {}
    outdated: list[OutdatedText] = []
    unknown: list[str] = []
    for place, source, said in sent:
        text, pair = tidy_text(said), pairs.get(place)
        if not text:
            continue
        if pair is None or not pair.original:
            unknown.append(text)
        elif tidy_text(pair.original) != tidy_text(source):
            if shown_value(pair.field, data) != text:
                outdated.append(OutdatedText(source, pair.original, text))
        else:
            fields[pair.field] = text
    changes, conflicts = changes_of(fields, data if base is None else base, data)
    return TakenTranslations(changes, outdated, conflicts, unknown)


def _place(pair: TextPair) -> str:
    return field_name(pair.field.where[:-1])
