"""The campaign from the command line; the exit code is 1 where anything was lost or doubled that should not be."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests import synapse
from tests.campaign.run import Report, campaign, prepare
from tests.test_adapters.harness import harness_of

DOUBLED_PER_KILL = {"telegram": 1, "matrix": 0}
"""Sends that one kill may double: Telegram knows no way to say that a message is the same once more."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m tests.campaign", description=__doc__)
    parser.add_argument("--channel", choices=sorted(DOUBLED_PER_KILL), default="telegram")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--people", type=int, default=6, help="residents who talk at once")
    parser.add_argument(
        "--workers", type=int, default=0, help="messages on their way at once; default: the channel's own"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--database", default="", help="an empty database; default: SQLite in a temporary folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mitsprache-campaign-") as folder:
        report = run(given, Path(folder))
    sys.stdout.write(f"{report.line()}\n  {dict(report.kills)}\n")
    return 0 if is_good(report) else 1


def run(given: argparse.Namespace, folder: Path) -> Report:
    url = given.database or f"sqlite:///{folder / 'house.db'}"
    prepare(url)

    async def go(counterpart: object = None) -> Report:
        async with harness_of(given.channel)(url, folder, counterpart).open() as harness:
            options = {"people": given.people, "workers": given.workers, "seed": given.seed}
            return await campaign(harness, given.kills, **options, watch=_watch(given.kills))

    if given.channel != "matrix":
        return asyncio.run(go())
    homes = folder / "synapse"
    homes.mkdir()
    with synapse.running(homes) as server:
        return asyncio.run(go(server))


def _watch(kills: int) -> Callable[[int], None]:
    def say(number: int) -> None:
        sys.stderr.write(f"\r{number} of {kills} kills")

    return say


def is_good(report: Report) -> bool:
    """Nothing lost, nothing in disorder, no answer twice, and no more messages twice than the channel makes us."""
    wrong = report.lost_answers + report.doubled_answers + report.lost_messages + report.disordered
    return not wrong and report.doubled_per_kill <= DOUBLED_PER_KILL[report.channel]


if __name__ == "__main__":
    sys.exit(main())
