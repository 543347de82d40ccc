"""Says which tests belong to `--full` only, and starts the long ones first when several processes share a run.

Two markers: `long` takes more than ten seconds, as `long(60)` about sixty, and is begun first, the longest before the
others; `heavy` drives a browser or a homeserver, and is set
here on each test that asks for one. A run without `--full` leaves both out, and of a test for both databases the run on
PostgreSQL, except in files that its arguments name: `pytest tests/test_city.py` runs that test. pytest-xdist gives each
process an equal part of neighbouring tests (`--dist worksteal`, which `python3 -m bot test` sets), and an idle process
takes half of the rest of another. Neighbours need the same servers, so few processes start a homeserver or a browser.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import pytest

Item = TypeVar("Item")
HEAVY_FIXTURES: Final = frozenset({"chromium", "homeserver"})
"""They start a browser, and a homeserver for Matrix. A test that asks for one by its name in a string is marked."""

LONG_SECONDS: Final = 10.0
"""What a test takes that is marked as long without a number."""

ALSO_FIRST: Final = {
    "tests/test_exchange/test_exports.py::test_memory_does_not_grow_with_the_answers[postgresql]": 45,
    "tests/test_bot/test_unreleased_words.py::test_no_word_that_nobody_released_is_public": 40,
    "tests/test_bot/test_unreleased_words.py::test_a_kept_result_of_an_older_program_is_cleaned": 18,
    "tests/test_browser/test_ideas.py::test_the_chat": 30,
    "tests/test_browser/test_ideas.py::test_the_form_and_the_paper": 20,
    "tests/test_adapters/test_telegram_peer.py::test_aiogram_understands": 25,
    "tests/test_privacy/test_scrubbing.py::test_no_byte_is_left_on_postgresql": 30,
    "tests/test_web/test_console_assignments.py::test_pages_of_other_consultations_do_not_exist": 30,
    "tests/test_interop_bench.py::test_every_bot_stores_what_was_said_and_a_table_is_printed[aiogram": 25,
    "tests/test_browser/test_console.py::test_console_pages_are_accessible[320]": 25,
    "tests/test_browser/test_console_writing.py::test_pages_for_writing_are_accessible[320]": 20,
}
"""Beginning of the ids of tests that begin first without the marker → seconds. Unlike with the marker, a run
without `--full` keeps them."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "long(seconds): takes more than ten; begun first, with --full only (tests/support/order.py)"
    )
    config.addinivalue_line("markers", "heavy: drives a browser or a homeserver; with --full only")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("full"):
        named = named_files(config)
        left_out = {item for item in items if belongs_to_full(item) and item.path not in named}
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    long = {item: seconds for item in items if (seconds := seconds_of(item))}
    if processes > 1 and long:
        items[:] = spread(list(long), [item for item in items if item not in long], processes, long.__getitem__)


def seconds_of(item: pytest.Item) -> float:
    """Return about how long a test takes that begins first, on a quiet machine; 0 for the others."""
    if marker := item.get_closest_marker("long"):
        return float(marker.args[0]) if marker.args else LONG_SECONDS
    return next((seconds for start, seconds in ALSO_FIRST.items() if item.nodeid.startswith(start)), 0)


def named_files(config: pytest.Config) -> set[Path]:
    """Return the files that the arguments of this run name."""
    words = (argument.partition("::")[0] for argument in config.args)
    return {(config.invocation_params.dir / word).resolve() for word in words if word.endswith(".py")}


def belongs_to_full(item: pytest.Item) -> bool:
    """Return whether a run without `--full` leaves the test out, where no argument names its file."""
    needs_heavy = not HEAVY_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))
    return needs_heavy or is_on_postgresql(item) or any(item.get_closest_marker(name) for name in ("long", "heavy"))


def is_on_postgresql(item: pytest.Item) -> bool:
    """Return whether `tests/support/databases.py` gives the test a database on PostgreSQL."""
    given = getattr(item, "callspec", None)
    return given is not None and given.params.get("houses") == "postgresql"


def pytest_collection_finish() -> None:
    """Freezes the loaded modules and collected tests, so that the garbage collector does not scan them again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def spread(
    long: Sequence[Item], others: Sequence[Item], processes: int, seconds: Callable[[Item], float]
) -> list[Item]:
    """Orders all tests such that the equal parts of the processes begin with long tests, the longest first, that take
    about equally long together.

    >>> spread("ABC", "defgh", 3, {"A": 10, "B": 60, "C": 20}.__getitem__)
    ['B', 'd', 'C', 'e', 'f', 'A', 'g', 'h']
    """
    found: list[Item] = []
    rest, total = list(others), len(long) + len(others)
    for number, first in enumerate(share_out(long, processes, seconds)):
        size = (total - len(found)) // (processes - number)
        few = max(size - len(first), 0)
        found += [*first, *rest[:few]]
        del rest[:few]
    return [*found, *rest]


def share_out(long: Sequence[Item], processes: int, seconds: Callable[[Item], float]) -> list[list[Item]]:
    """Gives each test, the longest first, to the process that has the least to do."""
    shares: list[list[Item]] = [[] for _ in range(processes)]
    for item in sorted(long, key=seconds, reverse=True):
        min(shares, key=lambda share: sum(map(seconds, share))).append(item)
    return shares
