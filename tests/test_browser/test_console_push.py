"""A push in a real browser, from the page of the consultation to the first message and back; and the live figures."""

from __future__ import annotations

import pytest

from bot.web.console import live_streams
from storage.tables.revisions import find_live_revision
from tests.support.app import Recorder
from tests.support.rows import stored_session
from tests.test_broadcasts.test_broadcasts import resident
from tests.test_browser import axe
from tests.test_browser.browser import Tab
from tests.test_browser.conftest import World
from tests.test_browser.test_console import owner

IDEAS = "/console/consultations/kiez-ideen"
_WIDTH = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


class Clicks:
    """Clicks in a tab, and how many they were."""

    def __init__(self, tab: Tab) -> None:
        self.tab, self.number = tab, 0

    async def on(self, selector: str) -> None:
        self.number += 1
        await self.tab.click(selector)

    async def to_page(self, selector: str) -> None:
        async with self.tab.leaving(selector):
            await self.on(selector)


async def looked_at(world: World, tab: Tab, name: str) -> list[str]:
    """Pictures of a page at two widths, and its faults."""
    faults = []
    for width in (1280, 360):
        await tab.size(width, is_mobile=width == 360)
        await world.picture(tab, f"{name}-{width}")
        faults += [f"{name} {width}: {fault}" for fault in await axe.faults(tab)]
        if not await tab.evaluate(_WIDTH):
            faults.append(f"{name} scrolls sideways at {width} px")
    await tab.size(1280)
    return faults


async def test_a_push_takes_few_clicks_and_is_taken_back(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.house.app.channels = {**world.house.app.channels, "test": Recorder()}
    for number in range(12):
        resident(world.store, f"anna {number}", ("all", ""), language="tr" if number % 3 else "de")
    with world.store.begin() as connection:
        # A push about a sample is refused.
        connection.exec_driver_sql("UPDATE consultations SET sample = 0 WHERE slug = 'kiez-ideen'")
    tab = await owner(world)
    await tab.go(IDEAS)
    clicks = Clicks(tab)
    await clicks.to_page(f".side a[href='{IDEAS}/push']")
    faults = await looked_at(world, tab, "push-empty")
    await clicks.to_page(f"main a[href='{IDEAS}/push/new']")
    await tab.sees("Send to 12")
    faults += await looked_at(world, tab, "push-new")
    await tab.evaluate("window.isSame = true")
    await tab.evaluate("document.getElementById('language').value = 'tr'")
    clicks.number += 1
    await tab.evaluate("document.getElementById('language').dispatchEvent(new Event('change', {bubbles: true}))")
    await tab.sees("Send to 8")
    assert await tab.evaluate("window.isSame"), "the page counts without a reload"
    await clicks.to_page("#push-count button.wide")
    await tab.sees("Undo")
    faults += await looked_at(world, tab, "push-held")
    number = clicks.number
    await clicks.to_page("#push-state .undo button")
    await tab.sees("recalled")
    faults += await looked_at(world, tab, "push-recalled")
    assert not faults, "\n".join(faults)
    assert number <= 4
    with capsys.disabled():
        print(f"\nclicks from the consultation to a push: {number}")


async def test_live_figures_change_without_a_reload(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_streams, "SECONDS", 0.2)

    def begin(first: int, number: int) -> None:
        with world.store.begin() as connection:
            ideas = find_live_revision(connection, "kiez-ideen")
            assert ideas
            for person in range(first, first + number):
                place = {"place_code": "BIB7"} if person % 3 else {}
                stored_session(connection, ideas, person, language="tr" if person % 4 else "de", **place)

    begin(0, 20)
    tab = await owner(world)
    await tab.go(f"{IDEAS}/live")
    await tab.until("document.querySelector('#live dd').textContent === '20'")
    await tab.evaluate("window.isSame = true")
    begin(100, 11)
    await tab.until("document.querySelector('#live dd').textContent === '31'")
    assert await tab.evaluate("window.isSame")
    faults = await looked_at(world, tab, "live")
    async with tab.leaving("the page that stays as it is"):
        await tab.click(".live-first a")
    assert not await tab.evaluate("document.querySelector('[sse-connect]')")
    assert not faults, "\n".join(faults)
