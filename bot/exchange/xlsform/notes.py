"""What of an XLSForm was not taken over: the place, the reason, and what to do. In German and English."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from bot.common.i18n.locale import Locale
from bot.exchange.rejected_rows import BadFile

NoteCode = Literal[
    "type",
    "repeat",
    "unrecorded",
    "computed",
    "renamed",
    "values_renamed",
    "condition",
    "constraint",
    "no_list",
    "long_list",
    "filter",
    "column",
    "language",
    "reference",
    "markup",
    "group",
    "decimals",
]
NOTE_PHRASES: Final[dict[NoteCode, str]] = {
    "type": "console.xlsform.type",
    "repeat": "console.xlsform.repeat",
    "unrecorded": "console.xlsform.unrecorded",
    "computed": "console.xlsform.computed",
    "renamed": "console.xlsform.renamed",
    "values_renamed": "console.xlsform.values_renamed",
    "condition": "console.xlsform.condition",
    "constraint": "console.xlsform.constraint",
    "no_list": "console.xlsform.no_list",
    "long_list": "console.xlsform.long_list",
    "filter": "console.xlsform.filter",
    "column": "console.xlsform.column",
    "language": "console.xlsform.language",
    "reference": "console.xlsform.reference",
    "markup": "console.xlsform.markup",
    "group": "console.xlsform.group",
    "decimals": "console.xlsform.decimals",
}
"""Each with reason and remedy. `{said}` is what stands in the table, `{more}` what became of it."""
UnusableCode = Literal["unreadable", "old_format", "no_survey", "no_type", "no_questions", "many"]
UNUSABLE_PHRASES: Final[dict[str, str]] = {
    "unreadable": "console.xlsform.unreadable",
    "old_format": "console.xlsform.old_format",
    "no_survey": "console.xlsform.no_survey",
    "no_type": "console.xlsform.no_type",
    "no_questions": "console.xlsform.no_questions",
    "many": "console.xlsform.many",
}
MOST_NOTES: Final = 200
LONGEST_SAID: Final = 200


class FormNote(NamedTuple):
    """One thing that was not taken over as it stands. `row` as the spreadsheet program counts; 0: the whole sheet."""

    sheet: str
    row: int
    code: NoteCode
    said: str = ""
    more: str = ""


class UnusableForm(Exception):
    """No consultation can be made of the file. `code` is one of `UNUSABLE_PHRASES`, `reason` in English."""

    def __init__(self, code: UnusableCode, reason: str = "") -> None:
        super().__init__(reason or code)
        self.code = code
        self.reason = reason


class FormNotes:
    """Collects notes in the order of the file; further ones than `MOST_NOTES` are only counted."""

    def __init__(self) -> None:
        self.listed: list[FormNote] = []
        self.left_out = 0

    def add(self, sheet: str, row: int, code: NoteCode, said: str = "", more: str = "") -> None:
        """Adds a note; texts of the file are cut, and invisible characters left out."""
        note = FormNote(sheet, row, code, _tidy(said), _tidy(more))
        if note in self.listed:
            return
        if len(self.listed) < MOST_NOTES:
            self.listed.append(note)
        else:
            self.left_out += 1


def note_lines(notes: FormNotes, locale: Locale) -> Iterator[str]:
    """Yields the notes in words, one line each."""
    for note in notes.listed:
        words = locale.text(NOTE_PHRASES[note.code], said=note.said, more=note.more)
        phrase = "console.xlsform.at_row" if note.row else "console.xlsform.at_sheet"
        yield f"{locale.text(phrase, sheet=note.sheet, row=note.row)}: {words}"
    if notes.left_out:
        yield locale.text("console.xlsform.left_out", count=notes.left_out)


def unreadable(error: BadFile) -> UnusableForm:
    """Returns the error of the reader as one of forms."""
    return UnusableForm("unreadable", str(error))


def _tidy(said: str) -> str:
    plain = "".join(it if it.isprintable() else " " for it in said)
    plain = " ".join(plain.split())
    return plain if len(plain) <= LONGEST_SAID else f"{plain[: LONGEST_SAID - 1]}…"
