"""From wave to wave: which proposals were taken over from which, so that a person's wish and an answer follow them.

A copy says in `source_id` what it is a copy of, "P-7K2M-PX0Q/SLUG": the code of the original and where it is now.
Nobody stands behind a copy: its author has another pseudonym there. Who somebody was in the earlier wave is computed
while they write, and only then (`bot.proposals.facts`): nobody weighs the own idea.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from storage.tables.proposals import StoredProposal, proposals_by_code, proposals_of_source

SOURCE = "wave"


def copy_source_id(code: str, slug: str) -> str:
    """What the copy of a proposal in a consultation is known by."""
    return f"{code}/{slug}"


def original_code(row: StoredProposal) -> str:
    """The code of what this is a copy of; "" where it is none."""
    return row.source_id.partition("/")[0] if row.source == SOURCE and row.source_id else ""


def copies_of_codes(connection: Connection, codes: Iterable[str]) -> list[StoredProposal]:
    """Everything that was taken over from proposals with these codes, also from copies of them."""
    wanted, found = set(codes), []
    # Oldest first: what a copy was made of is older.
    for row in proposals_of_source(connection, SOURCE) if wanted else ():
        if original_code(row) in wanted:
            wanted.add(row.code)
            found.append(row)
    return found


def originals(connection: Connection, row: StoredProposal) -> list[StoredProposal]:
    """What this was taken over from, and what that was, as far back as it is still there."""
    found: list[StoredProposal] = []
    while (code := original_code(row)) and (before := proposals_by_code(connection, [code]).get(code)):
        found.append(before)
        row = before
    return found
