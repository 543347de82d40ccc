"""Detects whether a file was imported before.

Compares the content, because files of different conversations can share the name of their source and the ids in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

from sqlalchemy import Connection

from bot.common.errors import CommandError
from bot.exchange.bundle import Bundle, ImportedStatement, content_fingerprint
from storage.tables.moderation import moderations_by_id
from storage.tables.proposals import StoredProposal, proposals_of_sources
from storage.tables.revisions import live_revision_of


class KnownStatements(NamedTuple):
    """The statements of a bundle that are stored already, and the source under which the others are stored."""

    source: str
    """Of the people, and of each statement that is not in `sources`."""
    sources: Mapping[str, str]
    """Of statements whose id under `source` belongs to another conversation."""
    ids: Mapping[str, int]
    """Statement → proposal, of those that are there."""
    remarks: tuple[str, ...] = ()


def find_known_statements(connection: Connection, bundle: Bundle, consultation_id: int) -> KnownStatements:
    """Looks for the statements of a bundle in this consultation and in others.

    Raises CommandError where they were taken into another one, or where this one has those of another conversation.
    """
    wanted = {it.source_id: it for it in bundle.statements}
    known = [it for it in proposals_of_sources(connection, bundle.sources) if it.source_id in wanted]
    same = _same(connection, known, wanted)
    by_consultation: dict[int, list[StoredProposal]] = defaultdict(list)
    for row in known:
        by_consultation[row.consultation_id].append(row)
    here = by_consultation.pop(consultation_id, [])
    for number, rows in by_consultation.items():
        if _are_mostly(rows, same):
            raise _elsewhere(connection, bundle.source, number)
    if here and not _are_mostly(here, same):
        other = next(row for row in here if row.id not in same)
        raise _another(wanted[str(other.source_id)], bundle.source)
    source = str(here[0].source) if here else bundle.source
    ids = {str(row.source_id): row.id for row in here}
    taken = {str(row.source_id) for row in known if row.source == source} - ids.keys()
    own = f"{source}#{content_fingerprint([it.source_id, it.title, it.text] for it in bundle.statements)}"
    if taken and not here:
        source, taken = own, set()
    otherwise = sum(row.id not in same for row in here)
    remarks = (f"{otherwise:,} statements read otherwise there by now; what stands here stays.",) if otherwise else ()
    return KnownStatements(source, dict.fromkeys(taken, own), ids, remarks)


def _are_mostly(rows: Sequence[StoredProposal], same: Set[int]) -> bool:
    """Whether these proposals are of the conversation: not all, as texts change; not a few, as two conversations may
    have a sentence in common.
    """
    return 2 * sum(row.id in same for row in rows) >= len(rows)


def _same(connection: Connection, known: Sequence[StoredProposal], wanted: Mapping[str, ImportedStatement]) -> set[int]:
    """Which of these proposals say what the statement of their id says. One that was edited here passes for it."""
    states = moderations_by_id(connection, [row.id for row in known])
    edited = {number for number, state in states.items() if state.original is not None}
    return {row.id for row in known if row.id in edited or _says(row, wanted[str(row.source_id)])}


def _says(row: StoredProposal, it: ImportedStatement) -> bool:
    return (row.title, row.text) == (it.title, it.text)


def _elsewhere(connection: Connection, source: str, consultation_id: int) -> CommandError:
    other = live_revision_of(connection, consultation_id)
    return CommandError(f"{source} was taken over as {other.slug if other else '?'} already; give --as that name")


def _another(it: ImportedStatement, source: str) -> CommandError:
    return CommandError(
        f"row {it.row}: {it.source_id!r} says something else than what was taken over from {source} under this id, and "
        "so do most others; where this is another conversation give --as another name, else the --lang of that time"
    )
