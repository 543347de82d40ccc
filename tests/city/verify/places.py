"""The same figure in every place: open data, command (words and JSON), page in two languages, API."""

from __future__ import annotations

import re

from tests.city.ledger import Ledger
from tests.city.outputs import Outputs, Page, Row
from tests.city.survey import LATER, QUESTIONS, Question
from tests.city.verify.checking import Check
from tests.city.verify.counts import CONTEXTS

_API = {"agrees": "agree", "disagrees": "disagree", "passes": "passed", "votes": "people", "important": "important"}
"""The API's names of the columns of ratings.csv."""
_PERCENT = re.compile(r"(\d+)\s*[%٪]")
_NUMBER = re.compile(r"\d+")


def same_everywhere(check: Check, ledger: Ledger, outputs: Outputs) -> None:
    for name, rows in outputs.public.items():
        check.same(f"open-data {name}", rows, outputs.open_data.get(name))
    _json(check, outputs)
    for language, page in outputs.pages.items():
        _page(check, ledger, outputs, page, language)
    _lines(check, outputs)


def _cells(outputs: Outputs, key: str) -> list[Row]:
    return [row for row in outputs.public["counts.csv"] if row["question_key"] == key]


def _n(cell: str) -> int | None:
    return int(cell) if cell else None


def _json(check: Check, outputs: Outputs) -> None:
    found, counts = outputs.results, outputs.public["counts.csv"]
    for name in ("participations", "begun", "finished"):
        [total] = [row["n"] for row in counts if row["table"] == name]
        check.same(f"json {name}", _n(total), found[name])
    for context in CONTEXTS:
        expected = {row["code"]: _n(row["n"]) for row in counts if row["table"] == context}
        check.same_row(f"json {context}", expected, found["balance"][context])
    for question in QUESTIONS:
        cells = {
            f"{r['kind']}.{r['code']}" if r["code"] else r["kind"]: _n(r["n"]) for r in _cells(outputs, question.key)
        }
        check.same_row(f"json {question.key}", cells, found["questions"][question.key]["counts"])
    ratings = {row["code"]: row for row in outputs.public["ratings.csv"]}
    statements = {it["name"]: it for it in found["ratings"]["statements"]}
    check.same("json statements", set(ratings), set(statements))
    for code, row in ratings.items():
        told = statements[code]["by_last_vote"]
        for name in ("agrees", "disagrees", "passes", "votes"):
            check.same(f"json {code} {name}", _n(row[name]), told[name])
            check.same(
                f"json {code} {name} events", _n(row[f"{name}_by_events"]), statements[code]["by_vote_events"][name]
            )
        check.same(f"json {code} important", _n(row["important"]), statements[code]["important"])
    api = {item["code"]: item for item in outputs.api["ratings"]}
    for code, row in ratings.items():
        for name, other in _API.items():
            check.same(f"api-ratings {code} {name}", _n(row[name]), api[code][other])


def _labels(question: Question, language: str) -> dict[str, str]:
    return {code: label[language] for code, label in {**question.options, **LATER}.items()}


def _page(check: Check, ledger: Ledger, outputs: Outputs, page: Page, language: str) -> None:
    """Tables of answers, and of proposals."""
    for question in QUESTIONS:
        if question.is_ballot or question.type in {"proposal", "text", "statements"}:
            continue
        tables = list(page.under(question.text[language]))
        kind = "chosen" if question.is_several else "option"
        rows = [row for row in _cells(outputs, question.key) if row["kind"] == kind]
        if not rows or rows[0]["reason"]:  # a sentence stands there
            continue
        shown = tables[0].rows[1:] if tables else []
        check.same(f"page {language} {question.key} rows", len(rows), len(shown))
        for row, cells in zip(rows, shown, strict=False):
            where = f"page {language} {question.key} {row['code']}"
            check.same(f"{where} n", _n(row["n"]), _shown(cells[1]))
            if (share := _PERCENT.search(cells[2])) is not None and row["rounded"] == "0":
                check.same(f"{where} share", f"{round(100 * int(row['n']) / ledger.base(question.key))}", share[1])
            if question.options:
                check.same(f"{where} label", _labels(question, language)[row["code"]], cells[0])
    ratings = {row["code"]: row for row in outputs.public["ratings.csv"]}
    for code, row in ratings.items():
        tables = [table for table in page.tables if table.card == code]
        if tables:
            columns = ("agrees", "passes", "disagrees", "important", "votes")
            for name, cells in zip(columns, tables[0].rows, strict=False):
                check.same(f"page {language} {code} {name}", _n(row[name]), _shown(cells[1]))


def _shown(cell: str) -> int | None:
    """A number as it stands there; None where words stand in its place."""
    return int(cell) if _NUMBER.fullmatch(cell) else None


def _lines(check: Check, outputs: Outputs) -> None:
    """The words of the command are those of the page."""
    page = outputs.pages["de"]
    for question in QUESTIONS:
        tables = list(page.under(question.text["de"]))
        if question.is_ballot or not tables or question.text["de"] not in outputs.lines:
            continue
        at = outputs.lines.index(question.text["de"])
        lines = [line.strip() for line in outputs.lines[at + 1 : at + 30]]
        for label, number, *_ in tables[0].rows[1:]:
            said = next((line for line in lines if line.startswith(f"{label}: ")), "")
            check.same(f"lines {question.key} {label}", number, said.removeprefix(f"{label}: ").partition(",")[0])
