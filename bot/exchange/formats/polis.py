"""The CSV bundle of Polis, which other programs for statements and votes read and write.

Two generations of file names and times (seconds, milliseconds) are read. Polis stores agreement as −1 and exports it as
+1, but one version exported the raw signs. So the signs are compared with the sums per statement, and inverted, with a
remark, if they are the wrong way round. These sums count every vote event; the table holds last votes.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Final, NamedTuple

from bot.exchange import files
from bot.exchange.bundle import Bundle, ImportedStatement, ImportedVote, State, content_fingerprint, valid_statements
from bot.exchange.content import ExchangeContent
from bot.exchange.file_format import FileFormat
from bot.exchange.files import ImportFolder, Row
from bot.exchange.polis_tables import write_polis_tables
from bot.exchange.rejected_rows import STRICT, BadFile, RejectedRows
from storage.tables.ratings import Vote

HOME: Final = "https://pol.is"
_SUMMARY_BYTES: Final = 1024 * 1024
COMMENTS: Final = ("timestamp", "comment-id", "author-id", "agrees", "disagrees", "moderated", "comment-body")
VOTES: Final = ("timestamp", "comment-id", "voter-id", "vote")
_STATES: Final[dict[str, State]] = {"-1": "hidden", "0": "waiting", "1": "released"}
_VOTE: Final[dict[str, Vote]] = {"-1": -1, "0": 0, "1": 1}
_TURNED: Final[dict[int, Vote]] = {-1: 1, 0: 0, 1: -1}
_Sums = dict[str, tuple[int, int]]


def read_polis(path: Path, language: str = "", aside: RejectedRows = STRICT) -> Bundle:
    """Reads the bundle in a folder or ZIP file. Raises BadFile, also if the votes contradict the sums, unless `aside`
    trusts the votes.
    """
    folder = ImportFolder(path)
    summary = _summary(folder)
    comments, votes = (_needed(folder, name) for name in ("comments.csv", "votes.csv"))
    before = aside.count
    found, sums, named = _statements(folder, comments, aside)
    statements = valid_statements(Path(comments), found, aside)
    if not statements:
        raise aside.nothing_left(comments, "it contains no statement", "export the conversation again")
    known = {it.source_id for it in statements}
    lost = aside.count - before
    cast, left_out = _votes(folder, votes, known, named - known, aside)
    missing = aside.count - before - lost
    signs = _signs(votes, cast, _sums_of(known, sums), missing, aside)
    remarks = list(signs.remarks)
    if left_out:
        remarks.append(f"{votes}: {left_out:,} votes on rejected statements are left out.")
    if signs.are_turned:
        cast = _inverted(cast)
        remarks.insert(0, f"{votes}: agreement is −1 here, as the sums in {comments} show; the signs were inverted.")
    cast.sort(key=attrgetter("at"))
    is_whole = not (lost or missing or aside.trusts_votes)
    remarks += _check_matrix(folder, cast, (1, -1) if signs.are_turned else (1,), known, is_whole=is_whole)
    return replace(
        _without_votes(path, summary, statements),
        votes=tuple(cast),
        remarks=tuple(remarks),
    )


def _without_votes(path: Path, summary: Row, statements: tuple[ImportedStatement, ...]) -> Bundle:
    """Returns the statements, with the name of their conversation.

    Without an address the first statement identifies the conversation: it stays the same while the conversation goes
    on.
    """
    url = summary.get("url", "")
    return Bundle(
        source=url or f"polis:{content_fingerprint([statements[0][:3]])}",
        title=summary.get("topic") or path.stem,
        home=url if url.startswith("https://") else HOME,
        statements=statements,
        before=() if url else (f"polis:{path.stem}",),
    )


def _sums_of(known: set[str], sums: _Sums) -> _Sums:
    return {it: told for it, told in sums.items() if it in known}


def _inverted(cast: list[ImportedVote]) -> list[ImportedVote]:
    return [it._replace(vote=_TURNED[it.vote]) for it in cast]


def _needed(folder: ImportFolder, name: str) -> str:
    found = folder.find(name)
    if found is None:
        raise BadFile(folder.path, None, f"{name} is missing", "give the folder with all files of the export")
    return found


def _summary(folder: ImportFolder) -> dict[str, str]:
    name = folder.find("summary.csv")
    if name is None:
        return {}
    try:
        content = folder.read(name)
        if len(content) > _SUMMARY_BYTES:
            raise BadFile(name, None, "it has more than 1 MB", "export the conversation again")
        lines = csv.reader(files.decode_utf8(name, content).splitlines(keepends=True), strict=True)
        return {cells[0]: cells[1].strip() for cells in lines if len(cells) == 2}
    except csv.Error as error:
        raise BadFile(name, None, f"this is not valid CSV ({error})", "save it again") from None


def _statements(
    folder: ImportFolder, name: str, aside: RejectedRows
) -> tuple[list[ImportedStatement], _Sums, set[str]]:
    """Returns the statements with their sums, and all ids, including those of rejected statements."""
    found: list[ImportedStatement] = []
    sums: _Sums = {}
    named: set[str] = set()
    for row, cells in files.csv_rows(name, folder.read(name), COMMENTS, aside=aside):
        named.add(cells["comment-id"])
        with aside.row():
            it, told = _statement(name, row, cells, aside)
            found.append(it)
            sums.setdefault(it.source_id, told)
    return sorted(found, key=lambda it: int(it.source_id)), sums, named


def _statement(name: str, row: int, cells: Row, aside: RejectedRows) -> tuple[ImportedStatement, tuple[int, int]]:
    """Returns a statement with its numbers of agreements and disagreements."""
    state = _STATES.get(cells["moderated"])
    if state is None:
        raise BadFile(name, row, f"moderated is {cells['moderated'][:40]!r}", "it must be -1, 0 or 1")
    source_id = str(files.parse_integer(name, row, "comment-id", cells["comment-id"]))
    agrees, disagrees = (files.parse_integer(name, row, column, cells[column]) for column in ("agrees", "disagrees"))
    author, into = cells["author-id"], cells.get("merged-into")
    statement = ImportedStatement(
        source_id,
        files.clean_cell(name, row, cells["comment-body"], aside),
        files.parse_timestamp(name, row, "timestamp", cells["timestamp"]),
        state,
        author=files.parse_identifier(name, row, "author-id", author) if author else None,
        merged_into=files.parse_identifier(name, row, "merged-into", into) if into else None,
        row=row,
    )
    return statement, (agrees, disagrees)


def _votes(
    folder: ImportFolder, name: str, known: set[str], lost: set[str], aside: RejectedRows
) -> tuple[list[ImportedVote], int]:
    """Returns the votes, and the number of votes on rejected statements."""
    found: list[ImportedVote] = []
    left_out = 0
    for row, cells in files.csv_rows(name, folder.read(name), VOTES, aside=aside):
        if cells["comment-id"] in lost:
            left_out += 1
            continue
        with aside.row():
            found.append(_vote(name, row, cells, known))
    return found, left_out


def _vote(name: str, row: int, cells: Row, known: set[str]) -> ImportedVote:
    statement, vote = cells["comment-id"], cells["vote"]
    if statement not in known:
        raise BadFile(name, row, f"there is no statement {statement[:40]!r}", "export both files at once")
    if vote not in _VOTE:
        raise BadFile(name, row, f"vote is {vote[:40]!r}", "it must be -1, 0 or 1")
    person = files.parse_identifier(name, row, "voter-id", cells["voter-id"])
    at = files.parse_timestamp(name, row, "timestamp", cells["timestamp"])
    return ImportedVote(person, statement, _VOTE[vote], _is_important(cells), at)


def _is_important(cells: Row) -> bool:
    return cells.get("important", "").lower() in {"1", "true", "t"}


class _Signs(NamedTuple):
    """Whether agreement is −1, and the contradictions to the sums as sentences."""

    are_turned: bool
    remarks: tuple[str, ...] = ()


def _signs(name: str, cast: list[ImportedVote], sums: _Sums, missing: int, aside: RejectedRows) -> _Signs:
    """Compares the votes with the sums, by vote events and by last votes. `missing` is the number of rejected votes:
    the sums may differ by as many. Raises BadFile if they differ by more, unless the votes are trusted.
    """
    last = {(it.person, it.statement): it for it in sorted(cast, key=lambda it: it.at)}
    counted: list[Counter[tuple[str, int]]] = [
        Counter((it.statement, it.vote) for it in some) for some in (cast, last.values())
    ]

    def distance(sign: int) -> tuple[int, int, str]:
        """Returns the total difference to the sums, the number of statements that differ, and one of them."""
        found = []
        for counts in counted:
            away = {it: _away((counts[it, sign], counts[it, -sign]), told) for it, told in sums.items()}
            wrong = [it for it, number in away.items() if number]
            found.append((sum(away.values()), len(wrong), wrong[0] if wrong else ""))
        return min(found)

    straight, turned = distance(1), distance(-1)
    are_turned = turned[0] < straight[0]
    away, number, first = turned if are_turned else straight
    if not away:
        return _Signs(are_turned)
    by_event = counted[0]
    reason = (
        f"statement {first} has {by_event[first, 1]} votes +1 and {by_event[first, -1]} votes -1, but comments.csv "
        f"says {sums[first][0]} agree and {sums[first][1]} disagree"
    )
    if away > missing and not aside.trusts_votes:
        told = f"{reason}; {number:,} of {len(sums):,} statements differ like this, with both signs"
        raise BadFile(name, None, told, "export both files at the same moment, or count the votes with --trust-votes")
    remark = f"{name}: the sums of {number:,} statements differ from the votes by {away:,} in all; the votes count."
    unsure = f"{name}: the sums do not show whether +1 means agreement; it was read as agreement."
    return _Signs(are_turned, (remark, unsure) if straight[0] == turned[0] else (remark,))


def _away(counted: tuple[int, int], told: tuple[int, int]) -> int:
    return abs(counted[0] - told[0]) + abs(counted[1] - told[1])


def _check_matrix(
    folder: ImportFolder, cast: list[ImportedVote], signs: tuple[int, ...], known: set[str], *, is_whole: bool
) -> list[str]:
    """Compares the last votes with the table of participants, if there is one, in one of these signs. Returns a remark
    about participants with other votes; raises BadFile if no row of votes was rejected, because then nothing explains
    the difference.
    """
    name = folder.find("participants-votes.csv", "participant-votes.csv")
    if name is None:
        return []
    last = _last_votes(cast)
    others = 0
    try:
        for row, cells in files.csv_rows(name, folder.read(name), ("participant",)):
            if _are_told(cells, last.get(cells["participant"], {}), signs, known):
                continue
            if is_whole:
                reason = f"the votes of participant {cells['participant'][:40]} differ from those in votes.csv"
                remedy = "export both files at the same moment, or count the votes with --trust-votes"
                raise BadFile(name, row, reason, remedy)
            others += 1
    except BadFile as error:
        if is_whole:
            raise
        return [f"{error}. It was not compared with the votes."]
    return [f"{name}: {others:,} participants have other votes there; the table of votes counts."] if others else []


def _last_votes(cast: list[ImportedVote]) -> dict[str, dict[str, int]]:
    """Returns the last vote on each statement by person."""
    last: dict[str, dict[str, int]] = {}
    for it in cast:
        last.setdefault(it.person, {})[it.statement] = it.vote
    return last


def _are_told(cells: Row, own: Mapping[str, int], signs: tuple[int, ...], known: set[str]) -> bool:
    """Whether a row has the person's votes in one of the signs."""
    told = {column: _VOTE.get(cell) for column, cell in cells.items() if column in known and cell}
    return any(told == {it: sign * vote for it, vote in own.items()} for sign in signs)


def write_polis(content: ExchangeContent, folder: Path) -> list[str]:
    """Writes the bundle; returns the names of the files."""
    return write_polis_tables(content, folder)


FORMAT: Final = FileFormat(read_polis, write_polis, has_single_votes=True)
