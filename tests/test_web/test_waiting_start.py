"""Where many begin on one network, a page without JavaScript says how long it takes and leads on."""

from __future__ import annotations

import re
from typing import Any

import pytest
from structlog.testing import capture_logs
from yarl import URL

from adapters.web import begins
from adapters.web.limits import BeginRules
from tests.support.browser import QUICK, serving

CROWDED = QUICK._replace(begins=BeginRules(free=1, wide_free=3, step=30.0, longest=30.0, queue=50.0))
START = "/c/mein-kiez/start"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store(sample_store):
    return sample_store


@pytest.fixture
def clock(monkeypatch):
    clock, build = Clock(), begins.Begins.__init__
    monkeypatch.setattr(begins.Begins, "__init__", lambda self, rules: build(self, rules, clock))
    return clock


def crowd(store, limits=CROWDED, **settings: Any):
    return serving(store, limits, trusted_proxies=["127.0.0.1"], **settings)


def visitor(house, address="203.0.113.9"):
    return house.browser(**{"X-Forwarded-For": address, "Cookie": "lang=de"})


async def start(house, address="203.0.113.9", **fields: str):
    page = visitor(house, address)
    return await page.post(START, [("lang", "de"), ("view", "form"), *fields.items()])


def refresh_of(page) -> tuple[int, str]:
    found = re.search(r'http-equiv="refresh" content="(\d+);url=([^"]+)"', page.page.html)
    assert found, page.page.text
    return int(found[1]), found[2].replace("&amp;", "&")


async def test_further_visitors_of_a_network_wait_and_are_led_on(store, clock):
    async with crowd(store) as house:
        first = await start(house)
        assert first.path.startswith("/c/mein-kiez/form")
        with capture_logs() as logs:
            second = await start(house, at="kiosk-7")
        assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["network_begins_wait"]
        assert (second.status, second.heading()) == (200, "Gleich geht es los")
        assert "Sekunden bis zum Start: 30" in second.text
        seconds, onward = refresh_of(second)
        assert seconds == 20
        clock.now += 20
        await second.get(onward)
        assert "Sekunden bis zum Start: 10" in second.text
        assert refresh_of(second)[0] == 10
        clock.now += 10
        await second.get(onward)
        assert second.path.startswith("/c/mein-kiez/form")
        await second.get(onward)
        assert second.path.startswith("/c/mein-kiez/form"), "a page that is loaded again begins nothing"
        assert (await start(house, "203.0.113.10")).path.startswith("/c/mein-kiez/form"), "another network"


async def test_a_full_queue_is_told_as_too_many(store, clock):
    async with crowd(store) as house:
        pages = [await start(house) for _ in range(3)]
        assert [page.status for page in pages] == [200, 200, 429]


async def test_a_link_without_a_turn_begins_nothing(store, clock):
    async with crowd(store) as house:
        page = visitor(house)
        await page.get("/c/mein-kiez/wait?turn=made-up&in=de&at=kiosk-7&view=form")
        assert page.path == "/c/mein-kiez"
        waiting = (await start(house), await start(house))[1]
        onward = refresh_of(waiting)[1]
        clock.now += 60
        other = visitor(house, "198.51.100.4")
        await other.get(onward)
        assert other.path.startswith("/c/mein-kiez?") or other.path == "/c/mein-kiez", "a turn is of one network"
        async with other.http.head(house.server.make_url("/").join(URL(onward))) as answer:
            assert answer.status in {200, 303}
        await waiting.get(onward)
        assert waiting.path.startswith("/c/mein-kiez/form"), "a look ahead does not use the turn up"


async def test_trusted_networks_wait_later(store, clock):
    async with crowd(store, trusted_networks=["203.0.113.0/24"]) as house:
        pages = [await start(house) for _ in range(4)]
        assert [page.path.startswith("/c/mein-kiez/form") for page in pages] == [True, True, True, False]
