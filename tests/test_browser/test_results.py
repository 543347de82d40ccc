"""The public result in a real browser: it can be read by all, on a phone, in German and Arabic, and printed."""

import base64
import re

import pytest

from tests.support.app import consultation, publish
from tests.test_browser.conftest import World
from tests.test_browser.looks import Look
from tests.test_results.test_wording import rated_by_two_camps
from tests.test_web.test_results import answered, proposed


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


LEAST = "Mehr Bänke am Wasser, mit Lehne und Schatten, damit auch ältere Menschen dort lange sitzen können."


def many_ideas(world: World, number: int = 45) -> None:
    """This number of proposals, rated by 40 people each, the more the higher their number."""
    for place in range(number):
        votes = "+" * (20 + place % 20) + "-" * (20 - place % 20)
        proposed(world.store, f"P-{place:04}-{place:04}", f"{place}. {LEAST}", votes)


async def test_many_proposals_stand_in_pages_that_need_no_script(world):
    publish(world.store, consultation("park"))
    many_ideas(world)
    look = Look(world, "results-many")
    tab = await world.tab("/results/park?lang=de")
    await tab.size(320, 640, is_mobile=True)
    seen: list[str] = []
    for number in (1, 2, 3):
        await tab.go(f"/results/park?page={number}&lang=de")
        await look(tab, f"page-{number}")
        seen += await tab.evaluate("Array.from(document.querySelectorAll('.ideas > li'), it => it.id)")
        links = await tab.evaluate("Array.from(document.querySelectorAll('.pages a'), it => it.rel)")
        assert links == {1: ["next"], 2: ["prev", "next"] * 2, 3: ["prev"] * 2}[number]
    assert len(seen) == len(set(seen)) == 45
    look.check()


@pytest.mark.parametrize("language", ["de", "ar", "de-simple"])
async def test_printed_results_are_few_pages(world, language):
    tags = {"de": {}, "en": {}, "ar": {"fallback": "de"}, "de-simple": {"fallback": "de"}}
    publish(world.store, consultation("park", languages=tags))
    many_ideas(world, 560)
    await answered(world.house, *["Ja"] * 9, *["Nein"] * 7)
    tab = await world.tab(f"/results/park?lang={language}")
    await world.picture(tab, f"results-many-{language}")
    await tab.media("print")
    await world.picture(tab, f"results-print-{language}")
    printed = await tab.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)
    pdf = base64.b64decode(printed["data"])
    world.keep(f"results-many-{language}.pdf", pdf)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 4
    weight = await tab.evaluate("document.documentElement.outerHTML.length")
    assert weight < 100_000, "560 proposals were one page of a megabyte"
