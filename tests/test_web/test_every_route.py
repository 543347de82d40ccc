"""Every GET route of the router answers without fault: with data in every language; before the first answer and empty
in German and one other language, the next one for each route (`--every-language`: in every language).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from aiohttp import web

from bot.common.i18n import phrase_catalogues
from bot.common.i18n.locale import available_languages
from bot.web.public.espeak import Espeak
from flows.languages import LANGUAGES
from tests.support import seeded, web_routes
from tests.support.browser import House, Parser, serving
from tests.support.web_routes import Visit

pytestmark = pytest.mark.kind("every route in every language")
_ID = re.compile(r"(?<![\w.@/-])[a-z][a-z_]*(?:\.[a-z0-9_+-]+)+(?![\w@])")
_PLACEHOLDER = re.compile(r"\{\w+\}")
IDS = {
    *(
        phrase_catalogues.phrase_id(message)
        for domain in phrase_catalogues.DOMAINS
        for message in phrase_catalogues.entries(phrase_catalogues.read_catalogue("de", domain))
    ),
    *phrase_catalogues.read_words("de"),
}
STAFF = {"helper", "program", "facilitator", "owner"}
"""Visitors who need no published consultation."""
OTHERS = [language for language in available_languages() if language != "de"]
SAID = {"aria-label", "title", "alt", "placeholder"}
"""Attributes that are read out or shown."""
FAMILIES = {name.partition(".")[0] for name in IDS if "." in name}


class Answer(NamedTuple):
    status: int
    kind: str
    html: str


@pytest.fixture(autouse=True)
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """No program that speaks, on every machine."""
    monkeypatch.setattr(Espeak, "found", staticmethod(lambda: None))


def application_of(house: House) -> web.Application:
    assert isinstance(house.server.app, web.Application)
    return house.server.app


def visits(house: House, language: str, *, is_full: bool) -> list[tuple[str, Visit, str]]:
    """All visits, or this language's share: all of German, and of another language those whose turn it is."""
    every = enumerate(web_routes.visits(application_of(house)))
    return [it for number, it in every if is_full or language in {"de", OTHERS[number % len(OTHERS)]}]


async def answers(house: House, language: str, *, is_full: bool = True) -> list[tuple[str, Visit, Answer]]:
    """What each route answers, redirects followed."""
    found, visitors = [], web_routes.Visitors(house, language)
    for route, visit, path in visits(house, language, is_full=is_full):
        browser = await visitors.get(visit.by)
        async with browser.http.get(house.server.make_url(path)) as response:
            kind = response.content_type
            # A stream of events has no end.
            html = await response.text() if kind == "text/html" else ""
            found.append((route, visit, Answer(response.status, kind, html)))
    return found


def faults(answer: Answer, language: str) -> Iterator[str]:
    """What is wrong with a page, as the end of a sentence."""
    if answer.kind != "text/html":
        return
    page = Parser(answer.html)
    way = "rtl" if LANGUAGES[language].right_to_left else "ltr"
    if f'<html lang="{language}" dir="{way}"' not in answer.html:
        yield f"is not in {language}, {way}: {answer.html.partition('<html')[2].partition('>')[0]}"
    if not answer.html.count("<h1") == answer.html.count("<main") == 1:
        yield "has not one h1 in one main"
    if found := _PLACEHOLDER.findall(page.text):
        yield f"shows {found} unfilled"
    shown = " ".join(
        [page.text, *(value or "" for _, given in page.tags for key, value in given.items() if key in SAID)]
    )
    if found := [it for it in _ID.findall(shown) if it in IDS or it.partition(".")[0] in FAMILIES]:
        yield f"shows ids of phrases: {found}"


@pytest.fixture
def every_language(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("every_language"))


async def test_the_shares_of_the_other_languages_are_all_routes(empty):
    async with serving(empty) as house:
        shares = [it for language in OTHERS for it in visits(house, language, is_full=False)]
        assert sorted(it[0] for it in shares) == sorted(it[0] for it in visits(house, "de", is_full=False))


async def test_the_table_of_visits_is_complete(empty):
    async with serving(empty) as house:
        assert web_routes.wrong_entries(application_of(house)) == []


async def about(_: web.Request) -> web.Response:
    return web.Response()


def test_a_route_that_is_not_in_the_table_is_named():
    application = web.Application()
    application.router.add_get("/about/{topic}", about)
    wrong = web_routes.wrong_entries(application)
    assert "/about/{topic} has no entry: add it to VISITS in tests/support/web_routes.py, with its parameters" in wrong


def test_what_is_wrong_with_a_page_is_found():
    main = '<main><h1>{title}</h1><p title="web.door.start">mein.berlin</p></main>'
    page = f'<html lang="de" dir="ltr"><body>{main}</body></html>'
    assert [*faults(Answer(200, "text/html", page), "ar")] == [
        'is not in ar, rtl:  lang="de" dir="ltr"',
        "shows ['{title}'] unfilled",
        "shows ids of phrases: ['web.door.start']",
    ]


@pytest.mark.parametrize("language", available_languages())
async def test_every_route_answers_with_data(used, tmp_path, language):
    with seeded.copy_of(used, tmp_path) as store:
        async with serving(store) as house:
            found = await answers(house, language)
    wrong = [f"{route} answers {it.status}" for route, visit, it in found if it.status != visit.status]
    wrong += [f"{route} does not show {visit.shows}" for route, visit, it in found if visit.shows not in it.html]
    wrong += [f"{route} {fault}" for route, visit, it in found for fault in faults(it, visit.shown_in(language))]
    assert "\n".join(wrong) == ""


@pytest.mark.parametrize("language", available_languages())
async def test_every_route_answers_before_the_first_answer(untouched, tmp_path, language, every_language):
    with seeded.copy_of(untouched, tmp_path) as store:
        async with serving(store) as house:
            found = await answers(house, language, is_full=every_language)
    expected = {route: visit.status if visit.untouched is None else visit.untouched for route, visit, _ in found}
    wrong = [f"{route} answers {it.status}" for route, _, it in found if it.status != expected[route]]
    wrong += [f"{route} {fault}" for route, visit, it in found for fault in faults(it, visit.shown_in(language))]
    assert "\n".join(wrong) == ""


@pytest.mark.parametrize("language", available_languages())
async def test_every_route_answers_where_nothing_is_published(empty, language, every_language):
    async with serving(empty) as house:
        found, visitors = [], web_routes.Visitors(house, language)
        for route, visit, path in visits(house, language, is_full=every_language):
            browser = await visitors.get(
                visit.by if visit.by in {"helper", "program", "facilitator", "owner"} else "anybody"
            )
            await browser.get(path)
            kind = browser.headers["Content-Type"].partition(";")[0]
            found.append((route, visit, Answer(browser.status, kind, browser.page.html)))
    wrong = [f"{route} answers {it.status}" for route, _, it in found if it.status >= 500]
    wrong += [
        f"{route} {fault}" for route, visit, it in found for fault in faults(it, _console_language(visit, language))
    ]
    assert "\n".join(wrong) == ""


def _console_language(visit: Visit, language: str) -> str:
    """Where nothing is published, all pages but those of the console are in the language of the visitor."""
    return visit.shown_in(language) if visit.languages else language
