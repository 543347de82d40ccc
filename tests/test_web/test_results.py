"""What the public sees: figures when their time has come, none that tell of single people; the same as open data."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.common.i18n.locale import Locale
from bot.common.ids import Ids
from bot.proposals.moderation_decisions import ProposalWording, approve_text, translate_text
from bot.results.published import PublishedResults
from bot.web import consultation_cache
from bot.web.public import results
from storage.core.store import Store
from storage.tables import proposals
from storage.tables.consultations import set_consultation_state
from storage.tables.moderation import (
    ModerationState,
    NewModeration,
    NewProposalText,
    insert_moderations,
    upsert_translations,
)
from storage.tables.open_answers import open_answers_by_code
from storage.tables.proposals import (
    NewProposal,
    NewProposalStatus,
    ProposalRelease,
    insert_proposals,
    proposals_by_code,
    release_proposals,
)
from storage.tables.ratings import NewRatingEvent, store_votes
from storage.tables.revisions import find_live_revision
from tests.support.app import KEYS, consultation, publish
from tests.support.browser import House, serving
from tests.support.data_package import package_errors
from tests.support.ideas import chair, open_answer
from tests.support.timeouts import PATIENCE
from tests.test_exchange.test_workbook import sheets

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
IDS = Ids()


@pytest.fixture
def store(sample_store):
    publish(sample_store, consultation("park"))
    return sample_store


def number_of(store: Store, slug: str = "park") -> int:
    with store.reading() as connection:
        found = find_live_revision(connection, slug)
        assert found is not None
        return found.consultation_id


def proposed(store: Store, code: str, words: str, votes: str = "", *, is_released: bool = True, **more: object) -> int:
    """A proposal with these votes: + - 0, a person each."""
    row = NewProposal(
        IDS(), number_of(store), KEYS.pseudonym(99, 1), "idea", code, None, words, "de", None, None, None, None, NOW
    )
    row = row._replace(**more)  # type: ignore[arg-type]
    with store.begin() as connection:
        insert_proposals(connection, [row])
        state: ModerationState = "released" if is_released else "waiting"
        insert_moderations(connection, [NewModeration(row.id, state, [], None, None, NOW)])
        release_proposals(connection, [ProposalRelease(row.id, NOW)] if is_released else [])
        events = [
            NewRatingEvent(IDS(), row.id, KEYS.pseudonym(person, 1), {"+": 1, "-": -1, "0": 0}[vote], False, NOW)  # type: ignore[arg-type]
            for person, vote in enumerate(votes)
        ]
        store_votes(connection, events)
    return row.id


async def answered(house: House, *answers: str) -> None:
    for answer in answers:
        page = house.browser(**{"Accept-Language": "de"})
        await page.post("/c/park/start", [("lang", "de"), ("view", "form")])
        await page.press("Weiter", answer)


async def test_figures_stand_as_bars_and_as_a_table(store):
    async with serving(store) as house:
        await answered(house, *["Ja"] * 6, *["Nein"] * 6)
        page = await house.browser(**{"Accept-Language": "de"}).get("/results/park")
        assert page.status == 200
        assert "Ja 6 50 % (25 – 75 %) Nein 6 50 % (25 – 75 %)" in page.text, "by Wilson"
        assert page.page.html.count('<svg class="bar"') >= 2
        assert "Antworten in eigenen Worten stehen hier nicht" in page.text
        assert "keine repräsentative Umfrage" in page.text


async def test_released_answers_keep_their_text_direction(store):
    with store.begin() as connection:
        park = number_of(store)
        codes = [open_answer(connection, park, number, f"Mehr Licht {number}") for number in range(6)]
        codes.append(open_answer(connection, park, 6, "Mehr Licht 6", "ar"))
        ids = sorted(row.id for row in open_answers_by_code(connection, codes).values())
        for number in ids[1:]:
            approve_text(chair(connection), number)
        translate_text(chair(connection), ids[6], "de", ProposalWording(None, "Übersetztes Licht"), translator="Ada")
    async with serving(store) as house:
        page = await house.browser(**{"Accept-Language": "de"}).get("/results/park")
        assert "Was fehlt? Ein Mensch hat diese Antworten gelesen und freigegeben." in page.text
        assert "Weitere Antworten (1)" in page.text
        assert "Übersetztes Licht Übersetzt von: Ada. Noch nicht geprüft." in page.text
        assert all(f"Mehr Licht {number}" in page.text for number in range(1, 6))
        assert "Mehr Licht 0" not in page.text
        english = await house.browser(Cookie="lang=en").get("/results/park")
        assert 'lang="ar" dir="rtl">Mehr Licht 6' in english.page.html
        assert not any(code in english.page.html for code in codes)


async def test_answers_of_few_people_of_one_mind_stand_nowhere(store):
    proposed(store, "P-1111-1111", "Mehr Bänke", "+++++++-")
    async with serving(store) as house:
        await answered(house, *["Ja"] * 11, "Nein")
        page = await house.browser(**{"Accept-Language": "de"}).get("/results/park")
        assert "Hier stehen keine Zahlen, zum Schutz anderer" in page.text, "the one would know all others"
        assert "Stimme zu zum Schutz anderer weggelassen" in page.text
        assert "Bewertungen gesamt 8" in page.text


async def test_ideas_are_sorted_by_agreement_with_status_and_text(store):
    first = proposed(store, "P-1111-1111", "Mehr Bänke", "++++++------")
    proposed(store, "P-2222-2222", "Daha fazla ağaç", "+++++++++++++------", language="tr")
    proposed(store, "P-3333-3333", "Geheim <b>x</b>", is_released=False)
    with store.begin() as connection:
        step = NewProposalStatus(IDS(), first, "accepted", {"de": "Passt."}, "Bezirksamt", None, NOW)
        proposals.add_statuses(connection, [step])
        second = proposals_by_code(connection, ["P-2222-2222"])["P-2222-2222"].id
        upsert_translations(connection, [NewProposalText(second, "de", None, "Mehr Bäume", "Ayşe", False, NOW)])
    async with serving(store) as house:
        page = await house.browser(**{"Accept-Language": "de"}).get("/results/park")
        assert page.text.index("Mehr Bäume") < page.text.index("Mehr Bänke")
        assert "Übersetzt von: Ayşe. Noch nicht geprüft." in page.text
        assert "angenommen" in page.text
        assert "Geheim" not in page.page.html, "nobody has released it"
        assert "Stimme zu 13 Unentschieden 0 Stimme nicht zu 6" in page.text
        english = await house.browser(Cookie="lang=en").get("/results/park")
        assert 'lang="tr"' in english.page.html
        assert "Daha fazla ağaç" in english.text, "no translation into English: the original"


async def test_what_all_see_is_drawn_once_for_each_language(store, monkeypatch):
    proposed(store, "P-1111-1111", "Mehr Bänke", "++++++------")
    drawn: list[str] = []
    told = results._told

    def noted(found: PublishedResults, locale: Locale) -> dict[str, Any]:
        drawn.append(locale.tag)
        return told(found, locale)

    monkeypatch.setattr(results, "_told", noted)
    async with serving(store) as house:
        for _ in range(2):
            for tag in ("de", "en"):
                page = await house.browser(Cookie=f"lang={tag}").get("/results/park")
                assert "Mehr Bänke" in page.text
        assert drawn == ["de", "en"]
        proposed(store, "P-2222-2222", "Mehr Licht")
        await page.get("/results/park")
        assert "Mehr Licht" in page.text, "new words are drawn anew"


async def test_hidden_until_closing_means_hidden(sample_store, monkeypatch):
    monkeypatch.setattr(consultation_cache, "SECONDS", 0.0)
    publish(sample_store, consultation("park", results="at_close"))
    proposed(sample_store, "P-1111-1111", "Mehr Bänke", "+" * 12)
    async with serving(sample_store) as house:
        await answered(house, *["Ja"] * 6)
        page = await house.browser(**{"Accept-Language": "de"}).get("/results/park")
        assert "Noch keine Zahlen" in page.text
        assert "Mehr Bänke" not in page.page.html
        await page.get("/open-data/park.zip")
        assert page.status == 404
        with sample_store.begin() as connection:
            set_consultation_state(connection, number_of(sample_store), "closed")
        async with page.http.get(page.server.make_url("/open-data/park.zip")) as response:
            assert (response.status, response.content_type) == (200, "application/zip")
        await page.get("/results/park")
        assert "Mehr Bänke" in page.text
        await page.get("/")
        assert ("Beispiel park", "/results/park") in page.page.links


async def test_open_data_says_the_same_as_the_page(store):
    proposed(store, "P-1111-1111", "=SUMME(A1) Mehr Bänke", "++++++------")
    async with serving(store) as house:
        await answered(house, *["Ja"] * 6)
        browser = house.browser()
        async with browser.http.get(browser.server.make_url("/open-data/park.zip")) as response:
            package = zipfile.ZipFile(io.BytesIO(await response.read()))
        files = {name: package.read(name).decode("utf-8", "replace") for name in package.namelist()}
        (house.app.settings.data / "open.xlsx").write_bytes(package.read("tabellen.xlsx"))
        book = sheets(house.app.settings.data / "open.xlsx")
        assert book["Bewertungen"][1][:3] == ["P-1111-1111", 6.0, 6.0], "numbers a spreadsheet can add up"
        assert book["Gruppen"][1][:5] == ["P-1111-1111", "everybody", 12.0, 12.0, 6.0]
        (row,) = csv.DictReader(io.StringIO(files["ratings.csv"]))
        assert (row["code"], row["agrees"], row["disagrees"], row["votes"]) == ("P-1111-1111", "6", "6", "12")
        (idea,) = csv.DictReader(io.StringIO(files["proposals.csv"]))
        assert idea["text"] == "'=SUMME(A1) Mehr Bänke", "no spreadsheet runs what a stranger wrote"
        package.extractall(house.app.settings.data / "unpacked")
        assert package_errors(house.app.settings.data / "unpacked") == []
        assert "CC-BY-4.0" in files["DATENKARTE.md"]
        everything = "".join(files.values())
        assert not any(KEYS.pseudonym(person, 1) in everything for person in range(100)), "no pseudonym leaves"


async def test_files_of_open_data_do_not_stay(store, monkeypatch):
    monkeypatch.setattr("bot.web.public.opendata.SECONDS", 0.05)
    async with serving(store) as house:
        folder = house.app.settings.data / "open-data"
        browser = house.browser()
        for _ in range(2):
            async with browser.http.get(browser.server.make_url("/open-data/park.zip")) as response:
                assert zipfile.is_zipfile(io.BytesIO(await response.read()))
            async with asyncio.timeout(PATIENCE):
                while list(folder.iterdir()):
                    await asyncio.sleep(0.02)
        (folder / "left.zip").touch()
    async with serving(Store(store.writer.url.render_as_string(hide_password=False))):
        assert not list(folder.iterdir()), "nor what a crash left"


@pytest.mark.parametrize("path", ["/results/nowhere", "/open-data/nowhere.zip"])
async def test_unknown_ones_are_said_in_plain_words(store, path):
    async with serving(store) as house:
        page = await house.browser(**{"Accept-Language": "de"}).get(path)
        assert page.status == 404
        assert page.heading()


async def test_twenty_proposals_a_page_by_links(store):
    codes = [f"P-{number:04}-{number:04}" for number in range(45)]
    for number, code in enumerate(codes):
        proposed(store, code, f"Vorschlag {number}", "+" * (20 - number % 20) + "-" * (number % 20))
    async with serving(store) as house:
        seen: list[str] = []
        for wanted, size in (("1", 20), ("2", 20), ("3", 5)):
            page = await house.browser(Cookie="lang=de").get(f"/results/park?page={wanted}")
            found = re.findall(r'<li class="card" id="(P-[\d-]+)"', page.page.html)
            assert len(found) == size
            seen += found
            assert f"Seite {wanted} von 3" in page.text
            assert ("Licht im Park?" in page.text) is (wanted == "1"), "the answers stand on the first page only"
        assert sorted(seen) == codes
        for odd in ("0", "-1", "x", "", "1e9", "²", "9" * 50):
            page = await house.browser(Cookie="lang=de").get(f"/results/park?page={odd}")
            assert page.status == 200
            assert "Seite 1 von 3" in page.text
        assert "Seite 3 von 3" in (await page.get("/results/park?page=999")).text
        html = (await page.get("/results/park")).page.html
        places = [html.index(words) for words in ("Licht im Park?", 'id="ideas"', "/open-data/park.zip")]
        assert places == sorted(places), "answers first"
        assert 'rel="next" href="?lang=de&amp;page=2#ideas"' in html


async def test_proposals_can_be_searched_and_filtered(store):
    for number in range(8):
        more: dict[str, Any] = {"district": "01" if number < 3 else "02", "language": "tr" if number == 0 else "de"}
        proposed(store, f"P-{number:04}-0000", f"Bänke am Ufer {number}" if number % 2 else f"Licht {number}", **more)

    async with serving(store) as house:
        page = await house.browser().get("/results/park?lang=de&q=BANKE%20ufer")
        assert "Gefunden: 4" in page.text
        assert "Licht 2" not in page.text
        assert "Gefunden: 1" in (await house.browser().get("/results/park?lang=de&q=licht&district=01&written=de")).text
        assert "Gefunden: 0" in (await house.browser().get("/results/park?lang=de&status=%22%3E%3Cb%3E")).text
        whole = await house.browser().get("/results/park?lang=de")
        assert 'name="district"' in whole.page.html
        assert '<meta property="og:title"' in whole.page.html
        assert '<meta property="og:description"' in whole.page.html
