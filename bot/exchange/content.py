"""Loads the content of a consultation for export to other programs: proposals, statuses and every vote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection

from bot.results.counts import answer_dataset
from bot.results.counts.answer_dataset import AnswerDataset, Variable
from bot.results.counts.participation_reader import stream_participations
from flows.tally import BudgetTerms
from storage.tables.moderation import NewModeration, moderations_by_id
from storage.tables.proposals import StoredProposal, proposal_histories, proposals_of_consultation
from storage.tables.ratings import NewRatingEvent, rating_events_of


class BudgetQuestion(NamedTuple):
    """A question with priced options."""

    key: str
    """The id of the variable (`bot.results.counts.answer_dataset`)."""
    title: str
    amount: int
    options: Mapping[str, tuple[str, int]]
    """Code → label and cost."""
    ballots: tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class ExchangeContent:
    """A snapshot of a consultation. `votes` are in the order in which they were cast."""

    slug: str
    title: str
    language: str
    link: str
    """The address of the consultation; "" where `public_url` is not set."""
    proposals: tuple[StoredProposal, ...]
    states: Mapping[int, NewModeration]
    votes: tuple[NewRatingEvent, ...]
    answers: Mapping[int, str]
    """Proposal → the reason of its status, preferably in the main language."""
    budgets: tuple[BudgetQuestion, ...] = ()

    @property
    def sums(self) -> dict[int, tuple[int, int, int]]:
        """Returns proposal → number of agreements, disagreements and passes by last vote; includes votes on proposals
        merged into it.
        """
        merged = {number: it.merged_into for number, it in self.states.items() if it.merged_into}
        last = {(it.pseudonym, merged.get(it.proposal_id, it.proposal_id)): it.vote for it in self.votes}
        counts = Counter((proposal, vote) for (_, proposal), vote in last.items())
        return {it.id: (counts[it.id, 1], counts[it.id, -1], counts[it.id, 0]) for it in self.proposals}

    def is_shown(self, proposal: StoredProposal) -> bool:
        return proposal.released_at is not None and proposal.withdrawn_at is None

    @property
    def shown(self) -> tuple[StoredProposal, ...]:
        """Returns the public proposals."""
        return tuple(it for it in self.proposals if self.is_shown(it))

    def link_to(self, proposal: StoredProposal) -> str:
        """Returns the address of the page with the status of the proposal."""
        return f"{self.link}/p/{proposal.code}" if self.link else ""


def load_content(connection: Connection, slug: str, link: str = "") -> ExchangeContent:
    """Loads the content of a consultation. Raises CommandError for an unknown slug."""
    found = answer_dataset.load_dataset(connection, slug)
    consultation = found.flow.consultation
    number = found.newest.consultation_id
    every = tuple(proposals_of_consultation(connection, number))
    ids = [it.id for it in every]
    language = consultation.main_language
    return ExchangeContent(
        slug=slug,
        title=consultation.title.in_language(language, consultation.fallbacks),
        language=language,
        link=link.rstrip("/"),
        proposals=every,
        states=moderations_by_id(connection, ids),
        votes=tuple(rating_events_of(connection, number)),
        answers={
            of: _reason(steps[-1].reason, language)
            for of, steps in proposal_histories(connection, ids).items()
            if steps
        },
        budgets=tuple(_budgets(connection, found)),
    )


def _reason(reason: Mapping[str, str], language: str) -> str:
    return reason.get(language) or next(iter(reason.values()), "")


def _budgets(connection: Connection, found: AnswerDataset) -> Iterator[BudgetQuestion]:
    priced = [(it, terms) for it in found.variables if (terms := it.question.budget_terms()) and terms.costs]
    if not priced:
        return
    ballots = _ballots(connection, found, [it for it, _ in priced])
    for it, terms in priced:
        yield _budget_question(found, it, terms, ballots[it.id])


def _ballots(
    connection: Connection, found: AnswerDataset, variables: Sequence[Variable]
) -> dict[str, list[frozenset[str]]]:
    """Returns the chosen options of each answer, by variable."""
    ballots: dict[str, list[frozenset[str]]] = {it.id: [] for it in variables}
    for response in stream_participations(connection, found):
        for it in variables:
            given = response.of(it)
            if isinstance(given.value, dict) and not given.is_words:
                ballots[it.id].append(frozenset(code for code, amount in given.value.items() if amount))
    return ballots


def _budget_question(
    found: AnswerDataset, variable: Variable, terms: BudgetTerms, ballots: Iterable[frozenset[str]]
) -> BudgetQuestion:
    renderer = found.flow.localized[found.language].renderer
    labels = dict(variable.question.labels(found.flow.languages))
    options = {
        code: (renderer.localized(label), cost)
        for code, cost in terms.costs.items()
        if (label := labels[code]) is not None
    }
    return BudgetQuestion(
        variable.id, renderer.localized(variable.question.text), terms.amount, options, tuple(ballots)
    )
