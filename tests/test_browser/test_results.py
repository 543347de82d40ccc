"""The public result in a real browser: it can be read by all, on a phone, in German and Arabic, and printed."""

import base64
import re

import pytest

from flows.languages import LANGUAGES
from tests.support import seeded
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


BROKEN_WORDS = """(() => {
  for (const fold of document.querySelectorAll('details')) fold.open = true;
  const broken = [];
  for (const cell of document.querySelectorAll('.figures th, .figures td, .card p, .card .tag')) {
    const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    for (let node; (node = walker.nextNode());)
      for (const word of node.data.matchAll(/[\\p{L}\\p{N}]+/gu)) {
        if (word[0].length > 14) continue;
        const range = document.createRange();
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        const lines = new Set(Array.from(range.getClientRects(), it => Math.round(it.top)));
        if (lines.size > 1) broken.push(word[0]);
      }
  }
  return broken;
})()"""


@pytest.mark.parametrize("language", sorted(LANGUAGES))
async def test_results_with_data_fit_a_phone(world, sample_database, tmp_path, language):
    seeded.publish_sample(world.store, sample_database, tmp_path / "seed")
    seeded.seed(world.store)
    tab = await world.tab(f"/results/park?lang={language}")
    await tab.size(320, 640, is_mobile=True)
    await tab.go(f"/results/park?lang={language}")
    assert await tab.evaluate(BROKEN_WORDS) == []
    await world.picture(tab, f"results-phone-{language}")
    assert await tab.evaluate("document.documentElement.scrollWidth") <= 320
    assert await tab.evaluate("document.querySelectorAll('.ideas > li').length") > 0
