"""The accent colour of a deployment: checks its contrast and derives the shade for dark pages."""

from __future__ import annotations

import re
from typing import Final

READABLE: Final = 4.5
"""Minimum contrast between text and background (WCAG 2.2, 1.4.3)."""
LIGHT_PAGE: Final = "#faf6ee"
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
    parts = _parts(colour)
    for white in range(0, 101, 2):
        mixed = "#" + "".join(f"{round(part + (255 - part) * white / 100):02x}" for part in parts)
        if contrast(mixed, DARK_PAGE) >= READABLE + 1:
            return mixed
    return "#ffffff"


def darkened(colour: str, least: float) -> str:
    """Mixes the colour with as much black as light pages need.

    >>> darkened("#0b5d66", READABLE)
    '#0b5d66'
    """
    parts = _parts(colour)
    for black in range(0, 101, 2):
        mixed = "#" + "".join(f"{round(part * (100 - black) / 100):02x}" for part in parts)
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


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(part / 255) for part in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
