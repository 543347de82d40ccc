"""From the start page to the receipt by keyboard alone: as a chat and as a form, with JavaScript and without."""

from __future__ import annotations

import pytest

from tests.test_browser.people import WORDS, chat_by_keyboard, enter, given

with_and_without = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
languages = pytest.mark.parametrize("language", ["de", "ar"])


@with_and_without
@languages
async def test_the_chat(world, language, scripts):
    tab = await world.tab()
    await tab.scripts(on=scripts)
    await enter(tab, language)
    await chat_by_keyboard(world, tab, language, f"chat-{language}{'' if scripts else '-no-scripts'}")
    assert world.answers() == given(language)
    assert world.states() == ["completed"]


@with_and_without
@languages
async def test_the_form(world, language, scripts):
    tab = await world.tab()
    await tab.scripts(on=scripts)
    await enter(tab, language, is_form=True)
    name = f"form-{language}{'' if scripts else '-no-scripts'}"
    next_ = await tab.evaluate("document.querySelector('.actions button').innerText")

    async def go_on() -> None:
        await tab.evaluate("document.documentElement.classList.add('old')")
        await tab.tab_to(next_)
        await tab.press("Enter")
        await tab.until("!document.querySelector('.old') && document.readyState === 'complete'")

    await world.picture(tab, f"{name}-district")
    await tab.tab_to(".district.01")
    await tab.press("Space")
    await go_on()
    for value in ("green", "shops"):
        await tab.tab_to(f".good.{value}")
        await tab.press("Space")
    await world.picture(tab, f"{name}-choices")
    await go_on()
    await tab.tab_to(".liking.1")
    for _ in range(3):
        await tab.press("ArrowDown")
    await go_on()
    await tab.tab_to(await tab.evaluate("document.querySelector('label[for=text]').innerText"))
    await tab.write(WORDS[language])
    await world.picture(tab, f"{name}-text")
    await go_on()
    await tab.tab_to(".value.sustainable")
    await tab.press("Space")
    await go_on()
    await world.picture(tab, f"{name}-summary")
    await tab.tab_to(".submit")
    await tab.press("Enter")
    await tab.until("/[0-9A-Z]{5}-[0-9A-Z]{5}/.test(document.body.innerText)", "the receipt")
    await world.picture(tab, f"{name}-receipt")
    assert world.answers() == given(language)
    assert world.states() == ["completed"]
