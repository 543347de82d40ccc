"""Ideas of mein.berlin.de: the XLSX file its staff download, with German header and status words.

mein.berlin has no import, so the export is a file with links. Names of authors are dropped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bot.exchange import files, xlsx_reader
from bot.exchange.bundle import Bundle, ImportedStatement, valid_statements
from bot.exchange.content import ExchangeContent
from bot.exchange.exports.sheets import guard_formula
from bot.exchange.file_format import FileFormat
from bot.exchange.files import Row
from bot.exchange.rejected_rows import STRICT, BadFile, RejectedRows
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


def read_meinberlin(path: Path, language: str = "de", aside: RejectedRows = STRICT) -> Bundle:
    """Reads the ideas of a file. Raises BadFile."""
    found: list[ImportedStatement] = []
    rated: dict[int, list[int]] = {}
    for row, cells in xlsx_reader.xlsx_rows(path, NEEDED, aside):
        with aside.row():
            rated[row] = [_number(path, row, name, cells) for name in HEAD[4:6]]
            found.append(_statement(path, row, cells, aside))
    statements = valid_statements(path, found, aside)
    if not statements:
        raise aside.nothing_left(path, "it contains no idea", "export the module again")
    sums = [sum(numbers) for numbers in zip(*(rated[it.row] for it in statements), strict=True)]
    remarks = (f"{path.name}: {sums[0]} positive and {sums[1]} negative ratings are sums, so they were not imported.",)
    return Bundle(HOME, path.stem, HOME, statements, remarks=remarks if any(sums) else ())


def _statement(path: Path, row: int, cells: Row, aside: RejectedRows) -> ImportedStatement:
    status = cells.get("Status", "").strip()
    if status not in _STATUSES:
        raise BadFile(
            path, row, f"Status is {status[:40]!r}", f"it must be one of: {', '.join(filter(None, _STATUSES))}"
        )
    # Without a time in the file the earliest possible one is used: the idea is older than its export.
    created = xlsx_reader.iso_time(cells.get("Erstellt", "").strip()) or "1970-01-01"
    return ImportedStatement(
        files.parse_identifier(path, row, "Referenznr.", cells["Referenznr."]),
        files.clean_markup(path, row, cells["Beschreibung"] or cells["Titel"], aside),
        files.parse_timestamp(path, row, "Erstellt", created),
        title=files.clean_cell(path, row, cells["Titel"], aside),
        topic=_optional(path, row, cells.get("Kategorie", ""), aside),
        place=_optional(path, row, cells.get("Ortsbezeichnung", ""), aside),
        longitude=files.parse_degrees(path, row, HEAD[14], cells.get(HEAD[14], ""), 180),
        latitude=files.parse_degrees(path, row, HEAD[15], cells.get(HEAD[15], ""), 90),
        status=_STATUSES[status],
        answer=files.clean_markup(path, row, cells["Rückmeldung"], aside)
        if cells.get("Rückmeldung", "").strip()
        else None,
        link=files.parse_web_link(cells.get("Link", "")),
        row=row,
    )


def _optional(path: Path, row: int, cell: str, aside: RejectedRows) -> str | None:
    return files.clean_cell(path, row, cell, aside) if cell.strip() else None


def _number(path: Path, row: int, name: str, cells: Row) -> int:
    return files.parse_integer(path, row, name, cells.get(name, "") or "0")


def write_meinberlin(content: ExchangeContent, folder: Path) -> list[str]:
    """Writes the public ideas; returns the name of the file."""
    import xlsxwriter  # type: ignore[import-untyped] # late: the service starts without it

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
                guard_formula(it.title or it.text[:120]),
                guard_formula(it.text),
                *sums.get(it.id, (0, 0))[:2],
                guard_formula(it.topic or ""),
                "",
                0,
                _WORDS[it.status],
                guard_formula(answer),
                "",
                "",
                it.created_at.isoformat(timespec="seconds"),
                "" if it.longitude is None else it.longitude,
                "" if it.latitude is None else it.latitude,
                guard_formula(it.place or ""),
            )
            sheet.write_row(row, 0, cells)
    return [name]


FORMAT: Final = FileFormat(read_meinberlin, write_meinberlin)
