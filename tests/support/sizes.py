"""How much the tests try that repeat something many times: the usual amount, or all of it with `--thorough`.

A pytest plugin (`tests/conftest.py` loads it). The usual amount keeps a test under a minute on one core; the large one
is for a change of what the test is about, and before a release: `python3 -m bot test --full --thorough`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import pytest


class Size(NamedTuple):
    usual: int
    thorough: int


SIZES: Final = {
    "residents of the simulated city": Size(150, 500),
    "kills of an intake": Size(5, 10),
    "people at a killed intake": Size(60, 200),
    "kills of a replay": Size(12, 30),
    "people in a killed replay": Size(100, 400),
    "conversations of the path machine": Size(30, 120),
    "walks through the states of a consultation": Size(10, 25),
    "conversations of the engine": Size(60, 150),
    "flows that are pruned": Size(100, 400),
    "flows that are passed": Size(60, 200),
    "files of each reader": Size(100, 3000),
}
_chosen: dict[str, bool] = {"thorough": False}


def size(name: str) -> int:
    """The amount of this run; KeyError if the table does not have the name."""
    usual, thorough = SIZES[name]
    return thorough if _chosen["thorough"] else usual


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--thorough", action="store_true", help="tests that repeat something many times do so more often; takes an hour"
    )


def pytest_configure(config: pytest.Config) -> None:
    _chosen["thorough"] = config.getoption("thorough")
