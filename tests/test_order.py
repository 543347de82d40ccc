"""Tests that take long begin first in every process that shares them."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.order import spread


def shares(row: list[int], processes: int) -> Iterator[list[int]]:
    """The parts which `--dist worksteal` gives to the processes at the beginning."""
    rest = list(row)
    for number in range(processes):
        size = len(rest) // (processes - number)
        yield rest[:size]
        del rest[:size]


@given(st.integers(0, 30), st.integers(0, 60), st.integers(1, 12))
def test_all_are_there_once_and_the_others_keep_their_order(long: int, others: int, processes: int) -> None:
    row = spread(range(-long, 0), range(others), processes)
    assert sorted(row) == [*range(-long, others)]
    assert [it for it in row if it >= 0] == [*range(others)]


@pytest.mark.parametrize("long", [1, 4, 11])
@pytest.mark.parametrize("others", [40, 41, 47])
def test_every_share_begins_with_its_long_ones(long: int, others: int) -> None:
    parts = [*shares(spread(range(-long, 0), range(others), 4), 4)]
    for part in parts:
        few = [it for it in part if it < 0]
        assert part[: len(few)] == few
        assert long // 4 <= len(few) <= -(-long // 4)
