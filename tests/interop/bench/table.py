"""What was measured, as Markdown for docs/develop/performance.md."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from bot.bootstrap.install import ROOT
from tests.interop.bench import rows
from tests.interop.bench.comparing import Compared
from tests.interop.bench.contestants import ALL, HANDLER, Contestant, Way
from tests.interop.bench.goals import ratios
from tests.interop.bench.residents import Measured

TITLES: dict[Way, str] = {
    "memory": "in process, transport in memory",
    "stand-in": "over HTTP, through the stand-in of the Bot API",
}
COMMITS = 200


def conditions(folder: Path | None, load_before: str) -> Iterator[str]:
    """What figures depend on, each as a line; `load_before` is the load before the first run."""
    moment = datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC").lstrip("0")
    yield f"{moment}, commit {_commit()}, `{' '.join(['python3 -m bot bench', *sys.argv[1:]])}`."
    machine = f"{_processor()}, {os.cpu_count()} processors, Python {platform.python_version()}"
    yield f"{machine}, load average {load_before} before and {load()} after."
    yield f"A durable transaction of one row takes {_commit_ms(folder):.2f} ms here (median of {COMMITS})."


def load() -> str:
    """The load average of the last minute; a question mark where the system does not tell."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "?"


def tables(compared: Sequence[Compared]) -> Iterator[str]:
    """One table a way, lines without their ends."""
    for way, title in TITLES.items():
        going = [one for one in compared if one.cell.way == way]
        if not any(run for one in going for run in one.runs):
            continue
        head = [title]
        for one in going:
            who = "alone" if one.cell.residents == 1 else f"{one.cell.residents} residents"
            head += [f"{who}: turns/s", "×", "p50 / p99 ms", "CPU µs a turn"]
        yield _line(head)
        yield _line(["---"] * len(head))
        for contestant in (listed for listed in ALL if listed in going[0].runs[0]):
            yield _line([contestant.title, *(cell for one in going for cell in _cells(one, contestant))])
        yield ""


def medians(compared: Sequence[Compared]) -> dict[str, float]:
    """Every figure as one flat object: `ours_sink.memory.64.turns_per_s` and so on."""
    return {
        f"{contestant.module}.{one.cell.way}.{one.cell.residents}.{field}": statistics.median(
            getattr(run[contestant], field) for run in one.runs
        )
        for one in compared
        for contestant in one.runs[0]
        for field in Measured._fields[:-1]
    }


def _cells(compared: Compared, contestant: Contestant) -> Iterator[str]:
    def over(figure: Callable[[Measured], float]) -> list[float]:
        return [figure(run[contestant]) for run in compared.runs]

    yield spread(over(lambda one: one.turns_per_s))
    times = ratios(compared, contestant)
    yield spread(times, digits=2) if times else "1" if contestant is HANDLER else "–"
    yield f"{_median(over(lambda one: one.p50_ms))} / {_median(over(lambda one: one.p99_ms))}"
    yield spread(over(lambda one: one.cpu_us))


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Median and, of several, the least and the greatest."""
    median, *ends = (f"{value:,.{digits}f}" for value in (statistics.median(values), min(values), max(values)))
    return median if len(values) == 1 else f"{median} ({ends[0]}–{ends[1]})"


def _median(values: Sequence[float]) -> str:
    median = statistics.median(values)
    return f"{median:,.0f}" if median >= 10 else f"{median:.2g}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    try:
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    except OSError:
        said = ""
    return said.strip() or "unknown"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _commit_ms(folder: Path | None) -> float:
    with (
        tempfile.TemporaryDirectory(prefix="mitsprache-peers-", dir=folder) as made,
        closing(rows.connect(Path(made) / "bench.db")) as connection,
    ):
        return _median_commit(connection) * 1000


def _median_commit(connection: sqlite3.Connection) -> float:
    connection.execute("CREATE TABLE one (number INTEGER)")
    took = []
    for number in range(COMMITS):
        began = time.perf_counter()
        connection.execute("INSERT INTO one VALUES (?)", (number,))
        took.append(time.perf_counter() - began)
    return statistics.median(took)
