"""Kiosk, helpers and paper in a real browser: accessible, and without a way back to an earlier person's session."""

import asyncio

import pytest

from tests.support.shared_devices import member
from tests.test_browser.looks import Look

NEXT = "form[autocomplete] .actions button:not(.quiet)"
AHEAD = """(() => {
  const now = Date.now; let off = 0;
  window.ahead = seconds => { off += seconds * 1000 }; Date.now = () => now() + off;
})()"""


async def begun(tab, language):
    """At the first question of the kiosk."""
    await tab.go("/kiosk/mein-kiez?at=kiez-7")
    await tab.click(f"button[value='{language}']")
    await tab.until(
        "location.pathname.endsWith('/ask') && document.readyState === 'complete' && !!document.querySelector('.pick')"
    )


async def on(tab, *ticked):
    """Ticks answers by their values and goes on to the next page."""
    async with tab.leaving():
        for value in ticked:
            await tab.click(f"input[value$='.{value}']")
        await tab.click(NEXT)


async def skipped(tab):
    async with tab.leaving():
        await tab.click("button[value$='..skip']")


@pytest.mark.parametrize("language", ["de", "ar"])
async def test_a_visit_leaves_nothing_to_go_back_to(world, language):
    look = Look(world, f"kiosk-{language}")
    tab = await world.tab("/kiosk/mein-kiez?at=kiez-7")
    await look(tab, "begin")
    pages = await tab.evaluate("history.length")
    await begun(tab, language)
    await look(tab, "question")
    await on(tab)
    await look(tab, "fault")
    await on(tab, "01")
    await on(tab, "green", "shops")
    await on(tab, "4")
    await look(tab, "text")
    await tab.evaluate("document.querySelector('textarea').value = 'Kanarienvogel'; 1")
    await on(tab)
    await skipped(tab)
    await look(tab, "summary")
    async with tab.leaving():
        await tab.click("button[value$='.submit']")
    await tab.until("document.querySelector('.countdown')")
    await look(tab, "thanks")
    assert await tab.evaluate("history.length") <= pages + 1
    await tab.click("main form[data-end] button")
    await tab.until("!!document.querySelector('.begin') && document.readyState === 'complete'")
    assert world.states() == ["completed"]
    await tab.evaluate("setTimeout(() => history.back(), 100); 1")
    await asyncio.sleep(0.5)
    await tab.until("document.readyState === 'complete'")
    assert "Kanarienvogel" not in await tab.evaluate("document.body.innerText")
    look.check()


async def test_idle_warns_is_prolonged_and_wipes(world):
    look = Look(world, "kiosk-idle")
    tab = await world.tab()
    await begun(tab, "de")
    await tab.evaluate(AHEAD)
    await tab.evaluate("ahead(91)")
    await tab.until("document.getElementById('still').open")
    assert (await tab.focused()).name == "Weitermachen"
    await look(tab, "warning")
    await tab.press("Enter")
    await tab.until("!document.getElementById('still').open")
    await tab.evaluate("ahead(91)")
    await tab.until("document.getElementById('still').open")
    await tab.evaluate("ahead(21)")
    await tab.until("!!document.querySelector('.begin') && document.readyState === 'complete'")
    look.check()


@pytest.mark.parametrize("language", ["de", "ar"])
async def test_helpers_and_paper(world, language):
    look = Look(world, f"help-{language}")
    code = member(world.store)
    tab = await world.tab(f"/assist?lang={language}")
    await look(tab, "sign-in")
    await tab.evaluate(f"document.getElementById('code').value = '{code}'; 1")
    await tab.click("main button")
    await tab.until("!!document.querySelector('.signed') && document.readyState === 'complete'")
    await look(tab, "list")
    await tab.click("form[action='/assist/mein-kiez/start'] button")
    await tab.until("!!document.querySelector('.helping') && document.readyState === 'complete'")
    await look(tab, "question")
    await tab.go(f"/assist/mein-kiez/sheet?in={language}")
    await look(tab, "sheet")
    await tab.click("input[value$='.good.green']")
    await tab.click("input[value$='.good.nothing']")
    async with tab.leaving():
        await tab.click("main form[method=post] .actions button")
    await tab.until("document.getElementById('fault-good')")
    await look(tab, "sheet-fault")
    await tab.go(f"/c/mein-kiez/paper?in={language}")
    await look(tab, "paper")
    look.check()
