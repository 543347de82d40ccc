"""Lines that break, servers that restart, several tabs and devices: nothing is lost, nothing stands twice."""

from __future__ import annotations

import asyncio

from tests.test_browser.browser import Tab
from tests.test_browser.conftest import World
from tests.test_browser.looks import Look
from tests.test_browser.people import asked, choose, go_in

SENT = "!document.querySelector('.unsent')"
OWN = "Array.from(document.querySelectorAll('#log .own .text'), it => it.innerText)"


async def at_the_chat(world: World, tab: Tab | None = None) -> Tab:
    tab = tab or await world.tab()
    await go_in(tab, "de")
    await asked(tab, "district")
    return tab


async def test_offline_in_mid_answer_and_back(world):
    tab = await at_the_chat(world)
    await tab.offline(on=True)
    await world.relay.cut()
    await tab.click("[value$='.district.01']")
    await tab.until("document.querySelector('.unsent')")
    await tab.until("document.querySelector('#status').innerText.length > 3", "a word about the line")
    look = Look(world, "chat-de")
    await look(tab, "offline")
    look.check()
    assert world.answers() == {}
    await world.relay.mend()
    await tab.offline(on=False)
    await asked(tab, "good")
    await tab.until(SENT)
    assert world.answers() == {"district": '"01"'}
    assert await tab.evaluate(OWN) == ["Mitte"]


async def test_a_line_that_breaks_before_the_answer_is_acknowledged(world):
    tab = await at_the_chat(world)
    await tab.click("[value$='.district.01']")
    await asked(tab, "good")
    await tab.click("[value$='.good.quiet']")
    await tab.click("[value$='.good.+done']")
    # A message over the connection was answered over it: it is up.
    await asked(tab, "liking")
    await tab.until(SENT)
    world.relay.deaf = True
    await tab.click("[value$='.liking.4']")
    for _ in range(200):
        if "liking" in world.answers():
            break
        await asyncio.sleep(0.05)
    assert world.answers()["liking"] == "4", "it has arrived, and the browser does not know it"
    assert await tab.evaluate("!!document.querySelector('.unsent')")
    await world.relay.cut()
    world.relay.deaf = False
    await world.relay.mend()
    await tab.until("!document.querySelector('[value*=\".liking.\"]')", "the next question")
    await tab.until(SENT)
    assert world.answers() == {"district": '"01"', "good": '["quiet"]', "liking": "4"}
    assert (await tab.evaluate(OWN)).count("4") == 1


async def test_the_server_restarts_in_mid_chat(world):
    tab = await at_the_chat(world)
    await tab.click("[value$='.district.01']")
    await asked(tab, "good")
    await world.stop()
    await tab.click("textarea")
    await tab.write("1 und 3")
    await tab.press("Enter")
    await tab.until("document.querySelector('.unsent')")
    await world.restart()
    await tab.until(SENT, "the words have gone out")
    await tab.click("[value$='.good.+done']")
    await asked(tab, "liking")
    assert world.answers() == {"district": '"01"', "good": '["green","shops"]'}
    assert len(world.states()) == 1


async def test_two_tabs_show_the_same_conversation(world):
    device = await world.device()
    first = await at_the_chat(world, await device.tab())
    second = await device.tab("/c/mein-kiez")
    await asked(second, "district")
    await device.front(first)
    await first.click("[value$='.district.01']")
    await asked(first, "good")
    await asked(second, "good")
    assert await second.evaluate(OWN) == ["Mitte"]
    await device.front(second)
    await second.click("[value$='.good.green']")
    await first.until('document.querySelector(\'[value$=".good.green"][aria-pressed="true"]\')')
    await second.click("[value$='.good.+done']")
    await asked(first, "liking")
    assert world.answers() == {"district": '"01"', "good": '["green"]'}


async def test_focus_stays_where_somebody_writes(world):
    device = await world.device()
    first = await at_the_chat(world, await device.tab())
    second = await device.tab("/c/mein-kiez")
    await asked(second, "district")
    await first.click("textarea")
    await first.write("Wed")
    await device.front(second)
    await second.click("[value$='.district.03']")
    await asked(first, "good")
    await device.front(first)
    assert await first.evaluate("document.activeElement.id") == "text"
    await first.write("ding")
    assert await first.evaluate("document.activeElement.value") == "Wedding"


async def test_a_tap_leads_the_focus_to_what_is_said_next(world):
    tab = await at_the_chat(world)
    await choose(tab, ".district.01")
    await asked(tab, "good")
    assert await tab.evaluate("document.activeElement.id") == "latest"
    assert "Was ist in deinem Kiez gut?" in await tab.evaluate("document.activeElement.innerText")
    await tab.tab_to(".good.quiet")
    await tab.press("Space")
    await tab.until('document.querySelector(\'[value$=".good.quiet"][aria-pressed="true"]\')')
    await tab.until(SENT)
    assert (await tab.focused()).value.endswith(".good.quiet"), "who ticks several stays where they are"


async def test_press_counts_although_a_reply_arrives_meanwhile(world):
    tab = await at_the_chat(world)
    await tab.click("[value$='.district.01']")
    await asked(tab, "good")
    await tab.tab_to(".good.shops")
    await tab.hold("Space")
    await tab.evaluate("document.querySelector('[value$=\".good.green\"]').click()")
    await tab.sees("Gewählt: Parks und Bäume")
    await tab.release("Space")
    await tab.sees("Gewählt: Parks und Bäume, Läden und Ärzte in der Nähe")
    await tab.click("[value$='.good.+done']")
    await asked(tab, "liking")
    assert world.answers()["good"] == '["green","shops"]'


async def test_the_code_opens_the_conversation_on_another_device(world):
    look = Look(world, "code-de")
    tab = await at_the_chat(world)
    await tab.click("[value$='.district.01']")
    await asked(tab, "good")
    await tab.tab_to("Später oder auf einem anderen Gerät weitermachen")
    await tab.press("Enter")
    await tab.until("document.querySelector('.big.code')")
    await look(tab, "shown")
    code = await tab.evaluate("document.querySelector('.big.code').innerText")
    other = await world.tab("/c/mein-kiez/resume?lang=de")
    await other.tab_to("Code")
    await other.write("0000-0000-0000-0000")
    await other.press("Enter")
    await other.until("document.querySelector('#fault')")
    await look(other, "wrong")
    await other.evaluate("document.querySelector('#code').value = ''")
    await other.tab_to("Code")
    await other.write(code.lower().replace("-", " "))
    await other.press("Enter")
    await asked(other, "good")
    await other.click("[value$='.good.quiet']")
    await tab.go("/c/mein-kiez")
    await tab.until('document.querySelector(\'[value$=".good.quiet"][aria-pressed="true"]\')', "the first device")
    look.check()
    assert world.answers() == {"district": '"01"'}
    assert len(world.states()) == 1
