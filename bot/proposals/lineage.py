"""Tracks proposals across waves: copies and their originals.

The `source_id` of a copy is "P-7K2M-PX0Q/SLUG": the code of the original and the consultation of the copy.
A copy has no author, because its author has another pseudonym in that consultation. The pseudonym of the earlier
wave is computed only while a message of the author is processed (`bot.proposals.facts`), so that authors are not
asked to rate their own proposals.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from storage.tables.proposals import StoredProposal, proposals_by_code, proposals_of_source

SOURCE = "wave"


def copy_source_id(code: str, slug: str) -> str:
    """Returns the source id of the copy of a proposal in a consultation."""
    return f"{code}/{slug}"


def original_code(row: StoredProposal) -> str:
    """Returns the code of the original of a copy; "" for a proposal that is not a copy."""
    return row.source_id.partition("/")[0] if row.source == SOURCE and row.source_id else ""


def copies_of_codes(connection: Connection, codes: Iterable[str]) -> list[StoredProposal]:
    """Loads all copies of proposals with these codes, also indirect ones."""
    wanted, found = set(codes), []
    # oldest first, because an original is older than its copies
    for row in proposals_of_source(connection, SOURCE) if wanted else ():
        if original_code(row) in wanted:
            wanted.add(row.code)
            found.append(row)
    return found


def originals(connection: Connection, row: StoredProposal) -> list[StoredProposal]:
    """Loads the original of a copy, the original of that, and so on, as far as they still exist."""
    found: list[StoredProposal] = []
    while (code := original_code(row)) and (before := proposals_by_code(connection, [code]).get(code)):
        found.append(before)
        row = before
    return found
