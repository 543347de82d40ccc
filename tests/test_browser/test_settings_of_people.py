"""What people have set: a small phone, 400 % zoom, larger text, dark, forced colours, no motion; and right-to-left."""

from __future__ import annotations

import gzip

import pytest

from tests.test_browser.looks import Look
from tests.test_browser.people import RECEIPT, asked, given, go_in

MOVED = "addEventListener('animationstart', () => { window.moved = true; }, true)"
PAGE_BYTES = 40 * 1024


@pytest.mark.parametrize("language", ["de", "ar"])
async def test_a_finger_on_a_small_phone(world, language):
    tab = await world.tab()
    await tab.size(320, 640, 2, is_mobile=True)
    look = Look(world, f"phone-{language}")
    await tab.go(f"/?lang={language}")
    await look(tab, "start")
    await tab.tap("a[href$='/c/mein-kiez']")
    await tab.until("document.querySelector('form[action$=\"/start\"]')")
    await look(tab, "door")
    await tab.tap("form[action$='/start'] [value='chat']")
    await asked(tab, "district")
    await tab.tap("[value$='.district.01']")
    await asked(tab, "good")
    for value in ("green", "shops"):
        await tab.tap(f"[value$='.good.{value}']")
        await tab.until(f'document.querySelector(\'[value$=".good.{value}"][aria-pressed="true"]\')')
    await look(tab, "draft")
    await tab.tap("[value$='.good.+done']")
    await asked(tab, "liking")
    await tab.tap("[value$='.liking.4']")
    await tab.until("!document.querySelector('[value*=\".liking.\"]')")
    await tab.tap("#text")
    await tab.call("Input.insertText", text=given(language)["wish"].strip('"'))
    await tab.tap(".write button")
    await asked(tab, "value")
    await tab.tap("[value$='.value.sustainable']")
    await tab.until("document.querySelector('[value$=\".submit\"]')")
    await look(tab, "summary")
    await tab.tap("[value$='.submit']")
    await tab.until(RECEIPT, "the receipt")
    await look(tab, "receipt")
    look.check()
    assert world.answers() == given(language)


@pytest.mark.parametrize("language", ["de", "ar"])
async def test_400_per_cent_and_larger_text(world, language):
    """1280 pixels at 400 % are 320 of CSS; with the larger text of the page on top nothing sticks out either."""
    tab = await world.tab()
    await tab.size(320, 256, 4)
    look = Look(world, f"zoom-{language}", checks_axe=False)
    await tab.go(f"/?lang={language}&size=large")
    await look(tab, "start")
    await go_in(tab, language)
    await asked(tab, "district")
    await look(tab, "chat")
    await tab.go("/c/mein-kiez/form")
    await look(tab, "form")
    for path in ("/accessibility", "/privacy", "/assist", "/c/mein-kiez/paper", "/kiosk/mein-kiez"):
        await tab.go(path)
        await look(tab, path.strip("/").replace("/", "-"))
    look.check()


async def test_every_message_says_its_language_and_direction(world):
    tab = await world.tab()
    await go_in(tab, "de")
    await tab.click("[value$='.district.01']")
    await asked(tab, "good")
    await tab.click(".menu summary")
    await tab.click(".menu [value=ar]")
    await tab.until("document.documentElement.dir === 'rtl'")
    await asked(tab, "good")
    script = (
        "Array.from(document.querySelectorAll('#log .bot'), it => [it.lang, it.dir, getComputedStyle(it).direction])"
    )
    said = [tuple(it) for it in await tab.evaluate(script)]
    assert said[0] == ("de", "ltr", "ltr")
    assert said[-1] == ("ar", "rtl", "rtl")
    assert await tab.evaluate("document.documentElement.lang") == "ar"
    places = (
        "['bot', 'own'].map(kind => Math.round(document.querySelector(`#log .${kind}`).getBoundingClientRect().left))"
    )
    bot, own = await tab.evaluate(places)
    assert bot > own, "the bot speaks from where reading begins"
    await world.picture(tab, "chat-de-then-ar")
    assert world.answers() == {"district": '"01"'}


async def test_colours_of_ones_own(world):
    tab = await world.tab()
    await tab.media(forced_colors="active", prefers_color_scheme="dark")
    await go_in(tab, "de")
    await tab.click("[value$='.district.01']")
    await asked(tab, "good")
    await tab.click("[value$='.good.green']")
    await tab.until('document.querySelector(\'[value$=".good.green"][aria-pressed="true"]\')')
    await world.picture(tab, "forced-chat")
    look = """(value => { const style = getComputedStyle(document.querySelector(`[value$=".good.${value}"]`));
      return [style.borderTopStyle, style.borderTopColor, style.outlineStyle, style.color, style.backgroundColor]; })"""
    chosen, other = await tab.evaluate(f"{look}('green')"), await tab.evaluate(f"{look}('quiet')")
    assert other[0] == "solid"
    assert other[1] != other[4], "the edge of a button is seen"
    assert chosen[2] == "solid", "what is chosen is not told by a colour of ours"
    await tab.tab_to(".good.neighbours")
    await tab.go("/c/mein-kiez/form")
    await world.picture(tab, "forced-form")
    await tab.tab_to(".good.green")


async def test_dark(world):
    tab = await world.tab()
    await tab.media(prefers_color_scheme="dark")
    await go_in(tab, "de")
    await tab.click("[value$='.district.01']")
    await asked(tab, "good")
    await tab.click("[value$='.good.green']")
    await tab.until('document.querySelector(\'[value$=".good.green"][aria-pressed="true"]\')')
    await world.picture(tab, "dark-chat")
    light = await tab.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).some(it => it > 60)")
    assert not light
    await tab.go("/c/mein-kiez/form")
    await world.picture(tab, "dark-form")
    await tab.go("/")
    await world.picture(tab, "dark-start")


@pytest.mark.parametrize("wish", ["reduce", "no-preference"])
async def test_nothing_moves_for_who_does_not_want_it(world, wish):
    tab = await world.tab()
    await tab.media(prefers_reduced_motion=wish)
    await go_in(tab, "de")
    await asked(tab, "district")
    await tab.evaluate(MOVED)
    await tab.click("[value$='.district.01']")
    await asked(tab, "good")
    await tab.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))).then(() => 1)")
    assert bool(await tab.evaluate("window.moved")) == (wish == "no-preference")
    if wish == "reduce":
        assert await tab.evaluate("document.getAnimations().length") == 0


async def test_a_page_with_style_and_script_weighs_little(world, record_property):
    tab = await world.tab()
    await go_in(tab, "de")
    await asked(tab, "district")
    await tab.call("Network.setCacheDisabled", cacheDisabled=True)
    tab.bytes.clear()
    await tab.go("/c/mein-kiez")
    await asked(tab, "district")
    weight = sum(tab.bytes.values())
    print(f"the chat page with style, script and icon: {weight} bytes over the line")
    record_property("page_bytes", weight)
    assert 2_000 < weight < PAGE_BYTES
    served = await tab.evaluate("fetch(document.querySelector('script').src).then(it => it.text())")
    assert len(gzip.compress(served.encode())) < PAGE_BYTES / 2


async def test_an_old_phone_need_not_wait(world, record_property):
    """A processor six times slower than this one: when the page can be used, and when it no longer needs reloads."""
    tab = await world.tab()
    await go_in(tab, "de")
    await asked(tab, "district")
    await tab.call("Network.setCacheDisabled", cacheDisabled=True)
    await tab.call("Emulation.setCPUThrottlingRate", rate=6)
    await tab.go("/c/mein-kiez")
    await asked(tab, "district")
    script = "(([it]) => [it.domInteractive, it.domContentLoadedEventEnd])(performance.getEntriesByType('navigation'))"
    seen = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    await tab.until(seen)
    (usable, alive), painted = await tab.evaluate(script), await tab.evaluate(seen)
    told = f"painted {painted:.0f} ms, usable without scripts {usable:.0f} ms, with scripts {alive:.0f} ms"
    print(f"the chat page on a processor slowed down six-fold: {told}")
    record_property("first_interaction_ms", round(alive))
    # This machine may have a lot to do besides: what is meant is "at once", what fails is "not at all".
    assert alive < 5_000
