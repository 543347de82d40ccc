"""`entries`: counts participations by entry code, with small numbers hidden."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from bot.cli.context import command_context
from bot.common.errors import Say
from bot.consultations import stored_revisions
from bot.settings import Settings
from flows.definition import SMALLEST_CELL
from storage.tables.participations import EntryCodeCount, tally_by_entry_code

_HEAD: Final = ("place", "entered", "begun", "answered", "finished")


def print_entries(settings: Settings, slug: str, say: Say) -> None:
    """Prints the number of participations per entry code. Raises CommandError."""
    with command_context(settings, say) as (store, _), store.reading() as connection:
        revision = stored_revisions.live_revision(connection, slug)
        counts = tally_by_entry_code(connection, revision.consultation_id)
        consultation = stored_revisions.read_revision(revision)
    for line in entry_table(counts, consultation.smallest_cell if consultation else SMALLEST_CELL):
        say(line)


def entry_table(counts: Iterable[EntryCodeCount], least: int) -> Iterator[str]:
    """Returns the lines of the table. A cell below `least` is shown as "<5", because three people from one waiting room
    can be recognised. There are no sums, since they would reveal suppressed cells.
    """
    rows: list[tuple[str, ...]] = [_HEAD]
    for count in counts:
        numbers = (_coarse(n, least) for n in (count.begun, count.answered, count.finished))
        rows.append((count.place_code or "(none)", count.mode, *numbers))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for place, mode, *columns in rows:
        cells = (cell.rjust(width) for cell, width in zip(columns, widths[2:], strict=True))
        yield "  ".join((place.ljust(widths[0]), mode.ljust(widths[1]), *cells))


def _coarse(number: int, least: int) -> str:
    return f"<{least}" if 0 < number < least else str(number)
