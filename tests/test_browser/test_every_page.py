"""axe finds nothing on any page of the router with data at 320 pixels; nothing sticks out, what is tapped is large.

Every page is looked at in German and in one other language that it has, the next one for each page, so that a run
covers all languages: they share the templates. `--every-language` looks at every page in every language that it has.
Each test takes a share of the pages, so that several processes look at them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from bot.common.i18n.locale import available_languages
from storage.core.store import Store
from tests.support import seeded, web_routes
from tests.support.browser import Browser, serving
from tests.test_browser.browser import Chromium, Tab, connected
from tests.test_browser.conftest import World
from tests.test_browser.looks import Look

pytestmark = pytest.mark.kind("every page at 320 pixels")
WIDTH = 320
SHARES = 8
STILL_THERE = 'meta[http-equiv="refresh"]'
"""Without JavaScript a shared device asks "are you still there?" on a page of its own. It ends by itself after at least
twenty seconds and says so: WCAG 2.2.1 allows that, axe does not know it.
"""
OTHERS = [language for language in available_languages() if language != "de"]


@pytest.fixture
async def seeded_world(chromium: Chromium, used: Path, album: Path, tmp_path: Path) -> AsyncIterator[World]:
    with seeded.copy_of(used, tmp_path) as store:
        async with connected(chromium) as line:
            world = World(line, Store(str(store.writer.url)), album)
            await world.open()
            try:
                yield world
                world.check()
            finally:
                await world.close()


async def pages(world: World, share: int) -> list[tuple[int, str]]:
    """The routes of this share that answer with a page, found by asking, with their places in the router."""
    application = world.house.server.app
    assert isinstance(application, web.Application)
    visitors, found = web_routes.Visitors(world.house, "de"), []
    for number, (route, visit, path) in enumerate(web_routes.visits(application)):
        if number % SHARES != share:
            continue
        browser = await visitors.get(visit.by)
        async with browser.http.get(world.house.server.make_url(path)) as response:
            if response.content_type == "text/html":
                found.append((number, route))
    return found


def languages_of(route: str, number: int, *, is_full: bool) -> list[str]:
    """German and the other languages in which the page is looked at.

    >>> languages_of("/console", 4, is_full=False)
    ['de', 'en']
    """
    others = [it for it in web_routes.VISITS.get(route, web_routes.Visit()).languages if it != "de"] or OTHERS
    return ["de", *(others if is_full else [others[number % len(others)]])]


async def open_as(visitors: web_routes.Visitors, tab: Tab, route: str, language: str, query: str = "") -> None:
    """Opens the page as its visitor."""
    visit = web_routes.VISITS.get(route, web_routes.Visit())
    browser = await visitors.get(visit.by)
    await tab.call("Network.clearBrowserCookies")
    await take_cookies(tab, browser, language)
    await tab.go(f"{web_routes.path_of(route, visit)}{query}")


async def take_cookies(tab: Tab, browser: Browser, language: str) -> None:
    """Makes the tab the device of this visitor."""
    given = [(it.key, it.value, it["path"] or "/") for it in browser.http.cookie_jar]
    for name, value, path in [*given, ("lang", language, "/")]:
        await tab.call("Network.setCookie", name=name, value=value, url=f"{tab.origin}{path}", path=path)


async def test_pages_are_looked_at_in_every_language(empty: Store) -> None:
    async with serving(empty) as house:
        assert isinstance(house.server.app, web.Application)
        routes = enumerate(web_routes.get_routes(house.server.app))
        looked = {it for number, route in routes for it in languages_of(route, number, is_full=False)}
    assert looked == {*available_languages()}


@pytest.mark.long(15)
@pytest.mark.parametrize("share", range(SHARES))
async def test_no_page_has_a_barrier(seeded_world, request, share):
    world, look = seeded_world, Look(seeded_world, "every")
    tab = await world.tab()
    await tab.size(WIDTH, 640, is_mobile=True)
    visitors = {language: web_routes.Visitors(world.house, language) for language in available_languages()}
    is_full = request.config.getoption("every_language")
    for number, route in await pages(world, share):
        for language in languages_of(route, number, is_full=is_full):
            await open_as(visitors[language], tab, route, language)
            # Colours do not depend on the language.
            name = f"{route.strip('/').replace('/', '-') or 'start'}-{language}"
            await look(tab, name, checks_dark=language == "de")
    assert len(look.states) >= 10
    meant = [it for it in look.faults if "-still-" in it and STILL_THERE in it]
    assert bool(meant) == any("-still-" in it for it in look.states), "the exception is needed no longer"
    look.faults = [it for it in look.faults if it not in meant]
    look.check()
