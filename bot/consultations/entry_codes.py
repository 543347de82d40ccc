"""Entry codes: the code of the poster or multiplier by which a participation began; never identifies a person."""

from __future__ import annotations

import re
from typing import Final

_CODE: Final = re.compile(r"[A-Za-z0-9-]{1,24}")
_AFTER_START: Final = re.compile(r"\s*(\S+\s+[^\s_]+)(?:_|\s+)([A-Za-z0-9-]{1,24})\s*")
"""A start word, the name of a consultation, and a code: `/start park_BIB7`, as links of messengers transfer it."""
_BARE: Final = re.compile(r"\s*([^\s/]\S*)\s+((?=\S*[0-9])[A-Za-z0-9-]{1,24})\s*")
"""A name and a code with a digit: `park BIB7`, as people copy it from a poster."""


def parse_entry_code(text: str) -> str:
    """Returns a valid entry code unchanged; "" for anything else.

    >>> parse_entry_code("KIEZ-7"), parse_entry_code("a b"), parse_entry_code("x" * 25)
    ('KIEZ-7', '', '')
    """
    return text if _CODE.fullmatch(text) else ""


def split_entry_code(text: str, *, is_bare: bool) -> tuple[str, str]:
    """Splits a message into the words that start a consultation and the entry code behind them; ("", "") without one.

    `is_bare`: also without a start word. The caller checks whether the words start a consultation.

    >>> split_entry_code("/start park_BIB7", is_bare=False), split_entry_code("park BIB7", is_bare=True)
    (('/start park', 'BIB7'), ('park', 'BIB7'))
    >>> split_entry_code("park BIB7", is_bare=False), split_entry_code("Mehr Licht", is_bare=True)
    (('', ''), ('', ''))
    """
    found = _AFTER_START.fullmatch(text) or (_BARE.fullmatch(text) if is_bare else None)
    return (found[1], found[2]) if found else ("", "")
