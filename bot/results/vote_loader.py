"""Loads the vote log of a consultation from the store: all votes, the statements, and the declared sectors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import chain
from typing import NamedTuple

from pydantic_core import from_json
from sqlalchemy import Connection

from bot.results.counts.answer_dataset import AnswerDataset
from bot.results.counts.values import parse_value
from bot.results.methods.matrix import VoteLog
from storage.tables import moderation, ratings
from storage.tables.answers import answers_to_question
from storage.tables.moderation import moderations_by_id
from storage.tables.proposals import StoredProposal, proposals_of_consultation
from storage.tables.ratings import carried_votes, vote_batches


class StatementVotes(NamedTuple):
    """The input of the results. Statements are named by their public codes."""

    log: VoteLog
    proposals: Mapping[str, StoredProposal]
    """By code, oldest first; without merged ones."""
    shown: tuple[str, ...]
    """Codes of those which are released and not withdrawn."""


def _merged(targets: Mapping[int, int]) -> dict[int, int]:
    """Returns the proposals that another one of the consultation contains, with that one."""
    return {number: into for number, into in targets.items() if into != number and into in targets}


def load_votes(connection: Connection, consultation_id: int, without: Set[str] = frozenset()) -> StatementVotes:
    """Loads the votes of a consultation at one moment. Votes on a merged proposal count for the merge target.
    `without`: the pseudonyms whose votes do not count.
    """
    every = {row.id: row for row in proposals_of_consultation(connection, consultation_id)}
    states = moderations_by_id(connection, list(every))
    target = {number: _final(number, states) for number in every}
    kept = {row.code: row for number, row in every.items() if target[number] == number}
    merged = _merged(target)
    codes = {number: every[merged.get(number, number)].code for number in every}
    own = {(row.pseudonym, row.id) for row in every.values()}
    columns = _columns(connection, consultation_id, codes, merged, own, without=without)
    log = VoteLog.of_columns(columns, statements=tuple(kept))
    shown = tuple(code for code, row in kept.items() if row.released_at and not row.withdrawn_at)
    return StatementVotes(log, kept, shown)


def _final(number: int, states: Mapping[int, moderation.NewModeration]) -> int:
    """Returns the last proposal in a chain of merges."""
    for _ in range(len(states)):
        state = states.get(number)
        if state is None or state.merged_into is None:
            break
        number = state.merged_into
    return number


def _columns(
    connection: Connection,
    consultation_id: int,
    codes: Mapping[int, str],
    merged: Mapping[int, int],
    own: Set[tuple[str | None, int]],
    *,
    without: Set[str],
) -> Iterator[Sequence[Sequence[object]]]:
    """Yields the votes for `VoteLog.of_columns`; `at` is the index of each vote in the order of voting."""
    start = 0
    apart = {*merged, *merged.values()}
    # Without merges, a million rows need no check one by one.
    parts = (
        [row for row in rows if row[1] not in apart] if apart else rows
        for rows in vote_batches(connection, consultation_id)
    )
    for some in chain(parts, [list(_of_merged(connection, merged, own))]):
        rows = [row for row in some if row[0] not in without] if without else some
        if rows:
            people, proposal_ids, *others = zip(*rows, strict=True)
            yield people, [codes[it] for it in proposal_ids], *others, range(start, start := start + len(rows))


def _of_merged(
    connection: Connection, merged: Mapping[int, int], own: Set[tuple[str | None, int]]
) -> Iterator[tuple[str, int, int, bool]]:
    """Yields all vote events on merged proposals and on their merge targets. Excludes votes on the merge target of the
    voter's own idea.
    """
    votes = ratings.votes_on(connection, sorted({*merged, *merged.values()}))
    copied = {it.id for it in carried_votes(votes, merged)}
    for it in votes:
        into = merged.get(it.proposal_id)
        if it.id not in copied and (into is None or (it.pseudonym, into) not in own):
            yield it.pseudonym, it.proposal_id, it.vote, it.important


def load_sectors(connection: Connection, found: AnswerDataset) -> dict[str, frozenset[str]]:
    """Returns sector → the pseudonyms that declared it, from the answers to questions about sectors.

    Empty if there is no such question. Includes sectors without members, because they are missing from every result.
    """
    declared: dict[str, set[str]] = {}
    for variable in found.variables:
        if variable.question.declares_sectors:
            for code in sorted(variable.codes):
                declared.setdefault(code, set())
            number, revision_ids = found.newest.consultation_id, found.revisions_of(variable)
            for pseudonym, value in answers_to_question(connection, number, variable.key, revision_ids).items():
                codes = parse_value(variable.tally, variable.possible, from_json(value))
                for code in codes if isinstance(codes, list) else ():
                    declared[code].add(pseudonym)
    return {code: frozenset(people) for code, people in declared.items()}
