"""Reads and writes participatory budgets as .pb files (Pabulib, https://pabulib.org/format): projects and ballots."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

from bot.common.errors import CommandError
from bot.exchange import files
from bot.exchange.bundle import BudgetProject, BudgetVote, Bundle, content_fingerprint
from bot.exchange.content import BudgetQuestion, ExchangeContent
from bot.exchange.file_format import FileFormat
from bot.exchange.rejected_rows import STRICT, BadFile, RejectedRows
from bot.results.methods.budgets import equal_shares
from flows.questions.points import MOST

HOME: Final = "https://pabulib.org"
_APPROVAL: Final = ("approval", "choose-1")
"""The types of ballots with a yes or no for each project."""
_DECIMAL: Final = re.compile(r"([0-9]{1,9})[.,]([0-9]{1,9})", re.ASCII)
"""An amount such as "400000.0" or "1234,50"."""
ROUNDED: Final = "have an amount with decimals, which was rounded"
_SECTIONS: Final = ("META", "PROJECTS", "VOTES")
_NAMES: Final = ("country", "unit", "subunit", "district", "instance", "edition", "description")
"""The keys of META that identify a vote, from general to specific."""
_SUM: Final = re.compile("[0-9]{1,9}")
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,23}")

Rows = list[tuple[int, dict[str, str]]]


def read_pb(path: Path, language: str = "de", aside: RejectedRows = STRICT) -> Bundle:
    """Reads the budget, its projects and the ballots of a file with approval ballots (also if only one project may be
    approved).

    Rejected projects are removed from ballots, with a remark about the number of ballots. Raises BadFile also if the
    file has fewer projects or ballots than META states: then it is incomplete.
    """
    sections = _sections(path, aside)
    meta = {cells.get("key", ""): cells.get("value", "") for _, cells in sections["META"]}
    if meta.get("vote_type") not in _APPROVAL:
        reason = f"vote_type is {meta.get('vote_type', '')[:40]!r}"
        raise BadFile(path, None, reason, f"only {' and '.join(_APPROVAL)} can be imported")
    amount = _amount(path, None, "budget", meta.get("budget", ""), aside)
    projects, lost = _projects(path, sections["PROJECTS"], amount, aside)
    ballots, unread = _ballots(path, sections["VOTES"], projects, lost, aside)
    unread += sections.unread
    for name, number, most in (
        ("num_projects", len(projects), len(lost) + sections.unread),
        ("num_votes", len(ballots), unread),
    ):
        told = meta.get(name, str(number))
        if told not in map(str, range(number, number + most + 1)):
            raise BadFile(path, None, f"{name} is {told[:20]}, but there are {number + most}", "download it again")
    title = meta.get("description") or path.stem
    budgeting = BudgetVote(amount, tuple(projects.values()), ballots)
    return Bundle(
        _source(meta, budgeting),
        title,
        HOME,
        (),
        remarks=() if unread else tuple(_wrong_sums(sections["PROJECTS"], projects, ballots)),
        budgeting=budgeting,
        before=(_source_before(path, meta),),
    )


def _wrong_sums(
    rows: Rows, projects: Mapping[str, BudgetProject], ballots: Mapping[str, tuple[str, ...]]
) -> Iterator[str]:
    """Yields a remark if the sums of projects (column `votes`) differ from their ballots."""
    counted = Counter(chain.from_iterable(ballots.values()))
    told = ((projects.get(cells.get("project_id", "")), cells.get("votes", "")) for _, cells in rows)
    sums = ((counted[it.code], int(said)) for it, said in told if it and _SUM.fullmatch(said))
    apart = [abs(number - said) for number, said in sums if number != said]
    if apart:
        away = sum(apart)
        yield f"the sums of {len(apart):,} projects differ from the ballots by {away:,} in all; the ballots count."


def _source(meta: Mapping[str, str], budgeting: BudgetVote) -> str:
    """Returns the name of the source. Votes of one city share country, unit and instance, and some differ only in their
    projects.
    """
    names = "/".join(filter(None, (_line(meta.get(name, "")) for name in _NAMES)))
    return f"pb:{names}#{content_fingerprint([[budgeting.amount], *budgeting.projects])}"


def _source_before(path: Path, meta: Mapping[str, str]) -> str:
    names = [meta.get(name, "") for name in ("country", "unit", "instance")]
    return f"pb:{'/'.join(filter(None, names)) or path.stem}"


class _Sections(dict[str, Rows]):
    """The rows of each section with their numbers."""

    unread = 0
    """The number of rejected lines, whose voter is unknown."""


def _section_title(cells: Sequence[str]) -> str:
    """Returns the name of the section that begins with this line; "" if none does."""
    title = cells[0].strip()
    return title if title in _SECTIONS and not any(cells[1:]) else ""


def _sections(path: Path, aside: RejectedRows) -> _Sections:
    """Splits the file into sections. Raises BadFile if it is not a .pb file."""
    found = _Sections()
    before = aside.count
    name = ""
    head: list[str] = []
    for row, cells in files.csv_records(path, files.read_file(path), ";", aside, strict=False):
        if title := _section_title(cells):
            name, head = title, []
            found[name] = []
        elif not name:
            raise BadFile(path, row, "it does not begin with META", "give a .pb file")
        elif not head:
            head = [cell.strip() for cell in cells]
        elif len(cells) > len(head):
            aside.add(BadFile(path, row, f"it has {len(cells)} cells instead of {len(head)}", "correct it"))
        else:
            found[name].append((row, dict(zip(head, map(str.strip, cells), strict=False))))
    if missing := [name for name in _SECTIONS if name not in found]:
        raise BadFile(path, None, f"the section {missing[0]} is missing", "download it again")
    found.unread = aside.count - before
    return found


def _projects(path: Path, rows: Rows, amount: int, aside: RejectedRows) -> tuple[dict[str, BudgetProject], set[str]]:
    """Returns the projects by their id in the file, and the ids of the rejected ones."""
    found: dict[str, BudgetProject] = {}
    lost: set[str] = set()
    for row, cells in rows:
        number = cells.get("project_id", "")
        before = aside.count
        with aside.row():
            cost = _amount(path, row, "cost", cells.get("cost", ""), aside)
            if not number or number in found:
                raise BadFile(path, row, "project_id is missing or repeated", "give each project an id of its own")
            if cost > amount:
                reason = f"it costs {cost}, more than the budget of {amount}"
                raise BadFile(path, row, reason, "leave the project out")
            label = files.clean_cell(path, row, cells.get("name", "") or number, aside)
            code = number if _CODE.fullmatch(number) else f"p{len(found) + len(lost) + 1}"
            found[number] = BudgetProject(code, label, cost)
        if aside.count > before:
            lost.add(number)
    if not 2 <= len(found) <= MOST:
        reason = f"it has {len(found)} projects, and a question has 2 to {MOST}"
        raise aside.nothing_left(path, reason, "take a smaller vote")
    return found, lost - found.keys()


def _kept(path: Path, row: int, chosen: Iterable[str], projects: Container[str], lost: Container[str]) -> list[str]:
    """Returns the chosen projects without rejected ones. Raises BadFile for unknown ones, or if none is left."""
    kept = [it for it in chosen if it in projects]
    rejected = [it for it in chosen if it not in projects]
    if unknown := [it for it in rejected if it not in lost]:
        raise BadFile(path, row, f"there is no project {unknown[0][:40]!r}", "correct the ballot")
    if rejected and not kept:
        raise BadFile(path, row, "all its projects were rejected", "correct those")
    return kept


def _ballots(
    path: Path, rows: Rows, projects: Mapping[str, BudgetProject], lost: set[str], aside: RejectedRows
) -> tuple[dict[str, tuple[str, ...]], int]:
    """Returns the ballots by voter, and the number of rejected rows."""
    found: dict[str, tuple[str, ...]] = {}
    before = aside.count
    for row, cells in rows:
        chosen = dict.fromkeys(it.strip() for it in cells.get("vote", "").split(",") if it.strip())
        with aside.row():
            voter = cells.get("voter_id", "")
            if not voter or voter in found:
                raise BadFile(path, row, "voter_id is missing or repeated", "give each voter one row")
            kept = tuple(projects[it].code for it in _kept(path, row, chosen, projects, lost))
            if len(kept) < len(chosen):
                aside.tell("of ballots name rejected projects; their other projects count", path, row)
            found[files.parse_identifier(path, row, "voter_id", voter)] = kept
    if not found:
        raise aside.nothing_left(path, "it contains no ballot", "download it again")
    return found, aside.count - before


def _amount(path: Path, row: int | None, name: str, cell: str, aside: RejectedRows) -> int:
    """Parses an amount; rounds decimals half up to a whole number, at least 1, and notes that."""
    whole, cents = cell, ""
    if found := _DECIMAL.fullmatch(cell):
        whole, cents = found.groups()
    if whole.isascii() and whole.isdecimal() and len(whole) < 10 and (int(whole) or cents.strip("0")):
        if cents.strip("0"):
            aside.tell(ROUNDED, path, row)
        return max(1, int(whole) + (cents >= "5"))
    raise BadFile(path, row, f"{name} is {cell[:40]!r}", "it must be a number above 0")


def write_pb(content: ExchangeContent, folder: Path) -> list[str]:
    """Writes a file for each budget with costs; returns the names. Raises CommandError if there is none."""
    if not content.budgets:
        raise CommandError(
            f"{content.slug} has no question about a budget with priced options, so there is no .pb file"
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
    # Renumbered, so that the number does not identify a voter.
    for number, ballot in enumerate(budget.ballots):
        yield number, ",".join(code for code in costs if code in ballot)


def _line(text: str) -> str:
    return " ".join(text.split())


FORMAT: Final = FileFormat(read_pb, write_pb, has_single_votes=True)
