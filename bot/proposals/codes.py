"""Reference codes of contributions: made up at random, so that no person is in them, and found again when typed."""

from __future__ import annotations

import re
from typing import Final

from bot.letters import ALPHABET, MISREAD, in_groups, random_letters

_CODE: Final = re.compile(
    rf"#?\s*[Pp]\s?[-\u2010-\u2015_]?\s?([{ALPHABET}OIL]{{4}})\s?[-\u2010-\u2015_]?\s?([{ALPHABET}OIL]{{4}})[.!?]?",
    re.IGNORECASE,
)


def new_code() -> str:
    """A code of 40 random bits that can be read out: "P-7K2M-PX0Q"."""
    return f"P-{in_groups(random_letters(8))}"


def recognise(text: str) -> str | None:
    """The code which a whole message is, however it was typed; None for anything else.

    >>> recognise(" p 7k2m pxoq ")
    'P-7K2M-PX0Q'
    >>> recognise("Parkbank") is None
    True
    """
    found = _CODE.fullmatch(text.strip()) if len(text) < 40 else None
    if found is None:
        return None
    first, last = (part.upper().translate(MISREAD) for part in found.groups())
    return f"P-{first}-{last}"
