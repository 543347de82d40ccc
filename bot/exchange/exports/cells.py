"""Rows as the XML of a worksheet (ECMA-376, SpreadsheetML), as bytes.

Text is written into its cell and never means anything: no formula, no link, no number. What a cell looks like depends
on its column and its text only, so it is made once for each.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, tzinfo
from functools import partial
from typing import Final

from bot.common.remembered import ResultCache
from bot.exchange.exports.sheets import Row, cell_text

DATE_STYLE: Final = 2
"""The number of the style of dates; 1 is that of heads."""
MOST_UNITS: Final = 32_767
"""What a cell holds, in units of UTF-16."""
_NUMBER: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_ESCAPED: Final = re.compile(r"(_x[0-9a-fA-F]{4}_)")
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_EDGES: Final = re.compile(r"^\s|\s$")
_DAY_ZERO: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - Excel knows no zones
_DAY_SECONDS: Final = 86_400
_ROW: Final = "\0"
"""Stands for the number of the row; no XML can hold it."""


class SheetXml:
    """The rows of one sheet. `are_numbers` says which columns hold numbers; in others, times become those of `zone`."""

    def __init__(self, are_numbers: Sequence[bool], zone: tzinfo) -> None:
        self.row = 1
        """The number of the last row; the first one is the head."""
        self._columns = [
            ResultCache(partial(_cell, column_letters(place), zone, is_number=is_number))
            for place, is_number in enumerate(are_numbers)
        ]

    def rows(self, rows: Sequence[Row]) -> bytes:
        """The next rows. A cell that holds nothing is left out."""
        found = []
        for row in rows:
            self.row += 1
            texts = map(cell_text, row)
            cells = "".join([known[text] for known, text in zip(self._columns, texts, strict=True) if text])
            found.append(f'<row r="{_ROW}">{cells}</row>'.replace(_ROW, str(self.row)))
        return "".join(found).encode()


def column_letters(place: int) -> str:
    """The name of a column.

    >>> column_letters(0), column_letters(25), column_letters(26), column_letters(16_383)
    ('A', 'Z', 'AA', 'XFD')
    """
    name, left = "", place + 1
    while left:
        left, letter = divmod(left - 1, 26)
        name = chr(65 + letter) + name
    return name


def _cell(column: str, zone: tzinfo, text: str, *, is_number: bool) -> str:
    """The cell of this text."""
    start = f'<c r="{column}{_ROW}"'
    if is_number and _NUMBER.fullmatch(text):
        return f"{start}><v>{float(text):.16G}</v></c>"
    if not is_number and _TIME.fullmatch(text):
        since = datetime.fromisoformat(text).astimezone(zone).replace(tzinfo=None) - _DAY_ZERO
        return f'{start} s="{DATE_STYLE}"><v>{since.days + since.seconds / _DAY_SECONDS:.16G}</v></c>'
    space = ' xml:space="preserve"' if _EDGES.search(text) else ""
    return f'{start} t="inlineStr"><is><t{space}>{escape_xml(text)}</t></is></c>'


def escape_xml(text: str) -> str:
    """A text as XML; characters XML does not have, and what reads like one of them, as Excel writes them.

    >>> escape_xml("a < b\\x07"), escape_xml("_x0007_")
    ('a &lt; b_x0007_', '_x005F_x0007_')
    """
    if len(text) > MOST_UNITS // 2:
        text = text.encode("utf-16-le")[: 2 * MOST_UNITS].decode("utf-16-le", "ignore")
    known = _CONTROL.sub(lambda match: f"_x{ord(match[0]):04X}_", _ESCAPED.sub(r"_x005F\1", text))
    return known.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
