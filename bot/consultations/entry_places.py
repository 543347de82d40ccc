"""The places of a consultation with their entry codes, and how many participations began with each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from random import Random
from typing import Final, Literal, NamedTuple

from sqlalchemy import Connection

from bot.common.sources import SYSTEM_RANDOM
from bot.consultations.entry_codes import parse_entry_code
from flows.understanding.text import clean_text, fold
from storage.tables.entry_places import EntryPlace, count_entries, entry_places, insert_entry_place

LONGEST_PLACE: Final = 80
MOST_PLACES: Final = 500
LETTERS: Final = 3
DIGITS: Final = "2345679"
"""Without digits that are misread on a poster as letters (0, 1, 8)."""
PlaceProblem = Literal["name", "code", "taken", "many"]


class PlaceRefused(Exception):
    """A place cannot be added; `reason` says why."""

    def __init__(self, reason: PlaceProblem) -> None:
        super().__init__(reason)
        self.reason: Final = reason


class PlaceFigures(NamedTuple):
    """A place with the participations that began with its code, in all modes."""

    place: EntryPlace
    begun: int
    finished: int

    @property
    def code(self) -> str:
        return self.place.code


def places_with_figures(connection: Connection, consultation_id: int) -> list[PlaceFigures]:
    """Returns the places in the order in which they were added, removed ones included. Codes count in any case of
    letters, because people type them from a poster.
    """
    begun: Counter[str] = Counter()
    finished: Counter[str] = Counter()
    for count in count_entries(connection, consultation_id):
        begun[count.code.upper()] += count.begun
        finished[count.code.upper()] += count.finished
    places = entry_places(connection, consultation_id)
    return [PlaceFigures(it, begun[it.code.upper()], finished[it.code.upper()]) for it in places]


def add_entry_place(
    connection: Connection,
    consultation_id: int,
    name: str,
    code: str,
    now: datetime,
) -> EntryPlace:
    """Adds a place. Without a code it gets one from its name. Raises PlaceRefused."""
    name = " ".join(clean_text(name).split())
    if not name or len(name) > LONGEST_PLACE:
        raise PlaceRefused("name")
    known = entry_places(connection, consultation_id)
    if len(known) >= MOST_PLACES:
        raise PlaceRefused("many")
    taken = {it.code.upper() for it in known}
    code = code.strip() or suggested_code(name, taken)
    if not parse_entry_code(code):
        raise PlaceRefused("code")
    if code.upper() in taken:
        raise PlaceRefused("taken")
    place = EntryPlace(consultation_id, code, name, now)
    insert_entry_place(connection, place)
    return place


def suggested_code(name: str, taken: Collection[str], random: Random = SYSTEM_RANDOM) -> str:
    """Returns a free code of three letters of the name and a digit; with more digits if all of them are taken.

    >>> suggested_code("Bücherei am Tor", {"BUC2", "BUC3", "BUC4", "BUC5", "BUC6", "BUC7"})
    'BUC9'
    """
    letters = "".join(it for it in fold(name).upper() if "A" <= it <= "Z")[:LETTERS] or "ORT"
    for size in range(1, LETTERS + 1):
        free = [code for code in _codes(letters, size) if code not in taken]
        if free:
            return random.choice(free)
    raise PlaceRefused("many")


def _codes(letters: str, size: int) -> Iterable[str]:
    numbers = [""]
    for _ in range(size):
        numbers = [number + digit for number in numbers for digit in DIGITS]
    return (letters + number for number in numbers)
