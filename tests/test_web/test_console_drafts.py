"""Writing a consultation in the console: from a template to the first answer, without a file."""

from __future__ import annotations

from datetime import date
from typing import Any

from aiohttp import FormData

from bot.authoring import drafts
from bot.authoring.draft_texts import count_missing, review_of, texts_to_review
from bot.authoring.question_forms import type_form
from bot.authoring.starting_points import City, begin_with, template_text, templates
from bot.authoring.yaml_edit import plain_data
from bot.web.console.draft_labels import FIELDS
from flows.questions.base import registry
from storage.core.store import Store
from storage.tables.audit import audit_entries
from storage.tables.revisions import find_live_revision
from tests.support.browser import Browser, serving
from tests.support.console import hired, signed_in
from tests.support.databases import only_sqlite
from tests.support.ideas import open_consultation
from tests.support.workbooks import workbook

NEW = "/console/consultations/new"


def text_of(store: Store, slug: str = "park") -> str:
    with store.reading() as connection:
        draft = drafts.find_draft(connection, slug)
    assert draft
    return draft.text


def data_of(store: Store, slug: str = "park") -> dict[str, Any]:
    return plain_data(text_of(store, slug))


def keys(store: Store, slug: str = "park") -> list[str]:
    return [it["key"] for it in data_of(store, slug)["questions"]]


def fields(browser: Browser, action: str) -> list[tuple[str, str]]:
    """The fields of the form with this action, as a browser would send them."""
    return list(next(it for it in browser.page.forms if it.action == action).fields)


def changed(sent: list[tuple[str, str]], **values: str) -> list[tuple[str, str]]:
    return [(name, values.get(name.replace("-", "_"), value)) for name, value in sent]


@only_sqlite
async def test_a_consultation_goes_live_by_pages_only(store: Store) -> None:
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(NEW)
        csrf = dict(browser.page.forms[-1].fields)["csrf"]
        await browser.post(NEW, [("csrf", csrf), ("title", "Ein Park für Ümit!"), ("template", "park")])
        assert browser.path == "/console/consultations/ein-park-fuer-uemit/about", browser.text
        assert "Fehler" not in browser.text
        await browser.get("/console/consultations?state=draft")
        assert "Ein Park für Ümit! ein-park-fuer-uemit Entwurf" in browser.text
        base = "/console/consultations/ein-park-fuer-uemit"
        await browser.get(f"{base}/questions?open=missing")
        sent = changed(fields(browser, f"{base}/questions/missing"), questions_missing_text_de="Was fehlt?")
        await browser.post(f"{base}/questions/missing", [*sent, ("act", "close")])
        assert "Gespeichert." in browser.text
        assert "Ansehen und veröffentlichen" in browser.text
        await browser.get(f"{base}/publish")
        await browser.press("Jetzt veröffentlichen")
        assert browser.path == f"{base}/publish", browser.text
        with store.reading() as connection:
            live = find_live_revision(connection, "ein-park-fuer-uemit")
            acts = [it.act for it in audit_entries(connection)]
        assert live
        assert "Was fehlt?" in live.content
        assert acts == ["draft.create", "consultation.publish"]
        await browser.get(f"{base}/questions")
        assert data_of(store, "ein-park-fuer-uemit")["revision"] == 1
        assert "Ansehen und veröffentlichen" not in browser.text
        await browser.get("/c/ein-park-fuer-uemit")
        assert browser.status == 200


async def begin_with_file(browser: Browser, content: bytes, name: str, title: str = "") -> None:
    await browser.get(NEW)
    form = FormData()
    form.add_field("csrf", dict(browser.page.forms[-1].fields)["csrf"])
    form.add_field("title", title)
    form.add_field("file", content, filename=name)
    headers = {"Origin": str(browser.server.make_url("/").origin())}
    async with browser.http.post(browser.server.make_url(NEW), data=form, headers=headers) as response:
        await browser._see(response)


@only_sqlite
async def test_a_consultation_begins_with_an_xlsform(store: Store) -> None:
    rows = [["text", "wish", "Was fehlt?", "Eksik ne?"], ["geopoint", "place", "Wo?", "Nerede?"]]
    head = ["type", "name", "label::Deutsch (de)", "label::Türkçe (tr)"]
    content = workbook(survey=[head, *rows], settings=[["form_title"], ["Unser Ümit-Park"]])
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await begin_with_file(browser, content, "park.xlsx")
        assert browser.path == "/console/consultations/unser-uemit-park/about", browser.text
        assert "Aus Ihrer Tabelle nicht eins zu eins übernommen: 1" in browser.text
        assert "Blatt survey, Zeile 3: Den Fragetyp „geopoint“ gibt es hier nicht" in browser.text
        data = data_of(store, "unser-uemit-park")
        assert data["questions"][0]["text"] == {"de": "Was fehlt?", "tr": "Eksik ne?"}
        assert list(data["languages"]) == ["de", "tr"]
        assert data["closes"]
        assert "Hier fehlt etwas: Was bleibt danach?" in browser.text
        await browser.press("Erledigt, Liste entfernen")
        assert browser.path == "/console/consultations/unser-uemit-park/about"
        assert not text_of(store, "unser-uemit-park").startswith("# Import")
        assert data_of(store, "unser-uemit-park") == data
        await begin_with_file(browser, workbook(notes=[["type"]]), "park.xlsx")
        assert browser.status == 422
        assert "fehlt das Blatt „survey“" in browser.text


@only_sqlite
async def test_each_step_with_a_question_can_be_taken_back(store: Store) -> None:
    open_consultation(store)
    before = keys(store)
    base = "/console/consultations/park/questions"
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(base)
        csrf = dict(browser.page.forms[-1].fields)["csrf"]
        await browser.post(base, [("csrf", csrf), ("type", "choices"), ("text", "Was noch?")])
        assert keys(store) == [*before, "was_noch"]
        assert "Die Frage steht jetzt am Ende." in browser.text
        for entry in ("Bänke", "Licht"):
            sent = fields(browser, f"{base}/was_noch")
            await browser.post(f"{base}/was_noch", [*changed(sent, new_options=entry), ("act", "add")])
        options = data_of(store)["questions"][-1]["options"]
        assert options == [{"value": "baenke", "label": {"de": "Bänke"}}, {"value": "licht", "label": {"de": "Licht"}}]
        await browser.post(f"{base}/was_noch", [("csrf", csrf), ("act", "up")])
        assert keys(store)[-2:] == ["was_noch", before[-1]]
        await browser.post(f"{base}/was_noch", [("csrf", csrf), ("act", f"before:{before[0]}")])
        assert keys(store) == ["was_noch", *before]
        await browser.post(f"{base}/was_noch", [("csrf", csrf), ("act", "before:was_noch")])
        assert keys(store) == ["was_noch", *before]
        await browser.post(f"{base}/was_noch", [("csrf", csrf), ("act", "before:")])
        assert keys(store) == [*before, "was_noch"]
        await browser.post(f"{base}/was_noch", [("csrf", csrf), ("act", "up")])
        await browser.post(f"{base}/was_noch", [("csrf", csrf), ("act", "copy")])
        assert keys(store)[-3:] == ["was_noch", "was_noch_2", before[-1]]
        await browser.post(f"{base}/was_noch", [("csrf", csrf), ("act", "delete")])
        assert keys(store)[-2:] == ["was_noch_2", before[-1]]
        await browser.press("Zurücknehmen")
        assert keys(store)[-3:] == ["was_noch", "was_noch_2", before[-1]]
        assert "Der frühere Stand ist wieder da." in browser.text


@only_sqlite
async def test_a_condition_is_chosen_in_words(store: Store) -> None:
    open_consultation(store)
    base = "/console/consultations/park/questions"
    first, second = keys(store)[:2]
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(f"{base}?open={second}")
        sent = [it for it in fields(browser, f"{base}/{second}") if it[0] not in ("when", "answer-0", "verb-0")]
        chosen = [("when", "if"), ("answer-0", f"{first}=yes"), ("verb-0", "is_not"), ("act", "")]
        await browser.post(f"{base}/{second}", [*sent, *chosen])
        condition = {"not": {"equal": {"question": first, "value": "yes"}}}
        assert data_of(store)["questions"][1]["ask_if"] == condition
        assert "nur wenn" in browser.text
        sent = fields(browser, f"{base}/{second}")
        await browser.post(f"{base}/{second}", [*((n, v) for n, v in sent if n != "when"), ("when", "always")])
        assert "ask_if" not in data_of(store)["questions"][1]


@only_sqlite
async def test_two_editors_lose_nothing(store: Store) -> None:
    open_consultation(store)
    path = "/console/consultations/park/about"
    async with serving(store) as house:
        one, two = signed_in(house, hired(store)), signed_in(house, hired(store, "Cem"))
        for browser in (one, two):
            await browser.get(path)
        mine, theirs = fields(one, path), fields(two, path)
        await one.post(path, changed(mine, title_de="Der Park", minutes="4"))
        await two.post(path, changed(theirs, why_de="Wegen der Lampen.", minutes="3"))
        assert two.status == 409
        assert "Zwei haben dasselbe geändert Aylin hat inzwischen gespeichert." in two.text
        assert data_of(store)["minutes"] == 4
        await two.press("Meine speichern")
        data = data_of(store)
        assert (data["title"]["de"], data["why"]["de"], data["minutes"]) == ("Der Park", "Wegen der Lampen.", 3)


@only_sqlite
async def test_a_language_is_added_translated_and_reviewed(store: Store) -> None:
    open_consultation(store)
    base = "/console/consultations/park/languages"
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(base)
        csrf = dict(browser.page.forms[-1].fields)["csrf"]
        await browser.post(base, [("csrf", csrf), ("tag", "pl")])
        assert "Polski fehlt: " in browser.text
        missing = count_missing(data_of(store), "de", "pl")
        sent = [(n, v) for n, v in changed(fields(browser, f"{base}/pl"), title_pl="Nasz park") if n != "review"]
        await browser.post(f"{base}/pl", [*sent, ("review", "reviewed")])
        data = data_of(store)
        assert data["title"]["pl"] == "Nasz park"
        assert count_missing(data, "de", "pl") == missing - 1
        assert review_of(data, "pl") == "reviewed"


@only_sqlite
async def test_a_change_drops_the_review_until_somebody_reads_again(store: Store) -> None:
    open_consultation(store, languages={"de": {"review": "reviewed"}, "en": {"review": "reviewed"}})
    about, base = "/console/consultations/park/about", "/console/consultations/park/languages"
    async with serving(store) as house:
        browser, late = signed_in(house, hired(store)), signed_in(house, hired(store, "Cem"))
        await late.get(f"{base}?open=en")
        stale = fields(late, f"{base}/en")
        await browser.get(about)
        await browser.post(about, changed(fields(browser, about), title_de="Unser Park", level="consultation"))
        assert [review_of(data_of(store), it) for it in ("de", "en")] == ["unreviewed"] * 2
        await browser.get(f"{base}?open=en")
        assert browser.text.count("noch zu lesen: 1") == 2
        sent = [*fields(browser, f"{base}/en"), ("read", "title-en")]
        await browser.post(f"{base}/en", changed(sent, why_en="Because"))
        assert texts_to_review(data_of(store), "en") == [("why", "en")]
        await late.post(f"{base}/en", [(n, "unreviewed" if n == "review" else v) for n, v in stale])
        assert "Die Texte sind gespeichert, die Prüfung nicht" not in late.text
        await late.post(f"{base}/en", [*stale, ("read", "why-en")])
        assert "Die Texte sind gespeichert, die Prüfung nicht" in late.text
        assert texts_to_review(data_of(store), "en") == [("why", "en")]
        await browser.get(f"{base}?open=de")
        await browser.post(f"{base}/de", changed(fields(browser, f"{base}/de"), review="reviewed"))
        assert [review_of(data_of(store), it) for it in ("de", "en")] == ["reviewed", "unreviewed"]
        assert drafts.read_draft_consultation(text_of(store)).publishable


def test_each_template_can_be_published_as_it_is() -> None:
    city = City("Bezirksamt", "https://stadt.example", date(2027, 1, 31))
    assert [it.name for it in templates()] == ["park", "mobility", "ideas", "budget", "strategy"]
    for it in templates():
        text = begin_with(template_text(it.name) or "", "neu", "Neu", city)
        checked = drafts.read_draft_consultation(text)
        assert checked.publishable, (it.name, checked.issues)
        assert not count_missing(plain_data(text), "de", "en")


def test_every_setting_of_a_type_has_a_label() -> None:
    names = {name for kind in registry() for name, _ in type_form(kind).settings}
    names |= {number for kind in registry() for it in type_form(kind).lists for number in it.numbers}
    assert names - FIELDS.keys() == set()
    assert all(cls.type_name[0] and cls.type_name[1] for cls in registry().values())


@only_sqlite
async def test_the_check_speaks_beside_the_field(store: Store) -> None:
    open_consultation(store)
    path = "/console/consultations/park/about"
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(path)
        await browser.post(path, changed(fields(browser, path), title_de="", minutes="viele"))
        assert "2 Fehler" in browser.text
        assert "Bitte nur eine Zahl, ohne Einheit." in browser.text
        assert data_of(store)["minutes"] == "viele"
