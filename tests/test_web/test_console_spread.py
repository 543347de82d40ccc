"""Places of a consultation: their codes, figures, links and posters."""

from __future__ import annotations

import html
import re
from xml.etree import ElementTree

import pytest
from aiohttp import web

from adapters.base import PublicAddress
from bot.web.public.spread_pages import RecentTallies
from storage.core.store import Store
from storage.tables.audit import audit_entries
from storage.tables.revisions import find_live_revision
from tests.support.app import Recorder
from tests.support.browser import serving
from tests.support.console import hired, signed_in
from tests.support.databases import only_sqlite
from tests.support.ideas import open_consultation
from tests.support.rows import stored_session

SPREAD = "/console/consultations/park/spread"


def acts(store: Store) -> list[tuple[str, str]]:
    with store.reading() as connection:
        return [(it.act, it.object) for it in audit_entries(connection)]


@only_sqlite
async def test_a_place_is_added_removed_and_put_back(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        assert "Noch kein Ort." in (await browser.get(SPREAD)).text
        await browser.press("Ort anlegen", name="Bibliothek am Tor", code="")
        code = next(it for act, it in acts(store) if act == "place.add").removeprefix("park/")
        assert code[:3] == "BIB"
        assert f"/c/park?at={code}" in browser.page.html
        assert f"/kiosk/park?at={code}" in browser.page.html
        await browser.press("Entfernen Bibliothek am Tor")
        assert "ist entfernt. Das Kürzel zählt weiter" in browser.text
        assert "Noch kein Ort." in browser.text
        await browser.press("Zurücknehmen")
        assert "Für „Bibliothek am Tor“" in browser.text
        assert [act for act, _ in acts(store)][-2:] == ["place.remove", "place.restore"]


@only_sqlite
@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("", "", "Der Ort braucht einen Namen"),
        ("x" * 81, "", "Der Ort braucht einen Namen"),
        ("Club", "ü b", "Umlaute gehen nicht"),
        ("Club", "bib7", "Dieses Kürzel gibt es in dieser Befragung schon"),
    ],
)
async def test_what_cannot_be_a_place_is_kept_and_explained(store: Store, name: str, code: str, said: str) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(SPREAD)
        await browser.press("Ort anlegen", name="Bibliothek", code="BIB7")
        await browser.press("Ort anlegen", name=name, code=code)
        assert browser.status == 422
        assert said in browser.text
        assert not code or f'value="{code}"' in browser.page.html


@only_sqlite
async def test_small_numbers_are_not_exact_and_any_case_counts(store: Store) -> None:
    open_consultation(store)
    with store.begin() as connection:
        revision = find_live_revision(connection, "park")
        assert revision
        for number, code in enumerate(["BIB7"] * 4 + ["bib7"] * 3 + ["JUG2"] * 2 + [None] * 9):
            stored_session(connection, revision, number, place_code=code)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(SPREAD)
        await browser.press("Ort anlegen", name="Bibliothek", code="BIB7")
        await browser.press("Ort anlegen", name="Jugendclub", code="JUG2")
        assert "Bibliothek BIB7 7 0" in browser.text
        assert "Jugendclub JUG2 unter 5 0" in browser.text


class Known(Recorder):
    """A messenger whose links transfer the start words."""

    def public_address(self, start: str) -> PublicAddress:
        return PublicAddress("Telegram", "@park_bot", f"https://t.me/park_bot?start={start}", is_transferred=True)


@only_sqlite
async def test_poster_says_every_way_in_every_language(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        house.app.channels = {**house.app.channels, "town": Known()}
        browser = signed_in(house, hired(store))
        await browser.get(SPREAD)
        await browser.press("Ort anlegen", name="<b>Club</b>", code="JUG2")
        assert "https://t.me/park_bot?start=park_JUG2" in browser.page.html
        for size in ("a4", "a5", "card", "sticker"):
            await browser.get(f"{SPREAD}/JUG2/poster?format={size}")
            assert browser.status == 200
            assert "<b>Club" not in browser.page.html
            assert ("„park JUG2“ schreiben an" in browser.text) == (size != "sticker")
            assert "Kürzel: JUG2" in browser.text
        await browser.get(f"{SPREAD}/NONE/poster")
        assert browser.status == 404
        async with browser.http.get(house.server.make_url(f"{SPREAD}/JUG2/qr.svg")) as found:
            assert (await found.text()).startswith("<?xml")


@only_sqlite
async def test_who_may_not_change_sees_places_only(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store, role="observer"))
        await browser.get(SPREAD)
        assert "Ort anlegen" not in browser.text
        assert (await browser.post(SPREAD, {"name": "Club"})).status == web.HTTPForbidden.status_code


@only_sqlite
async def test_the_element_to_embed_survives_quotes_in_the_title(store: Store) -> None:
    title = 'Park "Mitte" & <mehr>'
    open_consultation(store, title={"de": title, "en": title})
    async with serving(store, embed_origins=["https://www.example.org"]) as house:
        browser = signed_in(house, hired(store))
        await browser.get(SPREAD)
        await browser.press("Ort anlegen", name="Club", code="JUG2")
        found = re.search(r'id="link-frame"[^>]* value="([^"]*)"', browser.page.html)
        assert found
        frame = ElementTree.fromstring(html.unescape(found.group(1)))
        assert frame.attrib["title"] == title
        assert frame.attrib["src"].endswith("/c/park?embed=1&at=JUG2")


@only_sqlite
async def test_a_partner_sees_what_came_of_their_place_only(store: Store) -> None:
    park = open_consultation(store)
    async with serving(store) as house:
        browser, partner = signed_in(house, hired(store)), house.browser(**{"Accept-Language": "de"})
        await browser.get(SPREAD)
        await browser.press("Ort anlegen", name="Bibliothek am Tor", code="BIB7")
        found = re.search(r"/c/park/place/BIB7/[0-9a-f]{32}", browser.page.html)
        assert found
        await partner.get(found[0])
        assert "Bibliothek am Tor" in partner.text
        assert "begonnen weniger als 5 bis zum Ende weniger als 5" in partner.text
        with store.begin() as connection:
            revision = find_live_revision(connection, "park")
            assert revision
            for number in range(7):
                stored_session(connection, revision, number, place_code="bib7")
            stored_session(connection, revision, 99, place_code="OTHER")
        await partner.get(found[0])
        assert "begonnen 7 bis zum Ende weniger als 5" in partner.text
        for wrong in (found[0][:-1], found[0][:-1] + "ü", found[0].replace("BIB7", "OTHER"), "/c/park/place/BIB7/x"):
            assert (await partner.get(wrong)).status == 404, wrong
        await browser.press("Entfernen Bibliothek am Tor")
        assert (await partner.get(found[0])).status == 404
        assert park


@only_sqlite
async def test_a_screen_shows_the_code_and_how_many_take_part(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = house.browser(**{"Accept-Language": "de"})
        await browser.get("/c/park/screen")
        assert "Dabei: weniger als 5" in browser.text
        assert "<svg" in browser.page.html
        assert "/c/park" in browser.text
        assert (await browser.get("/c/nowhere/screen")).status == 404


async def test_many_visitors_of_a_screen_cost_one_count(store: Store) -> None:
    open_consultation(store)
    now = [0.0]
    tallies = RecentTallies(lambda: now[0])
    with store.reading() as connection:
        revision = find_live_revision(connection, "park")
    assert revision
    first = await tallies.of(store, revision.consultation_id)
    with store.begin() as connection:
        stored_session(connection, revision, 1)
    assert await tallies.of(store, revision.consultation_id) is first
    now[0] = 10.0
    assert (await tallies.of(store, revision.consultation_id)).begun == 1
