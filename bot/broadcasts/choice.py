"""Segments chosen by clicks: the choice of a form as an expression of `bot.broadcasts.segments`. Pure."""

from __future__ import annotations

from typing import Literal, NamedTuple

Earlier = Literal["", "took_part", "not_took_part"]
"""Whether participation in another consultation matters."""


class AudienceChoice(NamedTuple):
    """What a form says about the audience; what is empty does not matter."""

    topics: tuple[str, ...] = ()
    districts: tuple[str, ...] = ()
    language: str = ""
    channel: str = ""
    earlier: Earlier = ""
    earlier_slug: str = ""
    """The other consultation of `earlier`."""

    def expression(self) -> str:
        """Returns the segment; values are not checked here but by `parse_segment`.

        >>> AudienceChoice(("neighbourhoods",), ("01", "08"), "tr").expression()
        '(topic=neighbourhoods or district=01 or district=08) and language=tr'
        >>> AudienceChoice(earlier="not_took_part", earlier_slug="mein-kiez").expression()
        'not took_part=mein-kiez'
        >>> AudienceChoice().expression()
        'everybody'
        """
        wishes = [f"topic={it}" for it in self.topics] + [f"district={it}" for it in self.districts]
        joined = " or ".join(wishes)
        conditions = [f"({joined})" if len(wishes) > 1 else joined]
        conditions.append(f"language={self.language}" if self.language else "")
        conditions.append(f"channel={self.channel}" if self.channel else "")
        if self.earlier and self.earlier_slug:
            conditions.append(f"{'not ' if self.earlier == 'not_took_part' else ''}took_part={self.earlier_slug}")
        return " and ".join(filter(None, conditions)) or "everybody"
