"""Runs chaos tests from the command line: lists the faults without NAME, otherwise runs one and prints a line.

The exit code is 1 where something is wrong, 3 where this machine lacks what the fault needs.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from bot.common import logs
from tests.chaos.fault import NotPossible, all_faults, lines, run


def main() -> int:
    known = all_faults()
    parser = argparse.ArgumentParser(prog="python3 -m tests.chaos", description=__doc__)
    parser.add_argument("name", nargs="?", choices=[*known, []], default=[], metavar="NAME")
    parser.add_argument("--times", type=int, default=20, help="disturbances in one run")
    parser.add_argument("--runs", type=int, default=1, help="runs, each with the next seed")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if not given.name:
        print("\n".join(lines(known)))
        return 0
    logs.configure_logs("json", "error", sys.stderr)  # of channels that run in this process
    is_good = True
    for seed in range(given.seed, given.seed + given.runs):
        with tempfile.TemporaryDirectory(prefix="mitsprache-chaos-", ignore_cleanup_errors=True) as folder:
            try:
                result = asyncio.run(run(known[given.name], Path(folder), given.times, seed))
            except NotPossible as reason:
                print(f"{given.name}: not possible here: {reason}")
                return 3
        print(f"seed {seed}: {result.line()}", flush=True)
        is_good &= result.is_good
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
