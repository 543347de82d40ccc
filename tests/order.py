"""Which tests begin first where several processes share them: those that take long, so that none is left for the end.

A test says with `@pytest.mark.long` that it takes more than half a minute. pytest-xdist gives each process an equal
part of neighbours (`--dist worksteal`, which `python3 -m bot test` asks for), and one that is done takes half of what
another still has. Neighbours need the same servers, so few processes start a homeserver or a browser.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from typing import TypeVar

import pytest

Item = TypeVar("Item")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: takes more than half a minute, so it is begun first (tests/order.py)")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    long = [item for item in items if item.get_closest_marker("long")]
    if processes > 1 and long:
        items[:] = spread(long, [item for item in items if item not in set(long)], processes)


def pytest_collection_finish() -> None:
    """What was loaded and collected stays to the end: nobody has to look for garbage in it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def spread(long: Sequence[Item], others: Sequence[Item], processes: int) -> list[Item]:
    """All of them in one row. Its equal parts, one for each process, begin with an equal number of the long ones.

    >>> spread("AB", "cdefg", 3)
    ['A', 'c', 'B', 'd', 'e', 'f', 'g']
    """
    found: list[Item] = []
    rest, total = list(others), len(long) + len(others)
    for number in range(processes):
        size = (total - len(found)) // (processes - number)
        first = list(long[number::processes])
        few = max(size - len(first), 0)
        found += [*first, *rest[:few]]
        del rest[:few]
    return [*found, *rest]
