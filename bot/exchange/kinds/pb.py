"""Budgets as .pb files (Pabulib, https://pabulib.org/format): sections for the vote, projects and ballots."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from bot.errors import HouseError
from bot.exchange.content import Budget, Content
from bot.results.budgets import equal_shares


def write(content: Content, folder: Path) -> list[str]:
    """Writes a file for each budget with costs; gives the names. Raises HouseError where there is none."""
    if not content.budgets:
        raise HouseError(
            f"{content.slug} asks nobody to spend a budget on options that cost something; there is no .pb"
        )
    names = []
    for budget in content.budgets:
        name = f"{content.slug}-{budget.key}.pb"
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=";", lineterminator="\n").writerows(_rows(content, budget))
        names.append(name)
    return names


def _rows(content: Content, budget: Budget) -> Iterator[tuple[object, ...]]:
    costs = {code: cost for code, (_, cost) in budget.options.items()}
    votes = {code: sum(code in ballot for ballot in budget.ballots) for code in costs}
    chosen = equal_shares(costs, budget.ballots, budget.amount).projects
    yield ("META",)
    yield "key", "value"
    yield "description", _line(budget.title)
    yield "country", "Germany"
    yield "unit", _line(content.title)
    yield "instance", f"{content.slug}/{budget.key}"
    yield "num_projects", len(costs)
    yield "num_votes", len(budget.ballots)
    yield "budget", budget.amount
    yield "vote_type", "approval"
    yield "rule", "equalshares"
    yield ("PROJECTS",)
    yield "project_id", "cost", "votes", "name", "selected"
    for code, (label, cost) in budget.options.items():
        yield code, cost, votes[code], _line(label), int(code in chosen)
    yield ("VOTES",)
    yield "voter_id", "vote"
    # Numbered anew: a number says nothing about anybody.
    for number, ballot in enumerate(budget.ballots):
        yield number, ",".join(code for code in costs if code in ballot)


def _line(text: str) -> str:
    return " ".join(text.split())
