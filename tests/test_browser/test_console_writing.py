"""A new facilitator writes a consultation in a real browser: from a template to live, with its clicks."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from bot.authoring.drafts import find_draft
from storage.tables.revisions import find_live_revision
from tests.test_browser import axe
from tests.test_browser.browser import Tab
from tests.test_browser.conftest import World
from tests.test_browser.test_console import owner

BASE = "/console/consultations/ein-park-fuer-alle"
_WIDTH = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
MOST_CLICKS = 9


class Clicks:
    """Counts what a member clicks."""

    def __init__(self, tab: Tab) -> None:
        self.tab, self.count = tab, 0

    async def to(self, selector: str) -> None:
        self.count += 1
        async with self.tab.leaving(selector):
            await self.tab.click(selector)


async def write(tab: Tab, selector: str, words: str) -> None:
    await tab.evaluate(f"document.querySelector({selector!r}).value = {words!r}")


async def test_from_a_template_to_live(world: World) -> None:
    tab = await owner(world)
    with world.store.begin() as connection:
        connection.execute(text("UPDATE staff SET role = 'facilitator'"))
    await tab.go("/console/")
    clicks = Clicks(tab)
    await clicks.to("main .button[href='/console/consultations/new']")
    await write(tab, "#title", "Ein Park für alle")
    await clicks.to("[name=template][value=park]")
    await clicks.to("[name=then][value=questions]")
    await clicks.to("#q-missing h2 a")
    await write(tab, "#questions-missing-text-de", "Was fehlt Ihnen?")
    await clicks.to("#q-missing [value='entry-delete:options:0']")
    await clicks.to("main .ask-state .button")
    await clicks.to("form[action$='/publish'] button")
    print(f"from the home page to live: {clicks.count} clicks")
    assert clicks.count <= MOST_CLICKS
    with world.store.reading() as connection:
        live = find_live_revision(connection, "ein-park-fuer-alle")
    assert live
    assert "Was fehlt Ihnen?" in live.content
    assert "Bänke im Schatten" not in live.content


@pytest.mark.parametrize("width", [320, 1280])
async def test_pages_for_writing_are_accessible(world: World, width: int) -> None:
    tab = await owner(world)
    with world.store.begin() as connection:
        connection.execute(text("UPDATE staff SET role = 'facilitator'"))
    await tab.size(width, is_mobile=width == 320)
    await tab.go("/console/consultations/new")
    await write(tab, "#title", "Ein Park für alle")
    async with tab.leaving():
        await tab.click("[name=template][value=park]")
    found: list[str] = []
    pages = ("new", "about", "questions", "questions?open=missing", "questions?open=safe", "languages", "draft/delete")
    for page in pages:
        await tab.go("/console/consultations/new" if page == "new" else f"{BASE}/{page}")
        found += [f"{page}: {fault}" for fault in await axe.faults(tab)]
        if not await tab.evaluate(_WIDTH):
            found.append(f"{page} scrolls sideways at {width} px")
        await world.picture(tab, f"ask-{width}-{page.replace('/', '-').replace('?', '-')}")
    assert not found, "\n".join(found)


async def test_a_card_is_dragged_to_another_place(world: World) -> None:
    tab = await owner(world)
    with world.store.begin() as connection:
        connection.execute(text("UPDATE staff SET role = 'facilitator'"))
    await tab.size(1280, 1600)
    await tab.go("/console/consultations/new")
    await write(tab, "#title", "Ein Park für alle")
    async with tab.leaving():
        await tab.click("[name=template][value=park]")
    await tab.go(f"{BASE}/questions")
    shown = "Array.from(document.querySelectorAll('[data-question]')).map(it => it.dataset.question)"
    before = await tab.evaluate(shown)
    async with tab.leaving("the card is let go"):
        await tab.drag(f"#q-{before[2]} [data-grip]", f"#q-{before[0]}")
    await tab.until("document.querySelector('.note.good')")
    assert await tab.evaluate(shown) == [before[2], before[0], before[1], *before[3:]]
    async with tab.leaving():
        await tab.click(".note.good button")
    assert await tab.evaluate(shown) == before


async def test_a_pause_saves_and_the_check_answers(world: World) -> None:
    tab = await owner(world)
    with world.store.begin() as connection:
        connection.execute(text("UPDATE staff SET role = 'facilitator'"))
    await tab.go("/console/consultations/new")
    await write(tab, "#title", "Ein Park für alle")
    async with tab.leaving():
        await tab.click("[name=template][value=park]")
    await type_into(tab, "#minutes", "viele")
    await tab.until("document.querySelector('#minutes-v .wrong')")
    assert await tab.evaluate("document.querySelector('#minutes').getAttribute('aria-invalid')") == "true"
    await type_into(tab, "#minutes", "7")
    await tab.until("!document.querySelector('#minutes-v .wrong')")
    assert await tab.evaluate("document.querySelector('#minutes').getAttribute('aria-invalid')") is None
    with world.store.reading() as connection:
        draft = find_draft(connection, "ein-park-fuer-alle")
    assert draft
    assert "minutes: 7" in draft.text
    with world.store.begin() as connection:
        connection.execute(text("DELETE FROM console_sessions"))
    await type_into(tab, "#minutes", "8")
    await tab.until("!document.querySelector('[data-unsaved]').hidden")
    assert await tab.evaluate("document.querySelector('#minutes').value") == "8"


async def type_into(tab: Tab, selector: str, words: str) -> None:
    await write(tab, selector, words)
    await tab.evaluate(f"document.querySelector({selector!r}).dispatchEvent(new Event('input', {{bubbles: true}}))")
