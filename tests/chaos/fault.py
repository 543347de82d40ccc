"""The shape of every fault: prepare, disturb as often as wished, check; and how one is run.

A new fault is one file in `tests/chaos/faults/` with a class that has a `name`.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import pkgutil
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from tests.chaos import faults


class NotPossible(Exception):
    """This machine lacks what a fault needs; the text says what."""


@dataclass
class Result:
    """What one run found. `figures` are printed in their order; `wrong` holds what must not be, in words."""

    name: str
    figures: dict[str, float | str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0
    load: float = 0.0
    """Load average of the machine at the end, per core."""

    @property
    def is_good(self) -> bool:
        return not self.wrong

    def line(self) -> str:
        """All of it in one line."""
        figures = ", ".join(f"{value} {name}" for name, value in self.figures.items())
        verdict = "good" if self.is_good else "WRONG: " + "; ".join(self.wrong[:5])
        return f"{self.name}: {figures}; {verdict} ({self.seconds:.0f} s, load {self.load:.1f} per core)"


class Fault(ABC):
    """One fault. `folder` is empty and its own; `chance` decides everything random, from the seed."""

    name: ClassVar[str] = ""
    does: ClassVar[str] = ""
    """What it does, in one line for the list."""
    unit: ClassVar[str] = ""
    """What `times` counts, in the plural."""
    slice: ClassVar[int] = 1
    """`times` of the slice that is part of the tests."""

    def __init__(self, folder: Path, times: int, seed: int) -> None:
        self.folder = folder
        self.times = times
        self.seed = seed
        self.chance = random.Random(seed)

    @abstractmethod
    async def prepare(self) -> None:
        """Builds what is disturbed. Raises NotPossible."""

    @abstractmethod
    async def disturb(self, number: int) -> None:
        """One disturbance; `number` counts from 0."""

    @abstractmethod
    async def check(self, result: Result) -> None:
        """Ends the load and adds figures and what is wrong to the result."""

    async def clean_up(self) -> None:  # noqa: B027 - most have nothing to do beyond the folder
        """Ends what still runs, also after an exception."""


def all_faults() -> dict[str, type[Fault]]:
    """Every fault by its name."""
    found = {}
    for module in pkgutil.iter_modules(faults.__path__):
        for kind in vars(importlib.import_module(f"{faults.__name__}.{module.name}")).values():
            if isinstance(kind, type) and issubclass(kind, Fault) and kind.name:
                found[kind.name] = kind
    return dict(sorted(found.items()))


async def run(kind: type[Fault], folder: Path, times: int, seed: int) -> Result:
    """One run. Raises NotPossible."""
    began = time.monotonic()
    result = Result(kind.name, {kind.unit: times})
    fault = kind(folder, times, seed)
    try:
        await fault.prepare()
        for number in range(times):
            await fault.disturb(number)
        await fault.check(result)
    finally:
        await fault.clean_up()
    result.seconds = time.monotonic() - began
    result.load = os.getloadavg()[0] / (os.cpu_count() or 1)
    return result


async def until(condition: object, seconds: float, why: str, every: float = 0.05) -> None:
    """Waits until `condition()` is true. Raises AssertionError after this number of seconds."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds:.0f} s in vain: {why}"
        await asyncio.sleep(every)


def lines(kinds: dict[str, type[Fault]]) -> Iterator[str]:
    """The list of all faults, a line each."""
    width = max(map(len, kinds))
    yield from (f"{name:{width}}  {kind.does}" for name, kind in kinds.items())
