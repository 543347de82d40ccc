"""An event loop with virtual time: hours of waiting pass immediately and deterministically."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop without real waiting; timers fire up to `lateness` seconds late, as on a busy machine.

    For code without threads and sockets: work outside the loop takes no virtual time.
    """

    def __init__(self, lateness: float = 0.0, seed: int = 0) -> None:
        selector = selectors.DefaultSelector()
        super().__init__(selector)
        self._now = 1000.0
        chance = random.Random(seed)
        really_select = selector.select

        def select(timeout: float | None = None) -> Any:
            if timeout:
                self._now += timeout + chance.random() * lateness
                timeout = 0
            return really_select(timeout)

        selector.select = select  # type: ignore[method-assign]  # a selector created here and used only here

    def time(self) -> float:
        return self._now


def run(work: Coroutine[Any, Any, T], lateness: float = 0.0) -> T:
    """Runs a coroutine in such a loop."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(lateness)) as runner:
        return runner.run(work)
