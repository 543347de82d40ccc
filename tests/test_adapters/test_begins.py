"""New conversations of one network: the first of an hour at once, further ones ever later. In virtual time."""

from __future__ import annotations

import heapq

import pytest
from aiohttp.test_utils import make_mocked_request

from adapters.web.begins import BURST_OTHERS, HOUR, MINUTE, Begin, Begins
from adapters.web.limits import BeginRules, Origins

HOME = "192.0.2.1"


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def admitted(clock: Clock, begins: Begins, visitors: int, at_once: int, *, is_wide: bool = False) -> list[float]:
    """The moments at which these visitors of one network begin; `at_once` of them ask or wait at the same time."""
    waiting: list[tuple[float, int]] = [(clock.now, number) for number in range(min(at_once, visitors))]
    following, moments = len(waiting), []
    while waiting:
        clock.now, number = heapq.heappop(waiting)
        begin = begins.take(HOME, f"visitor {number}", "park", is_wide=is_wide)
        if begin.wait:
            heapq.heappush(waiting, (clock.now + begin.wait, number))
            continue
        moments.append(clock.now)
        if following < visitors:
            heapq.heappush(waiting, (clock.now, following))
            following += 1
    return moments


@pytest.mark.parametrize("at_once", [1, 10, 1_800])
def test_1800_begins_of_one_network_take_six_hours(at_once):
    clock = Clock()
    moments = admitted(clock, Begins(BeginRules(), clock), 1_800, at_once)
    assert len(moments) == 1_800
    assert moments[-1] - moments[0] >= 6 * HOUR


def test_no_six_hours_have_more_than_1800_begins():
    clock = Clock()
    moments = admitted(clock, Begins(BeginRules(), clock), 4_000, 50)
    assert min(later - first for first, later in zip(moments, moments[1_799:], strict=False)) >= 6 * HOUR


def test_a_class_of_30_begins_within_a_minute():
    clock = Clock()
    moments = admitted(clock, Begins(BeginRules(), clock), 30, 30)
    assert len(moments) == 30
    assert moments[18] == moments[0], "the first 19 do not wait"
    assert moments[0] < moments[19] < moments[-1] <= moments[0] + 60


def test_trusted_networks_and_rooms_wait_later():
    clock = Clock()
    moments = admitted(clock, Begins(BeginRules(), clock), 301, 301, is_wide=True)
    assert moments[299] == moments[0]
    assert moments[300] > moments[0]


def test_each_hour_begins_anew():
    clock = Clock()
    begins = Begins(BeginRules(), clock)
    admitted(clock, begins, 25, 25)
    clock.now += HOUR
    moments = admitted(clock, begins, 19, 19)
    assert moments[-1] == moments[0]


def test_other_networks_do_not_wait():
    begins = Begins(BeginRules(free=1), Clock())
    assert begins.take(HOME, "a").wait == 0
    assert begins.take(HOME, "b").wait > 0
    assert begins.take("192.0.2.2", "c").wait == 0


def test_a_turn_is_used_once_and_kept_for_a_while():
    clock = Clock()
    begins = Begins(BeginRules(free=1), clock)
    begins.take(HOME, "a")
    wait = begins.take(HOME, "b").wait
    assert begins.has_turn(HOME, "b")
    assert begins.take(HOME, "b").wait == wait, "asking again does not move the turn"
    clock.now += wait
    assert begins.take(HOME, "b").wait == 0
    assert not begins.has_turn(HOME, "b")
    assert begins.take(HOME, "b").wait > 0


def test_a_full_queue_refuses_and_gives_no_turn():
    begins = Begins(BeginRules(free=1, queue=1.0), Clock())
    answers = [begins.take(HOME, visitor) for visitor in "abc"]
    assert [answer.is_refused for answer in answers] == [False, False, True]
    assert not begins.has_turn(HOME, "c")


def test_only_the_first_wait_of_an_hour_is_told():
    begins = Begins(BeginRules(free=1), Clock())
    assert [begins.take(HOME, visitor).is_first_wait for visitor in "abbc"] == [False, True, False, False]


def burst(begins: Begins, clock: Clock, visitor: str, seconds: float, slug: str = "park") -> bool:
    clock.now += seconds
    while (begin := begins.take(HOME, visitor, slug)).wait:
        clock.now += begin.wait
    return begin.is_burst


def test_bursts_are_dense_begins_of_one_consultation():
    clock = Clock()
    begins = Begins(BeginRules(), clock)
    marks = [burst(begins, clock, str(number), 1) for number in range(BURST_OTHERS + 1)]
    assert marks == [False] * BURST_OTHERS + [True]
    assert not burst(begins, clock, "other", 1, "library")
    assert not burst(begins, clock, "late", MINUTE + 1)


def test_begins_that_waited_are_a_burst_however_slow():
    clock = Clock()
    begins = Begins(BeginRules(free=1), clock)
    assert not burst(begins, clock, "a", 0)
    assert burst(begins, clock, "b", 100)


def test_expected_people_are_no_burst():
    begins = Begins(BeginRules(), Clock())
    answers = [begins.take(HOME, str(number), "park", is_wide=True) for number in range(40)]
    assert answers == [Begin(0.0)] * 40


@pytest.mark.parametrize(
    ("remote", "forwarded", "network"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("2001:db8:1:2:3::4", "", "2001:db8:1::/56"),
        ("2001:db8:1:ff:3::4", "", "2001:db8:1::/56"),
        ("10.0.0.1", "203.0.113.9, 2001:db8::1", "2001:db8::/56"),
        ("9.9.9.9", "198.51.100.1", "9.9.9.9"),
        ("127.0.0.1", "", ""),
        ("::1", "", ""),
        ("172.17.0.1", "198.51.100.1", ""),
        ("172.17.0.1", "", "172.17.0.1"),
    ],
)
def test_the_network_is_an_ipv4_address_or_a_56(remote, forwarded, network):
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = make_mocked_request("GET", "/", headers=headers).clone(remote=remote)
    assert Origins(("10.0.0.0/8",)).begin_network(request) == network


@pytest.mark.parametrize(
    ("remote", "is_trusted"),
    [("192.0.2.77", True), ("192.0.3.1", False), ("2001:db8:5:9::1", True), ("2001:db8:6::1", False), ("odd", False)],
)
def test_trusted_networks_are_found(remote, is_trusted):
    request = make_mocked_request("GET", "/").clone(remote=remote)
    assert Origins((), trusted=("192.0.2.0/24", "2001:db8:5::/48")).is_trusted(request) is is_trusted
