"""Computes results of questions in which options are ranked, get shares of a budget, or are compared in pairs.

Pure: ballots and options in, figures out. Nothing is published about too few participants, or about a few of whom all
but one answered alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from bot.results.counts import disclosure
from bot.results.counts.disclosure import DisclosureRule, FrequencyRow, FrequencyTable
from bot.results.methods import budgets, pairwise, rankings
from bot.results.methods.budgets import Spending
from bot.results.methods.intervals import Interval, around
from bot.results.methods.pairwise import Strength
from bot.results.methods.rankings import Ranking
from flows.questions.base import Question
from flows.tally import BudgetTerms, Tally

Ballots = Mapping[tuple[object, ...], int]
"""Ballot → number of people; the keys are made by `bot.results.counts.counts.ballot_of`."""


class RankingOutcome(NamedTuple):
    """Options in the common order, the best first."""

    options: tuple[str, ...]
    ranking: Ranking


class BudgetShare(NamedTuple):
    """The share of a budget that one option got; all None where too few people contributed to it."""

    option: str
    mean: float | None
    people: int | None
    chance: Interval | None = None
    """The 95 % interval of the mean."""


class BudgetOutcome(NamedTuple):
    """The distribution of a budget, the largest share first."""

    shares: tuple[BudgetShare, ...]
    people: int
    budget: int
    spendings: tuple[Spending, ...] = ()
    """For options with costs: what would be bought, by Equal Shares and by most votes."""


class PairwiseOutcome(NamedTuple):
    """Options by strength, the strongest first; `option` of a strength is an index into `options`."""

    options: tuple[str, ...]
    strengths: tuple[Strength, ...]
    people: int


Outcome = RankingOutcome | BudgetOutcome | PairwiseOutcome


def question_outcome(
    question: Question, options: Sequence[str], ballots: Ballots, rule: DisclosureRule
) -> Outcome | None:
    """Returns the result of one question; None if it may not be published, or the type has none.

    A sensitive question has no result: its figures cannot be rounded.
    """
    row = FrequencyRow(sum(ballots.values()), disclosed_by_ballots(question, ballots))
    if not row.base or rule.is_sensitive or disclosure.suppression_reason(row, rule):
        return None
    match question.tally:
        case "order":
            return ranking_outcome(options, ballots)
        case "pairs":
            return pairwise_outcome(options, ballots)
        case "amounts":
            terms = question.budget_terms()
            return terms and budget_outcome(terms, options, ballots)
    return None


def disclosed_by_ballots(question: Question, ballots: Ballots) -> Counter[str]:
    """Counts people by what the figures of these ballots can disclose: the whole ballot; the options put first, last or
    before another one; the options given an amount; the options preferred.
    """
    found = Counter[str]()
    for ballot, number in ballots.items():
        found.update(dict.fromkeys(_said(question.tally, ballot), number))
    return found


def _said(tally: Tally, ballot: tuple[object, ...]) -> set[str]:
    if tally == "order":
        ends = {f"first {ballot[0]}", f"last {ballot[-1]}"} if ballot else set()
        pairs = {f"{one} before {other}" for one, other in combinations(ballot, 2)}
        return {f"all {' '.join(map(str, ballot))}", *ends, *pairs}
    if tally == "amounts":
        return {f"all {ballot}", *(f"given {option}" for option, amount in _amounts(ballot) if amount)}
    return {f"all {' '.join(sorted(map(str, ballot)))}", *map(str, ballot)}


def ballot_tables(questions: Mapping[str, Question], ballots: Mapping[str, Ballots]) -> dict[str, FrequencyTable]:
    """Returns these counts by variable, for comparison with the previous edition."""
    return {
        f"ballots:{id_}": disclosure.ungrouped_table(
            sum(ballots[id_].values()), disclosed_by_ballots(question, ballots[id_])
        )
        for id_, question in questions.items()
    }


def ranking_outcome(options: Sequence[str], ballots: Ballots) -> RankingOutcome:
    """Returns the common order (Kemeny up to 14 options, else Borda).

    >>> ranking_outcome(["a", "b"], {("b", "a"): 5, ("a",): 2}).options
    ('b', 'a')
    """
    places = {option: place for place, option in enumerate(options)}
    listed = [[places[str(it)] for it in ballot if it in places] for ballot in _each(ballots)]
    ranking = rankings.rank_options(listed, len(options))
    return RankingOutcome(tuple(options[place] for place in ranking.order), ranking)


def pairwise_outcome(options: Sequence[str], ballots: Ballots) -> PairwiseOutcome:
    """Returns strengths by Bradley and Terry; an undecided comparison counts for neither option."""
    places = {option: place for place, option in enumerate(options)}
    wins = np.zeros((len(options), len(options)), dtype=np.int64)
    for ballot, number in ballots.items():
        for decision in map(str, ballot):
            winner, mark, loser = decision.partition(">")
            if mark and winner in places and loser in places:
                wins[places[winner], places[loser]] += number
    return PairwiseOutcome(tuple(options), tuple(pairwise.bradley_terry(wins)), sum(ballots.values()))


def budget_outcome(terms: BudgetTerms, options: Sequence[str], ballots: Ballots) -> BudgetOutcome:
    """Returns the mean distribution of the budget over all answers; with costs also what the budget would pay for."""
    people = sum(ballots.values())
    given, amounts, squares = Counter[str](dict.fromkeys(options, 0)), Counter[str](), Counter[str]()
    for ballot, number in ballots.items():
        for option, amount in _amounts(ballot):
            if option in given and amount:
                given[option] += number
                amounts[option] += number * amount
                squares[option] += number * amount**2
    shares = [
        BudgetShare(
            option,
            mean := amounts[option] / people,
            given[option],
            around(mean, squares[option], people, terms.amount),
        )
        for option in options
    ]
    ordered = tuple(sorted(shares, key=lambda share: -(share.mean or 0.0)))
    return BudgetOutcome(ordered, people, terms.amount, _spendings(terms, ballots) if terms.costs else ())


def _spendings(terms: BudgetTerms, ballots: Ballots) -> tuple[Spending, ...]:
    """Returns what would be bought of the options still offered."""
    costs = terms.costs
    approved = [frozenset(it for it, amount in _amounts(ballot) if amount and it in costs) for ballot in _each(ballots)]
    return budgets.equal_shares(costs, approved, terms.amount), budgets.greedy(costs, approved, terms.amount)


def _amounts(ballot: tuple[object, ...]) -> list[tuple[str, int]]:
    return [(str(it[0]), int(it[1])) for it in ballot if isinstance(it, tuple)]


def _each(ballots: Ballots) -> list[tuple[object, ...]]:
    return [ballot for ballot, number in ballots.items() for _ in range(number)]
