"""A city from the command line; the exit code is 1 where any cell differs from the ledger."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from bot.common import logs
from tests.city.run import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m tests.city", description=__doc__)
    parser.add_argument("--residents", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=None, help="the same one gives the same city; default: by lot")
    parser.add_argument("--database", default="", help="an empty database; default: SQLite in a temporary folder")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    sys.stdout.write(f"seed {seed}\n")
    logs.configure_logs(level="error")
    with tempfile.TemporaryDirectory(prefix="mitsprache-city-") as folder:
        report = asyncio.run(run(Path(folder), given.residents, seed, given.database))
    sys.stdout.write(f"{report.account()}\n")
    return 0 if report.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
