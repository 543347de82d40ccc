"""Live meetings: a room goes from question to question together, and the wall shows no more than it may."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bot.consultations import live_meetings
from bot.results.counts.disclosure import DisclosureRule, FrequencyRow
from bot.results.live_results import LiveResult, may_replace_rows, sum_answer_counts
from bot.web.room_views import RoomViewCache
from storage.tables.audit import audit_entries
from storage.tables.rooms import AnswerCount, StoredRoom
from tests.support.app import consultation, publish
from tests.support.browser import Browser, House, serving
from tests.support.shared_devices import rows, signed_in
from tests.support.timeouts import PATIENCE

COUNTED = "Dabei: 11 · Antworten: mindestens 10"
LATER = "Das Bild wird neu, sobald genug neue Antworten da sind."
NOTHING = LiveResult(0, {}, 0, "few", 0, False)
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def store(sample_store):
    publish(sample_store, consultation("park"))
    return sample_store


async def opened(house: House, store) -> tuple[Browser, str]:
    """The moderator's page of a new room, and the code of the room."""
    lead = await signed_in(house, store, "Mira", "facilitator")
    form = next(form for form in lead.page.forms if form.action == "/assist/park/room")
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
        people = [await joined(house, code) for _ in range(11)]
        assert {person.heading() for person in people} == {"Gleich geht es los"}
        await lead.press("Erste Frage öffnen")
        for number, person in enumerate(people):
            await person.get(f"/c/park/room/{code}")
            assert person.heading() == "Licht im Park?"
            await person.press("Weiter", "Ja" if number > 1 else "Nein")
            assert person.heading() == "Danke. Gleich geht es weiter", "the next question is not open yet"
        wall = await seen_at(house.browser(**{"Accept-Language": "de"}), f"/room/{code}/screen", COUNTED)
        assert wall.heading() == "Licht im Park?"
        await lead.get(f"/assist/room/{code}")
        assert COUNTED in lead.text, "who leads looks at this page, not at the wall"
        assert "%" not in wall.text, "the result is not shown before the moderator shows it"
        await lead.press("Ergebnis zeigen")
        await wall.get(f"/room/{code}/screen")
        assert re.search(r"Ja\s+9", wall.text)
        await lead.press("Nächste Frage öffnen")
        await people[0].get(f"/c/park/room/{code}")
        assert people[0].heading() == "Was fehlt?"
        await people[0].press("Weiter", text="Bänke")
        assert people[0].heading() == "Antworten prüfen"
        await people[0].press("Fertig")
        await lead.press("Runde beenden")
        await people[1].get(f"/c/park/room/{code}")
        assert (people[1].status, people[1].heading()) == (410, "Diese Runde ist zu Ende")
    assert {place for (place,) in rows(store, "place_code")} == {f"room-{code}"}
    with store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM answers WHERE question_key = 'lamps'")).scalar() == 11


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
        assert await state_of(wall, code) == {"mark": "lamps.1.0", "look": "10.1.", "people": 12}
        await lead.get(f"/assist/room/{code}")
        assert LATER in wall.text
        assert LATER in lead.text


async def state_of(browser: Browser, code: str) -> dict[str, Any]:
    answer = await browser.http.get(browser.server.make_url(f"/room/{code}/state"))
    found: dict[str, Any] = await answer.json()
    return found


async def test_the_wall_stays_until_enough_new_answers_have_come(store):
    """One more answer changes nothing that anyone sees, but how many are here; ten do."""
    async with serving(store) as house:
        lead, code = await opened(house, store)
        await lead.press("Erste Frage öffnen")
        await answer(house, code, 12)
        await lead.press("Ergebnis zeigen")
        wall = await house.browser(**{"Accept-Language": "de"}).get(f"/room/{code}/screen")
        assert re.search(r"Ja\s+6", wall.text)
        await answer(house, code, 1)
        await seen_at(wall, f"/room/{code}/screen", "Dabei: 13 · Antworten: mindestens 10")
        assert re.search(r"Ja\s+6", wall.text)
        assert (await state_of(wall, code))["look"] == "10.1."
        await answer(house, code, 9)
        await seen_at(wall, f"/room/{code}/screen", "Dabei: 22 · Antworten: mindestens 20")
        assert re.search(r"Ja\s+12", wall.text)


async def test_few_answers_are_a_bound(store):
    async with serving(store) as house:
        lead, code = await opened(house, store)
        await lead.press("Erste Frage öffnen")
        await lead.press("Ergebnis zeigen")
        await answer(house, code, 3)
        wall = house.browser(**{"Accept-Language": "de"})
        await seen_at(wall, f"/room/{code}/screen", "Dabei: 3 · Antworten: weniger als 10")
        assert "weniger als 10 Personen" in wall.text
        assert "%" not in wall.text


async def answer(house: House, code: str, people: int) -> None:
    for number in range(people):
        person = await joined(house, code)
        await person.press("Weiter", "Nein" if number % 2 else "Ja")


async def seen_at(browser: Browser, path: str, words: str) -> Browser:
    """The page, once these words stand there: it is counted again once a second at most."""
    async with asyncio.timeout(PATIENCE):
        while words not in (await browser.get(path)).text:
            await asyncio.sleep(0.1)
    return browser


async def test_many_screens_are_one_count():
    clock, counts, gate = [0.0], [], asyncio.Event()

    async def find():
        counts.append(clock[0])
        await gate.wait()
        return len(counts), NOTHING

    looks = RoomViewCache(lambda: clock[0])
    many = [asyncio.create_task(looks.at("room", find)) for _ in range(50)]
    await asyncio.sleep(0)
    many[0].cancel()
    gate.set()
    assert {(await it)[0] for it in many[1:]} == {1}, "who goes away takes nothing from the others"
    clock[0] = 0.9
    assert (await looks.at("room", find), await looks.at("other", find)) == ((1, NOTHING), (2, NOTHING))
    clock[0] = 1.0
    assert await looks.at("room", find) == (3, NOTHING)


async def test_who_may_lead_and_who_may_not(store):
    async with serving(store) as house:
        lead, code = await opened(house, store)
        helper = await signed_in(house, store)
        assert not [form for form in helper.page.forms if form.action.endswith("/room")]
        await helper.get(f"/assist/room/{code}")
        assert helper.status == 404
        stranger = house.browser()
        await stranger.get(f"/assist/room/{code}")
        assert stranger.path == "/assist", "to the page where one signs in"
        fields = [("csrf", "0" * 32), ("do", "end"), ("at", "")]
        await stranger.post(f"/assist/room/{code}", fields)
        await lead.get(f"/assist/room/{code}")
        assert "Erste Frage öffnen" in lead.page.html, "nobody else moves the room"


async def test_two_taps_on_next_are_one_step(store):
    async with serving(store) as house:
        lead, code = await opened(house, store)
        form = next(form for form in lead.page.forms if any(button[1] == "next" for button in form.buttons))
        for _ in range(2):
            await lead.post(f"/assist/room/{code}", [*form.fields, ("do", "next")])
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
    assert not live_meetings.is_room_over(room, NOW + timedelta(hours=23))
    assert live_meetings.is_room_over(room, NOW + timedelta(hours=25))


def test_codes_are_read_as_people_type_them():
    code = live_meetings.new_room_code()
    assert live_meetings.parse_room_code(f" {code[:3].lower()}-{code[3:]} ") == code
    assert {live_meetings.parse_room_code(wrong) for wrong in ("", "K7M2P", "K7M2PXX", "O0I1LU", "<b>")} == {""}


def test_several_options_count_each_person_in_each():
    counts = [AnswerCount('["a","b"]', None, 6), AnswerCount('["b"]', None, 6), AnswerCount("true", None, 1)]
    _, row = sum_answer_counts(counts, ["a", "b", "c"])
    assert row == FrequencyRow(13, {"a": 6, "b": 12, "c": 0})
    assert not may_replace_rows({}, {"q": row}, DisclosureRule(10)), "all but one chose b"
    counts.append(AnswerCount('["c"]', None, 1))
    _, row = sum_answer_counts(counts, ["a", "b", "c"])
    assert may_replace_rows({}, {"q": row}, DisclosureRule(10))


async def test_opening_and_ending_a_room_is_recorded(store):
    async with serving(store) as house:
        lead, code = await opened(house, store)
        for move in ("next", "next", "end"):
            await lead.get(f"/assist/room/{code}")
            form = next(form for form in lead.page.forms if any(button[1] == move for button in form.buttons))
            await lead.post(f"/assist/room/{code}", [*form.fields, ("do", move)])
    with store.reading() as connection:
        found = [row[2:7] for row in audit_entries(connection)]
    assert found == [
        ("Mira", "facilitator", "page", "room.open", f"park/{code}"),
        ("Mira", "facilitator", "page", "room.end", f"park/{code}"),
    ]
