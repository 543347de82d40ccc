"""Rows as the XML of a worksheet (ECMA-376, SpreadsheetML), as bytes.

Text cells are written as text only: no formula, no link, no number. The XML of a cell depends on its column and its
text only, so it is computed once for each pair.
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
"""The number of the style of dates; 1 is that of the header row."""
MOST_UNITS: Final = 32_767
"""The maximum length of a cell, in UTF-16 units."""
DAY_STYLE: Final = 3
"""The number of the style of days without a time."""
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_FIRST_DAY: Final = 61
"""1 March 1900: Excel counts 29 February 1900, which did not exist, so earlier days stay text."""
_NUMBER: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_ESCAPED: Final = re.compile(r"(_x[0-9a-fA-F]{4}_)")
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_EDGES: Final = re.compile(r"^\s|\s$")
_DAY_ZERO: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - Excel has no time zones
_DAY_SECONDS: Final = 86_400
_ROW: Final = "\0"
"""A placeholder for the row number; XML cannot contain this character."""


class SheetXml:
    """The rows of one sheet. `are_numbers` marks the numeric columns, `are_days` those of days; in others, times are
    converted to `zone`.
    """

    def __init__(self, are_numbers: Sequence[bool], zone: tzinfo, are_days: Sequence[bool] = ()) -> None:
        self.row = 1
        """The number of the last row; the header is row 1."""
        days = are_days or [False] * len(are_numbers)
        self._columns = [
            ResultCache(partial(_cell, column_letters(place), zone, is_number=is_number, is_day=is_day))
            for place, (is_number, is_day) in enumerate(zip(are_numbers, days, strict=True))
        ]

    def rows(self, rows: Sequence[Row]) -> bytes:
        """Returns the XML of the next rows, without empty cells."""
        found = []
        for row in rows:
            self.row += 1
            texts = map(cell_text, row)
            cells = "".join([known[text] for known, text in zip(self._columns, texts, strict=True) if text])
            found.append(f'<row r="{_ROW}">{cells}</row>'.replace(_ROW, str(self.row)))
        return "".join(found).encode()


def column_letters(place: int) -> str:
    """Returns the name of a column.

    >>> column_letters(0), column_letters(25), column_letters(26), column_letters(16_383)
    ('A', 'Z', 'AA', 'XFD')
    """
    name, left = "", place + 1
    while left:
        left, letter = divmod(left - 1, 26)
        name = chr(65 + letter) + name
    return name


def _cell(column: str, zone: tzinfo, text: str, *, is_number: bool, is_day: bool = False) -> str:
    """Returns the XML of a cell with this text."""
    start = f'<c r="{column}{_ROW}"'
    if is_number and _NUMBER.fullmatch(text):
        return f"{start}><v>{float(text):.16G}</v></c>"
    if not is_number and _TIME.fullmatch(text):
        since = datetime.fromisoformat(text).astimezone(zone).replace(tzinfo=None) - _DAY_ZERO
        return f'{start} s="{DATE_STYLE}"><v>{since.days + since.seconds / _DAY_SECONDS:.16G}</v></c>'
    if is_day and _DAY.fullmatch(text) and (number := (datetime.fromisoformat(text) - _DAY_ZERO).days) >= _FIRST_DAY:
        return f'{start} s="{DAY_STYLE}"><v>{number}</v></c>'
    space = ' xml:space="preserve"' if _EDGES.search(text) else ""
    return f'{start} t="inlineStr"><is><t{space}>{escape_xml(text)}</t></is></c>'


def escape_xml(text: str) -> str:
    """Escapes a text for XML; characters that XML lacks, and texts that look like their escapes, are written as by
    Excel.

    >>> escape_xml("a < b\\x07"), escape_xml("_x0007_")
    ('a &lt; b_x0007_', '_x005F_x0007_')
    """
    if len(text) > MOST_UNITS // 2:
        text = text.encode("utf-16-le")[: 2 * MOST_UNITS].decode("utf-16-le", "ignore")
    known = _CONTROL.sub(lambda match: f"_x{ord(match[0]):04X}_", _ESCAPED.sub(r"_x005F\1", text))
    return known.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
