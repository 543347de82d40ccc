"""Reference codes of contributions: random, and accepted in any spelling.

Authors get the code of their proposal. The code of an open answer is shown to staff only, so no participant can prove
which answer is theirs.
"""

from __future__ import annotations

import re
from random import Random
from typing import Final

from bot.common.code_alphabet import ALPHABET, MISREAD, group_code, random_code
from bot.common.sources import SYSTEM_RANDOM

_PROPOSAL: Final = "P"
_ANSWER: Final = "T"
_CODE: Final = re.compile(
    rf"#?\s*([{_PROPOSAL}{_ANSWER}])\s?[-\u2010-\u2015_]?\s?([{ALPHABET}OIL]{{4}})\s?[-\u2010-\u2015_]?\s?([{ALPHABET}OIL]{{4}})[.!?]?",
    re.IGNORECASE,
)
_FIRST: Final = frozenset(f"#{_PROPOSAL}{_ANSWER}{_PROPOSAL.lower()}{_ANSWER.lower()}")
"""The first characters of codes: a cheap test, because nearly no message is a code."""


def new_proposal_code(random: Random = SYSTEM_RANDOM) -> str:
    """Returns a new code of 40 random bits: "P-7K2M-PX0Q"."""
    return f"{_PROPOSAL}-{group_code(random_code(8, random))}"


def new_answer_code(random: Random = SYSTEM_RANDOM) -> str:
    """Returns a new code for an open answer: "T-7K2M-PX0Q"."""
    return f"{_ANSWER}-{group_code(random_code(8, random))}"


def parse_proposal_code(text: str) -> str | None:
    """Returns the proposal code that is the whole message, or None.

    >>> parse_proposal_code(" p 7k2m pxoq ")
    'P-7K2M-PX0Q'
    >>> parse_proposal_code("Parkbank") is None
    True
    """
    code = parse_contribution_code(text)
    return code if code and code.startswith(_PROPOSAL) else None


def parse_contribution_code(text: str) -> str | None:
    """Returns the code of a proposal or an open answer that is the whole message, or None.

    >>> parse_contribution_code("t7k2m-pxoq")
    'T-7K2M-PX0Q'
    """
    if len(text) >= 40 or not (text := text.strip()) or text[0] not in _FIRST:
        return None
    found = _CODE.fullmatch(text)
    if found is None:
        return None
    first, last = (part.upper().translate(MISREAD) for part in found.groups()[1:])
    return f"{found[1].upper()}-{first}-{last}"


def is_answer_code(code: str) -> bool:
    """Tells whether a code is that of an open answer."""
    return code.startswith(f"{_ANSWER}-")
