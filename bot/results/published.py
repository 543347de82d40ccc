"""Everything of a consultation that the public may see, read in one moment of the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from bot.counting import subject
from bot.counting.counts import CountRow, Counts, counted, published_rows
from bot.counting.subject import Subject
from bot.results import loading
from bot.results.answered import Answered, answered
from bot.results.ballots import Outcome, outcome
from bot.results.remaining import reported
from bot.results.report import Report
from storage import moderation, proposals
from storage.moderation import NewProposalText
from storage.proposals import NewStatus, StoredProposal


class Published(NamedTuple):
    """Counts with small cells left out, released proposals, and what became of them."""

    subject: Subject
    counts: Counts
    rows: tuple[CountRow, ...]
    """As in counts.csv."""
    outcomes: Mapping[str, Outcome]
    """Orders, budgets and comparisons by question, where enough people answered."""
    report: Report
    proposals: Mapping[str, StoredProposal]
    """Released and not withdrawn, by code, oldest first."""
    texts: Mapping[int, Mapping[str, NewProposalText]]
    """Translations by proposal id and language."""
    history: Mapping[int, list[NewStatus]]
    answered: Answered

    @property
    def participations(self) -> int | None:
        """How many took part; None where that is too few to be told."""
        n = self.counts.responses
        return n if n == 0 or n >= self.subject.least else None


def read(connection: Connection, slug: str, *, seed: int = 0) -> Published:
    """The public part of a consultation. Raises HouseError where there is none of this name."""
    found = subject.find(connection, slug)
    return of(connection, found, counted(connection, found), seed=seed)


def of(connection: Connection, found: Subject, counts: Counts, *, seed: int = 0) -> Published:
    """The same, where participations were counted already."""
    number = found.newest.consultation_id
    loaded = loading.load(connection, number)
    shown = {code: loaded.proposals[code] for code in loaded.shown}
    ids = [proposal.id for proposal in shown.values()]
    return Published(
        found,
        counts,
        tuple(published_rows(counts, {})),
        dict(_outcomes(counts)),
        reported(connection, found, loaded, seed),
        shown,
        moderation.texts_of(connection, ids),
        proposals.history(connection, ids),
        answered(connection, number, found.least),
    )


def _outcomes(counts: Counts) -> Iterator[tuple[str, Outcome]]:
    for variable in counts.subject.variables:
        if variable.key in counts.ballots:
            options = [option.value for option in getattr(variable.question, "options", ())]
            found = outcome(variable.question, options, counts.ballots[variable.key], counts.subject.least)
            if found is not None:
                yield variable.key, found
