"""Budgets as .pb files (Pabulib, https://pabulib.org/format), in and out: what is voted on, projects, ballots."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from bot.common.errors import CommandError
from bot.exchange import files
from bot.exchange.bundle import BudgetProject, BudgetVote, Bundle, content_fingerprint
from bot.exchange.content import BudgetQuestion, ExchangeContent
from bot.exchange.rejected_rows import STRICT, BadFile, RejectedRows
from bot.results.methods.budgets import equal_shares

HOME: Final = "https://pabulib.org"
HAS_SINGLE_VOTES: Final = True
MOST: Final = 10
"""Projects a question in a chat can offer."""
_APPROVAL: Final = ("approval", "choose-1")
"""Kinds of ballots that say of each project whether somebody wants it."""
_ZEROS: Final = re.compile(r"\.0+$")
"""Behind whole amounts: "400000.0"."""
_SECTIONS: Final = ("META", "PROJECTS", "VOTES")
_NAMES: Final = ("country", "unit", "subunit", "district", "instance", "edition", "description")
"""Keys of META that name a vote, from the wide to the narrow."""
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,23}")

Rows = list[tuple[int, dict[str, str]]]


def read(path: Path, language: str = "de", aside: RejectedRows = STRICT) -> Bundle:
    """The budget, its projects and the ballots of a file with approval ballots (also where one may approve of one).

    A ballot keeps what it names beside projects that were set aside; how many do is told. Raises BadFile also where
    there are less projects or ballots than the file says: then it is not whole.
    """
    sections = _sections(path, aside)
    meta = {cells.get("key", ""): cells.get("value", "") for _, cells in sections["META"]}
    if meta.get("vote_type") not in _APPROVAL:
        reason = f"vote_type is {meta.get('vote_type', '')[:40]!r}"
        raise BadFile(path, None, reason, f"only {' and '.join(_APPROVAL)} can be taken over")
    amount = _amount(path, None, "budget", meta.get("budget", ""))
    projects, lost = _projects(path, sections["PROJECTS"], amount, aside)
    ballots, unread = _ballots(path, sections["VOTES"], projects, lost, aside)
    unread += sections.unread
    for name, number, most in (
        ("num_projects", len(projects), len(lost) + sections.unread),
        ("num_votes", len(ballots), unread),
    ):
        told = meta.get(name, str(number))
        if told not in map(str, range(number, number + most + 1)):
            raise BadFile(path, None, f"{name} is {told[:20]}, but there are {number + most}", "download it anew")
    title = meta.get("description") or path.stem
    budgeting = BudgetVote(amount, tuple(projects.values()), ballots)
    return Bundle(_source(meta, budgeting), title, HOME, (), budgeting=budgeting, before=(_source_before(path, meta),))


def _source(meta: Mapping[str, str], budgeting: BudgetVote) -> str:
    """What tells votes apart: most of a city's share country, unit and instance, some all but their projects."""
    names = "/".join(filter(None, (_line(meta.get(name, "")) for name in _NAMES)))
    return f"pb:{names}#{content_fingerprint([[budgeting.amount], *budgeting.projects])}"


def _source_before(path: Path, meta: Mapping[str, str]) -> str:
    names = [meta.get(name, "") for name in ("country", "unit", "instance")]
    return f"pb:{'/'.join(filter(None, names)) or path.stem}"


class _Sections(dict[str, Rows]):
    """Each section's rows with their numbers."""

    unread = 0
    """Lines that could not be read, so that nobody knows whose they are."""


def _sections(path: Path, aside: RejectedRows) -> _Sections:
    """Raises BadFile where it is no such file."""
    found = _Sections()
    before = aside.count
    name = ""
    head: list[str] = []
    for row, cells in files.csv_records(path, files.read_file(path), ";", aside, strict=False):
        if cells[0].strip() in _SECTIONS and not any(cells[1:]):
            name, head = cells[0].strip(), []
            found[name] = []
        elif not name:
            raise BadFile(path, row, "it does not begin with META", "give a file of the kind .pb")
        elif not head:
            head = [cell.strip() for cell in cells]
        elif len(cells) > len(head):
            aside.add(BadFile(path, row, f"it has {len(cells)} cells instead of {len(head)}", "correct it"))
        else:
            found[name].append((row, dict(zip(head, map(str.strip, cells), strict=False))))
    if missing := [name for name in _SECTIONS if name not in found]:
        raise BadFile(path, None, f"the section {missing[0]} is missing", "download it anew")
    found.unread = aside.count - before
    return found


def _projects(path: Path, rows: Rows, amount: int, aside: RejectedRows) -> tuple[dict[str, BudgetProject], set[str]]:
    """The projects by the id they have there, and the ids of those that were set aside."""
    found: dict[str, BudgetProject] = {}
    lost: set[str] = set()
    for row, cells in rows:
        number = cells.get("project_id", "")
        before = aside.count
        with aside.row():
            cost = _amount(path, row, "cost", cells.get("cost", ""))
            if not number or number in found:
                raise BadFile(path, row, "project_id is missing or stands twice", "give each project an id of its own")
            if cost > amount:
                reason = f"it costs {cost}, more than the budget of {amount}"
                raise BadFile(path, row, reason, "leave the project out")
            label = files.clean_cell(path, row, cells.get("name", "") or number, aside)
            code = number if _CODE.fullmatch(number) else f"p{len(found) + len(lost) + 1}"
            found[number] = BudgetProject(code, label, cost)
        if aside.count > before:
            lost.add(number)
    if not 2 <= len(found) <= MOST:
        reason = f"it has {len(found)} projects, and a question in a chat offers 2 to {MOST}"
        raise aside.nothing_left(path, reason, "take a smaller vote")
    return found, lost - found.keys()


def _ballots(
    path: Path, rows: Rows, projects: Mapping[str, BudgetProject], lost: set[str], aside: RejectedRows
) -> tuple[dict[str, tuple[str, ...]], int]:
    """The ballots by voter, and how many rows were set aside."""
    found: dict[str, tuple[str, ...]] = {}
    before = aside.count
    for row, cells in rows:
        chosen = [it.strip() for it in cells.get("vote", "").split(",") if it.strip()]
        with aside.row():
            voter = cells.get("voter_id", "")
            if not voter or voter in found:
                raise BadFile(path, row, "voter_id is missing or stands twice", "give each voter one row")
            if unknown := [it for it in chosen if it not in projects and it not in lost]:
                raise BadFile(path, row, f"there is no project {unknown[0][:40]!r}", "correct the ballot")
            kept = tuple(projects[it].code for it in dict.fromkeys(chosen) if it in projects)
            if chosen and not kept:
                raise BadFile(path, row, "all projects it names were set aside", "correct those")
            if len(kept) < len(set(chosen)):
                aside.tell("of ballots name projects that were set aside; what else they name counts", path, row)
            found[files.parse_identifier(path, row, "voter_id", voter)] = kept
    if not found:
        raise aside.nothing_left(path, "there is no ballot in it", "download it anew")
    return found, aside.count - before


def _amount(path: Path, row: int | None, name: str, cell: str) -> int:
    whole = _ZEROS.sub("", cell)
    if whole.isascii() and whole.isdecimal() and 0 < len(whole) < 10 and int(whole):
        return int(whole)
    raise BadFile(path, row, f"{name} is {cell[:40]!r}", "it must be a whole number above 0")


def write(content: ExchangeContent, folder: Path) -> list[str]:
    """Writes a file for each budget with costs; gives the names. Raises CommandError where there is none."""
    if not content.budgets:
        raise CommandError(
            f"{content.slug} asks nobody to spend a budget on options that cost something; there is no .pb"
        )
    names = []
    for budget in content.budgets:
        name = f"{content.slug}-{budget.key}.pb"
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=";", lineterminator="\n").writerows(_rows(content, budget))
        names.append(name)
    return names


def _rows(content: ExchangeContent, budget: BudgetQuestion) -> Iterator[tuple[object, ...]]:
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
