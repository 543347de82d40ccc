"""Runs all contestants in turn: each figure of a run is measured one after another, in an order that rotates."""

from __future__ import annotations

import asyncio
import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bot.bootstrap.install import ROOT
from tests.interop.bench import stand_in
from tests.interop.bench.contestants import ALL, Contestant, Way, check_rows
from tests.interop.bench.residents import PATIENCE, Measured

WAYS: tuple[Way, ...] = ("memory", "stand-in")


class Cell(NamedTuple):
    """What is measured: this number of residents at once, on this way."""

    way: Way
    residents: int


class Compared(NamedTuple):
    """All runs, in order: each has what was measured of every contestant."""

    cell: Cell
    runs: list[dict[Contestant, Measured]]


class Options(NamedTuple):
    """How often, how long, with how many residents; `folder` says on which disk."""

    runs: int = 5
    seconds: float = 3.0
    residents: tuple[int, ...] = (64, 1)
    ways: tuple[Way, ...] = WAYS
    folder: Path | None = None
    contestants: Sequence[Contestant] = ALL


def compare(options: Options, tell: Callable[[str], None]) -> list[Compared]:
    """Measures; AssertionError where a row is wrong."""
    compared = [Compared(Cell(way, residents), []) for way in options.ways for residents in options.residents]
    for number in range(options.runs):
        for found in compared:
            run: dict[Contestant, Measured] = {}
            for contestant in _in_turn(options.contestants, found.cell.way, number):
                run[contestant] = one = _measure(contestant, found.cell, options)
                tell(
                    f"run {number + 1}, {found.cell.way}, {found.cell.residents} residents, {contestant.title}: "
                    f"{one.turns_per_s:,.0f} turns/s, {one.cpu_us:,.0f} µs, {one.people} people, rows right"
                )
            found.runs.append(run)
    return compared


def _in_turn(contestants: Sequence[Contestant], way: Way, number: int) -> Iterator[Contestant]:
    """Those who go this way, another one first in each run."""
    going = [contestant for contestant in contestants if way in contestant.ways]
    yield from (going[(place + number) % len(going)] for place in range(len(going)))


def _measure(contestant: Contestant, cell: Cell, options: Options) -> Measured:
    with tempfile.TemporaryDirectory(prefix="mitsprache-peers-", dir=options.folder) as folder:
        database = Path(folder) / "bench.db"
        command = contestant.command(database)
        if cell.way == "memory":
            measured = _in_its_process(contestant, command, cell.residents, options.seconds)
        else:
            through = stand_in.measure(command, cell.residents, options.seconds, is_ours=contestant.is_ours)
            measured = asyncio.run(through)
        check_rows(contestant, database, measured.people)
    return measured


def _in_its_process(contestant: Contestant, command: list[str], residents: int, seconds: float) -> Measured:
    ended = subprocess.run(
        [*command, "memory", str(residents), str(seconds)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=2 * PATIENCE + seconds,
    )
    if ended.returncode:
        raise AssertionError(f"{contestant.title} ended with a fault, see above")
    return Measured(**json.loads(ended.stdout))
