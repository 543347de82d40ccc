"""From the start page to the receipt by keyboard alone: as a chat and as a form, with JavaScript and without."""

from __future__ import annotations

import pytest

from tests.test_browser.looks import Look
from tests.test_browser.people import chat_by_keyboard, enter, form_by_keyboard, given

with_and_without = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
languages = pytest.mark.parametrize("language", ["de", "ar"])


@with_and_without
@languages
async def test_the_chat(world, language, scripts):
    tab = await world.tab()
    await tab.scripts(on=scripts)
    await enter(tab, language)
    look = Look(world, f"chat-{language}{'' if scripts else '-no-scripts'}", checks_axe=scripts)
    await chat_by_keyboard(tab, language, look)
    look.check()
    assert world.answers() == given(language)
    assert world.states() == ["completed"]


@with_and_without
@languages
async def test_the_form(world, language, scripts):
    tab = await world.tab()
    await tab.scripts(on=scripts)
    await enter(tab, language, is_form=True)
    look = Look(world, f"form-{language}{'' if scripts else '-no-scripts'}", checks_axe=scripts)
    await form_by_keyboard(tab, language, look)
    look.check()
    assert world.answers() == given(language)
    assert world.states() == ["completed"]


@pytest.mark.parametrize("language", ["de-simple", "en", "tr"])
@pytest.mark.parametrize("is_form", [False, True], ids=["chat", "form-no-scripts"])
async def test_every_other_language(world, language, is_form):
    tab = await world.tab()
    await tab.scripts(on=not is_form)
    await enter(tab, language, is_form=is_form)
    look = Look(world, f"{'form' if is_form else 'chat'}-{language}", checks_axe=False)
    await (form_by_keyboard if is_form else chat_by_keyboard)(tab, language, look)
    look.check()
    assert world.answers() == given(language)
    assert world.states() == ["completed"]
