"""The encrypted columns of all tables in one form, so that they can be encrypted again with another key.

A new encrypted column is added here (a test looks at every column of bytes).
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
from storage.tables.staff_credentials import StaffCredentialRow


class EncryptedCell(NamedTuple):
    """One encrypted value with the key of its row and the value it is bound to."""

    key: Any
    about: Any
    sealed: bytes


class EncryptedColumn(NamedTuple):
    """An encrypted column, with the key of its rows and the column to which each value is bound."""

    key: Column[Any]
    about: Column[Any]
    sealed: Column[Any]


_addresses = table_of(AddressRow).c
_letters = table_of(DeadLetterRow).c
_asides = table_of(SupersededAnswerRow).c
_attachments = table_of(AttachmentRow).c
_moderations = table_of(ModerationRow).c
_credentials = table_of(StaffCredentialRow).c

ENCRYPTED_COLUMNS: Final = {
    "addresses": EncryptedColumn(_addresses.lookup, _addresses.lookup, _addresses.sealed),
    "dead_letters": EncryptedColumn(_letters.id, _letters.lookup, _letters.sealed),
    "set_aside": EncryptedColumn(_asides.id, _asides.id, _asides.sealed),
    "attachments": EncryptedColumn(_attachments.id, _attachments.id, _attachments.handle),
    "moderations": EncryptedColumn(_moderations.id, _moderations.proposal_id, _moderations.original),
    "staff_credentials": EncryptedColumn(_credentials.id, _credentials.id, _credentials.sealed),
}


def count_encrypted(connection: Connection, place: EncryptedColumn) -> int:
    """Counts the encrypted values of a column."""
    return connection.scalar(select(func.count()).select_from(place.key.table).where(place.sealed.is_not(None))) or 0


def encrypted_cells_after(
    connection: Connection, place: EncryptedColumn, after: Any, limit: int
) -> list[EncryptedCell]:
    """The encrypted values after this key (None: from the first on), in order of keys."""
    query = select(place.key, place.about, place.sealed).where(place.sealed.is_not(None))
    if after is not None:
        query = query.where(place.key > after)
    return [EncryptedCell._make(row) for row in connection.execute(query.order_by(place.key).limit(limit))]


def replace_encrypted(
    connection: Connection, place: EncryptedColumn, cells: Sequence[tuple[EncryptedCell, bytes]]
) -> None:
    """Replaces encrypted values, where the old one is still there."""
    if cells:
        change = update(place.key.table).where(
            place.key == bindparam("row_key"), place.sealed == bindparam("sealed_before")
        )
        rows = [{"row_key": cell.key, "sealed_before": cell.sealed, "sealed_anew": sealed} for cell, sealed in cells]
        connection.execute(change.values({place.sealed: bindparam("sealed_anew")}), rows)
