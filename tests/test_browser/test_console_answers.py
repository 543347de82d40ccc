"""Official answers in a real browser: the journey with its clicks, and the accessibility of its pages with data."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from bot.proposals.answer_drafts import DraftKey, save_draft
from bot.proposals.official_answers import OfficialAnswer, answer_proposal
from storage.tables.answer_drafts import held_sendings
from storage.tables.revisions import find_live_revision
from tests.support.ideas import chair, released
from tests.test_browser import axe
from tests.test_browser.browser import Tab
from tests.test_browser.conftest import World
from tests.test_browser.test_console import owner
from tests.test_proposals.test_outcome_notifications import Person

NUMBER = 12
ANSWERS = "/console/consultations/kiez-ideen/answers"
REASON = {"de": "Der Weg bekommt 2027 elf Lampen, die sich ab 23 Uhr abdunkeln.", "tr": "Yola lamba konacak."}
_WIDTH = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


def drafted(world: World) -> tuple[int, list[str]]:
    """Proposals with drafts, three of them with an author who hears of it; gives the consultation and the codes."""
    codes = []
    with world.store.begin() as connection:
        revision = find_live_revision(connection, "kiez-ideen")
        assert revision
        ideas = revision.consultation_id
        connection.execute(text("UPDATE consultations SET sample = false"))  # Home lists no samples
        people = [Person(connection, f"author {tag}", tag, wants="kiez-ideen") for tag in ("de", "tr", "ar")]
        for number in range(NUMBER):
            more = {"pseudonym": people[number].in_(ideas)} if number < len(people) else {}
            idea = released(connection, ideas, number, text=f"Licht am Weg zur U-Bahn, Stelle {number}", **more)
            save_draft(chair(connection), DraftKey(idea.id, 0), OfficialAnswer("accepted", REASON, "Ausschuss"))
            codes.append(idea.code)
        old = released(connection, ideas, NUMBER, text="مقاعد في الحديقة", language="ar")
        answer = OfficialAnswer("rejected", {"de": "Kein Platz.", "ar": "لا مكان."}, link="https://example.org/x")
        answer_proposal(chair(connection), old.id, answer)
        codes.append(old.code)
    return ideas, codes


async def facilitator(world: World) -> Tab:
    tab = await owner(world)
    with world.store.begin() as connection:
        connection.execute(text("UPDATE staff SET role = 'facilitator'"))
    return tab


async def click(tab: Tab, selector: str, what: str) -> int:
    """One click that leads to another page; gives 1."""
    async with tab.leaving(what):
        await tab.click(selector)
    return 1


async def test_twelve_answers_are_sent_with_two_clicks(world: World) -> None:
    """From Home: look, send; and one more click takes them back."""
    ideas, _ = drafted(world)
    tab = await facilitator(world)
    await tab.go("/console/")
    clicks = await click(tab, "a.button[href$='/answers/preview']", "the preview")
    await tab.sees(str(NUMBER))
    await world.picture(tab, "console-answers-preview")
    clicks += await click(tab, "form[action$='/answers/send'] button", "the list with the undo bar")
    with world.store.reading() as connection:
        assert [it.number for it in held_sendings(connection, ideas)] == [NUMBER]
    await world.picture(tab, "console-answers-held")
    undone = await click(tab, ".undo button", "the list of drafts")
    with world.store.reading() as connection:
        assert held_sendings(connection, ideas) == []
    print(f"answer {NUMBER}: {clicks} clicks; take them back: {undone} click")
    assert (clicks, undone) == (2, 1)


@pytest.mark.parametrize("width", [360, 1280])
async def test_pages_of_answers_are_accessible(world: World, width: int) -> None:
    _, codes = drafted(world)
    tab = await facilitator(world)
    await tab.size(width, is_mobile=width == 360)
    pages = {
        "list": ANSWERS,
        "drafts": f"{ANSWERS}?show=drafts&said=saved%3A1",
        "preview": f"{ANSWERS}/preview",
        "one": f"{ANSWERS}/{codes[0]}",
        "answered": f"{ANSWERS}/{codes[-1]}",
        "together": f"{ANSWERS}/together?item={codes[0]}&item={codes[-1]}",
    }
    found: list[str] = []
    for name, page in pages.items():
        await tab.go(page)
        await tab.evaluate("document.querySelectorAll('main details').forEach((it) => { it.open = true; })")
        found += [f"{name}: {fault}" for fault in await axe.faults(tab)]
        if not await tab.evaluate(_WIDTH):
            found.append(f"{name} scrolls sideways at {width} px")
        await world.picture(tab, f"console-answers-{width}-{name}")
    assert not found, "\n".join(found)
