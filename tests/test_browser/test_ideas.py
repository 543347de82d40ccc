"""Proposing, weighing, putting in order and spreading points on a small phone: "Ideen für unseren Kiez"."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.test_browser.browser import Tab
from tests.test_browser.conftest import World
from tests.test_browser.looks import Look
from tests.test_browser.people import RECEIPT, another_view, asked

IDEA = {"de": "Ein Wasserhahn im Park", "ar": "صنبور ماء في الحديقة"}
START = "form[action$='/start'] [value='chat']"


async def at_the_door(world: World, language: str) -> Tab:
    tab = await world.tab()
    await tab.size(320, 640, 2, is_mobile=True)
    await tab.go(f"/c/kiez-ideen?lang={language}")
    return tab


@pytest.mark.parametrize("language", ["de", "ar"])
async def test_the_chat(world, language):
    tab = await at_the_door(world, language)
    look = Look(world, f"ideas-{language}")
    await look(tab, "door")
    await tab.tap(START)
    await asked(tab, "district")
    await tab.tap("[value$='.district.01']")
    await tab.until("!document.querySelector('[value$=\".district.01\"]')")
    await look(tab, "idea")
    await tab.tap("#text")
    await tab.call("Input.insertText", text=IDEA[language])
    await tab.tap(".write button")
    await tab.until("document.querySelector('[value$=\".idea.submit\"]')")
    await look(tab, "confirm")
    await tab.tap("[value$='.idea.submit']")
    await weigh(tab, look)
    await asked(tab, "first")
    await look(tab, "order")
    for place, value in enumerate(("clean", "shade"), start=1):
        await tab.tap(f"[value$='.first.{value}']")
        chosen = f'document.querySelector(\'[value$=".first.{value}"][aria-pressed="true"]\')'
        await tab.until(f"{chosen} && {chosen}.innerText.includes('{place})')")
    await look(tab, "order-draft")
    await tab.tap("[value$='.first.+done']")
    await asked(tab, "fund")
    await look(tab, "points")
    await tab.tap("[value$='.fund.beds']")
    await tab.until("document.querySelector('[value$=\".fund.-beds\"]')")
    await look(tab, "points-draft")
    await tab.tap("[value$='.fund.+done']")
    await asked(tab, "sector_ok")
    await look(tab, "consent")
    await tab.tap("[value$='.sector_ok.yes']")
    await asked(tab, "sector")
    await tab.tap("[value$='.sector.residents']")
    await tab.until('document.querySelector(\'[value$=".sector.residents"][aria-pressed="true"]\')')
    await look(tab, "sector-draft")
    await tab.tap("[value$='.sector.+done']")
    await tab.until("document.querySelector('[value$=\".submit\"]')", "the summary")
    await look(tab, "summary")
    await tab.tap("[value$='.submit']")
    await tab.until(RECEIPT, "the receipt")
    await look(tab, "receipt")
    look.check()
    given = world.answers()
    assert given.pop("idea").startswith('"P-')
    assert given == GIVEN


GIVEN = {
    "district": '"01"',
    "others": "3",
    "first": '["clean","shade"]',
    "fund": '{"beds":1}',
    "sector_ok": "true",
    "sector": '["residents"]',
}


async def weigh(tab: Tab, look: Look) -> None:
    """Three statements: the second is important; then that is enough."""
    for number in range(3):
        await tab.until("document.querySelector('[value*=\".others.agree-\"]')")
        if number == 1:
            await tab.tap("[value*='.others.important-']")
            await tab.until("document.querySelector('[value*=\".others.unimportant-\"]')")
        await look(tab, f"statement-{number}")
        token = await tab.evaluate("document.querySelector('[value*=\".others.agree-\"]').value")
        await tab.tap(f"[value='{token}']")
        await tab.until(f"!document.querySelector('.replies [value=\"{token}\"]')")
    await asked(tab, "others")
    await look(tab, "more")
    await tab.tap(".replies [value$='.skip']")


async def test_the_form_and_the_paper(world):
    tab = await at_the_door(world, "de")
    look = Look(world, "ideas-form-de")
    await tab.tap("form[action$='/start'] [value='form']")
    await tab.until("document.querySelector('.pick')")
    await choose_one(tab, ".district.01")
    await tab.tap("textarea")
    await tab.call("Input.insertText", text=IDEA["de"])
    await look(tab, "idea")
    await on(tab, "#go")
    await look(tab, "confirm")
    await on(tab, ".go[value$='.idea.submit']")
    for number in range(3):
        if number == 1:
            await tab.tap("[name=mark][value*='.others.important-']")
        await look(tab, f"statement-{number}")
        await on(tab, ".vote1")
    await look(tab, "more")
    await on(tab, ".go")
    await look(tab, "order")
    for place, value in enumerate(("clean", "shade"), start=1):
        await tab.tap(f"button:has([name$='.first.{value}'])")
        assert await tab.evaluate(f"document.querySelector(\"[name$='.first.{value}']\").value") == str(place)
    await on(tab, "#go")
    await look(tab, "points")
    await tab.tap(".row:has([name$='.fund.beds']) .taps button:last-child")
    await look(tab, "points-given")
    await on(tab, "#go")
    await look(tab, "consent")
    await choose_one(tab, ".sector_ok.yes")
    await look(tab, "sector")
    await tab.tap("[value$='.sector.residents']")
    await on(tab, "#go")
    await look(tab, "summary")
    await tab.tap("[value$='.submit']")
    await tab.until(RECEIPT, "the receipt")
    await look(tab, "receipt")
    await tab.go("/c/kiez-ideen/paper")
    await look(tab, "paper")
    look.check()
    given = world.answers()
    assert given.pop("idea").startswith('"P-')
    assert given == GIVEN
    with world.store.reading() as connection:
        assert sorted(connection.scalars(text("SELECT important FROM ratings"))) == [0, 0, 1]


async def choose_one(tab: Tab, token: str) -> None:
    """A tap on a single answer sends it."""
    await on(tab, f"[value*='{token}']")


async def on(tab: Tab, selector: str) -> None:
    async with another_view(tab):
        await tab.tap(selector)
