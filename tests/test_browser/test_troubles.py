"""Pages for when something is not as people hoped: they can be read by all, too."""

from __future__ import annotations

from sqlalchemy import text

from tests.test_browser.looks import Look
from tests.test_browser.people import another_view, asked, go_in


async def test_answers_that_are_not_understood(world):
    look = Look(world, "trouble-de")
    tab = await world.tab()
    await go_in(tab, "de")
    await asked(tab, "district")
    await tab.click("#text")
    await tab.write("qqqq")
    await tab.press("Enter")
    await tab.until("document.querySelectorAll('#log .bot').length > 2", "the bot asks again")
    await look(tab, "chat")
    await tab.go("/c/mein-kiez/form")
    async with another_view(tab):
        await tab.click("#go")
    assert await tab.evaluate("!!document.querySelector('#fault')")
    await look(tab, "form-nothing-chosen")
    async with another_view(tab):
        await tab.click("[value$='.district.01']")
    async with another_view(tab):
        for value in ("nothing", "green"):
            await tab.evaluate(f"document.querySelector(\"[value$='.good.{value}']\").checked = true")
        await tab.click("#go")
    assert await tab.evaluate("!!document.querySelector('#fault')")
    await look(tab, "form-not-together")
    await tab.click(".menu summary")
    await look(tab, "form-menu-open")
    look.check()


async def test_help_and_own_words_about_a_menu(world):
    look = Look(world, "menu-de")
    tab = await world.tab()
    await go_in(tab, "de")
    await asked(tab, "district")
    await tab.click(".menu summary")
    await look(tab, "chat-languages")
    await tab.click(".menu summary")
    await tab.tab_to("Hilfe")
    await tab.press("Enter")
    await tab.until("document.querySelectorAll('#log .bot').length > 2", "help")
    await look(tab, "chat-help")
    await tab.go("/c/mein-kiez/form")
    await look(tab, "form-help")
    look.check()


async def test_a_consultation_that_is_over_and_a_form_that_is_too_old(world):
    look = Look(world, "over")
    old = await world.tab("/c/mein-kiez?lang=de")
    await world.stop()
    with world.store.begin() as connection:
        connection.execute(text("UPDATE consultations SET state = 'closed' WHERE slug = 'mein-kiez'"))
    await world.restart()
    await old.click("form[action$='/start'] button")
    await old.until("!document.querySelector('form[action$=\"/start\"]')")
    await look(old, "too-late")
    for language in ("de", "ar", "de-simple"):
        tab = await world.tab(f"/c/mein-kiez?lang={language}")
        await look(tab, f"closed-{language}")
    await tab.go("/kiosk/mein-kiez")
    await look(tab, "closed-kiosk")
    await tab.go("/c/mein-kiez/resume")
    await look(tab, "closed-resume")
    look.check()


async def test_no_consultation_at_all(world):
    await world.stop()
    with world.store.begin() as connection:
        connection.execute(text("UPDATE consultations SET state = 'closed'"))
    await world.restart()
    look = Look(world, "empty")
    for language in ("de", "ar"):
        await look(await world.tab(f"/?lang={language}"), f"start-{language}")
    look.check()
