"""Proposing and weighing on the web without JavaScript: as a chat and as a form."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from storage.core.store import Store
from tests.support.app import consultation, publish
from tests.support.browser import Browser, House, serving
from tests.test_proposals.test_weighing import IDEA, WEIGH, add


@pytest.fixture
def store(empty):
    publish(empty, consultation(questions=[IDEA, WEIGH]))
    add(empty, "Licht im Park", "Ein Brunnen mit Wasser")
    return empty


async def at_the_first_question(house: House, view: str) -> Browser:
    browser = house.browser()
    await browser.get("/c/park?lang=de")
    return await browser.press("Lieber ein Chat?" if view == "Chat" else "Los geht es")


def votes(store: Store) -> list[tuple[int, bool]]:
    with store.reading() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT vote, important FROM ratings ORDER BY vote"))]


async def test_the_chat_takes_an_idea_and_votes(store):
    async with serving(store) as house:
        page = await at_the_first_question(house, "Chat")
        await page.press("Senden", text="Licht in dem Park")
        await page.press("Mein Vorschlag ist anders")
        await page.press("So abgeben")
        assert "Vorschlagsnummer: P-" in page.text
        assert "Vorschlag 1 von 2" in page.text
        for label in ("Stimme zu", "Wichtig für mich", "Stimme nicht zu"):
            await page.press(label)
        assert "Bewertete Vorschläge: 2" in page.text
    assert votes(store) == [(-1, True), (1, False)]


async def test_the_form_takes_an_idea_and_votes(store):
    async with serving(store) as house:
        page = await at_the_first_question(house, "Formular")
        await page.press("Weiter", text="Licht in dem Park")
        assert "Ähnliches gibt es schon" in page.text
        await page.press("Weiter", "Mein Vorschlag ist anders")
        assert "Licht in dem Park" in page.text
        await page.press("Ändern")
        assert ("text", "Licht in dem Park") in page.step().fields, "to be written on"
        await page.press("Weiter", text="Licht in dem Park am Abend, sagt Frau Schmidt, 030 1234567")
        await page.press("Weiter", "Mein Vorschlag ist anders")
        assert page.text.count("Telefonnummer") == 1
        async with page.http.get(page.server.make_url(page.path)) as shown:
            note = (await shown.text()).partition('role="note"')[2].partition("</p>")[0]
        assert "⚠" in note
        assert "Telefonnummer" in note
        await page.press("So abgeben")
        assert "Vorschlagsnummer: P-" in page.text
        again = page.page
        await page.press("Stimme zu")
        following, page.page = page.page, again
        await page.press("Stimme zu")
        assert len(votes(store)) == 1, "a tap that is repeated counts once"
        page.page = following
        assert "Vorschlag 2 von 2" in page.text
        await page.press("Stimme nicht zu", "Wichtig für mich")
        assert "Bewertete Vorschläge: 2" in page.text
    assert votes(store) == [(-1, True), (1, False)]
