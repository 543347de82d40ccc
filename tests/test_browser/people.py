"""How people go through "Mein Kiez" in a browser: by the tokens of the answers, so that it reads in every language."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tests.test_browser.browser import Tab

See = Callable[[Tab, str], Awaitable[None]]
"""What is done at each state: looked at, photographed."""

WORDS = {"de": "Mehr Bänke", "ar": "مقاعد أكثر", "en": "More benches", "tr": "Daha çok bank", "de-simple": "Mehr Bänke"}
NAMES = {"de": "Deutsch", "ar": "العربية", "en": "English", "tr": "Türkçe", "de-simple": "Deutsch (Einfache Sprache)"}
SUBMIT = ".submit"
RECEIPT = "/[0-9A-Z]{5}-[0-9A-Z]{5}/.test(document.querySelector('main').innerText)"
RUN = "document.readyState === 'complete'"
"""The scripts of the page have run; before that, buttons work as those of a form."""
AT = "document.querySelector('.replies button[value*=\".KEY.\"]')"


def given(language: str = "de") -> dict[str, str]:
    """What is stored when a person has answered like `chat_by_keyboard`."""
    return {
        "district": '"01"',
        "good": '["green","shops"]',
        "liking": "4",
        "wish": f'"{WORDS[language]}"',
        "value": '"sustainable"',
    }


async def text_of(tab: Tab, selector: str) -> str:
    """The words of an element, once the page with it is there: a form without scripts loads another page."""
    element = f"document.querySelector({json.dumps(selector)})"
    await tab.until(element, selector)
    return str(await tab.evaluate(f"{element}.innerText"))


async def enter(tab: Tab, language: str, *, is_form: bool = False) -> None:
    """From the start page through the door, by keyboard alone."""
    await tab.go("/")
    await tab.tab_to(NAMES[language])
    await tab.press("Enter")
    await tab.until(f"document.documentElement.lang === '{language}' && document.readyState === 'complete'")
    join = await tab.evaluate("document.querySelector('a[href$=\"/c/mein-kiez\"]').getAttribute('aria-label')")
    await tab.tab_to(join)
    await tab.press("Enter")
    await tab.until("document.querySelector('form[action$=\"/start\"]') && document.readyState === 'complete'")
    await tab.tab_to("form" if is_form else "chat")
    await tab.press("Enter")
    await tab.until("document.querySelector('#say, #q') && !location.pathname.endsWith('/start')")
    await tab.until(f"(location.pathname.endsWith('/form') || document.querySelector('#say')) && {RUN}")


async def asked(tab: Tab, key: str) -> None:
    """Waits until a question can be answered in the chat."""
    await tab.until(AT.replace("KEY", key), f"question {key}")


async def choose(tab: Tab, token: str) -> None:
    await tab.tab_to(token)
    await tab.press("Enter")


async def chat_by_keyboard(tab: Tab, language: str, see: See) -> None:
    """All five questions and the summary; ends at the receipt."""
    await asked(tab, "district")
    await see(tab, "district")
    await choose(tab, ".district.01")
    await asked(tab, "good")
    for value in ("green", "shops"):
        await tab.tab_to(f".good.{value}")
        await tab.press("Space")
        await tab.until(f'document.querySelector(\'[value$=".good.{value}"][aria-pressed="true"]\')')
    await tab.until("!document.querySelector('.unsent')")
    await see(tab, "draft")
    await choose(tab, ".good.+done")
    await asked(tab, "liking")
    await see(tab, "scale")
    await choose(tab, ".liking.4")
    await tab.until("!document.querySelector('[value*=\".liking.\"]')")
    label = await text_of(tab, "label[for=text]")
    await tab.tab_to(label)
    await see(tab, "text")
    await tab.write(WORDS[language])
    await tab.press("Tab")
    await tab.press("Enter")
    await asked(tab, "value")
    await see(tab, "choice")
    await choose(tab, ".value.sustainable")
    await tab.until(f"document.querySelector('[value$=\"{SUBMIT}\"]')", "the summary")
    await see(tab, "summary")
    await choose(tab, SUBMIT)
    await tab.until(RECEIPT, "the receipt")
    await see(tab, "receipt")


async def form_by_keyboard(tab: Tab, language: str, see: See) -> None:
    """The same in the form view, with radio buttons and check boxes."""
    await see(tab, "district")
    await reach(tab, ".district.01")
    await tab.press("Space")
    await go_on(tab)
    for value in ("green", "shops"):
        await reach(tab, f".good.{value}")
        await tab.press("Space")
    await see(tab, "choices")
    await go_on(tab)
    await reach(tab, ".liking.1")
    for _ in range(3):
        await tab.press("ArrowDown")
    await see(tab, "scale")
    await go_on(tab)
    await reach(tab, await text_of(tab, "label[for=text]"))
    await tab.write(WORDS[language])
    await see(tab, "text")
    await go_on(tab)
    await reach(tab, ".value.sustainable")
    await tab.press("Space")
    await go_on(tab)
    await see(tab, "summary")
    await choose(tab, SUBMIT)
    await tab.until(RECEIPT, "the receipt")
    await see(tab, "receipt")


async def reach(tab: Tab, wanted: str) -> None:
    """With scripts the next question puts the focus where one goes on; else Tab leads there."""
    seen = await tab.focused()
    if not (seen.name.endswith(wanted) or seen.value.endswith(wanted)):
        await tab.tab_to(wanted)


async def go_on(tab: Tab) -> None:
    """To the button that sends the page, and to the next question."""
    async with another_view(tab):
        await tab.tab_to(await text_of(tab, "#go"))
        await tab.press("Enter")


@asynccontextmanager
async def another_view(tab: Tab) -> AsyncIterator[None]:
    """What is done within leads to another view: a page, or with scripts the next question in this one."""
    await tab.evaluate("document.querySelector('#q').isOld = true")
    yield
    there = (
        "document.querySelector('#q') && !document.querySelector('#q').isOld && !document.querySelector('[data-deaf]')"
    )
    await tab.until(f"{there} && document.readyState === 'complete'", "the next question")


async def go_in(tab: Tab, language: str, *, is_form: bool = False) -> None:
    """Straight through the door, for who wants to see what is behind it."""
    await tab.go(f"/c/mein-kiez?lang={language}")
    await tab.click(f"form[action$='/start'] [value={'form' if is_form else 'chat'}]")
    await tab.until(
        f"document.querySelector('#say, #q') && !document.querySelector('form[action$=\"/start\"]') && {RUN}"
    )
