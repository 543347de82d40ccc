"""A live meeting in real browsers: the phone follows the moderator by itself, and the wall can be read by all."""

import json

import pytest

from storage.tables.answers import upsert_answers
from storage.tables.revisions import find_live_revision
from tests.support.rows import answer, stored_session
from tests.support.shared_devices import member
from tests.test_browser.conftest import World
from tests.test_browser.looks import Look

OTHERS = 11
LOADED = "document.readyState === 'complete'"


def others_answer(world: World, code: str) -> None:
    """Others in the room, who say this and that."""
    with world.store.begin() as connection:
        revision = find_live_revision(connection, "mein-kiez")
        assert revision is not None
        for number in range(OTHERS):
            mine = stored_session(connection, revision, number, place_code=f"room-{code}")
            upsert_answers(connection, [answer(mine, "district", json.dumps(f"0{1 + number % 3}"))])


@pytest.mark.parametrize("language", ["de", "ar"])
async def test_the_phone_follows_the_moderator(world, language):
    look = Look(world, f"room-{language}")
    lead = await world.tab(f"/assist?lang={language}")
    await lead.evaluate(f"document.getElementById('code').value = '{member(world.store, role='facilitator')}'; 1")
    await lead.click("main button")
    await lead.click("form[action='/assist/mein-kiez/room'] button")
    await lead.until("location.pathname.startsWith('/assist/room/')")
    await look(lead, "lead")
    code = (await lead.evaluate("location.pathname")).rpartition("/")[2]

    phone = await world.tab(f"/room/{code}?lang={language}")
    await look(phone, "join")
    await phone.click(f"input[value='{language}']")
    await phone.click("main button")
    await phone.until("!!document.querySelector('.done')")
    await look(phone, "soon")
    wall = await world.tab(f"/room/{code}/screen?in={language}")
    await look(wall, "wall-soon")
    await lead.click("button[value=next]")
    await phone.until("!!document.querySelector('.pick')", "the page loads by itself", 10)
    await phone.click("input[value$='.district.01']")  # it is sent by itself a moment later
    await phone.until("!!document.querySelector('.done')")
    await look(phone, "wait")
    await wall.until("!!document.querySelector('.offered')", "so does the wall", 10)
    await wall.until("document.querySelector('[data-count=people]').textContent === '1'", "and counts", 10)
    await look(wall, "wall-question")
    await lead.click("button[value=show]")
    await wall.until("!!document.querySelector('.hint')", "one answer is no result", 10)
    await look(wall, "wall-few")
    others_answer(world, code)
    await wall.until("!!document.querySelector('.figures')", "the result comes by itself", 10)
    await look(wall, "wall-result")
    await lead.click("button[value=end]")
    await phone.go(f"/c/mein-kiez/room/{code}")
    await look(phone, "over")
    look.check()
