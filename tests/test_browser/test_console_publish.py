"""The way from a draft to a live consultation in a real browser, with its clicks."""

from __future__ import annotations

from sqlalchemy import text

from tests.test_browser import axe
from tests.test_browser.conftest import World
from tests.test_browser.test_console import WIDTH, owner
from tests.test_browser.test_console_preview import answer_in_the_frame
from tests.test_web.test_console_publish import draft, live_number

BASE = "/console/consultations/park"


async def test_test_go_live_undo_go_live(world: World) -> None:
    tab = await owner(world)
    with world.store.begin() as connection:
        connection.execute(text("UPDATE staff SET role = 'facilitator' WHERE role = 'admin'"))
    draft(world.store)
    found: list[str] = []
    clicks = 0

    async def look(name: str) -> None:
        for width in (360, 1280):
            await tab.size(width, is_mobile=width == 360)
            found.extend(f"{name} at {width} px: {fault}" for fault in await axe.faults(tab))
            if not await tab.evaluate(WIDTH):
                found.append(f"{name} scrolls sideways at {width} px")
            await world.picture(tab, f"console-publish-{width}-{name}")

    async def click(where: str, what: str) -> None:
        nonlocal clicks
        clicks += 1
        async with tab.leaving(what):
            await tab.click(where)

    await tab.go(f"{BASE}/preview?lang=de")
    clicks += 1
    await answer_in_the_frame(tab)
    await tab.evaluate("document.getElementById('name').value = 'Der erste Weg'")
    await look("preview")
    await click("form[action$=record] button", "the recorded run")
    await click("form[action$='/test'] button", "the test link")
    await look("test")
    await click("form[action$='/test'] a[href$=publish]", "the consequences")
    await look("consequences")
    await click(".go-columns button", "the published consultation")
    assert live_number(world.store) == 1
    await look("published")
    await click("form[action$=undo] button", "the draft")
    assert live_number(world.store) is None
    await click(".go-columns button", "the published consultation")
    assert live_number(world.store) == 1
    print(f"record, test, go live, undo, go live: {clicks} clicks")
    assert clicks <= 7
    assert not found, "\n".join(found)
