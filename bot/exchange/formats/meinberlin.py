"""Ideas of mein.berlin.de: the XLSX file its staff download, with German header and status words.

Its own programs can be read, not written; so what goes back is a file and a link. Names of authors are dropped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import xlsxwriter  # type: ignore[import-untyped]

from bot.exchange import files, sheets
from bot.exchange.aside import STRICT, Aside, BadFile
from bot.exchange.bundle import Bundle, Statement, sound
from bot.exchange.content import Content
from bot.exchange.exports.sheets import guarded
from bot.exchange.files import Row
from storage.tables.proposals import ProposalStatus

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
_STATUSES: Final[dict[str, ProposalStatus]] = {
    "": "received",
    "wird geprüft": "under_consideration",
    "für nächste Phase qualifiziert": "next_phase",
    "wird nicht umgesetzt": "rejected",
    "wird umgesetzt": "accepted",
}
_WORDS: Final = {status: word for word, status in _STATUSES.items()} | {"done": "wird umgesetzt"}


def read(path: Path, language: str = "de", aside: Aside = STRICT) -> Bundle:
    """The ideas of a file. Raises BadFile."""
    found: list[Statement] = []
    rated: dict[int, list[int]] = {}
    for row, cells in sheets.table(path, NEEDED, aside):
        with aside.row():
            rated[row] = [_number(path, row, name, cells) for name in HEAD[4:6]]
            found.append(_statement(path, row, cells, aside))
    statements = sound(path, found, aside)
    if not statements:
        raise aside.nothing_left(path, "there is no idea in it", "export the module anew")
    sums = [sum(numbers) for numbers in zip(*(rated[it.row] for it in statements), strict=True)]
    remarks = (
        f"{path.name}: {sums[0]} positive and {sums[1]} negative ratings are sums there, so they were not taken over.",
    )
    return Bundle(HOME, path.stem, HOME, statements, remarks=remarks if any(sums) else ())


def _statement(path: Path, row: int, cells: Row, aside: Aside) -> Statement:
    status = cells.get("Status", "").strip()
    if status not in _STATUSES:
        raise BadFile(
            path, row, f"Status is {status[:40]!r}", f"it must be one of: {', '.join(filter(None, _STATUSES))}"
        )
    # Without a time in the file the earliest there is: the idea is older than its export.
    created = sheets.day(cells.get("Erstellt", "").strip()) or "1970-01-01"
    return Statement(
        files.identifier(path, row, "Referenznr.", cells["Referenznr."]),
        files.stripped(path, row, cells["Beschreibung"] or cells["Titel"], aside),
        files.moment(path, row, "Erstellt", created),
        title=files.text(path, row, cells["Titel"], aside),
        topic=_optional(path, row, cells.get("Kategorie", ""), aside),
        place=_optional(path, row, cells.get("Ortsbezeichnung", ""), aside),
        longitude=files.degrees(path, row, HEAD[14], cells.get(HEAD[14], ""), 180),
        latitude=files.degrees(path, row, HEAD[15], cells.get(HEAD[15], ""), 90),
        status=_STATUSES[status],
        answer=files.stripped(path, row, cells["Rückmeldung"], aside) if cells.get("Rückmeldung", "").strip() else None,
        link=files.web_address(cells.get("Link", "")),
        row=row,
    )


def _optional(path: Path, row: int, cell: str, aside: Aside) -> str | None:
    return files.text(path, row, cell, aside) if cell.strip() else None


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
