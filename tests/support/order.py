"""Starts the long tests first when several processes share a run.

`@pytest.mark.long` marks a test that takes more than half a minute. pytest-xdist gives each process an equal part of
neighbouring tests (`--dist worksteal`, which `python3 -m bot test` sets), and an idle process takes half of the rest of
another. Neighbours need the same servers, so few processes start a homeserver or a browser.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from typing import TypeVar

import pytest

Item = TypeVar("Item")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "long: takes more than half a minute, so it is begun first (tests/support/order.py)"
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    long = [item for item in items if item.get_closest_marker("long")]
    if processes > 1 and long:
        items[:] = spread(long, [item for item in items if item not in set(long)], processes)


def pytest_collection_finish() -> None:
    """Freezes the loaded modules and collected tests, so that the garbage collector does not scan them again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def spread(long: Sequence[Item], others: Sequence[Item], processes: int) -> list[Item]:
    """Orders all tests such that the equal parts of the processes begin with equally many long tests.

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
