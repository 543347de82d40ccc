"""The files that can be exported: what they contain and in which format."""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

from bot.exchange.exports.metadata import Profile
from bot.exchange.known_formats import format_called, format_names

OWN_FORMATS: Final = ("csv", "xlsx")
"""Our own formats for answers."""
ATTACHMENTS: Final = "attachments"
"""The voice messages and pictures among the answers; the remaining formats are those of other programs."""


class ExportKind(NamedTuple):
    """One kind of file. A format of another program has exact figures, and some have the votes of each person: these
    count as raw data, the others as data for analysis.
    """

    profile: Profile
    format: str

    @property
    def name(self) -> str:
        """Returns "analysis-xlsx": how a stored job names it."""
        return f"{self.profile}-{self.format}"

    @property
    def suffix(self) -> str:
        """Returns the suffix of the file."""
        return ".xlsx" if self.format == "xlsx" else ".zip"

    @property
    def is_own(self) -> bool:
        """Whether it is one of our own formats."""
        return self.format in OWN_FORMATS or self.format == ATTACHMENTS


@cache
def export_kinds() -> tuple[ExportKind, ...]:
    """Returns all kinds, our own formats first."""
    profiles: tuple[Profile, ...] = ("public", "analysis", "raw")
    own = [ExportKind(profile, name) for profile in profiles for name in OWN_FORMATS]
    own.append(ExportKind("raw", ATTACHMENTS))
    others = [ExportKind("raw" if format_called(it).has_single_votes else "analysis", it) for it in format_names()]
    return (*own, *others)


def export_kind(name: str) -> ExportKind | None:
    """Returns the kind of this name, None for an unknown one.

    >>> export_kind("analysis-xlsx")
    ExportKind(profile='analysis', format='xlsx')
    """
    return next((kind for kind in export_kinds() if kind.name == name), None)
