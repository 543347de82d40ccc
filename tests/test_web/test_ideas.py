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
    [how] = [option for option in browser.page.forms[0].options if option.startswith(view)]
    return await browser.press("Los geht es", how)


def votes(store: Store) -> list[tuple[int, bool]]:
    with store.reading() as connection:
        found = [tuple(row) for row in connection.execute(text("SELECT vote, important FROM ratings ORDER BY vote"))]
    store.dispose()
    return found


async def test_the_chat_takes_an_idea_and_votes(store):
    async with serving(store) as house:
        page = await at_the_first_question(house, "Chat")
        await page.press("Senden", text="Licht in dem Park")
        await page.press("Mein Vorschlag ist anders")
        assert "Vorschlagsnummer: P-" in page.text
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
        assert "Vorschlagsnummer: P-" in page.text
        await page.press("Weiter", "Stimme zu")
        await page.press("Weiter", "Wichtig für mich")  # which is no answer alone
        assert "Bitte eine Antwort auswählen" in page.text
        assert [name for form in page.page.forms for name, _ in form.fields].count("mark") == 1, "it stays ticked"
        await page.press("Weiter", "Wichtig für mich", "Stimme nicht zu")
        assert "Bewertete Vorschläge: 2" in page.text
    assert votes(store) == [(-1, True), (1, False)]
