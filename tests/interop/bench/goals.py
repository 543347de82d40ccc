"""The goals of the comparison, and whether a measurement meets them."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from tests.interop.bench.comparing import Cell, Compared
from tests.interop.bench.contestants import ALL, HANDLER, Contestant


class Goal(NamedTuple):
    """The minimum ratio to the turns per second of python-telegram-bot's ConversationHandler in the same run."""

    module: str
    cell: Cell
    least: float


GOALS: Final = (
    Goal("ours_sink", Cell("memory", 64), 8.0),
    Goal("ours_telegram", Cell("memory", 64), 5.5),
    Goal("ours_telegram", Cell("stand-in", 64), 10.0),
    Goal("ours_sink", Cell("memory", 1), 1.0),
    Goal("ours_telegram", Cell("memory", 1), 1.0),
)


def ratios(compared: Compared, contestant: Contestant) -> list[float]:
    """How many times the turns per second of the handler, in each run that has both."""
    paired = [run for run in compared.runs if HANDLER in run and contestant in run and contestant is not HANDLER]
    return [run[contestant].turns_per_s / run[HANDLER].turns_per_s for run in paired]


def goal_lines(compared: Sequence[Compared]) -> Iterator[str]:
    """A table of the goals, lines without their ends; nothing if none of them was measured."""
    lines = [line for goal in GOALS for one in compared if one.cell == goal.cell for line in _verdict(goal, one)]
    if lines:
        yield "| goal | × | measured | |"
        yield "| --- | --- | --- | --- |"
        yield from lines


def _verdict(goal: Goal, compared: Compared) -> Iterator[str]:
    contestant = next(one for one in ALL if one.module == goal.module)
    if found := ratios(compared, contestant):
        median = statistics.median(found)
        who = "alone" if goal.cell.residents == 1 else f"{goal.cell.residents} residents"
        way = "in process" if goal.cell.way == "memory" else "through the stand-in"
        said = "met" if median >= goal.least else f"missed by {1 - median / goal.least:.0%}"
        yield f"| {contestant.title}, {way}, {who} | ≥ {goal.least:g} | {median:.2f} | {said} |"
