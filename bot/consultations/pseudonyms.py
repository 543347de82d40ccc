"""The pseudonyms of a contact: one per consultation, made with the key, stored beside answers only."""

from __future__ import annotations

from sqlalchemy import Connection

from bot.common.keys import Keys
from storage.tables.consultations import all_consultation_ids


def pseudonyms_of(connection: Connection, contact_id: int, keys: Keys) -> list[str]:
    """Who this contact is in each consultation there ever was, in an order that is the same for all."""
    return [keys.pseudonym(contact_id, number) for number in all_consultation_ids(connection)]
