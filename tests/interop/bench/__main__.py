"""`python3 -m bot bench --peers` comes here: gets the peers, measures, prints the tables."""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from bot.bootstrap.venv import SetupError
from tests.interop.bench import environments, goals, table
from tests.interop.bench.comparing import Options, compare
from tests.interop.bench.contestants import ALL, Contestant


def main() -> None:
    """What goes on goes to standard error, the tables to standard output."""
    parser = argparse.ArgumentParser(prog="python3 -m bot bench --peers")
    parser.add_argument("--peers", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--residents", type=int, nargs="+", default=[64, 1])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    environments.TELEGRAM.set_up()
    there = list(made_ready(ALL))
    load = table.load()
    options = Options(given.runs, given.seconds, tuple(given.residents), folder=given.folder, contestants=there)
    try:
        compared = compare(options, complain)
    except (AssertionError, TimeoutError, subprocess.TimeoutExpired) as fault:
        sys.exit(f"bench --peers: {str(fault) or type(fault).__name__}")
    if given.json:
        print(json.dumps(table.medians(compared)))
        return
    for line in (*table.conditions(given.folder, load), "", *table.tables(compared), *goals.goal_lines(compared)):
        print(line)


def made_ready(contestants: Iterable[Contestant]) -> Iterator[Contestant]:
    """Those that can be had here; of the others it is said why not."""
    for contestant in contestants:
        try:
            if contestant.environment:
                contestant.environment.make()
        except SetupError as error:
            complain(f"not measured: {contestant.title}: {error}")
        else:
            yield contestant


def complain(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
