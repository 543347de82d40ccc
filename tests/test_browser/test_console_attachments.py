"""Voice messages and pictures in the console, in a real browser."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.support.ideas import open_consultation
from tests.support.sent_files import sent
from tests.test_browser import axe
from tests.test_browser.conftest import World
from tests.test_browser.test_console import WIDTH, owner


@pytest.mark.parametrize("width", [320, 1280])
async def test_files_beside_texts_are_accessible(world: World, width: int) -> None:
    park = open_consultation(world.store)
    sent(world.store, world.house, park, "voice", "Hört mal, wie laut es hier ist")
    sent(world.store, world.house, park, "picture", "So sieht der Spielplatz aus")
    sent(world.store, world.house, park, "picture", "Zu groß", "too_large")
    tab = await owner(world)
    with world.store.begin() as connection:
        connection.execute(text("UPDATE staff SET role = 'facilitator'"))
    await tab.size(width, is_mobile=width == 320)
    found = []
    for state, path in (("reading", ""), ("list", "/attachments"), ("none", "/attachments?before=1")):
        await tab.go(f"/console/consultations/park/reading{path}")
        found += [f"{state}: {fault}" for fault in await axe.faults(tab)]
        assert await tab.evaluate(WIDTH), f"{state} scrolls sideways"
        await world.picture(tab, f"console-{width}-attachments-{state}")
    assert not found, "\n".join(found)
