"""From the start page to the receipt on a small phone: how many taps, and by keyboard how many keys."""

from __future__ import annotations

import asyncio

import pytest

from tests.test_browser.browser import Tab
from tests.test_browser.conftest import World
from tests.test_browser.people import RECEIPT, another_view
from tests.test_browser.test_one_view import BEGIN, asked

GO = "#go"
WORDS = "Mehr Bänke am Spielplatz"


class Finger:
    """Taps on a small phone, counted."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        self.taps = 0

    async def tap(self, selector: str) -> None:
        self.taps += 1
        await self._tab.tap(selector)

    async def on(self, selector: str) -> None:
        """A tap that leads to another view."""
        async with another_view(self._tab):
            await self.tap(selector)


async def in_the_consultation(world: World, slug: str) -> tuple[Tab, Finger]:
    tab = await world.tab()
    await tab.size(320, 568, 2, is_mobile=True)
    await tab.go("/?lang=de")
    finger = Finger(tab)
    await finger.tap(f"a.button[href$='/c/{slug}']")
    await tab.until("document.querySelector(\"form[action$='/start']\") && document.readyState === 'complete'")
    await finger.tap(BEGIN)
    await asked(tab, "#q")
    return tab, finger


async def written(tab: Tab, words: str) -> None:
    """The field has the focus: writing is all there is to do."""
    await tab.until("document.activeElement === document.querySelector('textarea')")
    await tab.call("Input.insertText", text=words)


async def at_the_receipt(tab: Tab, finger: Finger, slug: str, most: int) -> None:
    await tab.until(RECEIPT, "the receipt")
    print(f"{slug}: {finger.taps} taps from the start page to the receipt")
    assert finger.taps <= most


async def test_my_neighbourhood(world):
    tab, finger = await in_the_consultation(world, "mein-kiez")
    await finger.on("[value$='.district.01']")
    await finger.tap("[value$='.good.green']")
    await finger.on(GO)
    await finger.on("[value$='.liking.4']")
    await written(tab, WORDS)
    await finger.on(GO)
    await finger.on("[value$='.value.sustainable']")
    await finger.on(".go")
    await at_the_receipt(tab, finger, "mein-kiez", 9)
    assert world.states() == ["completed"]
    assert world.answers()["wish"] == f'"{WORDS}"'


async def test_the_budget_of_citizens(world):
    tab, finger = await in_the_consultation(world, "buergerhaushalt")
    await written(tab, WORDS)
    await finger.on(GO)
    await finger.on(".go")
    await at_the_receipt(tab, finger, "buergerhaushalt", 4)


async def test_ideas_for_the_neighbourhood(world):
    tab, finger = await in_the_consultation(world, "kiez-ideen")
    await finger.on("[value$='.district.01']")
    await written(tab, WORDS)
    await finger.on(GO)
    await finger.on(".go[value$='.submit']")
    await finger.on(".vote1")
    await finger.on(".go")
    await finger.tap("button:has([name$='.first.clean'])")
    await finger.on(GO)
    before = finger.taps
    await finger.tap(".row:has([name$='.fund.beds']) .taps input")
    assert await tab.evaluate("Number(document.querySelector(\"[name$='.fund.beds']\").value)") in range(4, 7)
    assert finger.taps - before == 1, "several points by one tap"
    await finger.on(GO)
    await finger.on("[value$='.sector_ok.no']")
    await finger.on(".go")
    await at_the_receipt(tab, finger, "kiez-ideen", 13)


@pytest.mark.parametrize("latency", [60, 600])
async def test_three_taps_on_a_vote_count_once(world, latency):
    tab, finger = await in_the_consultation(world, "kiez-ideen")
    await finger.on("[value$='.district.01']")
    await finger.on("[value$='.skip']")
    await tab.call(
        "Network.emulateNetworkConditions", offline=False, latency=latency, downloadThroughput=-1, uploadThroughput=-1
    )
    before = await tab.evaluate("document.querySelector('#h').innerText")
    await fast_taps(tab, ".vote1", 3, 0.08)
    await tab.until(f"document.querySelector('#h').innerText !== {before!r}")
    await asyncio.sleep(0.8)
    with world.store.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM ratings").scalar_one() == 1


async def fast_taps(tab: Tab, selector: str, number: int, pause: float) -> None:
    x, y = await tab.point(selector)
    for _ in range(number):
        await tab.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        await tab.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        await asyncio.sleep(pause)


async def test_five_taps_on_plus_give_five_points_and_no_more_than_all(world):
    tab, finger = await in_the_consultation(world, "kiez-ideen")
    for selector in ("[value$='.district.01']", "[value$='.skip']", ".vote1", ".go", "[value$='.skip']"):
        await finger.on(selector)
    await fast_taps(tab, ".row:has([name$='.fund.beds']) .taps button:last-child", 5, 0.06)
    await fast_taps(tab, ".row:has([name$='.fund.sports']) .taps button:last-child", 7, 0.06)
    amounts = "Array.from(document.querySelectorAll('.points input[type=text]'), it => it.value)"
    assert await tab.evaluate(amounts) == ["", "5", "", "5"]
    assert await tab.evaluate("document.querySelector('[data-status]').innerText.length > 0"), "the rest is said"
    await finger.on(GO)
    assert world.answers()["fund"] == '{"beds":5,"sports":5}'


async def test_keys_from_the_start_page_to_the_receipt(world):
    tab = await world.tab("/c/mein-kiez?lang=de")
    keys = 0

    async def press(*names: str) -> None:
        nonlocal keys
        for name in names:
            await tab.press(name)
            keys += 1

    async def until(selector: str) -> None:
        while not await tab.evaluate(f"document.activeElement.matches({selector!r})"):
            await press("Tab")
            assert keys <= 40, await tab.evaluate("document.activeElement.outerHTML")

    await until(BEGIN)
    began = keys
    await press("Enter")
    await asked(tab, "#q")
    for key, way in {
        "district": ["Space", "Enter"],
        "good": ["Space", "Enter"],
        "liking": ["ArrowDown", "ArrowDown", "Enter"],
    }.items():
        await until(f"[value*='.{key}.']")
        async with another_view(tab):
            await press(*way)
    await tab.call("Input.insertText", text=WORDS)
    await until(GO)
    async with another_view(tab):
        await press("Enter")
    await until("[value*='.value.']")
    async with another_view(tab):
        await press("Space", "Enter")
    await until(".go")
    async with another_view(tab):
        await press("Enter")
    await tab.until(RECEIPT, "the receipt")
    print(f"mein-kiez: {keys - began} keys from the start to the receipt, {keys} with the page before it")
    assert keys - began <= 26
    assert world.states() == ["completed"]
