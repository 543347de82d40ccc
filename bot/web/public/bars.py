"""Bar charts: a drawing for eyes, with a table beside it for screen readers. Works without scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from markupsafe import Markup

from bot.results.figures import Bar

WIDTH: Final = 100
"""Units of the drawing: per cent."""
HEIGHT: Final = 6
_SVG: Final = Markup(
    '<svg class="bar" viewBox="0 0 {width} {height}" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
    '<rect class="whole" width="{width}" height="{height}"/>{pieces}</svg>'
)
_PIECE: Final = Markup('<rect class="piece{number}" x="{at:.1f}" width="{size:.1f}" height="{height}"/>')


def bars(numbers: Mapping[str, int | None], of: int | None, labels: Mapping[str, str]) -> list[Bar]:
    """Returns rows of counts among `of` people; without `of` there are no shares.

    >>> [(bar.label, bar.number, bar.percent) for bar in bars({"yes": 3, "no": None}, 4, {"yes": "Ja", "no": "Nein"})]
    [('Ja', 3, 75), ('Nein', None, None)]
    """
    return [
        Bar(labels.get(name, name), number, number / of if number is not None and of else None)
        for name, number in numbers.items()
    ]


def drawing(share: float | None) -> Markup:
    """Returns one bar as SVG, hidden from screen readers. Suppressed figures have no bar."""
    return stack([share or 0.0])


def stack(shares: Sequence[float]) -> Markup:
    """Returns several consecutive shares in one bar (agree, pass, disagree) as SVG."""
    pieces, at = [], 0.0
    for number, share in enumerate(shares):
        size = max(0.0, min(1.0, share)) * WIDTH
        pieces.append(_PIECE.format(number=number, at=at, size=size, height=HEIGHT))
        at += size
    return _SVG.format(width=WIDTH, height=HEIGHT, pieces=Markup("").join(pieces))
