"""Workbooks (XLSX) for translators: one sheet with the place of each text, the text, and its translation."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from typing import Final

from bot.exchange.rejected_rows import BadFile
from bot.exchange.translator_files.content import (
    MOST_TEXTS,
    TranslatedText,
    TranslatorFile,
    UnusableTranslation,
    version_in,
)
from bot.exchange.xlsx_reader import SheetLimits, named_sheets
from flows.languages import LANGUAGES

SHEET: Final = "texts"
LIMITS: Final = SheetLimits(cells=5 * MOST_TEXTS, bytes=16 * 1024 * 1024)
_PLACE: Final = "place"
_UNREAD: Final = "read again"
_VERSION: Final = re.compile(rf"{_PLACE} \(version (\d+)\)")
_TAG: Final = re.compile(r"\(([\w-]+)\)\s*$")
_OPTIONS: Final = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}


def write_xlsx(file: TranslatorFile) -> bytes:
    """Returns the workbook. No text becomes a formula or a link."""
    import xlsxwriter  # type: ignore[import-untyped] # late: the service starts without it

    content = BytesIO()
    with xlsxwriter.Workbook(content, _OPTIONS) as book:
        sheet = book.add_worksheet(SHEET)
        bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
        heads = (f"{_PLACE} (version {file.version})", _head(file.source_language), _head(file.language), "")
        for column, head in enumerate(heads):
            sheet.write_string(0, column, head, bold)
        for row, it in enumerate(file.texts, start=1):
            for column, said in enumerate((it.place, it.source, it.text, _UNREAD if it.is_unread else "")):
                sheet.write_string(row, column, said, wrapped)
        sheet.set_column(0, 0, 24)
        sheet.set_column(1, 2, 60)
        sheet.freeze_panes(1, 1)
    return content.getvalue()


def read_xlsx(content: bytes) -> TranslatorFile:
    """Reads a workbook. Raises UnusableTranslation."""
    try:
        rows = named_sheets(Path("texts.xlsx"), content, {SHEET}, LIMITS).get(SHEET, [])
    except BadFile as error:
        raise UnusableTranslation("unreadable", str(error)) from error
    head = rows[0][1] if rows else []
    if len(head) < 3 or not head[0].startswith(_PLACE):
        raise UnusableTranslation("unreadable")
    version = _VERSION.fullmatch(head[0].strip())
    texts = [
        TranslatedText(place.strip(), source, said)
        for _, cells in rows[1 : MOST_TEXTS + 1]
        if (place := cells[0] if cells else "").strip()
        for source, said in [(*cells[1:3], "", "")[:2]]
    ]
    return TranslatorFile(_tag(head[2]), _tag(head[1]), version_in(version[1]) if version else None, texts)


def _head(tag: str) -> str:
    return f"{LANGUAGES[tag].name} ({tag})" if tag in LANGUAGES else f"({tag})"


def _tag(head: str) -> str:
    found = _TAG.search(head)
    return found[1] if found else ""
