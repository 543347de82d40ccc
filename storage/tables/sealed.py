"""What the tables hold sealed, all of it in one form, so that it can be sealed anew with another key.

A new column with something sealed is added here (a test looks at every column of bytes).
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Column, Connection, bindparam, func, select, update

from storage.core.base import table_of
from storage.tables.account_links import SupersededAnswer
from storage.tables.attachments import Attachment
from storage.tables.contacts import Address
from storage.tables.messages import DeadLetter
from storage.tables.moderation import Moderation


class Cell(NamedTuple):
    """One thing sealed: the key of its row, what else tells how it is bound, and itself."""

    key: Any
    about: Any
    sealed: bytes


class Place(NamedTuple):
    """A column of sealed things, with the key of its rows and the column that tells how each is bound."""

    key: Column[Any]
    about: Column[Any]
    sealed: Column[Any]


_addresses = table_of(Address).c
_letters = table_of(DeadLetter).c
_asides = table_of(SupersededAnswer).c
_attachments = table_of(Attachment).c
_moderations = table_of(Moderation).c

PLACES: Final = {
    "addresses": Place(_addresses.lookup, _addresses.lookup, _addresses.sealed),
    "dead_letters": Place(_letters.id, _letters.lookup, _letters.sealed),
    "set_aside": Place(_asides.id, _asides.id, _asides.sealed),
    "attachments": Place(_attachments.id, _attachments.id, _attachments.handle),
    "moderations": Place(_moderations.id, _moderations.proposal_id, _moderations.original),
}


def count(connection: Connection, place: Place) -> int:
    """How much is sealed there."""
    return connection.scalar(select(func.count()).select_from(place.key.table).where(place.sealed.is_not(None))) or 0


def portion(connection: Connection, place: Place, after: Any, limit: int) -> list[Cell]:
    """What is sealed behind this key (None: from the first on), by key."""
    query = select(place.key, place.about, place.sealed).where(place.sealed.is_not(None))
    if after is not None:
        query = query.where(place.key > after)
    return [Cell._make(row) for row in connection.execute(query.order_by(place.key).limit(limit))]


def replace(connection: Connection, place: Place, cells: Sequence[tuple[Cell, bytes]]) -> None:
    """Put what was sealed anew in the place of what it was made of, where that still stands there."""
    if cells:
        change = update(place.key.table).where(
            place.key == bindparam("row_key"), place.sealed == bindparam("sealed_before")
        )
        rows = [{"row_key": cell.key, "sealed_before": cell.sealed, "sealed_anew": sealed} for cell, sealed in cells]
        connection.execute(change.values({place.sealed: bindparam("sealed_anew")}), rows)
