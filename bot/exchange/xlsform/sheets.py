"""Reads the sheets of an XLSForm (https://xlsform.org/en/): survey, choices and settings, as rows of named cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Final, NamedTuple

from bot.exchange.rejected_rows import BadFile
from bot.exchange.xlsform.notes import FormNotes, UnusableForm, unreadable
from bot.exchange.xlsx_reader import NumberedRows, SheetLimits, named_sheets
from flows.languages import LANGUAGES, nearest

SURVEY, CHOICES, SETTINGS = "survey", "choices", "settings"
LIMITS: Final = SheetLimits(cells=200_000, bytes=16 * 1024 * 1024)
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
_TRANSLATED: Final = frozenset({"label", "hint"})
_ALIASES: Final = {"caption": "label", "relevance": "relevant", "list name": "list_name", "value": "name"}
_KNOWN: Final = {
    SURVEY: frozenset({"type", "name", "label", "hint", "required", "relevant", "constraint", "choice_filter"}),
    CHOICES: frozenset({"list_name", "name", "label"}),
}
_SILENT: Final = frozenset(
    {"appearance", "constraint_message", "required_message", "disabled", "parameters", "read_only", "readonly"}
)
"""Columns that concern the look of a form in other programs, or words that this program has itself."""
_CODE: Final = re.compile(r"\(([A-Za-z]{2,3}(?:[-_][A-Za-z]+)*)\)\s*$")
_NAMES: Final = {it.name.casefold(): tag for tag, it in LANGUAGES.items()} | {
    "german": "de",
    "leichte sprache": "de-simple",
    "einfache sprache": "de-simple",
    "englisch": "en",
    "turkish": "tr",
    "türkisch": "tr",
    "arabic": "ar",
    "arabisch": "ar",
    "russian": "ru",
    "russisch": "ru",
    "ukrainian": "uk",
    "ukrainisch": "uk",
    "polish": "pl",
    "polnisch": "pl",
}
_YES: Final = frozenset({"yes", "true", "true()", "1", "ja"})


class FormRow(NamedTuple):
    """One row: its number, its cells by column, and its texts by column and language."""

    number: int
    cells: Mapping[str, str]
    texts: Mapping[str, Mapping[str, str]]

    def said(self, column: str) -> str:
        """Returns a cell without surrounding blanks; "" if it is missing."""
        return self.cells.get(column, "")

    def is_yes(self, column: str) -> bool:
        """Whether a cell says yes, in one of the spellings that XLSForm accepts."""
        return self.said(column).casefold() in _YES


class FormSheets(NamedTuple):
    """The rows of a form, its settings, and its languages, the main one first."""

    survey: list[FormRow]
    choices: dict[str, list[FormRow]]
    """By the name of the list."""
    settings: Mapping[str, str]
    languages: list[str]


def read_sheets(content: bytes, name: str, language: str, notes: FormNotes) -> FormSheets:
    """Reads a workbook. `language`: of texts whose column names none. Raises UnusableForm."""
    found = _sheets_by_name(content, name)
    settings = _settings(found.get(SETTINGS, []))
    main = language_tag(settings.get("default_language", "")) or language
    survey = _rows(SURVEY, found[SURVEY], main, notes)
    choices: dict[str, list[FormRow]] = {}
    for row in _rows(CHOICES, found.get(CHOICES, []), main, notes):
        choices.setdefault(row.said("list_name"), []).append(row)
    if not any("type" in it.cells for it in survey):
        raise UnusableForm("no_type")
    return FormSheets(survey, choices, settings, _languages(survey, main))


def _sheets_by_name(content: bytes, name: str) -> Mapping[str, NumberedRows]:
    """Returns the sheets of a form; that of the questions is among them. Raises UnusableForm."""
    if content.startswith(_OLD_EXCEL):
        raise UnusableForm("old_format")
    try:
        found = named_sheets(Path(PurePath(name).name or "?"), content, {SURVEY, CHOICES, SETTINGS}, LIMITS)
    except BadFile as error:
        raise unreadable(error) from error
    if SURVEY not in found:
        raise UnusableForm("no_survey")
    return found


def _languages(survey: Iterable[FormRow], main: str) -> list[str]:
    """Returns the languages of the texts, the main one first if it has any."""
    used = {tag for row in survey for texts in row.texts.values() for tag in texts}
    first = [main] if main in used or not used else []
    return [*first, *(it for it in LANGUAGES if it in used and it not in first)]


def language_tag(said: str) -> str:
    """Returns our language of a name or code; "" for one that this program does not have.

    >>> [language_tag(it) for it in ("Deutsch (de)", "tr", "Arabisch", "French (fr)")]
    ['de', 'tr', 'ar', '']
    """
    if found := _CODE.search(said):
        return nearest(found[1])
    plain = said.strip().casefold()
    return _NAMES.get(plain) or nearest(plain)


def _settings(rows: NumberedRows) -> dict[str, str]:
    head = [it.strip().casefold() for it in rows[0][1]] if rows else []
    values = [it.strip() for it in rows[1][1]] if len(rows) > 1 else []
    return {name: value for name, value in zip(head, values, strict=False) if name and value}


class _Column(NamedTuple):
    name: str
    tag: str = ""
    """Of a translated column."""


def _rows(sheet: str, rows: NumberedRows, main: str, notes: FormNotes) -> list[FormRow]:
    rows = [it for it in rows if any(cell.strip() for cell in it[1])]
    if not rows:
        return []
    number, head = rows[0]
    columns = [_column(sheet, number, it, main, notes) for it in head]
    return [row for at, cells in rows[1:] if not (row := _row(at, columns, cells)).is_yes("disabled")]


def _row(number: int, columns: Iterable[_Column | None], cells: Iterable[str]) -> FormRow:
    plain: dict[str, str] = {}
    texts: dict[str, dict[str, str]] = {}
    for column, cell in zip(columns, cells, strict=False):
        said = cell.strip()
        if column is None or not said:
            continue
        if column.tag:
            texts.setdefault(column.name, {}).setdefault(column.tag, said)
        else:
            plain.setdefault(column.name, said)
    return FormRow(number, plain, texts)


def _column(sheet: str, row: int, head: str, main: str, notes: FormNotes) -> _Column | None:
    """Returns what a column holds; None for one that is left out."""
    name, _, suffix = head.strip().partition("::") if "::" in head else head.strip().partition(":")
    name = name.strip().casefold()
    name = _ALIASES.get(name, name)
    if name in _TRANSLATED:
        tag = language_tag(suffix) if suffix.strip() else main
        if not tag:
            notes.add(sheet, row, "language", suffix.strip())
        return _Column(name, tag) if tag else None
    if sheet == SURVEY and name and name not in _KNOWN[SURVEY] | _SILENT:
        notes.add(sheet, row, "column", head)
        return None
    return _Column(name) if name else None
