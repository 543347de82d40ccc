"""Ids rise and tell the hour, not the moment; those of messages to people are random, and their order is encrypted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.common.ids import Ids
from tests.support.app import KEYS

HOUR_MS = 3_600_000


def milliseconds(number: int) -> int:
    return number >> 22


class Clock:
    """A clock to be set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 2, 11, 16, 20, 34, 567_000, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_ids_rise_also_over_hours_and_restarts(clock: Clock):
    made = Ids(now=clock)
    given = [made() for _ in range(10)]
    clock.now += timedelta(hours=1)
    made.tick()
    given += [made() for _ in range(10_000)]
    clock.now += timedelta(minutes=1)
    again = Ids(now=clock)
    given += [again() for _ in range(10)]
    assert given == sorted(set(given))
    assert given[-1].bit_length() <= 63


def test_within_an_hour_ids_do_not_tell_when(clock: Clock):
    made = Ids(now=clock)
    clock.now = datetime(2026, 2, 11, 17, tzinfo=UTC)
    made.tick()
    first = made()
    clock.now += timedelta(minutes=59)
    made.tick()
    assert made() == first + (1 << 10)
    assert milliseconds(first) == 1001 * HOUR_MS


def test_a_clock_set_back_repeats_nothing(clock: Clock):
    made = Ids(now=clock)
    first = made()
    clock.now -= timedelta(hours=5)
    made.tick()
    assert made() > first


def test_letters_have_their_order_for_who_has_the_key_only(clock: Clock):
    made = Ids(KEYS.order_masks, clock)
    letters = [made.letter() for _ in range(2000)]
    in_line = sorted(letters, key=lambda letter: KEYS.hide_order(*letter))
    assert in_line == letters
    for guess in (0, 1):
        by_column = sorted(letters, key=lambda letter: letter[guess])
        hits = sum(one is other for one, other in zip(letters, by_column, strict=True))
        assert hits < 20, "one by chance"


def test_there_are_no_letters_without_a_key():
    with pytest.raises(LookupError):
        Ids().letter()
