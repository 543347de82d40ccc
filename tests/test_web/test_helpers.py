"""Those who help, and paper: whose answers these are is clear, whose they were before is forgotten."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import partial
from http.cookies import SimpleCookie

import pytest
from aiohttp import web
from sqlalchemy import text
from structlog.testing import capture_logs
from yarl import URL

from bot.web.assisted import sign_in
from bot.web.context import SITE
from storage.core.store import Store
from storage.tables.staff import revoke_staff_member
from tests.support.app import consultation, publish
from tests.support.browser import Browser, House, serving
from tests.support.shared_devices import CANARY, Watcher, answered, answers, member, rows, signed_in, visits_in


@pytest.fixture
def store(sample_store):
    return sample_store


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(sign_in, "WRONG_SECONDS", 0.0)


class TestHelpers:
    @pytest.mark.parametrize(
        ("before", "now"),
        [
            ("/help-out", "/assist"),
            ("/help-out/mein-kiez/sheet?in=de&at=haus-3", "/assist/mein-kiez/sheet?in=de&at=haus-3"),
            ("/help-out/room/7K2M%2FPX", "/assist/room/7K2M%2FPX"),
        ],
    )
    @pytest.mark.parametrize("method", ["GET", "POST"])
    async def test_former_paths_redirect_permanently(self, store, before: str, now: str, method: str):
        async with serving(store) as house:
            url = URL(str(house.server.make_url("/")).rstrip("/") + before, encoded=True)
            async with house.browser().http.request(method, url, allow_redirects=False) as answer:
                assert (answer.status, answer.headers["Location"]) == (308, now)

    async def test_a_ticket_of_the_former_path_stays_valid(self, store):
        async with serving(store) as house:
            helper = await signed_in(house, store)
            (ticket,) = (it.value for it in helper.http.cookie_jar if it.key == sign_in.COOKIE)
            page = house.browser()
            cookie = SimpleCookie({sign_in.COOKIE: ticket})
            cookie[sign_in.COOKIE]["path"] = "/help-out"
            page.http.cookie_jar.update_cookies(cookie, URL(str(house.server.make_url("/"))))
            await page.get("/assist")
            assert page.text == (await house.browser().get("/assist")).text, "a browser does not send it there"
            await page.get("/help-out")
            assert page.path == "/assist"
            assert page.text == (await helper.get("/assist")).text

    async def test_two_persons_in_a_row(self, store):
        async with serving(store) as house:
            page = await signed_in(house, store)
            await page.press("Für eine Person eintragen", lang="de", at="haus-3")
            await page.get("/assist")
            start = next(form for form in page.page.forms if form.action == "/assist/mein-kiez/start")
            await page.post(start.action, dict(start.fields) | {"lang": "de", "at": "haus-3"})
            assert page.path == "/assist/mein-kiez/ask"
            assert "Hier stehen die Antworten einer anderen Person" in page.text
            await answered(page, CANARY)
            await page.press("Nächste Person: hier alles löschen")
            assert (page.path, CANARY in "".join(page.seen)) == ("/assist", True)
            page.seen.clear()
            await page.get("/assist/mein-kiez/ask")
            assert page.path == "/assist"
            await page.post(start.action, dict(start.fields) | {"lang": "de"})
            await answered(page, "anders")
            assert CANARY not in "".join(page.seen)
        found = [row for row in rows(store, "mode, place_code, status") if row[2] == "completed"]
        assert found == [("assisted", "haus-3", "completed"), ("assisted", None, "completed")]
        with store.reading() as connection:
            tables = connection.execute(text("SELECT state FROM sessions")).scalars().all()
        assert not any("Aylin" in state for state in tables), "who helped is not stored with the answers"
        with store.reading() as connection:
            assert connection.execute(text("SELECT DISTINCT mode FROM answers")).scalars().all() == ["assisted"]

    async def test_wrong_revoked_and_too_many_codes(self, store):
        code = member(store)
        store.run(partial(revoke_staff_member, name="Aylin", now=datetime.now(UTC)))
        async with serving(store) as house:
            page = Watcher(house)
            told = set()
            for wrong in (code, "0000-0000-0000-0000", "", "x" * 40):
                await page.get("/assist")
                await page.press("Anmelden", code=wrong)
                told.add((page.status, page.text))
            assert len(told) == 1, "revoked and unknown cannot be told apart"
            assert told.pop()[0] == 403
            for _ in range(7):
                await page.post("/assist/sign-in", [("code", "nonsense")])
            assert page.status == 429
            await page.get("/assist/mein-kiez/sheet")
            assert page.path == "/assist"

    async def test_right_codes_do_not_count_as_tries(self, store):
        code = member(store)
        async with serving(store) as house:
            page = Watcher(house)
            with capture_logs() as logs:
                for _ in range(14):
                    await page.post("/assist/sign-in", [("code", code)])
                    assert page.status == 200
                await page.post("/assist/sign-in", [("code", "nonsense")])
        assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["staff_sign_in_failed"]

    async def test_a_sign_out_holds_over_a_restart(self, store):
        async with serving(store) as house:
            page = await signed_in(house, store)
            ticket = page.http.cookie_jar.filter_cookies(house.server.make_url("/assist"))["help"].value
            await page.get("/assist")
            await page.press("Abmelden")
        async with serving(Store(str(store.writer.url))) as house:
            page = Watcher(house)
            page.http.cookie_jar.update_cookies({"help": ticket}, house.server.make_url("/assist"))
            await page.get("/assist/mein-kiez/sheet")
            assert (page.path, "Persönlicher Code" in page.text) == ("/assist", True)

    async def test_forged_and_revoked_tickets(self, store):
        async with serving(store) as house:
            page = await signed_in(house, store)
            jar, url = page.http.cookie_jar, house.server.make_url("/assist")
            ticket = jar.filter_cookies(url)["help"].value
            for forged in ("1.9999999999.00", ticket[:-1] + ("0" if ticket[-1] != "0" else "1"), "x"):
                jar.clear()
                jar.update_cookies({"help": forged}, url)
                for path in ("/assist", "/assist/mein-kiez/sheet", "/assist/mein-kiez/ask"):
                    await page.get(path)
                    assert (page.path, "Persönlicher Code" in page.text) == ("/assist", True)
            jar.clear()
            jar.update_cookies({"help": ticket}, url)
            await page.get("/assist/mein-kiez/sheet")
            assert page.path == "/assist/mein-kiez/sheet"
            await house.app.store.write(partial(revoke_staff_member, name="Aylin", now=datetime.now(UTC)))
            await page.get("/assist/mein-kiez/sheet")
            assert "Persönlicher Code" in page.text

    async def test_who_signed_out_is_not_let_in_with_a_copy_of_the_ticket(self, store):
        async with serving(store) as house:
            page = await signed_in(house, store)
            jar, url = page.http.cookie_jar, house.server.make_url("/assist")
            ticket = jar.filter_cookies(url)["help"].value
            await page.get("/assist")
            await page.press("Abmelden")
            jar.update_cookies({"help": ticket}, url)
            await page.get("/assist/mein-kiez/sheet")
            assert (page.path, "Persönlicher Code" in page.text) == ("/assist", True)

    async def test_the_ticket_is_for_these_pages_only(self, store):
        async with serving(store) as house:
            page = Watcher(house)
            data = {"code": member(store)}
            origin = {"Origin": str(house.server.make_url("/").origin())}
            async with page.http.post(
                house.server.make_url("/assist/sign-in"), data=data, headers=origin, allow_redirects=False
            ) as response:
                cookie = response.headers["Set-Cookie"]
            for part in ("HttpOnly", "SameSite=Strict", "Path=/assist", "Max-Age=28800"):
                assert part in cookie

    async def test_forms_of_strangers_are_refused(self, store):
        async with serving(store) as house:
            page = Watcher(house)
            await page.post("/assist/sign-in", [("code", member(store))], Origin="https://evil.example")
            assert page.status == 403
            page = await signed_in(house, store, "Bora")
            for path in ("/assist/mein-kiez/start", "/assist/mein-kiez/sheet", "/assist/sign-out"):
                await page.post(path, [("csrf", "0" * 32), ("lang", "de"), ("sheet", "0" * 32)])
                assert page.status == 403
        assert rows(store, "id") == []

    async def test_signing_out_wipes_and_another_helper_sees_nothing(self, store):
        async with serving(store) as house:
            page = await signed_in(house, store)
            start = next(form for form in page.page.forms if form.action == "/assist/mein-kiez/start")
            await page.post(start.action, dict(start.fields) | {"lang": "de"})
            for _ in range(3):
                await page.press("Überspringen")
            await page.press("Weiter", text=CANARY)
            visit = page.http.cookie_jar.filter_cookies(house.server.make_url("/assist/mein-kiez/ask"))["visit"].value
            other = await signed_in(house, store, "Bora")
            other.http.cookie_jar.update_cookies({"visit": visit}, house.server.make_url("/assist/mein-kiez/"))
            await other.get("/assist/mein-kiez/ask")
            assert other.path == "/assist"
            assert CANARY not in "".join(other.seen)
            await page.get("/assist")
            await page.press("Abmelden")
            assert "Persönlicher Code" in page.text
            assert len(visits_in(house)) == 0


class TestSheets:
    async def sheet(self, house: House, store: Store, slug: str = "mein-kiez", name: str = "Aylin") -> Watcher:
        page = await signed_in(house, store, name)
        await page.get(f"/assist/{slug}/sheet?in=de")
        return page

    def fields(self, page: Browser) -> dict[str, str]:
        return dict(next(form for form in page.page.forms if "sheet" in dict(form.fields)).fields)

    def tokens(self, page: Browser) -> dict[str, tuple[str, str]]:
        return next(form for form in page.page.forms if "sheet" in dict(form.fields)).options

    async def test_a_sheet_is_stored_as_the_conversation_would_store_it(self, store):
        async with serving(store) as house:
            page = await self.sheet(house, store)
            await page.press(
                "Bogen speichern", "Parks und Bäume", "Bus und Bahn", "5 – sehr gern", at="haus-3",
                **{"text-wish": CANARY, "text-district": "Wedding"},
            )  # fmt: skip
            assert "Der Bogen ist gespeichert" in page.text
            receipt = re.search(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}\b", page.text)
            assert receipt
            await page.get("/assist/mein-kiez/sheet")
            assert CANARY not in page.page.html
        assert rows(store, "mode, place_code, status, receipt") == [("paper", "haus-3", "completed", receipt[0])]
        assert answers(store, "paper") == {
            "district": '"01"',
            "good": '["green","transport"]',
            "liking": "5",
            "wish": f'"{CANARY}"',
            "value": "(skipped)",
        }

    async def test_faults_are_all_told_at_once_and_nothing_is_stored(self, store):
        async with serving(store) as house:
            page = await self.sheet(house, store)
            await page.press(
                "Bogen speichern", "Parks und Bäume", "Nichts davon", "Mitte", at="",
                **{"text-wish": "Hilfe", "text-district": "Spandau"},
            )  # fmt: skip
            assert page.status == 422
            for key in ("district", "good", "wish"):
                assert f'id="fault-{key}"' in page.page.html
            assert 'id="fault-liking"' not in page.page.html
            assert 'value="Spandau"' in page.page.html, "to be corrected, not to be written again"
            assert rows(store, "id") == []

    async def test_an_empty_sheet_is_no_sheet(self, store):
        async with serving(store) as house:
            page = await self.sheet(house, store)
            await page.press("Bogen speichern", at="rathaus")
            assert (page.status, "Der ganze Bogen ist noch leer." in page.text) == (422, True)
            assert 'value="rathaus"' in page.page.html
            assert rows(store, "id") == []

    async def test_the_same_form_twice_is_one_sheet_and_changed_another(self, store):
        async with serving(store) as house:
            page = await self.sheet(house, store)
            fields = self.fields(page) | {"text-wish": "eins"}
            for _ in range(2):
                await page.post("/assist/mein-kiez/sheet", fields)
                assert "Der Bogen ist gespeichert" in page.text
            assert len(rows(store, "id")) == 1
            await page.post("/assist/mein-kiez/sheet", fields | {"text-wish": "zwei"})
            assert len(rows(store, "id")) == 2

    async def test_branches_and_consent(self, store):
        yes_no = [
            {"value": word, "label": {"de": label, "en": label}} for word, label in (("yes", "Ja"), ("no", "Nein"))
        ]
        ask = {"key": "ok", "type": "consent", "required": True, "text": {"de": "Speichern?", "en": "Store?"}}
        dog = {"key": "dog", "type": "choice", "text": {"de": "Hund?", "en": "Dog?"}, "options": yes_no}
        age = {
            "key": "age",
            "type": "number",
            "text": {"de": "Wie alt ist er?", "en": "How old?"},
            "ask_if": {"equal": {"question": "dog", "value": "yes"}},
            "min": 0,
            "max": 30,
        }
        publish(store, consultation("hunde", [ask, dog, age]))
        async with serving(store) as house:
            page = await self.sheet(house, store, "hunde")
            assert "Nur beantworten, wenn bei Frage 2 das gilt: Ja" in page.text
            ok, fields = "tick-ok", self.fields(page)
            agreed = next(it for label, it in self.tokens(page).items() if it[0] == ok and it[1].endswith(".yes"))[1]
            refused = agreed.replace(".yes", ".no")
            has, has_none = agreed.replace(".ok.", ".dog."), agreed.replace(".ok.yes", ".dog.no")

            async def send(**changes: str) -> Browser:
                given = {name.replace("__", "-"): value for name, value in changes.items()}
                return await page.post("/assist/hunde/sheet", fields | given)

            await send()
            assert "Ohne diese Antwort lässt sich der Bogen nicht speichern." in page.text
            await send(tick__ok=agreed, tick__dog=has_none, text__age="3")
            assert "wird diese Frage nicht gestellt" in page.text
            await send(tick__ok=agreed, tick__dog=has, text__age="77")
            assert 'id="fault-age"' in page.page.html
            assert rows(store, "id") == []
            await send(tick__ok=agreed, tick__dog=has, text__age="7")
            assert "Der Bogen ist gespeichert" in page.text
            assert answers(store, "paper") == {"ok": "true", "dog": '"yes"', "age": "7"}
            await send(tick__ok=refused)
            assert "Auf dem Bogen fehlt die Einwilligung" in page.text
        assert [row[0] for row in rows(store, "status")] == ["completed", "interrupted"]


class TestPaper:
    @pytest.mark.parametrize("language", ["de", "de-simple", "en", "tr", "ar"])
    async def test_the_questionnaire_is_complete_in_every_language(self, store, language):
        async with serving(store) as house:
            page = Watcher(house)
            await page.get(f"/c/mein-kiez/paper?lang={language}")
            assert (page.status, page.path) == (200, "/c/mein-kiez/paper")
            assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}"' in page.page.html
            texts = (await self.notice(house)).consultation
            for text_ in (texts.title, texts.asks, texts.why, texts.readers, texts.contact.name):
                assert " ".join(text_.in_language(language, {}).split()) in page.text
            for question in texts.questions:
                assert question.text.in_language(language, {}) in page.text
                assert f'<span class="key" dir="ltr">{question.key}</span>' in page.page.html
                for option in getattr(question, "options", ()):
                    assert option.label.in_language(language, {}) in page.text

    async def notice(self, house: House):
        app = house.server.app
        assert isinstance(app, web.Application)
        await app[SITE].consultations.refresh()
        return app[SITE].consultations.find("mein-kiez")

    async def test_the_place_code_is_printed_and_taken_along(self, store):
        async with serving(store) as house:
            page = Watcher(house)
            await page.get("/c/mein-kiez/paper?at=haus-3")
            assert "haus-3" in page.text
            assert "/c/mein-kiez?at=haus-3" in page.text
            await page.get("/c/mein-kiez/paper?at=%3Cb%3E")
            assert "<b>" not in page.page.html
            assert (await page.get("/c/nowhere/paper")).status == 404
