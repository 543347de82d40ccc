"""Ideas of mein.berlin.de: the XLSX file its staff download, with German header and status words.

Its own programs can be read, not written; so what goes back is a file and a link. Names of authors are dropped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import xlsxwriter  # type: ignore[import-untyped]

from bot.exchange import files, sheets
from bot.exchange.bundle import BadFile, Bundle, Statement, check_statements
from bot.exchange.content import Content
from bot.exchange.files import Row
from bot.exports.tables import guarded
from storage.proposals import Status

HOME: Final = "https://mein.berlin.de"
NEEDED: Final = ("Referenznr.", "Titel", "Beschreibung")
HEAD: Final = (
    "Referenznr.",
    "Link",
    "Titel",
    "Beschreibung",
    "Positive Bewertungen",
    "Negative Bewertungen",
    "Kategorie",
    "Merkmale",
    "Anzahl Kommentare",
    "Status",
    "Rückmeldung",
    "Notiz",
    "Urheber",
    "Erstellt",
    "Ort (Längengrad)",
    "Ort (Breitengrad)",
    "Ortsbezeichnung",
)
_STATUSES: Final[dict[str, Status]] = {
    "": "received",
    "wird geprüft": "under_consideration",
    "für nächste Phase qualifiziert": "next_phase",
    "wird nicht umgesetzt": "rejected",
    "wird umgesetzt": "accepted",
}
_WORDS: Final = {status: word for word, status in _STATUSES.items()} | {"done": "wird umgesetzt"}


def read(path: Path, language: str = "de") -> Bundle:
    """The ideas of a file. Raises BadFile."""
    rows = list(sheets.table(path, NEEDED))
    statements = tuple(_statement(path, row, cells) for row, cells in rows)
    check_statements(path, statements)
    if not statements:
        raise BadFile(path, None, "there is no idea in it", "export the module anew")
    sums = [sum(_number(path, row, name, cells) for row, cells in rows) for name in HEAD[4:6]]
    remarks = (
        f"{path.name}: {sums[0]} positive and {sums[1]} negative ratings are sums there, so they were not taken over.",
    )
    return Bundle(HOME, path.stem, HOME, statements, remarks=remarks if any(sums) else ())


def _statement(path: Path, row: int, cells: Row) -> Statement:
    status = cells.get("Status", "").strip()
    if status not in _STATUSES:
        raise BadFile(
            path, row, f"Status is {status[:40]!r}", f"it must be one of: {', '.join(filter(None, _STATUSES))}"
        )
    if not cells["Referenznr."].strip():
        raise BadFile(path, row, "Referenznr. is empty", "export the module anew")
    # Without a time in the file the earliest there is: the idea is older than its export.
    created = sheets.day(cells.get("Erstellt", "").strip()) or "1970-01-01"
    return Statement(
        cells["Referenznr."].strip(),
        files.stripped(path, row, cells["Beschreibung"] or cells["Titel"]),
        files.moment(path, row, "Erstellt", created),
        title=files.text(path, row, cells["Titel"]),
        topic=_optional(path, row, cells.get("Kategorie", "")),
        place=_optional(path, row, cells.get("Ortsbezeichnung", "")),
        longitude=files.degrees(path, row, HEAD[14], cells.get(HEAD[14], ""), 180),
        latitude=files.degrees(path, row, HEAD[15], cells.get(HEAD[15], ""), 90),
        status=_STATUSES[status],
        answer=files.stripped(path, row, cells["Rückmeldung"]) if cells.get("Rückmeldung", "").strip() else None,
        link=_web(cells.get("Link", "")),
        row=row,
    )


def _optional(path: Path, row: int, cell: str) -> str | None:
    return files.text(path, row, cell) if cell.strip() else None


def _web(link: str) -> str | None:
    return link.strip() if link.strip().startswith("https://") else None


def _number(path: Path, row: int, name: str, cells: Row) -> int:
    return files.whole(path, row, name, cells.get(name, "") or "0")


def write(content: Content, folder: Path) -> list[str]:
    """Writes what is released; gives the name of the file."""
    name = "meinberlin.xlsx"
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(folder / name, options) as book:
        sheet = book.add_worksheet("Ideen")
        sheet.write_row(0, 0, HEAD)
        sums = content.sums
        for row, it in enumerate(content.shown, 1):
            answer = content.answers.get(it.id, "")
            cells = (
                it.code,
                content.link_to(it),
                guarded(it.title or it.text[:120]),
                guarded(it.text),
                *sums.get(it.id, (0, 0))[:2],
                guarded(it.topic or ""),
                "",
                0,
                _WORDS[it.status],
                guarded(answer),
                "",
                "",
                it.created_at.isoformat(timespec="seconds"),
                "" if it.longitude is None else it.longitude,
                "" if it.latitude is None else it.latitude,
                guarded(it.place or ""),
            )
            sheet.write_row(row, 0, cells)
    return [name]
