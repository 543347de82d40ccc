"""Proposals of Decidim: its open data as CSV (`;`, keys joined by `/`, a column per language) or JSON.

Written are the columns its admin import takes (`title/de`, `body/de`, address, latitude, longitude) beside those its
open data has. Authors are dropped.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from bot.exchange import files
from bot.exchange.bundle import BadFile, Bundle, State, Statement, check_statements
from bot.exchange.content import Content
from bot.exchange.files import Row
from bot.exports.tables import guarded
from storage.proposals import Status, StoredProposal

HOME: Final = "https://decidim.org"
_DEEPEST: Final = 5
_STATUSES: Final[dict[str, Status]] = {
    "": "received",
    "not_answered": "received",
    "published": "received",
    "withdrawn": "received",
    "evaluating": "under_consideration",
    "accepted": "accepted",
    "rejected": "rejected",
}
_WORDS: Final[dict[Status, str]] = {
    "received": "not_answered",
    "under_consideration": "evaluating",
    "next_phase": "evaluating",
    "accepted": "accepted",
    "rejected": "rejected",
    "done": "accepted",
}


def read(path: Path, language: str = "de") -> Bundle:
    """The proposals of a CSV or JSON file; of several languages the wished one, else the first that is there."""
    rows = list(
        _json(path) if path.suffix.lower() == ".json" else files.table(path, files.read_file(path), ("id",), ";")
    )
    statements = tuple(_statement(path, row, cells, language) for row, cells in rows)
    check_statements(path, statements)
    if not statements:
        raise BadFile(path, None, "there is no proposal in it", "export the component anew")
    home = next((it.link for it in statements if it.link), None) or HOME
    return Bundle(f"decidim:{urlsplit(home).hostname}", path.stem, home, statements)


def _json(path: Path) -> Iterator[tuple[int, Row]]:
    found = files.json_of(path)
    if not isinstance(found, list) or not all(isinstance(it, dict) for it in found):
        raise BadFile(path, None, "this is no list of proposals", "export the component anew")
    for number, it in enumerate(found, 1):
        yield number, dict(_flat(path, number, it))


def _flat(
    path: Path, row: int, nested: Mapping[str, Any], before: str = "", depth: int = 0
) -> Iterator[tuple[str, str]]:
    if depth > _DEEPEST:
        raise BadFile(path, row, "it is nested too deeply", "export the component anew")
    for key, value in nested.items():
        if isinstance(value, dict):
            yield from _flat(path, row, value, f"{before}{key}/", depth + 1)
        elif not isinstance(value, list):
            yield f"{before}{key}", "" if value is None else str(value)


def _statement(path: Path, row: int, cells: Row, language: str) -> Statement:
    state = cells.get("state", "").strip()
    if state not in _STATUSES:
        raise BadFile(path, row, f"state is {state[:40]!r}", f"it must be one of: {', '.join(filter(None, _STATUSES))}")
    if not cells["id"].strip():
        raise BadFile(path, row, "id is empty", "export the component anew")
    shown: State = "hidden" if state == "withdrawn" or cells.get("withdrawn") == "true" else "released"
    answer = _localised(cells, "answer", language)
    link = cells.get("url", "").strip()
    return Statement(
        cells["id"].strip(),
        files.stripped(path, row, _localised(cells, "body", language)),
        files.moment(path, row, "created_at", cells.get("published_at") or cells.get("created_at") or "1970-01-01"),
        shown,
        title=files.stripped(path, row, _localised(cells, "title", language)),
        topic=_optional(path, row, _localised(cells, "category/name", language)),
        place=_optional(path, row, cells.get("address", "")),
        latitude=files.degrees(path, row, "latitude", cells.get("latitude", ""), 90),
        longitude=files.degrees(path, row, "longitude", cells.get("longitude", ""), 180),
        status=_STATUSES[state],
        answer=files.stripped(path, row, answer) if answer.strip() else None,
        link=link if link.startswith("https://") else None,
        row=row,
    )


def _localised(cells: Row, name: str, language: str) -> str:
    """The text in the wished language, else in the first that has one, else without any."""
    wished = cells.get(f"{name}/{language}", "")
    others = (cell for key, cell in cells.items() if key.startswith(f"{name}/") and cell.strip())
    return wished if wished.strip() else next(others, cells.get(name, ""))


def _optional(path: Path, row: int, cell: str) -> str | None:
    return files.stripped(path, row, cell) if cell.strip() else None


def write(content: Content, folder: Path) -> list[str]:
    """Writes what is released as CSV and as JSON; gives the names of the files."""
    sums = content.sums
    rows = [_row(content, it, sums[it.id][0]) for it in content.shown]
    names = ["proposals.csv", "proposals.json"]
    columns = list(dict.fromkeys(key for row in rows for key in row)) or ["id"]
    with (folder / names[0]).open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, columns, delimiter=";")
        table.writeheader()
        table.writerows(
            {key: guarded(cell) if isinstance(cell, str) else cell for key, cell in row.items()} for row in rows
        )
    nested = json.dumps([_nested(row) for row in rows], ensure_ascii=False, indent=2)
    (folder / names[1]).write_text(f"{nested}\n", encoding="utf-8")
    return names


def _row(content: Content, it: StoredProposal, agrees: int) -> dict[str, object]:
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
