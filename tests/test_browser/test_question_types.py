"""A matrix, a date and "something else" on the form: wide, and on a small phone."""

from __future__ import annotations

import pytest

from storage.core.store import Store
from tests.support.app import consultation, publish
from tests.test_browser.looks import Look
from tests.test_web.test_dates import SINCE
from tests.test_web.test_matrix import GIVEN, PATHS, WISH
from tests.test_web.test_something_else import WISHES

STEPS = {"light": 4, "width": 2, "noise": 5}
NEXT = "#go"


@pytest.mark.parametrize("width", [320, 1000])
async def test_the_form(world, width):
    await world.stop()
    publish(Store(str(world.store.writer.url)), consultation("park", [PATHS, SINCE, WISHES, WISH]))
    await world.restart()
    tab = await world.tab()
    await tab.size(width, 800)
    await tab.go("/c/park?lang=de")
    look = Look(world, f"types-{width}")
    await tab.tap("form[action$='/start'] button")
    await tab.until("document.querySelector('table.grid')")
    await look(tab, "matrix")
    for row, step in STEPS.items():
        await tab.tap(f"input[value$='.paths_{row}.{step}']")
    await look(tab, "matrix-chosen")
    await tab.tap(NEXT)
    await tab.until("document.querySelector('input[type=date]')")
    await look(tab, "date")
    await tab.evaluate("document.querySelector('#text').value = '2019-03-31'")
    await tab.tap(NEXT)
    await tab.until("document.querySelector('[value$=\".wishes.other\"]')")
    await tab.tap("[value$='.wishes.other']")
    await tab.tap(NEXT)
    await tab.until("document.querySelector('textarea')")
    await look(tab, "something-else")
    look.check()
    assert {key: value for key, value in world.answers().items() if key in GIVEN} == GIVEN
