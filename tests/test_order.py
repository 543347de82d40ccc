"""Tests that take long begin first in every process that shares them, and belong to `--full`."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.order import ALSO_FIRST, spread

ROOT = Path(__file__).parents[1]


def shares(row: list[int], processes: int) -> Iterator[list[int]]:
    """The parts which `--dist worksteal` gives to the processes at the beginning."""
    rest = list(row)
    for number in range(processes):
        size = len(rest) // (processes - number)
        yield rest[:size]
        del rest[:size]


@given(st.integers(0, 30), st.integers(0, 60), st.integers(1, 12))
def test_all_are_there_once_and_the_others_keep_their_order(long: int, others: int, processes: int) -> None:
    row = spread(range(-long, 0), range(others), processes, abs)
    assert sorted(row) == [*range(-long, others)]
    assert [it for it in row if it >= 0] == [*range(others)]


@pytest.mark.parametrize("long", [1, 4, 11])
@pytest.mark.parametrize("others", [40, 41, 47])
def test_every_share_begins_with_its_long_ones(long: int, others: int) -> None:
    parts = [*shares(spread(range(-long, 0), range(others), 4, lambda _: 1), 4)]
    for part in parts:
        few = [it for it in part if it < 0]
        assert part[: len(few)] == few
        assert long // 4 <= len(few) <= -(-long // 4)


def test_the_longest_begin_and_the_shares_take_equally_long() -> None:
    row = spread([-20, -100, -30, -60, -10], range(35), 3, abs)
    parts = [[it for it in part if it < 0] for part in shares(row, 3)]
    assert parts == [[-100], [-60], [-30, -20, -10]]


@pytest.mark.parametrize("start", ALSO_FIRST)
def test_the_list_of_first_tests_names_existing_ones(start: str) -> None:
    file, _, name = start.partition("::")
    assert f"def {name.partition('[')[0]}" in (ROOT / file).read_text(encoding="utf-8")


SAMPLES = """
import pytest

@pytest.fixture
def chromium(): ...

@pytest.fixture
def world(chromium): ...

@pytest.fixture(params=["sqlite", "postgresql"])
def houses(request): ...

@pytest.mark.long
def test_city(): ...

@pytest.mark.heavy
def test_channel(): ...

def test_page(world): ...

def test_rule(): ...

def test_table(houses): ...
"""


@pytest.mark.parametrize(
    ("words", "closing"),
    [
        ((".",), "2 passed, 4 deselected"),
        ((".", "--full"), "6 passed"),
        (("test_samples.py",), "6 passed"),
        (("test_samples.py::test_city",), "1 passed"),
    ],
)
def test_long_and_heavy_tests_run_when_asked_for(tmp_path: Path, words: tuple[str, ...], closing: str) -> None:
    (tmp_path / "test_samples.py").write_text(SAMPLES)
    (tmp_path / "conftest.py").write_text(
        'pytest_plugins = ["tests.support.order"]\n'
        "def pytest_addoption(parser):\n"
        '    parser.addoption("--full", action="store_true")\n'
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), *words]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1].startswith(closing), done.stdout + done.stderr
