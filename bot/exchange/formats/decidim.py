"""Proposals of Decidim: its open data as CSV (`;`, keys joined by `/`, a column per language) or JSON.

The export has the columns that its admin import reads (`title/de`, `body/de`, address, latitude, longitude) beside
those of its open data. Authors are dropped.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from bot.exchange import files
from bot.exchange.bundle import Bundle, ImportedStatement, State, valid_statements
from bot.exchange.content import ExchangeContent
from bot.exchange.exports.sheets import guard_formula
from bot.exchange.file_format import FileFormat
from bot.exchange.files import Row
from bot.exchange.rejected_rows import STRICT, BadFile, RejectedRows
from storage.tables.proposals import ProposalStatus, StoredProposal

HOME: Final = "https://decidim.org"
_DEEPEST: Final = 5
_MACHINE: Final = "machine_translations"
_STATUSES: Final[dict[str, ProposalStatus]] = {
    "": "received",
    "not_answered": "received",
    "published": "received",
    "withdrawn": "received",
    "evaluating": "under_consideration",
    "accepted": "accepted",
    "rejected": "rejected",
}
_WORDS: Final[dict[ProposalStatus, str]] = {
    "received": "not_answered",
    "under_consideration": "evaluating",
    "next_phase": "evaluating",
    "accepted": "accepted",
    "rejected": "rejected",
    "done": "accepted",
}


def read_decidim(path: Path, language: str = "de", aside: RejectedRows = STRICT) -> Bundle:
    """Reads the proposals of a CSV or JSON file, preferably in the requested language, else in the original one."""
    is_json = path.suffix.lower() == ".json"
    rows = _json(path, aside) if is_json else _csv(path, aside)
    found: list[ImportedStatement] = []
    for row, cells in rows:
        with aside.row():
            found.append(_statement(path, row, cells, language, aside))
    statements = valid_statements(path, found, aside)
    if not statements:
        raise aside.nothing_left(path, "it contains no proposal", "export the component again")
    home = next((it.link for it in statements if it.link), None) or HOME
    return Bundle(f"decidim:{urlsplit(home).hostname}", path.stem, home, statements)


def _csv(path: Path, aside: RejectedRows) -> Iterator[tuple[int, Row]]:
    content = files.read_file(path)
    head = content.partition(b"\n")[0]
    return files.csv_rows(path, content, ("id",), ";" if b";" in head else ",", aside)


def _json(path: Path, aside: RejectedRows) -> Iterator[tuple[int, Row]]:
    found, is_mended = files.read_json(path, aside)
    if not isinstance(found, list) or (found and not any(isinstance(it, dict) for it in found)):
        raise BadFile(path, None, "this is not a list of proposals", "export the component again")
    for number, it in enumerate(found, 1):
        with aside.row():
            if not isinstance(it, dict):
                raise BadFile(path, number, "this is not a proposal", "export the component again")
            if is_mended:
                files.check_mended(path, number, it)
            cells = dict(_flat(path, number, it))
            if "id" not in cells:
                raise BadFile(path, number, "id is missing", "export the component again")
            yield number, cells


def _flat(
    path: Path, row: int, nested: Mapping[str, Any], before: str = "", depth: int = 0
) -> Iterator[tuple[str, str]]:
    if depth > _DEEPEST:
        raise BadFile(path, row, "it is nested too deeply", "export the component again")
    for key, value in nested.items():
        if isinstance(value, dict):
            yield from _flat(path, row, value, f"{before}{key}/", depth + 1)
        elif not isinstance(value, list):
            yield f"{before}{key}", "" if value is None else str(value)


def _shown_state(cells: Row) -> State:
    is_withdrawn = cells.get("state", "").strip() == "withdrawn" or cells.get("withdrawn") == "true"
    return "hidden" if is_withdrawn else "released"


def _is_in_language(cells: Row, language: str) -> bool:
    return any(cells.get(name, "").strip() for name in (f"body/{language}", "body"))


def _statement(path: Path, row: int, cells: Row, language: str, aside: RejectedRows) -> ImportedStatement:
    state = cells.get("state", "").strip()
    if state not in _STATUSES:
        raise BadFile(path, row, f"state is {state[:40]!r}", f"it must be one of: {', '.join(filter(None, _STATUSES))}")
    answer, body = _localised(cells, "answer", language), _localised(cells, "body", language)
    title = _optional(path, row, _localised(cells, "title", language), aside)
    text = _optional(path, row, body, aside) or title
    if text is None:
        raise BadFile(path, row, "title and body are empty", "remove the row")
    if body.strip() and not _is_in_language(cells, language):
        aside.tell(f"are not there in {language} and were taken in the language they were written in", path, row)
    return ImportedStatement(
        files.parse_identifier(path, row, "id", cells["id"]),
        text,
        files.parse_timestamp(
            path, row, "created_at", cells.get("published_at") or cells.get("created_at") or "1970-01-01"
        ),
        _shown_state(cells),
        title=title if body.strip() else None,
        topic=_optional(path, row, _localised(cells, "category/name", language), aside),
        place=_optional(path, row, cells.get("address", ""), aside),
        latitude=files.parse_degrees(path, row, "latitude", cells.get("latitude", ""), 90),
        longitude=files.parse_degrees(path, row, "longitude", cells.get("longitude", ""), 180),
        status=_STATUSES[state],
        answer=files.clean_markup(path, row, answer, aside) if answer.strip() else None,
        link=files.parse_web_link(cells.get("url", "")),
        row=row,
    )


def _localised(cells: Row, name: str, language: str) -> str:
    """Returns the text in the requested language, else in the first one with a text, else without language. Machine
    translations are ignored, because the author did not write them.
    """
    wished = cells.get(f"{name}/{language}", "")
    others = (
        cell
        for key, cell in cells.items()
        if key.startswith(f"{name}/") and not key.startswith(f"{name}/{_MACHINE}/") and cell.strip()
    )
    return wished if wished.strip() else next(others, cells.get(name, ""))


def _optional(path: Path, row: int, cell: str, aside: RejectedRows) -> str | None:
    return files.clean_markup(path, row, cell, aside) if cell.strip() else None


def write_decidim(content: ExchangeContent, folder: Path) -> list[str]:
    """Writes the public proposals as CSV and as JSON; returns the names of the files."""
    sums = content.sums
    rows = [_row(content, it, sums[it.id][0]) for it in content.shown]
    names = ["proposals.csv", "proposals.json"]
    columns = list(dict.fromkeys(key for row in rows for key in row)) or ["id"]
    with (folder / names[0]).open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, columns, delimiter=";")
        table.writeheader()
        table.writerows(
            {key: guard_formula(cell) if isinstance(cell, str) else cell for key, cell in row.items()} for row in rows
        )
    nested = json.dumps([_nested(row) for row in rows], ensure_ascii=False, indent=2)
    (folder / names[1]).write_text(f"{nested}\n", encoding="utf-8")
    return names


def _row(content: ExchangeContent, it: StoredProposal, agrees: int) -> dict[str, object]:
    created = it.created_at.isoformat(timespec="seconds")
    return {
        "id": it.code,
        "reference": it.code,
        f"title/{it.language}": it.title or it.text[:150],
        f"body/{it.language}": it.text,
        "address": it.place or "",
        "latitude": "" if it.latitude is None else it.latitude,
        "longitude": "" if it.longitude is None else it.longitude,
        "state": _WORDS[it.status],
        f"answer/{content.language}": content.answers.get(it.id, ""),
        "votes": agrees,
        "created_at": created,
        "published_at": it.released_at.isoformat(timespec="seconds") if it.released_at else created,
        "url": content.link_to(it),
    }


def _nested(row: Mapping[str, object]) -> dict[str, object]:
    found: dict[str, Any] = {}
    for key, cell in row.items():
        outer, _, inner = key.partition("/")
        if inner:
            found.setdefault(outer, {})[inner] = cell
        else:
            found[outer] = cell
    return found


FORMAT: Final = FileFormat(read_decidim, write_decidim)
