"""Place codes: where people came from, by the code of a poster or a multiplier. Never a person; counted coarsely."""

from __future__ import annotations

import re
from typing import Final

_CODE: Final = re.compile(r"[A-Za-z0-9-]{1,24}")


def parse_entry_code(text: str) -> str:
    """The code as it is kept, "" for anything that cannot be one.

    >>> parse_entry_code("KIEZ-7"), parse_entry_code("a b"), parse_entry_code("x" * 25)
    ('KIEZ-7', '', '')
    """
    return text if _CODE.fullmatch(text) else ""
