"""The public result in a real browser: it can be read by all, on a phone, in German and Arabic, and printed."""

import pytest

from tests.house import consultation, publish
from tests.test_bot.test_web_results import proposed
from tests.test_browser.looks import Look
from tests.test_results.test_wording import rated_by_two_camps


@pytest.mark.parametrize("language", ["de", "ar"])
async def test_results_can_be_read_by_all(world, language):
    tags = {"de": {}, "en": {}, "ar": {"fallback": "de"}}
    publish(world.store, consultation("park", languages=tags))
    publish(world.store, consultation("later", languages=tags, results="at_close"))
    proposed(world.store, "P-1111-1111", "Mehr Bänke am Wasser, mit Lehne und Schatten.", "++++++------000000")
    proposed(world.store, "P-2222-2222", "ازرعوا المزيد من الأشجار", "+++++++++++++------", language="ar")
    look = Look(world, f"results-{language}")
    tab = await world.tab(f"/results/park?lang={language}")
    await look(tab, "park")
    await tab.go(f"/results/later?lang={language}")
    await look(tab, "later")
    await tab.go(f"/?lang={language}")
    await look(tab, "start")
    look.check()


@pytest.mark.parametrize("language", ["de", "ar"])
async def test_groups_of_similar_opinion_can_be_read_by_all(world, language):
    publish(world.store, consultation("park", languages={"de": {}, "ar": {"fallback": "de"}}))
    rated_by_two_camps(world.store)
    look = Look(world, f"groups-{language}")
    tab = await world.tab(f"/results/park?lang={language}")
    await look(tab, "park")
    look.check()
