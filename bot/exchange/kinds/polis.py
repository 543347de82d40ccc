"""The CSV bundle of Polis: what other programs for statements and votes read and write.

Two generations of file names and times (seconds, milliseconds) are read. Polis keeps agreement as −1 and exports it as
+1, but one version exported the raw signs; so the signs are held against the sums per statement, and turned, with a
word about it, where they are the wrong way round. Those sums count every vote event; the table holds last votes.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bot.exchange import files
from bot.exchange.bundle import BadFile, Bundle, State, Statement, Voted, check_statements
from bot.exchange.files import Folder, Row
from bot.exchange.polis_tables import write
from storage.ratings import Vote

__all__ = ["read", "write"]

HOME: Final = "https://pol.is"
COMMENTS: Final = ("timestamp", "comment-id", "author-id", "agrees", "disagrees", "moderated", "comment-body")
VOTES: Final = ("timestamp", "comment-id", "voter-id", "vote")
_STATES: Final[dict[str, State]] = {"-1": "hidden", "0": "waiting", "1": "released"}
_VOTE: Final[dict[str, Vote]] = {"-1": -1, "0": 0, "1": 1}
_TURNED: Final[dict[int, Vote]] = {-1: 1, 0: 0, 1: -1}
_Sums = dict[str, tuple[int, int]]


def read(path: Path, language: str = "") -> Bundle:
    """The bundle in a folder or ZIP file. Raises BadFile."""
    folder = Folder(path)
    summary = _summary(folder)
    comments, votes = (_needed(folder, name) for name in ("comments.csv", "votes.csv"))
    statements, sums = _statements(folder, comments)
    check_statements(Path(comments), statements)
    cast = list(_votes(folder, votes, {it.source_id for it in statements}))
    remarks: tuple[str, ...] = ()
    turned = _are_turned(votes, cast, sums)
    if turned:
        cast = [it._replace(vote=_TURNED[it.vote]) for it in cast]
        remarks = (f"{votes}: agreement is −1 here, as the sums in {comments} show; the signs were turned.",)
    cast.sort(key=lambda it: it.at)
    _check_matrix(folder, cast, (1, -1) if turned else (1,))
    url = summary.get("url", "")
    home = url if url.startswith("https://") else HOME
    return Bundle(
        url or f"polis:{path.stem}", summary.get("topic") or path.stem, home, statements, tuple(cast), remarks
    )


def _needed(folder: Folder, name: str) -> str:
    found = folder.find(name)
    if found is None:
        raise BadFile(folder.path, None, f"{name} is missing", "give the folder with all files of the export")
    return found


def _summary(folder: Folder) -> dict[str, str]:
    name = folder.find("summary.csv")
    if name is None:
        return {}
    try:
        lines = csv.reader(files.text_of(name, folder.read(name)).splitlines(keepends=True), strict=True)
        return {cells[0]: cells[1].strip() for cells in lines if len(cells) == 2}
    except csv.Error as fault:
        raise BadFile(name, None, f"this is no CSV ({fault})", "save it anew") from None


def _statements(folder: Folder, name: str) -> tuple[tuple[Statement, ...], _Sums]:
    found, sums = [], {}
    for row, cells in files.table(name, folder.read(name), COMMENTS):
        state = _STATES.get(cells["moderated"])
        if state is None:
            raise BadFile(name, row, f"moderated is {cells['moderated'][:40]!r}", "it must be -1, 0 or 1")
        source_id = str(files.whole(name, row, "comment-id", cells["comment-id"]))
        agrees, disagrees = (files.whole(name, row, column, cells[column]) for column in ("agrees", "disagrees"))
        sums[source_id] = agrees, disagrees
        found.append(
            Statement(
                source_id,
                files.text(name, row, cells["comment-body"]),
                files.moment(name, row, "timestamp", cells["timestamp"]),
                state,
                author=cells["author-id"] or None,
                merged_into=cells.get("merged-into") or None,
                row=row,
            )
        )
    if not found:
        raise BadFile(name, None, "there is no statement in it", "export the conversation anew")
    return tuple(sorted(found, key=lambda it: int(it.source_id))), sums


def _votes(folder: Folder, name: str, known: set[str]) -> Iterator[Voted]:
    for row, cells in files.table(name, folder.read(name), VOTES):
        statement, vote = cells["comment-id"], cells["vote"]
        if statement not in known:
            raise BadFile(name, row, f"there is no statement {statement[:40]!r}", "export both files at once")
        if vote not in _VOTE:
            raise BadFile(name, row, f"vote is {vote[:40]!r}", "it must be -1, 0 or 1")
        if not cells["voter-id"]:
            raise BadFile(name, row, "voter-id is empty", "votes without a person cannot be counted")
        at = files.moment(name, row, "timestamp", cells["timestamp"])
        yield Voted(cells["voter-id"], statement, _VOTE[vote], _is_important(cells), at)


def _is_important(cells: Row) -> bool:
    return cells.get("important", "").lower() in {"1", "true", "t"}


def _are_turned(name: str, cast: list[Voted], sums: _Sums) -> bool:
    """Whether agreement is −1. Raises BadFile where the sums fit neither way, by vote events nor by last votes."""
    last = {(it.person, it.statement): it for it in sorted(cast, key=lambda it: it.at)}
    counted: list[Counter[tuple[str, int]]] = [
        Counter((it.statement, it.vote) for it in some) for some in (cast, last.values())
    ]

    def fits(sign: int) -> bool:
        return any(
            all((counts[it, sign], counts[it, -sign]) == told for it, told in sums.items()) for counts in counted
        )

    if fits(1):
        return False
    if fits(-1):
        return True
    by_event = counted[0]
    wrong = next(it for it, told in sums.items() if (by_event[it, 1], by_event[it, -1]) != told)
    reason = (
        f"statement {wrong} has {by_event[wrong, 1]} votes +1 and {by_event[wrong, -1]} votes -1, but comments.csv "
        f"says {sums[wrong][0]} agree and {sums[wrong][1]} disagree"
    )
    raise BadFile(name, None, reason, "the signs fit neither way: export both files at the same moment")


def _check_matrix(folder: Folder, cast: list[Voted], signs: tuple[int, ...]) -> None:
    """Holds the last votes against the table of people, where there is one, in one of these signs. Raises BadFile."""
    name = folder.find("participants-votes.csv", "participant-votes.csv")
    if name is None:
        return
    last: dict[str, dict[str, int]] = {}
    for it in cast:
        last.setdefault(it.person, {})[it.statement] = it.vote
    for row, cells in files.table(name, folder.read(name), ("participant",)):
        told = {column: _VOTE.get(cell) for column, cell in cells.items() if column.isdecimal() and cell}
        own = last.get(cells["participant"], {})
        if not any(told == {it: sign * vote for it, vote in own.items()} for sign in signs):
            reason = f"the votes of participant {cells['participant']} are others than in votes.csv"
            raise BadFile(name, row, reason, "export both files at the same moment")
