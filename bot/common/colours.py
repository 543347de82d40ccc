"""The accent colour of a deployment: checks its contrast and derives the shade for dark pages."""

from __future__ import annotations

import re
from typing import Final

READABLE: Final = 4.5
"""Minimum contrast between text and background (WCAG 2.2, 1.4.3)."""
LIGHT_PAGE: Final = "#faf6ee"
LIGHT_CARD: Final = "#ffffff"
TINT: Final = 0.1
"""Share of the accent colour in the background of what is chosen, on the colour of cards (`--tint`)."""
DARK_PAGE: Final = "#2a3b3f"
"""The lightest background of dark pages, where contrast is lowest."""
_HEX: Final = re.compile(r"#[0-9a-f]{6}")


def check_accent(colour: str) -> str:
    """Returns the colour in lower case. Raises ValueError if it is invalid or too light for text.

    >>> check_accent("#0B5D66")
    '#0b5d66'
    """
    colour = colour.strip().lower()
    if not _HEX.fullmatch(colour):
        raise ValueError("must be a colour like #0b5d66")
    if (found := contrast(colour, LIGHT_PAGE)) < READABLE:
        raise ValueError(
            f"{colour} is too light to be read (contrast {found:.1f}, needed {READABLE}); take a darker one"
        )
    return colour


def for_dark_pages(colour: str) -> str:
    """Mixes the colour with as much white as dark pages need.

    >>> for_dark_pages("#ffffff")
    '#ffffff'
    """
    for white in range(0, 101, 2):
        mixed = _mixed(colour, "#ffffff", white / 100)
        if contrast(mixed, DARK_PAGE) >= READABLE + 1:
            return mixed
    return "#ffffff"


def for_light_pages(colour: str) -> str:
    """Mixes the colour with as much black as it needs to be read on pages, on cards and on its own tint.

    >>> for_light_pages("#0b5d66")
    '#0b5d66'
    """
    for black in range(0, 101, 2):
        mixed = _mixed(colour, "#000000", black / 100)
        if min(contrast(mixed, it) for it in (LIGHT_PAGE, LIGHT_CARD, _mixed(LIGHT_CARD, mixed, TINT))) >= READABLE:
            return mixed
    return "#000000"


def darkened(colour: str, least: float) -> str:
    """Mixes the colour with as much black as light pages need.

    >>> darkened("#0b5d66", READABLE)
    '#0b5d66'
    """
    for black in range(0, 101, 2):
        mixed = _mixed(colour, "#000000", black / 100)
        if contrast(mixed, LIGHT_PAGE) >= least:
            return mixed
    return "#000000"


def contrast(one: str, other: str) -> float:
    """Returns the WCAG contrast of two colours, from 1 to 21.

    >>> contrast("#000000", "#ffffff")
    21.0
    """
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _mixed(colour: str, other: str, share: float) -> str:
    pairs = zip(_parts(colour), _parts(other), strict=True)
    return "#" + "".join(f"{round(one + (two - one) * share):02x}" for one, two in pairs)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(part / 255) for part in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
