"""From the start page to the receipt without JavaScript: as a chat and as a form, on one device and on two."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from aiohttp import ClientSession, DummyCookieJar
from sqlalchemy import text

from bot.common.i18n import phrase_catalogues
from flows.languages import LANGUAGES
from storage.core.store import Store
from tests.support.app import consultation, publish, rows
from tests.support.browser import Browser, House, serving


@pytest.fixture
def store(sample_store):
    return sample_store


def answers(store: Store) -> dict[str, str]:
    with store.reading() as connection:
        found = connection.execute(text("SELECT question_key, value, missing FROM answers"))
        return {key: value if missing is None else f"({missing})" for key, value, missing in found}


def states(store: Store) -> list[str]:
    with store.reading() as connection:
        return [row[0] for row in connection.execute(text("SELECT status FROM sessions"))]


GIVEN = {
    "district": '"01"',
    "good": '["green","shops"]',
    "liking": "4",
    "wish": '"Mehr Bänke"',
    "value": '"sustainable"',
}
WISH = "Was soll sich in deinem Kiez ändern? Erzähl uns ein Beispiel aus deinem Alltag."
SUSTAINABLE = "Umwelt und Klima schützen (nachhaltige Stadt)"


async def at_the_first_question(house: House, view: str = "Chat") -> Browser:
    browser = house.browser()
    await browser.get("/c/mein-kiez?lang=de")
    return await browser.press("Lieber ein Chat?" if view == "Chat" else "Los geht es")


async def resume_code(page: Browser) -> str:
    """The code with which a person goes on later or elsewhere; the page shows it."""
    await page.press("Später oder auf einem anderen Gerät weitermachen")
    code = re.search(r"\b(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}\b", page.text)
    assert code
    return code[0]


async def test_the_chat_without_javascript_goes_from_door_to_receipt(store):
    async with serving(store) as house:
        page = await at_the_first_question(house)
        assert (page.status, page.path) == (200, "/c/mein-kiez")
        assert "In welchem Bezirk liegt dein Kiez?" in page.text
        assert "Which language would you like" not in page.text, "the door has asked that"
        await page.press("Mitte")
        await page.press("Senden", text="1 und 3")
        await page.press("Fertig")
        await page.press("4")
        await page.press("Senden", text="Mehr Bänke")
        await page.press(SUSTAINABLE)
        assert "Deine Antworten:" in page.text
        await page.press("Fertig")
        assert re.search(r"Deine Quittung: [0-9A-Z]{5}-[0-9A-Z]{5}", page.text)
    assert answers(store) == GIVEN
    assert states(store) == ["completed"]


async def test_the_form_writes_the_same_answers(store):
    async with serving(store) as house:
        page = await at_the_first_question(house, "Formular")
        assert (page.path, page.heading()) == ("/c/mein-kiez/form", "In welchem Bezirk liegt dein Kiez?")
        assert "Frage 1 von 5" in page.text
        await page.press("Weiter", "Mitte")
        assert page.step().types == ["checkbox"] * 8
        await page.press("Weiter", "Parks und Bäume", "Läden und Ärzte in der Nähe")
        assert page.heading() == "Wie gern lebst du in deinem Kiez?"
        await page.press("Weiter", "4")
        await page.press("Weiter", text="Mehr Bänke")
        await page.press("Weiter", SUSTAINABLE)
        assert page.heading() == "Antworten prüfen"
        assert page.text.count("Mehr Bänke") == 1
        await page.press("Fertig")
        assert "Quittung" in page.text
        assert re.search(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}\b", page.text)
    assert answers(store) == GIVEN
    assert states(store) == ["completed"]


async def test_the_form_goes_back_keeps_and_changes(store):
    async with serving(store) as house:
        page = await at_the_first_question(house, "Formular")
        await page.press("Weiter", "Mitte")
        await page.press("Weiter", "Ruhe")
        await page.press("Zurück")
        assert page.heading() == "Was ist in deinem Kiez gut?"
        await page.press("Zurück")
        assert page.heading() == "In welchem Bezirk liegt dein Kiez?"
        for _ in range(2):
            await page.press("Weiter")
        assert page.heading() == "Wie gern lebst du in deinem Kiez?", "what was answered stands there, ready to be kept"
        await page.press("Überspringen")
        await page.press("Zurück")
        assert "(übersprungen)" in page.text
        await page.press("Antwort behalten")
        await page.press("Weiter", text="Mehr Bänke\nund Licht")
        await page.press("Zurück")
        await page.press("Weiter")
        await page.press("Überspringen")
        assert page.heading() == "Antworten prüfen"
        await page.press("Ändern")
        assert page.heading() == "In welchem Bezirk liegt dein Kiez?"
        await page.press("Weiter", "Spandau")
        assert page.heading() == "Antworten prüfen"
        await page.press("Fertig")
    expected = {"district": '"05"', "good": '["quiet"]', "liking": "(skipped)", "wish": '"Mehr Bänke\\nund Licht"'}
    assert answers(store) == expected | {"value": "(skipped)"}


async def test_the_form_changes_what_is_ticked(store):
    async with serving(store) as house:
        page = await at_the_first_question(house, "Formular")
        await page.press("Weiter", "Mitte")
        four = ("Parks und Bäume", "Die Nachbarschaft", "Bus und Bahn", "Ruhe")
        await page.press("Weiter", *four)
        assert page.heading() == "Was ist in deinem Kiez gut?"
        assert "Höchstens 3 sind möglich" in page.text
        assert answers(store).get("good") is None
        await page.press("Weiter", "Ruhe", "Bus und Bahn")
        assert page.heading() == "Wie gern lebst du in deinem Kiez?"
    assert answers(store)["good"] == '["transport","quiet"]'


async def test_form_names_missing_answers_and_keeps_input(store):
    async with serving(store) as house:
        page = await at_the_first_question(house, "Formular")
        await page.press("Weiter")
        assert page.status == 422
        assert "Bitte eine Antwort auswählen." in page.text
        await page.press("Weiter", "Mitte")
        await page.press("Weiter")
        assert page.status == 422
        await page.press("Weiter", "Ruhe")
        await page.press("Weiter", "3")
        await page.press("Weiter", text="  ")
        assert (page.status, page.heading()) == (
            422,
            WISH,
        )
        assert "Bitte eine Antwort eingeben." in page.text
        await page.press("Weiter", text="🌳🌳🌳")
        assert "🌳🌳🌳" in page.page.html, "to be corrected, not to be written again"
        assert "Da stimmt etwas noch nicht" in page.text


async def test_a_person_can_be_asked_for_at_every_question(store):
    async with serving(store) as house:
        page = await at_the_first_question(house, "Formular")
        await page.press("Mit einem Menschen sprechen")
        assert "beispiel@example.org" in page.text
        await page.press("Weiter")
        assert page.heading() == "In welchem Bezirk liegt dein Kiez?"


async def test_a_page_shown_again_answers_its_own_question(store):
    async with serving(store) as house:
        page = await at_the_first_question(house, "Formular")
        first = page.page
        await page.press("Weiter", "Mitte")
        second = page.page
        page.page = first
        await page.press("Weiter", "Spandau")
        assert page.heading() == "Was ist in deinem Kiez gut?"
        page.page = second
        await page.press("Weiter", "Ruhe")
        assert page.heading() == "Wie gern lebst du in deinem Kiez?"
        page.page = second
        await page.press("Weiter", "Bus und Bahn", "Ruhe")
        assert page.heading() == "Wie gern lebst du in deinem Kiez?"
    assert answers(store) == {"district": '"05"', "good": '["transport","quiet"]'}


async def test_another_device_goes_on_with_the_code(store):
    async with serving(store) as house:
        one = await at_the_first_question(house)
        await one.press("Mitte")
        code = await resume_code(one)
        assert "<svg" in one.page.html
        other = await house.browser(**{"Accept-Language": "de"}).get("/")
        await other.press("Weiter", code=code.lower().replace("-", " "))
        assert other.path == "/c/mein-kiez"
        assert "Was ist in deinem Kiez gut?" in other.text
        await other.press("Senden", text="6")
        await other.press("Fertig")
        await one.get("/c/mein-kiez")
        assert "Wie gern lebst du in deinem Kiez?" in one.text
    assert answers(store) == {"district": '"01"', "good": '["quiet"]'}


async def test_a_new_code_replaces_the_old_one_everywhere(store):
    async with serving(store) as house:
        one = await at_the_first_question(house)
        await one.press("Mitte")
        old = await resume_code(one)
        other = await house.browser(**{"Accept-Language": "de"}).get("/")
        await other.press("Weiter", code=old)
        assert "Was ist in deinem Kiez gut?" in other.text
        await one.press("Neuen Code holen")
        assert "Der alte gilt nicht mehr." in one.text
        found = re.search(r"\b(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}\b", one.text)
        assert found
        assert found[0] != old
        await one.get("/c/mein-kiez")
        assert "Was ist in deinem Kiez gut?" in one.text
        await other.get("/c/mein-kiez")
        assert "Was ist in deinem Kiez gut?" not in other.text
        await other.get("/c/mein-kiez/resume")
        await other.press("Weitermachen", code=old)
        assert "Dieser Code passt nicht" in other.text
        await other.press("Weitermachen", code=found[0])
        assert "Was ist in deinem Kiez gut?" in other.text
        await one.get("/c/mein-kiez")
        await one.press("Überspringen")
        assert rows(store, "SELECT count(*) FROM contacts") == [(1,)]
    assert answers(store) == {"district": '"01"', "good": "(skipped)"}


async def test_one_field_knows_codes_numbers_and_receipts(store):
    async with serving(store) as house:
        page = house.browser(**{"Accept-Language": "de"})
        for typed, told in (
            ("7k2mp x0q4z", "Das ist eine Quittung."),
            ("0000-0000-0000-0000", "Dieser Code passt nicht"),
            ("p 7k2m px0q", "P-7K2M-PX0Q"),
        ):
            await page.get("/")
            await page.press("Weiter", code=typed)
            assert told in page.text
        assert page.path == "/p/P-7K2M-PX0Q"


async def test_a_shared_device_forgets_and_the_code_still_opens(store):
    async with serving(store) as house:
        page = await at_the_first_question(house)
        await page.press("Mitte")
        code = await resume_code(page)
        larger = next(link for label, link in page.page.links if label == "Größere Schrift")
        assert larger == "/c/mein-kiez?size=large", "this page itself is the answer to a form"
        await page.press("Aufhören und Bildschirm löschen")
        assert page.path == "/"
        await page.get("/c/mein-kiez")
        assert any(form.action.endswith("/start") for form in page.page.forms)
        assert "Mitte" not in page.text
        await page.get("/c/mein-kiez/resume")
        await page.press("Weitermachen", code=code)
        assert "Was ist in deinem Kiez gut?" in page.text
    assert answers(store) == {"district": '"01"'}


async def test_a_wrong_code_is_told_and_opens_nothing(store):
    async with serving(store) as house:
        page = await house.browser(**{"Accept-Language": "de"}).get("/c/mein-kiez/resume")
        for code in ("0000-0000-0000-0000", "falsch", "'; DROP TABLE answers; --"):
            await page.press("Weitermachen", code=code)
            assert page.status == 404
            assert "Dieser Code passt nicht" in page.text
            assert not page.http.cookie_jar.filter_cookies(house.server.make_url("/c/mein-kiez"))


async def test_the_conversation_survives_a_restart_of_the_house(store, tmp_path):
    async with serving(store) as house:
        page = await at_the_first_question(house)
        await page.press("Mitte")
        cookies = page.http.cookie_jar.filter_cookies(house.server.make_url("/c/mein-kiez"))
        talk = cookies["talk"].value
    again = Store(str(store.writer.url))
    async with serving(again) as house:
        page = await house.browser(Cookie=f"talk={talk}").get("/c/mein-kiez")
        assert "Was ist in deinem Kiez gut?" in page.text
        await page.get("/c/mein-kiez/form")
        assert page.heading() == "Was ist in deinem Kiez gut?"


async def test_who_has_submitted_finds_the_own_answers_after_a_restart(store):
    async with serving(store) as house:
        page = await at_the_first_question(house)
        for _ in range(5):
            await page.press("Überspringen")
        await page.press("Fertig")
        talk = page.http.cookie_jar.filter_cookies(house.server.make_url("/c/mein-kiez"))["talk"].value
    async with serving(Store(str(store.writer.url))) as house:
        page = await house.browser(Cookie=f"talk={talk}").get("/c/mein-kiez?view=chat")
        assert "Du hast schon teilgenommen. Deine Antworten:" in page.text
        await page.get("/c/mein-kiez/form")
        assert page.heading() == "Antworten prüfen"
    assert states(store) == ["completed"]


async def test_the_language_changes_at_any_moment_and_answers_stay(store):
    async with serving(store) as house:
        for view in ("Chat", "Formular"):
            page = await at_the_first_question(house, view)
            await page.press("Mitte") if view == "Chat" else await page.press("Weiter", "Mitte")
            await page.press("العربية")
            assert 'lang="ar" dir="rtl"' in page.page.html.split("<head>")[0]
            assert "ما الأشياء الجيدة في حيّكم؟" in page.text
    assert answers(store) == {"district": '"01"'}


@pytest.mark.parametrize("frame", ["", "iframe"])
async def test_visitors_without_cookies_see_an_explanation(store, frame):
    async with serving(store) as house:
        page = house.browser(**{"Sec-Fetch-Dest": frame} if frame else {})
        await page.http.close()
        page.http = ClientSession(cookie_jar=DummyCookieJar(), headers=page.http.headers)
        await page.get("/c/mein-kiez")
        assert 'role="alert"' not in page.page.html
        await page.press("Los geht es")
        assert "Dieser Browser nimmt kein Cookie an" in page.text
        ways = [href for label, href in page.page.links if label == "In einem eigenen Fenster öffnen"]
        assert ways == ["/c/mein-kiez"] * (2 if frame else 0), "a window of its own takes the cookie"
        await page.get("/c/mein-kiez?begun=1700000000")
        assert 'role="alert"' not in page.page.html, "an address that somebody passed on says nothing about them"


async def test_a_form_of_a_stranger_is_refused(store):
    async with serving(store) as house:
        page = await at_the_first_question(house, "Formular")
        form = page.step()
        fields = [("csrf", "forged") if key == "csrf" else (key, value) for key, value in form.fields]
        await page.post("/c/mein-kiez/form", [*fields, form.options["Mitte"]])
        assert page.status == 403
        fields = [*form.fields, form.options["Mitte"]]
        await page.post("/c/mein-kiez/form", fields, Origin="https://evil.example")
        assert page.status == 403
        await page.post("/c/mein-kiez/start", [("lang", "de")], Origin="https://evil.example")
        assert page.status == 403
    assert answers(store) == {}


@pytest.mark.parametrize("language", ["de", "de-simple", "en", "tr", "ar"])
async def test_every_language_leads_to_a_receipt_in_the_form(store, language):
    async with serving(store) as house:
        page = house.browser()
        await page.get("/c/mein-kiez")
        start = next(form for form in page.page.forms if form.action.endswith("/start"))
        await page.post(start.action, [("lang", language), ("view", "form")])
        assert (
            f'<html lang="{language}" dir="{"rtl" if LANGUAGES[language].right_to_left else "ltr"}"' in page.page.html
        )
        for _ in range(12):
            form = page.step()
            if not any(name == "do" and value.endswith(".submit") for name, value, _ in form.buttons):
                skip = next(button for button in form.buttons if button[1].endswith(".skip"))
                await page.post(page.path, [*form.fields, skip[:2]])
        form = page.step()
        submit = next(button for button in form.buttons if button[1].endswith(".submit"))
        await page.post(page.path, [*form.fields, submit[:2]])
        assert re.search(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}\b", page.text)
    assert states(store) == ["completed"]


def a_text(words: str) -> dict[str, str]:
    return {"de": words, "en": f"{words} (en)"}


EVERY_TYPE: list[dict[str, Any]] = [
    {"key": "hello", "type": "note", "text": a_text("Guten Tag aus dem Park.")},
    {"key": "old", "type": "age_band", "text": a_text("Wie alt?")},
    {"key": "distance", "type": "number", "text": a_text("Wie weit?"), "min": 0, "max": 20, "decimals": 1},
    {
        "key": "scale",
        "type": "scale",
        "text": a_text("Wie gut?"),
        "min_label": a_text("schlecht"),
        "max_label": a_text("gut"),
    },
    {
        "key": "extras",
        "type": "choices",
        "min": 0,
        "text": a_text("Was dazu?"),
        "options": [{"value": "water", "label": a_text("Wasser")}, {"value": "shade", "label": a_text("Schatten")}],
    },
    {"key": "ok", "type": "consent", "text": a_text("Einverstanden?")},
]


async def test_the_form_asks_every_type_of_question(empty):
    publish(empty, consultation("park", EVERY_TYPE))
    async with serving(empty) as house:
        page = house.browser(Cookie="lang=de")
        await page.post("/c/park/start", [("lang", "de"), ("view", "form")])
        assert (page.heading(), page.step().types[0]) == ("Wie alt?", "radio")
        assert "Guten Tag aus dem Park." in page.text
        await page.press("Weiter", next(iter(page.step().options)))
        assert (page.heading(), 'inputmode="decimal"' in page.page.html) == ("Wie weit?", True)
        await page.press("Weiter", text="500")
        assert page.heading() == "Wie weit?"
        assert "Da stimmt etwas noch nicht" in page.text
        assert ("text", "500") in page.step().fields
        await page.press("Weiter", text="2,5")
        assert (page.heading(), len(page.step().options)) == ("Wie gut?", 6)
        await page.press("Weiter", "3")
        assert page.heading() == "Was dazu?"
        await page.press("Weiter", "Schatten")
        assert page.heading() == "Einverstanden?"
        await page.press("Weiter", next(iter(page.step().options)))
        assert page.heading() == "Antworten prüfen"
        await page.press("Fertig")
        assert "Quittung" in page.text
    found = answers(empty)
    assert found.pop("old")
    assert found == {"distance": "2.5", "scale": "3", "extras": '["shade"]', "ok": "true"}


async def test_nothing_ticked_is_an_answer_where_nothing_may_be_ticked(empty):
    publish(empty, consultation("park", EVERY_TYPE[4:5]))
    async with serving(empty) as house:
        page = house.browser(Cookie="lang=de")
        await page.post("/c/park/start", [("lang", "de"), ("view", "form")])
        await page.press("Weiter")
        assert page.heading() == "Antworten prüfen"
    assert answers(empty) == {"extras": "[]"}


async def test_none_of_these_beside_others_is_shown_before_it_counts(empty):
    publish(empty, consultation("park", [EVERY_TYPE[4] | {"exclusive": "shade"}]))
    async with serving(empty) as house:
        page = house.browser(Cookie="lang=de")
        await page.post("/c/park/start", [("lang", "de"), ("view", "form")])
        await page.press("Weiter", "Wasser", "Schatten")
        assert page.heading() == "Was dazu?", "the page comes again"
        assert phrase_catalogues.load_phrases("de").text(
            "hint.choices_exclusive", "sie", label="Schatten"
        ) in html.unescape(page.text)
        assert answers(empty) == {}
        await page.press("Weiter", "Wasser")
        assert page.heading() == "Antworten prüfen"
    assert answers(empty) == {"extras": '["water"]'}


async def test_a_list_of_ones_own_stays_one_answer(empty):
    question = {"key": "wishes", "type": "text", "text": a_text("Was fehlt?")}
    publish(empty, consultation("park", [question, EVERY_TYPE[5]]))
    async with serving(empty) as house:
        page = house.browser(Cookie="lang=de")
        await page.post("/c/park/start", [("lang", "de"), ("view", "form")])
        await page.press("Weiter", text="1. Bäume\n2. Bänke\n\n   → 3. Toiletten")
        await page.press("Weiter", "Nein")
        assert page.heading() == "Antworten prüfen"
        assert page.page.html.count('class="q"') == 2, "what looks like a question in an answer is none"
        assert "2. Bänke\n\n   → 3. Toiletten</p>" in html.unescape(page.page.html)
        await page.get("/c/park?view=chat")
        assert "\n     2. Bänke\n" in html.unescape(page.page.html), "and stands apart in the chat as well"


async def test_the_own_district_can_be_named_by_its_quarter(store):
    async with serving(store) as house:
        page = await at_the_first_question(house, "Formular")
        assert "Kiez oder Bezirk schreiben" in page.text
        await page.press("Weiter", text="Atlantis")
        assert page.heading() == "In welchem Bezirk liegt dein Kiez?"
        assert "Frage 1 von 5" in page.text, "what is asked stays where it is"
        assert "Da stimmt etwas noch nicht" in page.text
        assert ("text", "Atlantis") in page.step().fields, "to be corrected, not to be written again"
        await page.press("Weiter", text="Atlantis")
        assert page.page.html.count('id="fault"') == 1, "a second time it is no note either"
        assert "Frage 1 von 5" in page.text
        await page.press("Weiter", text="Wedding")
        assert page.heading() == "Was ist in deinem Kiez gut?"
        assert "Ich habe verstanden: Mitte" in page.text
        assert 'name="text"' not in page.page.html
    assert answers(store) == {"district": '"01"'}


async def test_switching_to_the_form_hides_chat_instructions(store):
    async with serving(store) as house:
        page = await at_the_first_question(house)
        await page.press("Mitte")
        await page.press("Senden", text="1 und 3")
        await page.get("/c/mein-kiez/form")
        assert "Frage 2 von 5" in page.text
        assert "Du kannst bis zu 3 wählen" in page.text
        assert "Gewählt:" not in page.text, "the boxes are ticked"
        assert 'id="fault"' not in page.page.html
        await page.press("Weiter", "Parks und Bäume", "Die Nachbarschaft", "Bus und Bahn", "Ruhe")
        assert "Höchstens 3 sind möglich. Bitte weniger ankreuzen." in page.text
        assert "Nummer" not in page.text
        assert "Frage 2 von 5" in page.text
        await page.press("Überspringen")
        assert page.heading() == "Wie gern lebst du in deinem Kiez?", "there is still a way around it"
        await page.press("Zurück")
        await page.press("Weiter", "Ruhe")
        await page.press("Zurück")
        await page.press("Weiß nicht")
    assert answers(store) == {"district": '"01"', "good": "(dont_know)"}
