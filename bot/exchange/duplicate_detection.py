"""Detects whether a file was imported before.

Compares the content, because files of different conversations can share the name of their source and the ids in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import NamedTuple

from sqlalchemy import Connection

from bot.common.errors import CommandError
from bot.exchange.bundle import Bundle, ImportedStatement, content_fingerprint
from storage.tables.moderation import moderations_by_id
from storage.tables.proposals import StoredProposal, proposals_of_sources
from storage.tables.revisions import live_revision_of


class KnownStatements(NamedTuple):
    """The statements of a bundle that are stored already, and the source for the others."""

    source: str
    """The source of participants, and of each statement that is not in `sources`."""
    sources: Mapping[str, str]
    """Other sources for statements whose id under `source` belongs to another conversation."""
    ids: Mapping[str, int]
    """Statement → stored proposal."""
    remarks: tuple[str, ...] = ()


def find_known_statements(connection: Connection, bundle: Bundle, consultation_id: int) -> KnownStatements:
    """Finds the statements of a bundle in this consultation and in others.

    Raises CommandError if they were imported into another consultation, or if this one has those of another
    conversation.
    """
    wanted = {it.source_id: it for it in bundle.statements}
    known = [it for it in proposals_of_sources(connection, bundle.sources) if it.source_id in wanted]
    same = _same(connection, known, wanted)
    here = _rows_here(connection, bundle, known, consultation_id, same)
    if not here:
        return KnownStatements(_unused_source(bundle, known), {}, {}, ())
    changed = [row for row in here if row.id not in same]
    if not _are_mostly(here, same):
        raise _another(wanted[str(changed[0].source_id)], bundle.source)
    source = str(here[0].source)
    ids = {str(row.source_id): row.id for row in here}
    taken = _ids_of_source(known, source) - ids.keys()
    remarks = (f"{len(changed):,} statements have changed in the file; the stored texts stay.",) if changed else ()
    return KnownStatements(source, dict.fromkeys(taken, _own_source(source, bundle)), ids, remarks)


def _unused_source(bundle: Bundle, known: Iterable[StoredProposal]) -> str:
    """Returns the source of the bundle, made unique if another consultation has statements of it."""
    is_taken = bool(_ids_of_source(known, bundle.source))
    return _own_source(bundle.source, bundle) if is_taken else bundle.source


def _ids_of_source(known: Iterable[StoredProposal], source: str) -> set[str]:
    return {str(row.source_id) for row in known if row.source == source}


def _own_source(source: str, bundle: Bundle) -> str:
    """Returns a name of the source that only a file with these statements has."""
    return f"{source}#{content_fingerprint([it.source_id, it.title, it.text] for it in bundle.statements)}"


def _rows_here(
    connection: Connection,
    bundle: Bundle,
    known: Iterable[StoredProposal],
    consultation_id: int,
    same: Set[int],
) -> list[StoredProposal]:
    """Returns the statements in this consultation. Raises CommandError if another one has the conversation."""
    by_consultation: dict[int, list[StoredProposal]] = defaultdict(list)
    for row in known:
        by_consultation[row.consultation_id].append(row)
    here = by_consultation.pop(consultation_id, [])
    for number, rows in by_consultation.items():
        if _are_mostly(rows, same):
            raise _elsewhere(connection, bundle.source, number)
    return here


def _are_mostly(rows: Sequence[StoredProposal], same: Set[int]) -> bool:
    """Whether these proposals belong to the conversation: at least half are equal. Texts change, so not all must be;
    two conversations may share a sentence, so a few are not enough.
    """
    return 2 * sum(row.id in same for row in rows) >= len(rows)


def _same(connection: Connection, known: Sequence[StoredProposal], wanted: Mapping[str, ImportedStatement]) -> set[int]:
    """Returns the proposals with the text of the statement with their id. Proposals edited here count as equal."""
    states = moderations_by_id(connection, [row.id for row in known])
    edited = {number for number, state in states.items() if state.original is not None}
    return {row.id for row in known if row.id in edited or _says(row, wanted[str(row.source_id)])}


def _says(row: StoredProposal, it: ImportedStatement) -> bool:
    return (row.title, row.text) == (it.title, it.text)


def _elsewhere(connection: Connection, source: str, consultation_id: int) -> CommandError:
    other = live_revision_of(connection, consultation_id)
    return CommandError(f"{source} was imported as {other.slug if other else '?'} already; use --as with that name")


def _another(it: ImportedStatement, source: str) -> CommandError:
    return CommandError(
        f"row {it.row}: {it.source_id!r} says something else than what was taken over from {source} under this id, and "
        "so do most others; where this is another conversation use --as with another name, else the --lang of that time"
    )
