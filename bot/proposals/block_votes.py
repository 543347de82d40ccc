"""Deletes the votes of a statements question that leaves the participant's path."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from sqlalchemy import Connection

from flows.flow import Flow
from storage.tables import ratings
from storage.tables.proposals import proposals_by_code
from storage.tables.ratings import NewRatingEvent, erase_votes, store_votes


class VoteBlock(NamedTuple):
    """Questions of one participant whose votes no longer count."""

    pseudonym: str
    keys: Set[str]
    has_unmarked: bool
    """Whether votes without a recorded question were given here: earlier versions did not record it."""
    named: Set[str] = frozenset()
    """Codes of proposals in other answers of the participant: votes from these answers stay."""


class BlockVotes(NamedTuple):
    """The votes of one block, and the participant's other votes on the same proposals."""

    gone: tuple[NewRatingEvent, ...]
    left: tuple[NewRatingEvent, ...]


def block_of(flow: Flow, pseudonym: str, keys: Set[str], answers: Mapping[str, object]) -> VoteBlock:
    """Returns the block of these questions for a participant with these other answers."""
    blocks = {key for key in flow.questions if flow.nodes[key].carries == "votes"}
    named = frozenset(value for key, value in answers.items() if key not in keys and isinstance(value, str))
    return VoteBlock(pseudonym, keys, bool(blocks) and blocks <= keys, named)


def votes_of_blocks(connection: Connection, blocks: Sequence[VoteBlock]) -> list[BlockVotes]:
    """Loads the votes of these blocks, in their order."""
    given: dict[str, list[NewRatingEvent]] = {}
    for vote in ratings.votes_by(connection, sorted({block.pseudonym for block in blocks})):
        given.setdefault(vote.pseudonym, []).append(vote)
    named = {code for block in blocks if block.has_unmarked and block.pseudonym in given for code in block.named}
    known = {row.code: row.id for row in proposals_by_code(connection, sorted(named)).values()} if named else {}
    return [_split(given.get(block.pseudonym, []), block, known) for block in blocks]


def delete_block_votes(connection: Connection, blocks: Sequence[VoteBlock]) -> None:
    """Deletes the votes of these blocks. Other votes of a participant on the same proposal count again."""
    votes = votes_of_blocks(connection, blocks)
    gone = {vote.id: vote for found in votes for vote in found.gone}
    left = {vote.id: vote for found in votes for vote in found.left if vote.id not in gone}
    erase_votes(connection, {(vote.pseudonym, vote.proposal_id) for vote in gone.values()})
    store_votes(connection, list(left.values()))


def _is_of(vote: NewRatingEvent, block: VoteBlock, spared: Container[int]) -> bool:
    """Whether a vote was given in the block; older votes have no question and count for it unless they are `spared`."""
    if vote.question_key is not None:
        return vote.question_key in block.keys
    return block.has_unmarked and vote.proposal_id not in spared


def _split(given: list[NewRatingEvent], block: VoteBlock, known: Mapping[str, int]) -> BlockVotes:
    spared = {known[code] for code in block.named if code in known}
    here = [vote for vote in given if _is_of(vote, block, spared)]
    # a vote on a merged proposal was copied to its target
    origins = {vote.proposal_id for vote in here}
    gone = [vote for vote in given if vote in here or vote.carried_from in origins]
    return BlockVotes(tuple(gone), tuple(_others_on_the_same(given, gone)))


def _others_on_the_same(given: Iterable[NewRatingEvent], gone: Collection[NewRatingEvent]) -> Iterator[NewRatingEvent]:
    touched = {vote.proposal_id for vote in gone}
    return (vote for vote in given if vote.proposal_id in touched and vote not in gone)
