"""Progress of long commands: a bar in a terminal, otherwise a line every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from bot.common.errors import Say

NEWS_SECONDS: Final = 10.0

Watch = Callable[[int], None]
"""Receives the number of finished items."""


@contextmanager
def show_progress(what: str, complain: Say, total: int | None = None) -> Iterator[Watch]:
    """Yields a function that shows the number of finished items, of `total` if it is known."""
    from rich.console import Console  # late import: only long commands need it
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda done: bar.update(task, completed=done)
        return
    told = time.monotonic()

    def tell(done: int) -> None:
        nonlocal told
        if time.monotonic() - told >= NEWS_SECONDS:
            told = time.monotonic()
            complain(f"{what}: {done}" + (f" of {total}" if total else ""))

    yield tell
