"""Checks that workbooks equal the files, sheet by sheet and cell by cell, also in their readable form."""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import isclose

from bot.exchange.exports.german_heads import german_head
from tests.city.ledger import Ledger
from tests.city.outputs import Outputs, Row, Sheet
from tests.city.survey import LATER, QUESTIONS
from tests.city.verify.checking import Check

SHEETS = {
    "Kürzel": "answers_wide.csv",
    "Vorschläge": "proposals.csv",
    "Anzahlen": "counts.csv",
    "Zustimmung": "agreement.csv",
    "Gruppen": "groups.csv",
    "Reihenfolgen": "ballots.csv",
    "Freie Antworten": "texts.csv",
    "Codebuch": "codebook.csv",
}
_REASONS = {
    "skipped": "übersprungen", "refused": "möchte es nicht sagen", "dont_know": "weiß nicht",
    "interrupted": "nicht erreicht", "not_asked": "nicht gefragt",
}  # fmt: skip
_TIME = re.compile(r"\d{4}-\d\d-\d\dT")


def workbooks(check: Check, ledger: Ledger, outputs: Outputs) -> None:
    for book, tables, ratings in (
        (outputs.raw_book, outputs.raw, "ratings_long.csv"),
        (outputs.public_book, outputs.public, "ratings.csv"),
    ):
        for sheet, name in {**SHEETS, "Bewertungen": ratings}.items():
            check.same(f"workbook {sheet}", name in tables, sheet in book)
            if sheet in book:
                _same(check, sheet, tables[name], book[sheet])
    _in_words(check, ledger, outputs)


def _same(check: Check, name: str, rows: list[Row], sheet: Sheet) -> None:
    head, *found = sheet
    check.same(f"workbook {name} rows", len(rows), len(found))
    for row in rows[:1]:
        heads = list(row) if name == "Kürzel" else [german_head(it) for it in row]
        check.same(f"workbook {name} head", heads, head)
    for number, (row, cells) in enumerate(zip(rows, found, strict=False)):
        for (column, expected), cell in zip(row.items(), [*cells, *[""] * (len(head) - len(cells))], strict=False):
            if not _TIME.match(expected):  # by the city's clock there
                check.same(f"workbook {name} {number} {column}", expected, plain(cell, expected))


def plain(cell: str | float, like: str) -> str:
    """A cell as a file writes it."""
    if isinstance(cell, float):
        return like if like and isclose(float(like), cell, rel_tol=1e-12) else f"{cell:g}"
    return cell.replace("\r\n", "\n") if "\r" not in like else cell


def _in_words(check: Check, ledger: Ledger, outputs: Outputs) -> None:
    """*Antworten*: the labels of the consultation in place of codes."""
    head, *rows = outputs.raw_book["Antworten"]
    place = head.index("Ort-Kennung")
    for cells in rows:
        one = ledger.participations[str(cells[place])]
        for question in QUESTIONS:
            column = head.index(f"{question.key}: {question.text['de']}")
            cell = cells[column] if column < len(cells) else ""
            reason = one.reason(question.key)
            where = f"words {one.place} {question.key}"
            if reason is not None:
                check.same(where, f"({_REASONS[reason]})", cell)
            elif question.options and question.type in {"choice", "choices", "rank"}:
                labels = {code: label["de"] for code, label in {**question.options, **LATER}.items()}
                value = one.answers[question.key]
                expected = [labels[code] for code in (value if isinstance(value, list) else [str(value)])]
                shown = str(cell).split(", ")
                check.same(where, _in_order(expected, question.type), _in_order(shown, question.type))


def _in_order(labels: Iterable[str], type_: str) -> list[str]:
    return list(labels) if type_ == "rank" else sorted(labels)
