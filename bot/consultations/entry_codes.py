"""Entry codes: the code of the poster or multiplier by which a participation began; never identifies a person."""

from __future__ import annotations

import re
from typing import Final

_CODE: Final = re.compile(r"[A-Za-z0-9-]{1,24}")


def parse_entry_code(text: str) -> str:
    """Returns a valid entry code unchanged; "" for anything else.

    >>> parse_entry_code("KIEZ-7"), parse_entry_code("a b"), parse_entry_code("x" * 25)
    ('KIEZ-7', '', '')
    """
    return text if _CODE.fullmatch(text) else ""
