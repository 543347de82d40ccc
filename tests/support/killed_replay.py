"""Replays a recording in child processes that are killed with kill -9; forking saves each child the imports.

tests/test_cli/test_replay_killed.py runs it as a separate process: `python -m tests.support.killed_replay RECORDING URL
DATA KILLS SEED`. For every child it prints as JSON the number of finished lines and whether it was killed. The last
child is not killed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bot.cli import replay
from bot.common.progress import Watch
from bot.settings import Settings

CHUNK: Final = 20
"""Lines handed over at once: fewer than usual, so that there are many moments between two commits."""
_LATER: Final = 0.005
"""Seconds, at most, from when a line is done until the kill: so that it can hit anything between two commits."""
_ANY_MOMENT: Final = 0.2


def live(recording: Path, settings: Settings) -> tuple[int, int]:
    """A child that replays; its number, and where it says how many lines are done."""
    reads, writes = os.pipe()
    if child := os.fork():
        os.close(writes)
        return child, reads
    os.close(reads)

    @contextmanager
    def progress(what: str, complain: object, total: int | None = None) -> Iterator[Watch]:
        def tell(done: int) -> None:
            if what == "stored":
                os.write(writes, f"{done}\n".encode())

        yield tell

    vars(replay).update(LARGEST_BATCH=CHUNK, show_progress=progress)
    try:
        fine = replay.replay_file(settings, recording, lambda _: None, lambda text: print(text, file=sys.stderr))
        os._exit(0 if fine else 1)
    finally:
        os._exit(70)


def kill(child: int, reads: int, beyond: int | None, chance: random.Random) -> tuple[int, bool]:
    """Ends a life soon after this number of lines are done (None: at any moment, also during its start); returns the
    number of lines done.
    """
    done = 0
    with os.fdopen(reads) as told:
        if beyond is None:
            time.sleep(chance.uniform(0, _ANY_MOMENT))
        else:
            while done < beyond and (line := told.readline()):
                done = int(line)
            time.sleep(chance.uniform(0, _LATER))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        rest = [int(line) for line in told if line.endswith("\n")]
    return max([done, *rest]), os.WIFSIGNALED(status)


def main(recording: Path, url: str, data: Path, kills: int, seed: int) -> None:
    chance, settings = random.Random(seed), Settings(data=data, database_url=url, publish_samples=False)
    lines, killed = sum(1 for _ in recording.open(encoding="utf-8")), 0
    while killed < kills:
        # Each gets further than the one before; every third ends at any moment.
        beyond = None if killed % 3 == 2 else int(lines * (killed + chance.random()) / (kills + 3))
        done, was_killed = kill(*live(recording, settings), beyond, chance)
        killed += was_killed
        print(json.dumps({"done": done, "killed": was_killed}), flush=True)
    child, reads = live(recording, settings)
    with os.fdopen(reads) as told:
        done = max(int(line) for line in told)
    _, status = os.waitpid(child, 0)
    print(json.dumps({"done": done, "killed": False}), flush=True)
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
