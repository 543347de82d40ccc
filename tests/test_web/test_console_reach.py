"""Who is missing on the live page, and the population figures of the city."""

from __future__ import annotations

import json

from aiohttp import FormData

from storage.core.store import Store
from storage.tables.answers import upsert_answers
from storage.tables.audit import audit_entries
from storage.tables.revisions import find_live_revision
from tests.support.browser import Browser, serving
from tests.support.console import hired, signed_in
from tests.support.databases import only_sqlite
from tests.support.ideas import open_consultation
from tests.support.rows import answer, stored_session

PAGE = "/console/settings/population"
QUESTIONS = [
    {"key": "age", "type": "age_band", "text": {"de": "Wie alt sind Sie?", "en": "How old are you?"}},
    {"key": "why", "type": "text", "text": {"de": "Warum?", "en": "Why?"}},
]
OWN = "kind;group;people;as_of;source\nage_band;18_27;100;2025-06-30;Amt\nage_band;27_45;100;2025-06-30;Amt\n"


def answered(store: Store, band: str, first: int, number: int) -> None:
    with store.begin() as connection:
        revision = find_live_revision(connection, "park")
        assert revision
        people = [stored_session(connection, revision, first + it) for it in range(number)]
        upsert_answers(connection, [answer(it, "age", json.dumps(band)) for it in people])


async def upload(browser: Browser, content: str) -> None:
    await browser.get(PAGE)
    fields = [it for form in browser.page.forms if form.action == PAGE for it in form.fields]
    form = FormData([(name, value) for name, value in fields if name == "csrf"])
    form.add_field("file", content.encode(), filename="stadt.csv", content_type="text/csv")
    async with browser.http.post(browser.server.make_url(PAGE), data=form) as response:
        await browser._see(response)


@only_sqlite
async def test_the_live_page_names_who_is_missing(store: Store) -> None:
    open_consultation(store, questions=QUESTIONS)
    answered(store, "18_27", 0, 12)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get("/console/consultations/park/live")
        assert "Wie alt sind Sie?" in browser.text
        assert "Noch haben zu wenige geantwortet" in browser.text
        answered(store, "18_27", 100, 30)
        answered(store, "65_plus", 200, 3)
        await browser.get("/console/consultations/park/live")
        assert "27 bis 44 Jahre fehlt unter 5 15" in browser.text
        assert "mindestens 40" in browser.text
        assert "Aus diesen Gruppen fehlen viele: " in browser.text
        assert "Amt für Statistik Berlin-Brandenburg" in browser.text


@only_sqlite
async def test_a_city_brings_its_own_table_and_takes_it_back(store: Store) -> None:
    async with serving(store) as house:
        browser = signed_in(house, hired(store, role="admin"))
        await upload(browser, OWN.replace("18_27", "nobody"))
        assert browser.status == 422
        assert "Zeile 2: Eine Gruppe „nobody“ gibt es nicht." in browser.text
        await upload(browser, OWN)
        assert "Diese Zahlen gelten jetzt." in browser.text
        assert "Quelle: Amt, Stand 30. Juni 2025." in browser.text
        assert "Mitte" not in browser.text
        await browser.press("Zurück zur Tabelle davor")
        assert "Mitte" in browser.text
        await browser.press("Zurück zur Tabelle davor")
        assert "Quelle: Amt, Stand 30. Juni 2025." in browser.text
        with store.reading() as connection:
            assert [it.act for it in audit_entries(connection)][-3:] == ["settings.change"] * 3
