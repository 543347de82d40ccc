"""Budgets as .pb files (Pabulib, https://pabulib.org/format), in and out: what is voted on, projects, ballots."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from bot.errors import HouseError
from bot.exchange import files
from bot.exchange.bundle import BadFile, Budgeting, Bundle, Project
from bot.exchange.content import Budget, Content
from bot.results.budgets import equal_shares

HOME: Final = "https://pabulib.org"
MOST: Final = 10
"""Projects a question in a chat can offer."""
_SECTIONS: Final = ("META", "PROJECTS", "VOTES")
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,23}")

Rows = list[tuple[int, dict[str, str]]]


def read(path: Path, language: str = "de") -> Bundle:
    """The budget, its projects and the ballots of a file with approval ballots."""
    sections = _sections(path)
    meta = {cells.get("key", ""): cells.get("value", "") for _, cells in sections["META"]}
    if meta.get("vote_type") != "approval":
        raise BadFile(path, None, f"vote_type is {meta.get('vote_type', '')[:40]!r}", "only approval can be taken over")
    amount = _amount(path, None, "budget", meta.get("budget", ""))
    projects = _projects(path, sections["PROJECTS"], amount)
    ballots = _ballots(path, sections["VOTES"], projects)
    for name, number in (("num_projects", len(projects)), ("num_votes", len(ballots))):
        if meta.get(name, str(number)) != str(number):
            raise BadFile(path, None, f"{name} is {meta[name][:20]}, but there are {number}", "download it anew")
    title = meta.get("description") or path.stem
    names = [meta.get(name, "") for name in ("country", "unit", "instance")]
    source = f"pb:{'/'.join(filter(None, names)) or path.stem}"
    return Bundle(source, title, HOME, (), budgeting=Budgeting(amount, tuple(projects.values()), ballots))


def _sections(path: Path) -> dict[str, Rows]:
    """Each section's rows with their numbers. Raises BadFile."""
    found: dict[str, Rows] = {}
    name = ""
    head: list[str] = []
    lines = csv.reader(io.StringIO(files.text_of(path, files.read_file(path)), newline=""), delimiter=";")
    try:
        for cells in lines:
            if not any(cells):
                continue
            if cells[0].strip() in _SECTIONS and not any(cells[1:]):
                name, head = cells[0].strip(), []
                found[name] = []
            elif not name:
                raise BadFile(path, lines.line_num, "it does not begin with META", "give a file of the kind .pb")
            elif not head:
                head = [cell.strip() for cell in cells]
            elif len(cells) > len(head):
                raise BadFile(path, lines.line_num, f"it has {len(cells)} cells instead of {len(head)}", "correct it")
            else:
                found[name].append((lines.line_num, dict(zip(head, map(str.strip, cells), strict=False))))
    except csv.Error as fault:
        raise BadFile(path, lines.line_num, f"this is no .pb ({fault})", "download it anew") from None
    if missing := [name for name in _SECTIONS if name not in found]:
        raise BadFile(path, None, f"the section {missing[0]} is missing", "download it anew")
    return found


def _projects(path: Path, rows: Rows, amount: int) -> dict[str, Project]:
    """The projects by the id they have there."""
    found: dict[str, Project] = {}
    for row, cells in rows:
        number, cost = cells.get("project_id", ""), _amount(path, row, "cost", cells.get("cost", ""))
        if not number or number in found:
            raise BadFile(path, row, "project_id is missing or stands twice", "give each project an id of its own")
        if cost > amount:
            raise BadFile(path, row, f"it costs {cost}, more than the budget of {amount}", "leave the project out")
        label = files.text(path, row, cells.get("name", "") or number)
        found[number] = Project(number if _CODE.fullmatch(number) else f"p{len(found) + 1}", label, cost)
    if not 2 <= len(found) <= MOST:
        reason = f"it has {len(found)} projects, and a question in a chat offers 2 to {MOST}"
        raise BadFile(path, None, reason, "take a smaller vote")
    return found


def _ballots(path: Path, rows: Rows, projects: Mapping[str, Project]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for row, cells in rows:
        voter, chosen = cells.get("voter_id", ""), [it.strip() for it in cells.get("vote", "").split(",") if it.strip()]
        if not voter or voter in found:
            raise BadFile(path, row, "voter_id is missing or stands twice", "give each voter one row")
        if unknown := [it for it in chosen if it not in projects]:
            raise BadFile(path, row, f"there is no project {unknown[0][:40]!r}", "correct the ballot")
        found[voter] = tuple(projects[it].code for it in dict.fromkeys(chosen))
    return found


def _amount(path: Path, row: int | None, name: str, cell: str) -> int:
    if cell.isascii() and cell.isdecimal() and 0 < len(cell) < 10 and int(cell):
        return int(cell)
    raise BadFile(path, row, f"{name} is {cell[:40]!r}", "it must be a whole number above 0")


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
