"""What the tests of shared devices have in common: an app with samples, and a browser that remembers every page."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiohttp import web
from sqlalchemy import text

from bot.common.ids import Ids
from bot.staff import codes
from bot.web.assisted.device_sessions import DEVICE_SESSIONS, DeviceSessions
from storage.core.store import Store
from storage.tables.staff import Role, StaffMember, insert_staff
from tests.support.app import KEYS
from tests.support.browser import Browser, House

CANARY = "Kanarienvogel-7731 wohnt hier"
WISH = "Was soll sich in deinem Kiez ändern?"


class Watcher(Browser):
    """A browser that remembers every page it was ever shown."""

    def __init__(self, house: House) -> None:
        super().__init__(house.server, **{"Accept-Language": "de"})
        house.browsers.append(self)
        self.seen: list[str] = []

    async def _see(self, response):
        page = await super()._see(response)
        self.seen.append(self.page.html)
        return page


def rows(store: Store, what: str, table: str = "sessions") -> list[tuple[Any, ...]]:
    with store.reading() as connection:
        return [tuple(row) for row in connection.execute(text(f"SELECT {what} FROM {table} ORDER BY id"))]


def answers(store: Store, mode: str) -> dict[str, str]:
    with store.reading() as connection:
        found = connection.execute(
            text("SELECT question_key, value, missing, mode FROM answers WHERE mode = :m"), {"m": mode}
        )
        return {key: value if missing is None else f"({missing})" for key, value, missing, _ in found}


def member(store: Store, name: str = "Aylin", role: Role = "helper") -> str:
    """The code of a person new who works here."""
    code = codes.new_staff_code()
    row = StaffMember(Ids()(), name, role, codes.staff_code_hash(KEYS, code), datetime.now(UTC))
    store.run(partial(insert_staff, members=[row]))
    return code


def visits_in(house: House) -> DeviceSessions:
    app = house.server.app
    assert isinstance(app, web.Application)
    return app[DEVICE_SESSIONS]


async def at_the_kiosk(house: House, query: str = "", path: str = "/kiosk/mein-kiez") -> Watcher:
    page = Watcher(house)
    await page.get(f"{path}{query}")
    return page


async def answered(page: Browser, wish: str) -> None:
    """From the first question to the thanks."""
    await page.press("Weiter", "Mitte")
    await page.press("Weiter", "Parks und Bäume", "Bus und Bahn")
    await page.press("Weiter", "4")
    await page.press("Weiter", text=wish)
    await page.press("Überspringen")
    assert page.heading() == "Antworten prüfen"
    await page.press("Fertig")


async def signed_in(house: House, store: Store, name: str = "Aylin", role: Role = "helper") -> Watcher:
    """A person who works here and signed in."""
    page = Watcher(house)
    await page.get("/assist")
    await page.press("Anmelden", code=member(store, name, role).lower().replace("-", " "))
    assert f"Angemeldet: {name}" in page.text
    return page
