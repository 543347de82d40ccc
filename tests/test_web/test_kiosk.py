"""A kiosk: no visitor ever sees the answers of an earlier one."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime

import pytest

from adapters.web.hub import WebHub
from bot.web.assisted import device_sessions
from bot.web.assisted.device_sessions import ASSIST, KIOSK, DeviceSessions
from tests.support.app import consultation, publish
from tests.support.browser import serving
from tests.support.shared_devices import CANARY, WISH, Watcher, answered, at_the_kiosk, rows, visits_in
from tests.support.timeouts import PATIENCE


@pytest.fixture
def store(sample_store):
    return sample_store


class TestKiosk:
    async def test_from_the_language_to_the_wipe(self, store):
        async with serving(store) as house:
            page = await at_the_kiosk(house, "?at=kiez-7")
            assert page.status == 200
            await page.press("Deutsch Los geht es")
            assert (page.path, page.heading()) == ("/kiosk/mein-kiez/ask", "In welchem Bezirk liegt dein Kiez?")
            await answered(page, CANARY)
            assert re.search(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}\b", page.text), "a receipt can be written down"
            assert "Sekunden, bis der Bildschirm gelöscht wird: 60" in page.text
            await page.press("Jetzt löschen")
            assert page.path == "/kiosk/mein-kiez"
            assert len(visits_in(house)) == 0
            assert page.http.cookie_jar.filter_cookies(house.server.make_url("/kiosk/mein-kiez/ask")) == {}
        assert rows(store, "mode, place_code, status") == [("self", "kiez-7", "completed")]

    async def test_two_persons_in_a_row_see_nothing_of_each_other(self, store):
        async with serving(store) as house:
            page = await at_the_kiosk(house)
            await page.press("Deutsch Los geht es")
            await answered(page, CANARY)
            assert CANARY in "".join(page.seen)
            old = dict(page.http.cookie_jar.filter_cookies(house.server.make_url("/kiosk/mein-kiez/ask")))
            left_open = page.page
            await page.press("Jetzt löschen")
            page.seen.clear()
            await page.get("/kiosk/mein-kiez/ask")
            assert page.path == "/kiosk/mein-kiez"
            page.http.cookie_jar.update_cookies(old, house.server.make_url("/kiosk/mein-kiez/"))
            for path in ("/ask", "/still", ""):
                await page.get(f"/kiosk/mein-kiez{path}")
            await page.press("Deutsch Los geht es")
            await answered(page, "etwas ganz anderes")
            page.page = left_open
            await page.post("/kiosk/mein-kiez/ask", [*page.page.forms[-1].fields, ("do", "see")])
            await page.get("/c/mein-kiez")
            await page.get("/c/mein-kiez/form")
            assert page.seen
            assert CANARY not in "".join(page.seen)
        assert len(rows(store, "id")) == 2

    async def test_coming_to_the_beginning_wipes_who_was_there(self, store):
        async with serving(store) as house:
            page = await at_the_kiosk(house)
            await page.press("Deutsch Los geht es")
            await page.press("Weiter", "Mitte")
            await page.get("/kiosk/mein-kiez")
            await page.get("/kiosk/mein-kiez/ask")
            assert (page.path, len(visits_in(house))) == ("/kiosk/mein-kiez", 0)

    async def test_nothing_is_kept_by_browsers(self, store):
        async with serving(store) as house:
            page = await at_the_kiosk(house)
            assert page.headers["Cache-Control"] == "no-store"
            assert page.page.links == [("Zum Inhalt", "#main")], "nothing leads out of a kiosk"
            await page.press("Deutsch Los geht es")
            assert page.headers["Cache-Control"] == "no-store"
            cookie = page.http.cookie_jar.filter_cookies(house.server.make_url("/kiosk/mein-kiez/ask"))["visit"]
            assert page.http.cookie_jar.filter_cookies(house.server.make_url("/c/mein-kiez")) == {}
            assert not cookie["max-age"]
            for _ in range(3):
                await page.press("Überspringen")
            assert 'autocomplete="off"' in page.page.html
            assert "Code" not in page.text
            async with page.http.post(house.server.make_url("/kiosk/mein-kiez/end"), allow_redirects=False) as response:
                assert response.headers["Clear-Site-Data"] == '"cache"'
                assert "Max-Age=0" in response.headers["Set-Cookie"]

    async def test_idle_without_javascript_asks_and_then_wipes(self, store):
        async with serving(store) as house:
            page = await at_the_kiosk(house)
            await page.press("Deutsch Los geht es")
            assert 'http-equiv="refresh" content="90;url=/kiosk/mein-kiez/still"' in page.page.html
            for _ in range(3):
                await page.press("Überspringen")
            assert WISH in page.text
            assert 'content="300;url=/kiosk/mein-kiez/still"' in page.page.html, "writing takes longer"
            await page.get("/kiosk/mein-kiez/still")
            assert page.heading() == "Ist noch jemand da?"
            assert 'content="20;url=/kiosk/mein-kiez/end"' in page.page.html
            await page.get("/kiosk/mein-kiez/ask")
            assert WISH in page.text, "prolonged"
            await page.get("/kiosk/mein-kiez/end")
            assert (page.path, len(visits_in(house))) == ("/kiosk/mein-kiez", 0)

    async def test_idle_is_wiped_by_the_server_whatever_the_page_does(self, store, monkeypatch):
        monkeypatch.setattr(device_sessions, "SWEEP_SECONDS", 0.01)
        async with serving(store) as house:
            page = await at_the_kiosk(house)
            await page.press("Deutsch Los geht es")
            await page.press("Weiter", "Mitte")
            address = next(iter(visits_in(house)._visits.values())).conversation.address
            assert visits_in(house)._hub.is_known(address)
            later = visits_in(house)._clock() + KIOSK.typing + KIOSK.warning + device_sessions.GRACE_SECONDS + 1
            monkeypatch.setattr(visits_in(house), "_clock", lambda: later)
            await page.get("/kiosk/mein-kiez/ask")
            assert (page.path, len(visits_in(house))) == ("/kiosk/mein-kiez", 0)
            assert not visits_in(house)._hub.is_known(address)

    async def test_the_page_can_say_that_somebody_is_there(self, store):
        async with serving(store) as house:
            page = await at_the_kiosk(house)
            await page.press("Deutsch Los geht es")
            csrf = dict(page.step().fields)["csrf"]
            visit = next(iter(visits_in(house)._visits.values()))
            visit.until = before = visit.until - 60
            await page.post("/kiosk/mein-kiez/here", [("csrf", csrf)])
            assert (page.status, visit.until > before) == (204, True)
            await page.post("/kiosk/mein-kiez/here", [("csrf", "x")])
            assert page.status == 410

    async def test_kiosk_error_keeps_input_and_allows_a_language_change(self, store):
        async with serving(store) as house:
            page = await at_the_kiosk(house)
            await page.press("Deutsch Los geht es")
            await page.press("Weiter")
            assert "Bitte eine Antwort auswählen." in page.text
            await page.press("العربية")
            assert 'dir="rtl"' in page.page.html[:60]
            await page.press("Deutsch")
            for _ in range(3):
                await page.press("Überspringen")
            await page.press("Weiter", text="🌳🌳🌳")
            assert "🌳🌳🌳" in page.page.html
            assert "Da stimmt etwas noch nicht" in page.text

    async def test_forms_of_strangers_are_refused(self, store):
        async with serving(store) as house:
            page = await at_the_kiosk(house)
            await page.post("/kiosk/mein-kiez/start", [("lang", "de")], Origin="https://evil.example")
            assert (page.status, rows(store, "id")) == (403, [])
            await page.get("/kiosk/mein-kiez")
            await page.press("Deutsch Los geht es")
            fields = dict(page.step().fields)
            await page.post("/kiosk/mein-kiez/ask", fields | {"csrf": "0" * 32, "do": "back"})
            assert page.status == 403
            await page.post("/kiosk/mein-kiez/ask", fields | {"do": "back"}, Origin="https://evil.example")
            assert page.status == 403

    @pytest.mark.parametrize("code", ["a b", "x" * 25, "%3Cscript%3E", "ä", "a_b"])
    async def test_what_is_no_place_code_is_ignored(self, store, code):
        async with serving(store) as house:
            page = await at_the_kiosk(house, f"?at={code}")
            await page.press("Deutsch Los geht es")
        assert rows(store, "place_code") == [(None,)]

    async def test_an_unknown_and_a_closed_consultation(self, store):
        publish(store, consultation("vorbei"), closes_at=datetime(2026, 1, 1, tzinfo=UTC))
        async with serving(store) as house:
            assert (await at_the_kiosk(house, path="/kiosk/nowhere")).status == 404
            page = await at_the_kiosk(house, path="/kiosk/vorbei")
            assert page.status == 410
            await page.post("/kiosk/vorbei/start", [("lang", "de")])
            assert page.status == 410
            assert len(visits_in(house)) == 0


async def test_the_door_takes_the_place_code_along(store):
    async with serving(store) as house:
        page = Watcher(house)
        await page.get("/?at=kiez-7")
        link = next(href for label, href in page.page.links if href.startswith("/c/mein-kiez"))
        assert link == "/c/mein-kiez?at=kiez-7"
        await page.get(link)
        await page.press("Los geht es", lang="de")
        await page.get("/c/mein-kiez?at=a+b")
    assert rows(store, "mode, place_code") == [("self", "kiez-7")]


def test_a_visit_belongs_to_its_desk_door_and_helper(store):
    kept = DeviceSessions(WebHub())
    visit = kept.begin(ASSIST, "mein-kiez", 7)
    assert kept.find(visit.token, ASSIST, "mein-kiez", 7) is visit
    for other in ((KIOSK, "mein-kiez", 7), (ASSIST, "park", 7), (ASSIST, "mein-kiez", 8), (ASSIST, "mein-kiez", 0)):
        assert kept.find(visit.token, *other) is None
    assert kept.find("", ASSIST, "mein-kiez", 7) is None


async def test_a_fault_does_not_end_the_wiping(store, monkeypatch):
    calls, again = [], asyncio.Event()

    def stumble(_: DeviceSessions) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError
        again.set()

    monkeypatch.setattr(device_sessions, "SWEEP_SECONDS", 0.01)
    monkeypatch.setattr(DeviceSessions, "sweep", stumble)
    async with serving(store), asyncio.timeout(PATIENCE):
        await again.wait()
