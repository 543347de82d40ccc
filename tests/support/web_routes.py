"""Every GET route of the pages: with which parameters, and by whom, a test visits it.

A route without parameters needs no entry: a visitor without a conversation opens it, and it answers 200. A route with
parameters without an entry fails the tests, which say what to add here. An entry without a route fails them as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from aiohttp import web

from storage.tables.staff import Role
from tests.support.api_client import hire, key_for
from tests.support.browser import Browser, House
from tests.support.console import enter_console, hired
from tests.support.seeded import CHANGED, IDEA, MEMBER, PLACE, RECORDING, ROOM, RUN, SLUG
from tests.support.shared_devices import member

Visitor = Literal["anybody", "resident", "kiosk", "helper", "assisted", "program", "facilitator", "owner"]
"""Without a conversation; in one; at a kiosk; a signed-in facilitator, who helps a resident; with a key of the API; a
facilitator and an owner in the console.
"""
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class Visit(NamedTuple):
    """How a route is visited."""

    by: Visitor = "anybody"
    values: Mapping[str, str] = _NOTHING
    """Of the placeholders of the route; `slug` is filled in everywhere."""
    status: int = 200
    untouched: int | None = None
    """The status before the first participation; None: the same."""
    shows: str = ""
    """A word of the data that must be on the page."""
    language: str = ""
    """The language of the page, where it is fixed; "" where it is that of the visitor."""
    languages: tuple[str, ...] = ()
    """The languages of the page, if it does not have all; the first one stands for the others."""

    def shown_in(self, language: str) -> str:
        """The language of the page for a visitor of this language."""
        if self.languages and language not in self.languages:
            return self.languages[0]
        return self.language or language


_IDEA: Final = {"code": IDEA}
_ROOM: Final = {"code": ROOM}
_PLACE: Final = {"code": PLACE}
CONSOLE: Final = ("de", "en")
VISITS: Final[Mapping[str, Visit]] = {
    "/static/{name}": Visit(values={"name": "style.css"}),
    "/media/{name}": Visit(values={"name": RECORDING}),
    "/logo/{digest}": Visit(values={"digest": "0" * 64}, status=404),
    "/hooks/{channel}": Visit(values={"channel": "nowhere"}, status=404),
    "/.well-known/security.txt": Visit(status=404),  # no contact in the settings
    "/p/{code}": Visit(values=_IDEA, untouched=404, shows="Mehr Bänke"),
    "/c/{slug}": Visit(),
    "/c/{slug}/form": Visit("resident"),
    "/c/{slug}/wait": Visit(),  # without a turn: the landing page
    "/c/{slug}/calendar.ics": Visit(status=404),  # it has no end
    "/c/{slug}/resume": Visit(),
    "/c/{slug}/paper": Visit(shows="Licht im Park"),
    "/c/{slug}/screen": Visit(),
    "/c/{slug}/place/{code}/{token}": Visit(values=_PLACE | {"token": "0" * 32}, status=404),
    "/c/{slug}/ws": Visit("resident", status=400),  # no WebSocket
    "/c/{slug}/events": Visit("resident"),
    "/c/{slug}/poll": Visit("resident"),
    "/c/{slug}/speak/{seq}": Visit("resident", {"seq": "1"}, status=404),  # no program that speaks
    "/results/{slug}": Visit(shows="Mehr Bänke"),
    "/open-data/{slug}.zip": Visit(),
    "/room/{code}": Visit(values=_ROOM),
    "/room/{code}/screen": Visit(values=_ROOM, shows="Egal"),
    "/room/{code}/state": Visit(values=_ROOM),
    "/c/{slug}/room/{code}": Visit(values=_ROOM),
    "/kiosk/{slug}": Visit(language="de"),  # a shared device: the main language
    "/kiosk/{slug}/ask": Visit("kiosk"),
    "/kiosk/{slug}/still": Visit("kiosk"),
    "/kiosk/{slug}/end": Visit("kiosk", language="de"),  # to the first page
    "/assist": Visit("helper"),
    "/assist/{slug}/sheet": Visit("helper", shows="Licht im Park"),
    "/assist/room/{code}": Visit("helper", _ROOM, shows="Licht im Park"),
    "/assist/{slug}/ask": Visit("assisted"),
    "/assist/{slug}/still": Visit("assisted"),
    "/assist/{slug}/end": Visit("assisted"),
    "/help-out": Visit("helper"),
    "/help-out/{rest}": Visit("helper", {"rest": f"{SLUG}/sheet"}),
    **{route: Visit("facilitator", languages=CONSOLE) for route in ("/console", "/console/", "/console/account")},
    "/console/account/credentials": Visit("facilitator", languages=CONSOLE),
    "/console/consultations": Visit("facilitator", languages=CONSOLE, shows=SLUG),
    "/console/consultations/{slug}": Visit("facilitator", languages=CONSOLE, shows=SLUG),
    "/console/consultations/new": Visit("facilitator", languages=CONSOLE),
    "/console/consultations/{slug}/steps/{step}": Visit("facilitator", {"step": "close"}, languages=CONSOLE),
    "/console/consultations/{slug}/reading": Visit("facilitator", languages=CONSOLE),
    "/console/consultations/{slug}/reading/{code}/translations": Visit(
        "facilitator", _IDEA, untouched=404, languages=CONSOLE, shows="Mehr Bänke"
    ),
    "/console/consultations/{slug}/reading/attachments": Visit("facilitator", languages=CONSOLE, shows="Licht im Park"),
    "/console/consultations/{slug}/reading/attachments/{number}": Visit(
        "facilitator", {"number": "1"}, status=404, languages=CONSOLE
    ),
    "/console/consultations/{slug}/results": Visit("facilitator", languages=CONSOLE, shows="Licht im Park"),
    "/console/consultations/{slug}/files": Visit("facilitator", languages=CONSOLE),
    "/console/consultations/{slug}/files/{token}": Visit(
        "facilitator", {"token": "wrong"}, status=410, languages=CONSOLE
    ),
    "/console/consultations/{slug}/about": Visit("facilitator", languages=CONSOLE),
    "/console/consultations/{slug}/questions": Visit("facilitator", languages=CONSOLE),
    "/console/consultations/{slug}/languages": Visit("facilitator", languages=CONSOLE),
    "/console/consultations/{slug}/languages/{tag}/file": Visit("facilitator", {"tag": "en"}, languages=CONSOLE),
    "/console/consultations/{slug}/draft/media/{name}": Visit(
        "facilitator", {"name": "0" * 64 + ".png"}, 404, languages=CONSOLE
    ),
    "/console/consultations/{slug}/draft/file": Visit("facilitator", languages=CONSOLE),
    "/console/consultations/{slug}/draft/delete": Visit("facilitator", languages=CONSOLE),
    "/console/consultations/{slug}/file": Visit("facilitator", languages=CONSOLE),
    "/console/consultations/{slug}/file/live": Visit("facilitator", languages=CONSOLE),
    "/console/consultations/{slug}/file/changes": Visit("facilitator", status=409, languages=CONSOLE),
    "/console/consultations/{slug}/preview": Visit("facilitator", languages=CONSOLE, shows="Licht im Park"),
    "/console/consultations/{slug}/preview/page/{view}": Visit(
        "facilitator", {"view": "form"}, language="de", languages=CONSOLE
    ),
    "/console/consultations/{slug}/test": Visit("facilitator", languages=CONSOLE, shows=RUN),
    "/console/consultations/{slug}/publish": Visit("facilitator", languages=CONSOLE, shows=CHANGED),
    "/console/messages": Visit("facilitator", languages=CONSOLE),
    "/console/consultations/{slug}/answers": Visit("facilitator", languages=CONSOLE),
    "/console/consultations/{slug}/answers/preview": Visit("facilitator", languages=CONSOLE),
    "/console/consultations/{slug}/answers/together": Visit("facilitator", status=404, languages=CONSOLE),
    "/console/consultations/{slug}/answers/{code}": Visit("facilitator", _IDEA, untouched=404, languages=CONSOLE),
    "/console/consultations/{slug}/spread": Visit("facilitator", languages=CONSOLE, shows="Bibliothek am Tor"),
    "/console/consultations/{slug}/spread/{code}/poster": Visit("facilitator", _PLACE, languages=CONSOLE, shows=PLACE),
    "/console/consultations/{slug}/spread/{code}/qr.svg": Visit("facilitator", _PLACE, languages=CONSOLE),
    "/console/consultations/{slug}/live": Visit("facilitator", languages=CONSOLE),
    "/console/consultations/{slug}/live/events": Visit("facilitator", languages=CONSOLE),  # the page, without Accept
    "/console/consultations/{slug}/push": Visit("facilitator", languages=CONSOLE),
    "/console/consultations/{slug}/push/new": Visit("facilitator", languages=CONSOLE),
    "/console/consultations/{slug}/push/asked/{number}": Visit(
        "facilitator", {"number": "1"}, status=404, languages=CONSOLE
    ),
    "/console/consultations/{slug}/push/sent/{number}": Visit(
        "facilitator", {"number": "1"}, status=404, languages=CONSOLE
    ),
    "/console/team": Visit("owner", languages=CONSOLE),
    "/console/team/{member}": Visit("owner", {"member": str(MEMBER)}, languages=CONSOLE, shows=SLUG),
    "/console/audit": Visit("owner", languages=CONSOLE),
    "/console/settings": Visit("owner", languages=CONSOLE),
    "/console/settings/population": Visit("owner", languages=CONSOLE),
    "/console/sign-in": Visit(languages=CONSOLE),
    "/console/sign-in/code": Visit(languages=CONSOLE),
    "/console/sign-in/provider": Visit(status=404),  # no identity provider in the settings
    "/console/sign-in/provider/return": Visit(status=404),
    "/console/invite/{token}/provider": Visit(values={"token": "wrong"}, status=404),
    "/console/account/provider": Visit("facilitator", status=404, languages=CONSOLE),
    "/console/{kind}/{token}": Visit(values={"kind": "first", "token": "wrong"}, status=410, languages=CONSOLE),
    "/api/v1/consultations": Visit("program"),
    "/api/v1/consultations/{slug}": Visit("program"),
    "/api/v1/consultations/{slug}/proposals": Visit("program"),
    "/api/v1/consultations/{slug}/ratings": Visit("program"),
    "/api/v1/consultations/{slug}/texts": Visit("program"),
    "/api/v1/consultations/{slug}/answered": Visit("program"),
    "/api/v1/consultations/{slug}/queue": Visit("program"),
    "/api/v1/proposals/{code}": Visit("program", _IDEA, untouched=404),
    "/api/v1/proposals/{code}/statuses": Visit("program", _IDEA, untouched=404),
    "/api/v1/proposals/{code}/queued": Visit("program", _IDEA, untouched=404),
    "/api/{rest}": Visit("program", {"rest": "nothing"}, status=404),
}


def get_routes(application: web.Application) -> list[str]:
    """The GET routes of the router, each once, as they are written there."""
    routes = (it for it in application.router.routes() if it.method in {"GET", "*"} and it.resource)
    return list(dict.fromkeys(it.resource.canonical for it in routes if it.resource))


def wrong_entries(application: web.Application) -> list[str]:
    """What has to be done about the table: a sentence each."""
    routes = get_routes(application)
    missing = [route for route in routes if "{" in route and route not in VISITS]
    return [
        *(f"{it} has no entry: add it to VISITS in tests/support/web_routes.py, with its parameters" for it in missing),
        *(f"{it} is no route any more: remove it from VISITS" for it in VISITS if it not in routes),
    ]


def visits(application: web.Application) -> Iterator[tuple[str, Visit, str]]:
    """Route, how it is visited, and the path."""
    for route in get_routes(application):
        visit = VISITS.get(route, Visit())
        yield route, visit, path_of(route, visit)


def path_of(route: str, visit: Visit) -> str:
    """The route with its placeholders filled in."""
    return route.format(**{"slug": SLUG, **visit.values})


class Visitors:
    """The browsers of all visitors who speak one language. At a kiosk and with a helper each visit is a new one."""

    def __init__(self, house: House, language: str) -> None:
        self._house, self._language = house, language
        self._known: dict[Visitor, Browser] = {}

    async def get(self, by: Visitor) -> Browser:
        """The browser of such a visitor."""
        device: Visitor = "helper" if by == "assisted" else by
        if device not in self._known:
            self._known[device] = await self._new(device)
        browser = self._known[device]
        if by == "kiosk":
            await browser.get(f"/kiosk/{SLUG}")
            await _begin(browser, f"/kiosk/{SLUG}/start", self._language)
        if by == "assisted":
            await browser.get("/assist")
            await _begin(browser, f"/assist/{SLUG}/start", self._language)
        return browser

    async def _new(self, device: Visitor) -> Browser:
        house = self._house
        browser = house.browser(Cookie=f"lang={self._language}", **_key(house, device))
        if device == "resident":
            await browser.post(f"/c/{SLUG}/start", [("lang", self._language), ("view", "form")])
            browser.http.headers["Origin"] = str(house.server.make_url("/").origin())
        if device == "facilitator" or device == "owner":
            role: Role = "admin" if device == "owner" else "facilitator"
            enter_console(browser, house, hired(house.app.store, f"Kim {len(house.browsers)}", role))
        if device == "helper":
            code = member(house.app.store, f"Mira {len(house.browsers)}", "facilitator")
            await browser.post("/assist/sign-in", [("code", code)])
        return browser


async def _begin(browser: Browser, action: str, language: str) -> None:
    form = next((it for it in browser.page.forms if it.action.partition("?")[0] == action), None)
    assert form, f"no form begins at {browser.path}"
    await browser.post(
        form.action, [*((name, value) for name, value in form.fields if name != "lang"), ("lang", language)]
    )


def _key(house: House, by: Visitor) -> dict[str, str]:
    if by != "program":
        return {}
    key = key_for(house.app.store, hire(house.app.store, f"Program {len(house.browsers)}"))
    return {"Authorization": f"Bearer {key}"}
