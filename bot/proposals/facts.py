"""Loads the facts that questions about proposals need (`flows.fact_queries`): one query each for a whole batch."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence, Set
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from bot.consultations.fact_loader import FactRequest, FactSource
from bot.proposals import lineage
from bot.proposals.block_votes import block_of, votes_of_blocks
from bot.proposals.codes import new_proposal_code
from bot.proposals.merge_split import authors
from bot.proposals.pool import StatementPool, StatementPools, proposal_text
from bot.proposals.submission import IdeaRows
from flows.fact_queries import (
    IsOwnProposal,
    NewProposalCode,
    NextStatement,
    NextStatementOffer,
    OwnVote,
    SimilarTo,
    Statement,
    StillReleased,
    StoredVote,
)
from flows.facts import FactQuery
from storage.tables.moderation import NewProposalText, moderations_by_id, translations_of
from storage.tables.proposals import StoredProposal, proposals_by_code, proposals_by_id
from storage.tables.ratings import ratings_of_people, store_votes

DRAWN: Final = 3
"""The number of statements drawn for each contact: some may be their own, or were hidden a moment ago."""
_OPEN_TO_AUTHORS: Final = frozenset({"waiting", "released", "hidden"})


Named = Callable[[int, int], str]
"""(contact, consultation) → pseudonym (`bot.common.keys`): computed on demand, never stored."""


def proposal_fact_sources(
    pools: StatementPools, named: Named, draw_seed: Callable[[str, int], int]
) -> Mapping[type[FactQuery[Any]], FactSource]:
    """Returns the fact source of each fact query about proposals."""
    return {
        NextStatement: _Next(pools, named, draw_seed),
        SimilarTo: _Similar(pools, named),
        StillReleased: _still_released,
        OwnVote: _my_vote,
        IsOwnProposal: _is_mine,
        NewProposalCode: lambda connection, asked: [new_proposal_code(asker.batch.random) for asker, _ in asked],
    }


class ReadableProposals(NamedTuple):
    """Proposals that may be shown, with translations and authors."""

    rows: Mapping[int, StoredProposal]
    texts: Mapping[int, Mapping[str, NewProposalText]]
    authors: Mapping[int, Sequence[tuple[int, frozenset[str]]]]
    """The consultation and pseudonyms of the authors of the proposal, and of the original of a copy."""

    @staticmethod
    def of(connection: Connection, ids: set[int]) -> ReadableProposals:
        known = proposals_by_id(connection, sorted(ids))
        rows = {id_: row for id_, row in known.items() if _is_visible(row)}
        return ReadableProposals(rows, translations_of(connection, list(rows)), _through_waves(connection, rows))

    def may_be_shown(self, id_: int, asker: FactRequest, named: Named) -> bool:
        """Tells whether a contact may see a proposal: it is visible and not the contact's own."""
        if id_ not in self.rows:
            return False
        here, *earlier = self.authors[id_]
        contact_id = asker.person.contact_id
        return asker.pseudonym not in here[1] and not any(
            named(contact_id, consultation_id) in names for consultation_id, names in earlier
        )

    def statement(self, id_: int, language: str) -> Statement:
        """Returns a proposal for a reader of this language, translated if possible."""
        row = self.rows[id_]
        own = proposal_text(row)
        texts, is_own = self.texts.get(id_, {}), _base(row.language) == _base(language)
        # A text in plain German needs no note for readers of German that it is a translation.
        text = texts.get(language) or (None if is_own else texts.get(_base(language)))
        if text is not None:
            said = f"{text.title}\n{text.text}" if text.title else text.text
            return Statement(id_, row.code, said, text.language, *(() if is_own else (own, row.language)))
        return Statement(id_, row.code, own, row.language)


def _through_waves(
    connection: Connection, rows: Mapping[int, StoredProposal]
) -> dict[int, list[tuple[int, frozenset[str]]]]:
    """Loads the authors of these proposals and of their originals, wave by wave, the newest first."""
    found: dict[int, list[tuple[int, frozenset[str]]]] = {id_: [] for id_ in rows}
    at = dict(rows)
    while at:
        brought = authors(connection, sorted({row.id for row in at.values()}))
        for id_, row in at.items():
            found[id_].append((row.consultation_id, brought[row.id]))
        codes = {id_: code for id_, row in at.items() if (code := lineage.original_code(row))}
        before = proposals_by_code(connection, sorted(set(codes.values()))) if codes else {}
        at = {id_: before[code] for id_, code in codes.items() if code in before}
    return found


class _Next:
    """Draws the next statement of each participant by priority, seeded per participant, without own and rated ones."""

    def __init__(self, pools: StatementPools, named: Named, draw_seed: Callable[[str, int], int]) -> None:
        self._pools, self._named, self._draw_seed = pools, named, draw_seed

    def __call__(
        self, connection: Connection, asked: Sequence[tuple[FactRequest, NextStatement]]
    ) -> list[NextStatementOffer]:
        votes = _votes(connection, [asker for asker, _ in asked])
        _forget_dropped(connection, asked, votes)
        rated = _rated(connection, votes)
        without = [{*votes[asker.pseudonym], need.after} for asker, need in asked]
        offers: list[NextStatementOffer | None] = [None] * len(asked)
        while open_ones := [at for at, it in enumerate(offers) if it is None]:
            drawn = {at: self._draw(connection, asked[at][0], without[at]) for at in open_ones}
            readable = ReadableProposals.of(connection, {id_ for ids in drawn.values() for id_ in ids})
            for at, ids in drawn.items():
                asker, need = asked[at]
                shown = self._first_readable(readable, ids, asker, need.language)
                if shown or not ids:
                    left = self._pool_of(connection, asker).left(without[at]) if shown else 0
                    offers[at] = NextStatementOffer(shown, rated[asker.pseudonym], left)
                without[at].update(ids)
        return [offer for offer in offers if offer is not None]

    def _first_readable(
        self, readable: ReadableProposals, ids: Sequence[int], asker: FactRequest, language: str
    ) -> Statement | None:
        fitting = (id_ for id_ in ids if readable.may_be_shown(id_, asker, self._named))
        chosen = next(fitting, None)
        return None if chosen is None else readable.statement(chosen, language)

    def _draw(self, connection: Connection, asker: FactRequest, without: set[int]) -> list[int]:
        pool = self._pool_of(connection, asker)
        return pool.next(without, DRAWN, self._draw_seed(asker.pseudonym, len(without)))

    def _pool_of(self, connection: Connection, asker: FactRequest) -> StatementPool:
        return self._pools.of(connection, asker.published.consultation_id, asker.batch.now)


class _Similar:
    """Finds similar proposals of other participants."""

    def __init__(self, pools: StatementPools, named: Named) -> None:
        self._pools, self._named = pools, named

    def __call__(
        self, connection: Connection, asked: Sequence[tuple[FactRequest, SimilarTo]]
    ) -> list[tuple[Statement, ...]]:
        near = [
            self._pools.of(connection, asker.published.consultation_id, asker.batch.now).index.nearest(need.text)
            for asker, need in asked
        ]
        readable = ReadableProposals.of(connection, {id_ for ids in near for id_ in ids})
        return [
            tuple(
                readable.statement(id_, need.language) for id_ in ids if readable.may_be_shown(id_, asker, self._named)
            )
            for ids, (asker, need) in zip(near, asked, strict=True)
        ]


def _votes(connection: Connection, askers: Sequence[FactRequest]) -> dict[str, dict[int, StoredVote]]:
    """Returns the current votes of these contacts, by pseudonym and proposal: stored ones, and those of this batch."""
    found: dict[str, dict[int, StoredVote]] = {asker.pseudonym: {} for asker in askers}
    for row in ratings_of_people(connection, list(found)):
        found[row.pseudonym][row.proposal_id] = StoredVote(row.vote, row.important)
    for pending in askers[0].batch.rows_of(store_votes):
        if pending.pseudonym in found:
            found[pending.pseudonym][pending.proposal_id] = StoredVote(pending.vote, pending.important)
    return found


def _rated(connection: Connection, votes: Mapping[str, Mapping[int, object]]) -> dict[str, int]:
    """Returns the number of proposals rated by these contacts, without carried votes, which would count a merged
    proposal twice.
    """
    into = _merge_targets(connection, {id_ for given in votes.values() for id_ in given})
    both = [name for name, given in votes.items() if any(into.get(id_) in given for id_ in given)]
    rated_at = {(row.pseudonym, row.proposal_id): row.rated_at for row in ratings_of_people(connection, both)}
    at = {name: {id_: rated_at.get((name, id_)) for id_ in votes[name]} for name in both}
    return {name: len(given) - (_carried(at[name], into) if name in at else 0) for name, given in votes.items()}


def _merge_targets(connection: Connection, ids: Set[int]) -> dict[int, int]:
    """Returns the targets of the merged ones among these proposals."""
    states = moderations_by_id(connection, sorted(ids))
    return {id_: state.merged_into for id_, state in states.items() if state.merged_into is not None}


def _carried(rated_at: Mapping[int, object], into: Mapping[int, int]) -> int:
    """Returns the number of votes that were copied to the target of a merge: those given at the same time."""
    own = {(into[id_], when) for id_, when in rated_at.items() if id_ in into}
    return sum(vote in own for vote in rated_at.items())


def _forget_dropped(
    connection: Connection,
    asked: Sequence[tuple[FactRequest, NextStatement]],
    votes: Mapping[str, dict[int, StoredVote]],
) -> None:
    """Removes votes and answers of questions that leave the path in this turn, stored or of this batch."""
    going = [(asker, need.dropped) for asker, need in asked if need.dropped]
    blocks = [block_of(asker.published.flow, asker.pseudonym, dropped, asker.answers()) for asker, dropped in going]
    for (asker, dropped), found in zip(going, votes_of_blocks(connection, blocks) if blocks else (), strict=True):
        still = {vote.proposal_id for vote in found.left}
        gone = {vote.proposal_id for vote in found.gone} - still
        for id_ in gone | _pending_votes(asker, dropped):
            votes[asker.pseudonym].pop(id_, None)


def _pending_votes(asker: FactRequest, keys: Container[str]) -> set[int]:
    """Returns the proposals rated under these questions in this batch."""
    pending = asker.batch.rows_of(store_votes)
    return {row.proposal_id for row in pending if row.pseudonym == asker.pseudonym and row.question_key in keys}


def _still_released(connection: Connection, asked: Sequence[tuple[FactRequest, StillReleased]]) -> list[bool]:
    known = proposals_by_id(connection, sorted({need.id for _, need in asked}))
    return [(row := known.get(need.id)) is not None and _is_visible(row) for _, need in asked]


def _my_vote(connection: Connection, asked: Sequence[tuple[FactRequest, OwnVote]]) -> list[StoredVote | None]:
    votes = _votes(connection, [asker for asker, _ in asked])
    return [votes[asker.pseudonym].get(need.id) for asker, need in asked]


def _is_mine(connection: Connection, asked: Sequence[tuple[FactRequest, IsOwnProposal]]) -> list[bool]:
    """Whether the proposal is the contact's own, including those submitted in this batch."""
    known = proposals_by_code(connection, [need.code for _, need in asked])
    states = moderations_by_id(connection, [row.id for row in known.values()])
    mine = []
    for asker, need in asked:
        row = known.get(need.code)
        if row is None:
            pending = (
                one for one in asker.batch.section(IdeaRows).submitted.values() if one.pseudonym == asker.pseudonym
            )
            mine.append(any(one.event.code == need.code for one in pending))
            continue
        state = states.get(row.id)
        is_open = state is not None and state.state in _OPEN_TO_AUTHORS
        mine.append(row.pseudonym == asker.pseudonym and row.withdrawn_at is None and is_open)
    return mine


def _is_visible(row: StoredProposal) -> bool:
    return row.released_at is not None and row.withdrawn_at is None


def _base(language: str) -> str:
    """Returns the standard language of a plain-language variant: "de" for "de-simple"."""
    return language.partition("-")[0]
