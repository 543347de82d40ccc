"""Live meetings: a room goes from question to question together, and the wall shows no more than it may."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from bot import rooms
from bot.rooms import summed
from storage.rooms import AnswerCount, StoredRoom
from tests.house import consultation, publish
from tests.test_bot.browser import Browser, House, serving
from tests.test_bot.shared_devices import rows, signed_in

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def store(furnished):
    publish(furnished, consultation("park"))
    return furnished


async def opened(house: House, store) -> tuple[Browser, str]:
    """The moderator's page of a new room, and the code of the room."""
    lead = await signed_in(house, store, "Mira", "facilitator")
    form = next(form for form in lead.page.forms if form.action == "/help-out/park/room")
    await lead.post(form.action, form.fields)
    return lead, lead.path.rpartition("/")[2]


async def joined(house: House, code: str) -> Browser:
    person = house.browser(**{"Accept-Language": "de"})
    await person.get(f"/room?code={code[:3]} {code[3:].lower()}")
    await person.press("Mitmachen", "Deutsch")
    return person


async def test_a_room_goes_through_a_consultation_together(store):
    async with serving(store) as house:
        lead, code = await opened(house, store)
        people = [await joined(house, code) for _ in range(7)]
        assert {person.heading() for person in people} == {"Gleich geht es los"}
        await lead.press("Erste Frage öffnen")
        for number, person in enumerate(people):
            await person.get(f"/c/park/room/{code}")
            assert person.heading() == "Licht im Park?"
            await person.press("Weiter", "Ja" if number else "Nein")
            assert person.heading() == "Danke. Gleich geht es weiter", "the next question is not open yet"
        wall = await house.browser(**{"Accept-Language": "de"}).get(f"/room/{code}/screen")
        assert (wall.heading(), "Dabei: 7 · Antworten: 7" in wall.text) == ("Licht im Park?", True)
        await lead.get(f"/help-out/room/{code}")
        assert "Dabei: 7 · Antworten: 7" in lead.text, "who leads looks at this page, not at the wall"
        assert "%" not in wall.text, "the result is not shown before the moderator shows it"
        await lead.press("Ergebnis zeigen")
        await wall.get(f"/room/{code}/screen")
        assert "zu wenige" in wall.text, "one single no must not be seen, nor be computed from the others"
        assert not re.search(r"Ja\s+6", wall.text)
        await lead.press("Nächste Frage öffnen")
        await people[0].get(f"/c/park/room/{code}")
        assert people[0].heading() == "Was fehlt?"
        await people[0].press("Weiter", text="Bänke")
        assert people[0].heading() == "Antworten prüfen"
        await people[0].press("Absenden")
        await lead.press("Runde beenden")
        await people[1].get(f"/c/park/room/{code}")
        assert (people[1].status, people[1].heading()) == (410, "Diese Runde ist zu Ende")
    assert {place for (place,) in rows(store, "place_code")} == {f"room-{code}"}
    with store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM answers WHERE question_key = 'lamps'")).scalar() == 7


async def test_enough_answers_are_shown_with_their_shares(store):
    async with serving(store) as house:
        lead, code = await opened(house, store)
        await lead.press("Erste Frage öffnen")
        for number in range(12):
            person = await joined(house, code)
            await person.press("Weiter", "Ja" if number < 6 else "Nein")
        await lead.press("Ergebnis zeigen")
        wall = await house.browser(**{"Accept-Language": "de"}).get(f"/room/{code}/screen")
        assert wall.text.count("50 %") == 2
        state = await wall.http.get(wall.server.make_url(f"/room/{code}/state"))
        assert await state.json() == {"mark": "lamps.1.0", "people": 12, "given": 12}


async def test_who_may_lead_and_who_may_not(store):
    async with serving(store) as house:
        lead, code = await opened(house, store)
        helper = await signed_in(house, store)
        assert not [form for form in helper.page.forms if form.action.endswith("/room")]
        await helper.get(f"/help-out/room/{code}")
        assert helper.status == 404
        stranger = house.browser()
        await stranger.get(f"/help-out/room/{code}")
        assert stranger.path == "/help-out", "to the page where one signs in"
        fields = [("csrf", "0" * 32), ("do", "end"), ("at", "")]
        await stranger.post(f"/help-out/room/{code}", fields)
        await lead.get(f"/help-out/room/{code}")
        assert "Erste Frage öffnen" in lead.page.html, "nobody else moves the room"


async def test_two_taps_on_next_are_one_step(store):
    async with serving(store) as house:
        lead, code = await opened(house, store)
        form = next(form for form in lead.page.forms if any(button[1] == "next" for button in form.buttons))
        for _ in range(2):
            await lead.post(f"/help-out/room/{code}", [*form.fields, ("do", "next")])
        state = await lead.http.get(lead.server.make_url(f"/room/{code}/state"))
        assert (await state.json())["mark"] == "lamps.0.0"


@pytest.mark.parametrize(
    "path", ["/room/NOCODE/screen", "/room/NOCODE/state", "/c/park/room/NOCODE", "/c/park/room/%00"]
)
async def test_unknown_rooms_are_said_in_plain_words(store, path):
    async with serving(store) as house:
        page = await house.browser(**{"Accept-Language": "de"}).get(path)
        assert page.status == 404
        await page.get("/room?code=NOCODE")
        assert "Diesen Code gibt es nicht" in page.text


async def test_a_room_of_another_consultation_is_no_way_in(store):
    async with serving(store) as house:
        _, code = await opened(house, store)
        page = await house.browser().get(f"/c/mein-kiez/room/{code}")
        assert page.status == 404


def test_a_room_is_over_after_a_day():
    room = StoredRoom(1, "K7M2PX", 1, "", False, NOW)
    assert not rooms.is_over(room, NOW + timedelta(hours=23))
    assert rooms.is_over(room, NOW + timedelta(hours=25))


def test_codes_are_read_as_people_type_them():
    code = rooms.new_code()
    assert rooms.plain_code(f" {code[:3].lower()}-{code[3:]} ") == code
    assert {rooms.plain_code(wrong) for wrong in ("", "K7M2P", "K7M2PXX", "O0I1LU", "<b>")} == {""}


def test_several_options_count_each_person_in_each():
    counts = [AnswerCount('["a","b"]', None, 6), AnswerCount('["b"]', None, 6), AnswerCount("true", None, 1)]
    assert summed(counts, ["a", "b", "c"], 5).values == {"a": 6, "b": None, "c": 0}
