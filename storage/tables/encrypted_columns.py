"""What the tables hold sealed, all of it in one form, so that it can be sealed anew with another key.

A new column with something sealed is added here (a test looks at every column of bytes).
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Column, Connection, bindparam, func, select, update

from storage.core.base import table_of
from storage.tables.account_links import SupersededAnswerRow
from storage.tables.attachments import AttachmentRow
from storage.tables.contacts import AddressRow
from storage.tables.messages import DeadLetterRow
from storage.tables.moderation import ModerationRow


class EncryptedCell(NamedTuple):
    """One thing sealed: the key of its row, what else tells how it is bound, and itself."""

    key: Any
    about: Any
    sealed: bytes


class EncryptedColumn(NamedTuple):
    """A column of sealed things, with the key of its rows and the column that tells how each is bound."""

    key: Column[Any]
    about: Column[Any]
    sealed: Column[Any]


_addresses = table_of(AddressRow).c
_letters = table_of(DeadLetterRow).c
_asides = table_of(SupersededAnswerRow).c
_attachments = table_of(AttachmentRow).c
_moderations = table_of(ModerationRow).c

ENCRYPTED_COLUMNS: Final = {
    "addresses": EncryptedColumn(_addresses.lookup, _addresses.lookup, _addresses.sealed),
    "dead_letters": EncryptedColumn(_letters.id, _letters.lookup, _letters.sealed),
    "set_aside": EncryptedColumn(_asides.id, _asides.id, _asides.sealed),
    "attachments": EncryptedColumn(_attachments.id, _attachments.id, _attachments.handle),
    "moderations": EncryptedColumn(_moderations.id, _moderations.proposal_id, _moderations.original),
}


def count_encrypted(connection: Connection, place: EncryptedColumn) -> int:
    """How much is sealed there."""
    return connection.scalar(select(func.count()).select_from(place.key.table).where(place.sealed.is_not(None))) or 0


def encrypted_cells_after(
    connection: Connection, place: EncryptedColumn, after: Any, limit: int
) -> list[EncryptedCell]:
    """What is sealed behind this key (None: from the first on), by key."""
    query = select(place.key, place.about, place.sealed).where(place.sealed.is_not(None))
    if after is not None:
        query = query.where(place.key > after)
    return [EncryptedCell._make(row) for row in connection.execute(query.order_by(place.key).limit(limit))]


def replace_encrypted(
    connection: Connection, place: EncryptedColumn, cells: Sequence[tuple[EncryptedCell, bytes]]
) -> None:
    """Put what was sealed anew in the place of what it was made of, where that still stands there."""
    if cells:
        change = update(place.key.table).where(
            place.key == bindparam("row_key"), place.sealed == bindparam("sealed_before")
        )
        rows = [{"row_key": cell.key, "sealed_before": cell.sealed, "sealed_anew": sealed} for cell, sealed in cells]
        connection.execute(change.values({place.sealed: bindparam("sealed_anew")}), rows)
