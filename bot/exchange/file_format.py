"""The interface of file formats of other programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bot.exchange.bundle import Bundle
from bot.exchange.content import ExchangeContent
from bot.exchange.rejected_rows import RejectedRows


def nothing_left_out(_: ExchangeContent) -> str:
    """Returns "": the format can hold everything."""
    return ""


@dataclass(frozen=True)
class FileFormat:
    """A format: each module in `bot/exchange/formats/` defines one as `FORMAT`."""

    read: Callable[[Path, str, RejectedRows], Bundle]
    """Reads a file in the requested language. Raises BadFile."""
    write: Callable[[ExchangeContent, Path], list[str]]
    """Writes the public content into a folder; returns the names of the files."""
    has_single_votes: bool = False
    """Whether its files contain the votes of each person."""
    left_out: Callable[[ExchangeContent], str] = nothing_left_out
    """Returns a sentence about the content that the format cannot hold; "" if there is none."""
