"""The preview in a real browser: the resident's own page in a frame, its scripts and its policy."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.test_browser import axe
from tests.test_browser.browser import Tab
from tests.test_browser.conftest import World
from tests.test_browser.test_console import owner

PREVIEW = "/console/consultations/mein-kiez/preview"
_FRAME = "document.querySelector('iframe').contentDocument"
_ASKED = f"{_FRAME}.querySelector('main.asks')?.dataset.url"


async def answer_in_the_frame(tab: Tab) -> None:
    """Chooses the first answer of the page in the frame, and sends it."""
    await tab.until(f"{_FRAME}.readyState === 'complete' && {_ASKED}")
    asked = await tab.evaluate(_ASKED)
    assert "/preview/page/form?q=" in asked
    await tab.evaluate(f"{_FRAME}.querySelector('#answers :is(input, button), .vote').click()")
    await tab.evaluate(f"{_FRAME}.querySelector('#q').requestSubmit()")
    await tab.until(f"{_ASKED} && {_ASKED} !== {asked!r}")


@pytest.mark.parametrize("width", [320, 1280])
async def test_the_page_of_residents_works_in_the_frame(world: World, width: int) -> None:
    tab = await owner(world)
    with world.store.begin() as connection:
        connection.execute(text("UPDATE staff SET role = 'facilitator'"))
    await tab.size(width, is_mobile=width == 320)
    await tab.go(PREVIEW)
    await answer_in_the_frame(tab)
    faults = await axe.faults(tab)
    assert await tab.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    for channel in ("phone", "desktop", "kiosk"):
        async with tab.leaving(channel):
            await tab.click(f"[name=channel][value={channel}]")
        await tab.until(f"{_FRAME}.readyState === 'complete' && {_FRAME}.querySelector('h1')")
        await world.picture(tab, f"preview-{width}-{channel}")
        faults += await axe.faults(tab)
    assert not faults, "\n".join(faults)
