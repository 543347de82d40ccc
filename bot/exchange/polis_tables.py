"""Writes the five tables of the Polis bundle.

Participants are numbered in the order of their first vote, so that a number does not identify a person.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from bot.exchange.content import ExchangeContent
from bot.exchange.exports.sheets import guard_formula
from bot.results.methods.groups import NOBODY, Groups, opinion_groups
from bot.results.methods.matrix import VoteEvent, VoteLog, VoteMatrix, event_totals, last_votes
from storage.tables.proposals import StoredProposal

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
Cells = Sequence[object]


@dataclass(frozen=True, slots=True)
class _Numbered:
    """The content with the numbers of participants and statements in Polis."""

    content: ExchangeContent
    statement: Mapping[int, str]
    """Proposal → comment-id."""
    voter: Mapping[str, int]
    author: Mapping[str, int]
    """Voters, followed by authors without a vote."""
    log: VoteLog
    matrix: VoteMatrix
    groups: Groups


def write_polis_tables(content: ExchangeContent, folder: Path) -> list[str]:
    """Writes the bundle; returns the names of the files."""
    numbered = _numbered(content)
    tables = {
        "summary.csv": _summary(numbered),
        "comments.csv": _comments(numbered),
        "votes.csv": _votes(numbered),
        "participant-votes.csv": _people(numbered),
        "comment-groups.csv": _of_groups(numbered),
    }
    for name, rows in tables.items():
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
    return list(tables)


def _numbered(content: ExchangeContent) -> _Numbered:
    voter: dict[str, int] = {}
    for it in content.votes:
        voter.setdefault(it.pseudonym, len(voter))
    author = dict(voter)
    for proposal in content.proposals:
        if proposal.pseudonym is not None:
            author.setdefault(proposal.pseudonym, len(author))
    statement = _statement_numbers(content.proposals)
    events = (
        VoteEvent(it.pseudonym, statement[it.proposal_id], it.vote, it.important, place)
        for place, it in enumerate(content.votes)
    )
    log = VoteLog.of(events, tuple(statement.values()))
    matrix = last_votes(log)
    hidden = np.array([not content.is_shown(it) for it in content.proposals], dtype=np.bool_)
    return _Numbered(
        content=content,
        statement=statement,
        voter=voter,
        author=author,
        log=log,
        matrix=matrix,
        groups=opinion_groups(matrix, hidden),
    )


def _statement_numbers(every: Sequence[StoredProposal]) -> dict[int, str]:
    """Returns the numbers of the source if all statements come from one source with numbers, else consecutive ones."""
    ids = [it.source_id for it in every if it.source_id and it.source_id.isdecimal()]
    if len(ids) == len(every) and len({it.source for it in every}) == 1:
        return {it.id: str(it.source_id) for it in every}
    return {it.id: str(number) for number, it in enumerate(every)}


def _summary(numbered: _Numbered) -> Iterator[Cells]:
    content = numbered.content
    written = {it.pseudonym for it in content.proposals if it.pseudonym}
    yield "topic", guard_formula(content.title)
    yield "url", f"{content.link}/c/{content.slug}" if content.link else content.slug
    yield "voters", len(numbered.voter)
    yield "voters-in-conv", int(numbered.groups.eligible.sum())
    yield "commenters", len(written)
    yield "comments", len(content.proposals)
    yield "groups", numbered.groups.number
    yield "conversation-description", ""


def _comments(numbered: _Numbered) -> Iterator[Cells]:
    content = numbered.content
    merged = any(it.merged_into for it in content.states.values())
    head = ("timestamp", "datetime", "comment-id", "author-id", "agrees", "disagrees", "moderated", "comment-body")
    yield (*head, "merged-into") if merged else head
    sums = event_totals(numbered.log)
    for place, it in enumerate(content.proposals):
        state = content.states.get(it.id)
        author = numbered.author[it.pseudonym] if it.pseudonym else ""
        text = f"{it.title}\n{it.text}" if it.title else it.text
        row = (numbered.statement[it.id], author, int(sums.agrees[place]), int(sums.disagrees[place]))
        tail = (numbered.statement.get(state.merged_into or 0, "") if state else "",) if merged else ()
        yield (*_at(it.created_at), *row, _moderated(content, it), guard_formula(text), *tail)


def _moderated(content: ExchangeContent, proposal: StoredProposal) -> int:
    """Returns 1 for shown, -1 for hidden, 0 for undecided."""
    if content.is_shown(proposal):
        return 1
    state = content.states.get(proposal.id)
    return 0 if state is None or (state.state == "waiting" and not proposal.withdrawn_at) else -1


def _votes(numbered: _Numbered) -> Iterator[Cells]:
    has_importance = any(it.important for it in numbered.content.votes)
    head = ("timestamp", "datetime", "comment-id", "voter-id", "vote")
    yield (*head, "important") if has_importance else head
    for it in numbered.content.votes:
        tail = (int(it.important),) if has_importance else ()
        yield (*_at(it.at), numbered.statement[it.proposal_id], numbered.voter[it.pseudonym], it.vote, *tail)


def _people(numbered: _Numbered) -> Iterator[Cells]:
    matrix, groups = numbered.matrix, numbered.groups
    yield ("participant", "group-id", "n-comments", "n-votes", "n-agree", "n-disagree", *matrix.statements)
    written = Counter(it.pseudonym for it in numbered.content.proposals if it.pseudonym)
    voted = matrix.voted
    for place, person in enumerate(matrix.people):
        votes = matrix.votes[place]
        group = "" if groups.label[place] == NOBODY else int(groups.label[place])
        counts = (int(voted[place].sum()), int((votes == 1).sum()), int((votes == -1).sum()))
        cells = ["" if not has else int(vote) for vote, has in zip(votes, voted[place], strict=True)]
        yield (numbered.voter[person], group, written[person], *counts, *cells)


def _of_groups(numbered: _Numbered) -> Iterator[Cells]:
    """Returns the votes of each group by last vote, unlike the sums in comments.csv: a participant is in one group with
    one vote.
    """
    names = "abcde"[: numbered.groups.number]
    yield ("comment-id", "comment", *_columns("total"), *(it for name in names for it in _columns(f"group-{name}")))
    totals = [numbered.matrix.totals()]
    totals += [numbered.matrix.totals(numbered.groups.members(group)) for group in range(numbered.groups.number)]
    for place, it in enumerate(numbered.content.proposals):
        cells = (int(column[place]) for one in totals for column in (one.seen, *one))
        yield (numbered.statement[it.id], guard_formula(it.text), *cells)


def _columns(name: str) -> Iterable[str]:
    return (f"{name}-{column}" for column in ("votes", "agrees", "disagrees", "passes"))


def _at(moment: datetime) -> tuple[int, str]:
    """Returns milliseconds since 1970, and the time in the format of JavaScript."""
    past = moment - _EPOCH
    milliseconds = past.days * 86_400_000 + past.seconds * 1000 + past.microseconds // 1000
    return milliseconds, f"{moment.astimezone(UTC):%a %b %d %Y %H:%M:%S} GMT+0000 (Coordinated Universal Time)"
