"""Computes the pseudonyms of a contact: one keyed hash per consultation, stored with participations only."""

from __future__ import annotations

from sqlalchemy import Connection

from bot.common.keys import Keys
from storage.tables.consultations import all_consultation_ids


def pseudonyms_of(connection: Connection, contact_id: int, keys: Keys) -> list[str]:
    """Returns the pseudonyms of a contact in all consultations, in the same order for every contact."""
    return [keys.pseudonym(contact_id, number) for number in all_consultation_ids(connection)]
