"""Compares the bot with other chat bot libraries: `tests/interop/bench` measures, in separate environments.

Those libraries are not dependencies of the program, and their drivers come with the tests.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

from bot.common.errors import CommandError

ROOT: Final = Path(__file__).resolve().parents[3]
NOT_HERE: Final = "bench --peers: what it needs lies beside the source (tests/interop/bench); call it in the repository"


class PeerBenchOptions(NamedTuple):
    """Options of the comparison: repetitions, duration, disk, and output format."""

    runs: int
    seconds: float
    folder: Path | None
    as_json: bool

    def arguments(self) -> list[str]:
        """Returns the options as command line arguments."""
        folder = ["--folder", str(self.folder.absolute())] if self.folder else []
        return ["--runs", str(self.runs), "--seconds", f"{self.seconds:g}", *folder, *["--json"] * self.as_json]


def run_peers(wish: PeerBenchOptions, root: Path = ROOT) -> int:
    """Prints the tables and returns the exit code. Raises CommandError if the program is installed without its
    repository.
    """
    if not (root / "tests" / "interop" / "bench").is_dir():
        raise CommandError(NOT_HERE)
    command = [sys.executable, "-m", "tests.interop.bench", "--peers", *wish.arguments()]
    return subprocess.run(command, cwd=root, check=False).returncode
