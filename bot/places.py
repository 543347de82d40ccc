"""Place codes: where people came from, by the code of a poster or a multiplier. Never a person; counted coarsely."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from bot import stored
from bot.errors import Say
from bot.house import furnished
from bot.settings import Settings
from flows.definition import SMALLEST_CELL
from storage import sessions
from storage.sessions import PlaceCount

_CODE: Final = re.compile(r"[A-Za-z0-9-]{1,24}")
_HEAD: Final = ("place", "entered", "begun", "completed")


def place_code(text: str) -> str:
    """The code as it is kept, "" for anything that cannot be one.

    >>> place_code("KIEZ-7"), place_code("a b"), place_code("x" * 25)
    ('KIEZ-7', '', '')
    """
    return text if _CODE.fullmatch(text) else ""


def show(settings: Settings, slug: str, say: Say) -> None:
    """Says how many took part from where, a line for each place. Raises HouseError."""
    with furnished(settings, say) as (store, _), store.reading() as connection:
        revision = stored.named(connection, slug)
        counts = sessions.count_by_place(connection, revision.consultation_id)
        consultation = stored.read(revision)
    for line in table(counts, consultation.smallest_cell if consultation else SMALLEST_CELL):
        say(line)


def table(counts: Iterable[PlaceCount], least: int) -> Iterator[str]:
    """The lines of the table; a cell of fewer than `least` is shown as "<5": three people from one waiting room are
    soon recognised. Without sums: they would show what is hidden.
    """
    rows = [_HEAD]
    for count in counts:
        begun, completed = _coarse(count.begun, least), _coarse(count.completed, least)
        rows.append((count.place_code or "(none)", count.mode, begun, completed))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for place, mode, begun, completed in rows:
        cells = (place.ljust(widths[0]), mode.ljust(widths[1]), begun.rjust(widths[2]), completed.rjust(widths[3]))
        yield "  ".join(cells)


def _coarse(number: int, least: int) -> str:
    return f"<{least}" if 0 < number < least else str(number)
