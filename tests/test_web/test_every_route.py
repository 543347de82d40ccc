"""Every GET route of the router answers without fault: with data in every language that it has, and in one that it has
not; before the first answer and empty in German and one other language, the next one for each route
(`--every-language`: in every language).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
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


class Languages(NamedTuple):
    """In which languages each route is visited."""

    every: bool
    """The option `--every-language`."""

    def any_two(self, number: int, _: Visit) -> Sequence[str]:
        """German, and of the other languages the one whose turn it is."""
        return available_languages() if self.every else ["de", OTHERS[number % len(OTHERS)]]

    def its_own(self, number: int, visit: Visit) -> Sequence[str]:
        """Those that the page has, and of those that it does not have the one whose turn it is."""
        missing = [it for it in available_languages() if visit.languages and it not in visit.languages]
        if self.every or not missing:
            return available_languages()
        return [*visit.languages, missing[number % len(missing)]]


Choice = Callable[[int, Visit], Sequence[str]]


def visits(house: House, language: str, choice: Choice) -> list[tuple[str, Visit, str]]:
    """The visits of this language."""
    every = enumerate(web_routes.visits(application_of(house)))
    return [it for number, it in every if language in choice(number, it[1])]


async def answers(house: House, language: str, choice: Choice) -> list[tuple[str, Visit, Answer]]:
    """What each route answers, redirects followed."""
    found, visitors = [], web_routes.Visitors(house, language)
    for route, visit, path in visits(house, language, choice):
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
def languages(request: pytest.FixtureRequest) -> Languages:
    return Languages(request.config.getoption("every_language"))


async def test_the_shares_of_the_other_languages_are_all_routes(empty):
    choice = Languages(every=False).any_two
    async with serving(empty) as house:
        shares = [it for language in OTHERS for it in visits(house, language, choice)]
        assert sorted(it[0] for it in shares) == sorted(it[0] for it in visits(house, "de", choice))


def test_a_page_of_two_languages_is_visited_in_one_more():
    languages = Languages(every=False)
    assert languages.its_own(1, Visit()) == available_languages()
    console = [languages.its_own(number, Visit(languages=("de", "en"))) for number in range(len(OTHERS))]
    assert {it[:2] == ["de", "en"] for it in console} == {True}
    assert {it[2] for it in console} == {*OTHERS} - {"en"}


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
async def test_every_route_answers_with_data(used, tmp_path, language, languages):
    with seeded.copy_of(used, tmp_path) as store:
        async with serving(store) as house:
            found = await answers(house, language, languages.its_own)
    wrong = [f"{route} answers {it.status}" for route, visit, it in found if it.status != visit.status]
    wrong += [f"{route} does not show {visit.shows}" for route, visit, it in found if visit.shows not in it.html]
    wrong += [f"{route} {fault}" for route, visit, it in found for fault in faults(it, visit.shown_in(language))]
    assert "\n".join(wrong) == ""


@pytest.mark.parametrize("language", available_languages())
async def test_every_route_answers_before_the_first_answer(untouched, tmp_path, language, languages):
    with seeded.copy_of(untouched, tmp_path) as store:
        async with serving(store) as house:
            found = await answers(house, language, languages.any_two)
    expected = {route: visit.status if visit.untouched is None else visit.untouched for route, visit, _ in found}
    wrong = [f"{route} answers {it.status}" for route, _, it in found if it.status != expected[route]]
    wrong += [f"{route} {fault}" for route, visit, it in found for fault in faults(it, visit.shown_in(language))]
    assert "\n".join(wrong) == ""


@pytest.mark.parametrize("language", available_languages())
async def test_every_route_answers_where_nothing_is_published(empty, language, languages):
    async with serving(empty) as house:
        found, visitors = [], web_routes.Visitors(house, language)
        for route, visit, path in visits(house, language, languages.any_two):
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
