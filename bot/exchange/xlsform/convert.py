"""Makes a consultation file of an XLSForm, in the part that both can say; the rest is named in notes.

form = convert_form(content, "umfrage.xlsx", "de")
form.text       # a file in the format of consultations, which still lacks who asks, why and so on
form.notes      # what was not taken over
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from bot.authoring.yaml_export import data_to_yaml
from bot.authoring.yaml_source import LARGEST, parse_yaml
from bot.exchange.xlsform.expressions import Unmapped
from bot.exchange.xlsform.logic import condition_of
from bot.exchange.xlsform.notes import FormNotes, UnusableForm
from bot.exchange.xlsform.rows import COMPUTED, KINDS, UNRECORDED, RowReader, RowType, row_type
from bot.exchange.xlsform.sheets import SURVEY, FormRow, FormSheets, read_sheets

MOST_QUESTIONS: Final = 300
SECONDS: Final = 20
"""How long an answer takes, for the first guess of the minutes."""
RETENTION_DAYS: Final = 90


class ImportedForm(NamedTuple):
    """The file, what was not taken over, and the title and short name that the form gives itself ("" for none)."""

    text: str
    notes: FormNotes
    title: str
    name: str


def convert_form(content: bytes, name: str, language: str) -> ImportedForm:
    """Converts a workbook. `language`: of texts whose column names none. Raises UnusableForm."""
    notes = FormNotes()
    sheets = read_sheets(content, name, language, notes)
    questions = list(_questions(sheets, notes))
    if not questions:
        raise UnusableForm("no_questions")
    if len(questions) > MOST_QUESTIONS:
        raise UnusableForm("many", f"{len(questions)} questions")
    title = sheets.settings.get("form_title", "")
    text = data_to_yaml(_frame(sheets, title, len(questions)) | {"questions": questions})
    if len(text.encode()) > LARGEST or parse_yaml(text, name).issues:
        raise UnusableForm("many", "larger than a consultation file may be")
    return ImportedForm(text, notes, title, sheets.settings.get("form_id", ""))


def _frame(sheets: FormSheets, title: str, count: int) -> dict[str, Any]:
    main, *others = sheets.languages
    languages = {main: {"review": "unreviewed"}}
    languages |= {tag: {"review": "unreviewed", "fallback": main} for tag in others}
    return {
        "format": 1,
        "slug": "xlsform",
        "languages": languages,
        **({"title": {main: title.replace("{", "{{").replace("}", "}}")}} if title else {}),
        "level": "consultation",
        "minutes": min(60, max(1, -(-count * SECONDS // 60))),
        "retention": {"days": RETENTION_DAYS},
    }


class _Group(NamedTuple):
    """An open group: what closes it, whether its rows are left out, and its condition."""

    end: str
    is_left_out: bool
    condition: dict[str, Any] | None


def _questions(sheets: FormSheets, notes: FormNotes) -> Iterator[dict[str, Any]]:
    reader, groups = RowReader(sheets, notes), list[_Group]()
    for row in sheets.survey:
        kind = row_type(row.said("type"))
        if kind.name in ("begin_group", "begin_repeat"):
            is_repeat = kind.name == "begin_repeat"
            if is_repeat:
                notes.add(SURVEY, row.number, "repeat", row.said("name"))
            is_left_out = is_repeat or _is_left_out(groups)
            condition = None if is_left_out else _condition(row, reader, notes)
            groups.append(_Group(kind.name.replace("begin", "end"), is_left_out, condition))
            if not is_left_out and (found := reader.heading(row)):
                reader.take(row, found[1])
                yield _with_condition(found[0], groups, None)
        elif kind.name in ("end_group", "end_repeat"):
            if groups and groups[-1].end == kind.name:
                groups.pop()
            else:
                notes.add(SURVEY, row.number, "group", row.said("type"))
        elif not _is_left_out(groups):
            yield from _question(row, kind, reader, groups, notes)


def _question(
    row: FormRow, kind: RowType, reader: RowReader, groups: list[_Group], notes: FormNotes
) -> Iterator[dict[str, Any]]:
    """Yields the question of a row, or notes why there is none."""
    if kind.name in KINDS:
        condition = _condition(row, reader, notes)
        question, taken = reader.question(row, kind)
        reader.take(row, taken)
        yield _with_condition(question, groups, condition)
    elif kind.name in UNRECORDED:
        notes.add(SURVEY, row.number, "unrecorded", kind.name)
    elif kind.name in COMPUTED:
        notes.add(SURVEY, row.number, "computed", row.said("name") or kind.name)
    elif kind.name or row.texts:
        notes.add(SURVEY, row.number, "type", kind.name or "–")


def _is_left_out(groups: list[_Group]) -> bool:
    return any(it.is_left_out for it in groups)


def _condition(row: FormRow, reader: RowReader, notes: FormNotes) -> dict[str, Any] | None:
    said = row.said("relevant")
    if not said:
        return None
    try:
        return condition_of(said, reader.taken)
    except Unmapped:
        notes.add(SURVEY, row.number, "condition", said)
        return None


def _with_condition(question: Mapping[str, Any], groups: list[_Group], own: dict[str, Any] | None) -> dict[str, Any]:
    """Returns the question with its condition and those of the groups around it."""
    parts = [it for it in (*(group.condition for group in groups), own) if it]
    if not parts:
        return dict(question)
    condition = parts[0] if len(parts) == 1 else {"all": parts}
    return {"key": question["key"], "type": question["type"], "ask_if": condition, **question}
