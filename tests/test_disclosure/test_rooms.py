"""Live meetings against a person who sits in the room, sees who answers when, and looks after each answer."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import count
from typing import Any, NamedTuple

import pytest

from bot.consultations.catalogue import Catalogue
from bot.consultations.live_meetings import entry_code_of
from bot.proposals import publication
from bot.results import live_results
from bot.results.counts import differencing
from bot.results.counts.disclosure import LARGE_GROUP, DisclosureRule, FrequencyRow
from bot.results.edition import ResultsEdition, load_newest_edition, make_edition, store_edition
from bot.results.editions.renewal import renew_edition
from bot.results.live_results import LiveResult, MeetingQuestion, is_renewal_due, may_replace_rows
from flows.session import Session
from storage.core.errors import Duplicate
from storage.core.store import Store
from storage.tables.answers import upsert_answers
from storage.tables.revisions import find_live_revision
from storage.tables.rooms import RoomStep, StoredRoom, erase_room_results, insert_rooms, room_results, update_rooms
from storage.tables.sessions import erase_sessions
from tests.support.app import consultation, publish
from tests.support.rows import NOW, answer, stored_session
from tests.test_disclosure.attacker import Attack, Cell, Figure

CODES = ("yes", "no")
BOUND = 10
DONE = Session("x", "de", "R", status="completed").to_json()


class Person(NamedTuple):
    """Where a person answered what, and how often it was changed."""

    name: str
    place: str
    versions: tuple[str, ...]

    def cell(self, code: str) -> Cell:
        return Cell(f"{self.name} {len(self.versions)}", "lamps", code)


class City:
    """A consultation with meetings, of which a person notes everything that is shown."""

    def __init__(self, store: Store, *asked: dict[str, Any]) -> None:
        self.store = store
        definition = consultation("park", list(asked) or None)
        publish(store, definition)
        with store.reading() as connection:
            newest = find_live_revision(connection, "park")
            assert newest is not None
            self.flow = Catalogue().revision(connection, newest.id).flow
        self.revision = newest
        self.people: dict[str, Person] = {}
        self.truth: dict[Cell, int] = {}
        self.figures: list[Figure] = []
        self._rows: dict[str, Any] = {}
        self._numbers = count(1)
        self._seen: set[tuple[str, int]] = set()
        self._published: list[Person] = []

    def room(self, code: str = "ABC234", at: str = "lamps") -> StoredRoom:
        room = StoredRoom(next(self._numbers), code, self.revision.consultation_id, at, True, NOW)
        with self.store.begin() as connection:
            insert_rooms(connection, [room])
        return room

    def say(self, value: str | None, room: StoredRoom | None = None, *, key: str = "lamps", name: str = "") -> str:
        """A person answers, for the first time or again; gives who."""
        with self.store.begin() as connection:
            if name not in self._rows:
                number = next(self._numbers)
                name = name or f"p{number}"
                place = entry_code_of(room) if room else None
                more: dict[str, Any] = {"status": "completed", "waiting_key": None, "state": DONE}
                self._rows[name] = stored_session(connection, self.revision, number, place_code=place, **more)
            missing = {"missing": "skipped"} if value is None else {}
            text = None if value is None else json.dumps(value)
            upsert_answers(connection, [answer(self._rows[name], key, text, **missing)])
        old = self.people.get(name)
        person = Person(name, room.code if room else "", (*(old.versions if old else ()), value or ""))
        self.people[name] = person
        self.truth |= {person.cell(code): int(code == (value or "")) for code in (*CODES, "")}
        return name

    def meeting(self, room: StoredRoom) -> MeetingQuestion:
        codes = {key: CODES for key in self.flow.questions if key != "wish"}
        return MeetingQuestion(room, self.revision, self.flow, codes, 5)

    def look(self, room: StoredRoom) -> LiveResult:
        """What the wall shows at this moment, after looking for a newer picture where that is due."""
        meeting = self.meeting(room)
        with self.store.reading() as connection:
            picture = publication.meeting_picture(connection, meeting)
        if picture.is_due:
            with self.store.begin() as connection:
                picture = publication.refresh_meeting_picture(connection, meeting)
        return picture

    def note(self, room: StoredRoom) -> LiveResult:
        picture = self.look(room)
        if picture.number and (room.code, picture.number) not in self._seen:
            self._seen.add((room.code, picture.number))
            here = [it for it in self.people.values() if it.place == room.code]
            self._say(here, {code: picture.values[code] or 0 for code in CODES}, picture.answered)
        return picture

    def publish(self) -> dict[str, int | None]:
        """A new edition of all figures, if one may be published; returns the content of the newest one."""
        made = renew_edition(self.store, "park")
        with self.store.reading() as connection:
            edition = load_newest_edition(connection, self.revision)
        rows = {row.code: row.n for row in edition.rows if row.question_key == "lamps"} if edition else {}
        told = {code: rows.get(code) for code in CODES}
        known = [n for n in told.values() if n is not None]
        if made and len(known) == len(CODES) and rows_are_new(self, made, told):
            everybody = list(self.people.values())
            self._say(everybody, {code: told[code] or 0 for code in CODES}, sum(known))
            self._note_results(everybody)
            self._published = everybody
        return told

    def _note_results(self, everybody: Sequence[Person]) -> None:
        """That all of 20 or more who came between two editions answered alike is a result, as all of a row is."""
        came = [it for it in everybody if it not in self._published]
        went = [it for it in self._published if it not in everybody]
        for code in CODES:
            said = [it for it in came if it.versions[-1]]
            n = sum(it.versions[-1] == code for it in said)
            if n == len(said) >= LARGE_GROUP and not any(it.versions[-1] == code for it in went):
                self.figures.append(Figure({it.cell(code): 1.0 for it in said}, n, n))

    def _say(self, people: Sequence[Person], told: dict[str, int], base: int) -> None:
        for code, n in told.items():
            self.figures.append(Figure({it.cell(code): 1.0 for it in people}, n, n))
        self.figures.append(Figure({it.cell(code): 1.0 for it in people for code in CODES}, base, base))

    def attack(self) -> list[Cell]:
        sizes = dict.fromkeys((cell.who for cell in self.truth), 1)
        return Attack(sizes, self.truth, self.figures).determined()


def rows_are_new(city: City, made: ResultsEdition, told: dict[str, int | None]) -> bool:
    """Whether an edition tells the question as of this moment, or as it was told before."""
    now = {code: sum(it.versions[-1] == code for it in city.people.values()) for code in CODES}
    return told == now and bool(made.rows)


@pytest.fixture
def city(store: Store) -> City:
    return City(store)


def fill(city: City, room: StoredRoom | None, yes: int, no: int) -> list[str]:
    return [city.say("yes", room) for _ in range(yes)] + [city.say("no", room) for _ in range(no)]


def drawn(chance: random.Random, city: City) -> Iterator[LiveResult]:
    """A meeting, or two, and others outside it; some change their minds, some skip, and figures are published."""
    places: list[StoredRoom] = [city.room(code) for code in ("ABC234", "DEF567")[: chance.choice((1, 1, 2))]]
    outside, share = chance.choice((0.0, 0.0, 0.05, 0.5)), chance.choice((0.1, 0.5, 0.7, 0.95))
    asked_late = chance.random() < 0.5
    people = chance.choice((12, 25, 45, 60))
    for number in range(people):
        room = None if chance.random() < outside else chance.choice(places)
        value = "yes" if chance.random() < share else "no"
        if city.people and chance.random() < 0.08:
            name = chance.choice(sorted(city.people))
            home = next((it for it in places if it.code == city.people[name].place), None)
            city.say(value, home, name=name)
        else:
            city.say(None if chance.random() < 0.04 else value, room)
        if not asked_late or number > people // 2:
            yield from (city.note(it) for it in places)
        if chance.random() < 0.1:
            city.publish()
    city.publish()


@pytest.mark.parametrize("seed", range(8))
def test_looking_after_each_answer_determines_nobody(store: Store, seed: int):
    city = City(store)
    pictures = list(drawn(random.Random(seed), city))
    assert pictures
    assert city.attack() == []


def test_the_attacker_finds_people_where_each_look_is_told(city: City, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(live_results, "is_renewal_due", lambda come, tried, bound: come >= bound)
    monkeypatch.setattr(live_results, "may_publish_after", lambda *_: True)
    room = city.room()
    fill(city, room, 6, 4)
    city.note(room)
    city.say("no", room)
    city.note(room)
    assert city.attack()


def shown(given: Sequence[str], looks: Sequence[int]) -> list[FrequencyRow]:
    """What stands on the wall at each of these looks, by the rule alone, when people answer in this order."""
    last: dict[str, FrequencyRow] = {}
    tried: int | None = None
    found = []
    for n in looks:
        if is_renewal_due(n, tried, BOUND):
            tried, row = n, FrequencyRow(n, {code: given[:n].count(code) for code in CODES})
            if may_replace_rows(last, {"q": row}, DisclosureRule(BOUND)):
                last = {"q": row}
        found.append(last.get("q", FrequencyRow(0, {})))
    return found


def determined(given: Sequence[str], looks: Sequence[int]) -> list[int]:
    """Of whom no other answer fits what was seen, to a person who knows the rule as well; two people may swap."""
    told = shown(given, looks)
    safe: set[int] = set()
    for one in range(looks[-1]):
        for other in range(one):
            if given[one] != given[other] and not {one, other} <= safe:
                swapped = list(given)
                swapped[one], swapped[other] = given[other], given[one]
                if shown(swapped, looks) == told:
                    safe |= {one, other}
    return [it for it in range(told[-1].base) if it not in safe]


def test_knowing_the_rule_reveals_nothing_about_hidden_counts():
    chance, replaced = random.Random(3), 0
    for _ in range(150):
        share = chance.choice((0.2, 0.5, 0.8, 0.9))
        given = ["yes" if chance.random() < share else "no" for _ in range(chance.choice((14, 26, 40)))]
        looks = range(chance.randint(1, 14), len(given) + 1)
        told = shown(given, looks)
        replaced += len({it.base for it in told}) > 2
        found = determined(given, looks)
        alike = {given[it] for it in found}
        assert not found or (len(found) >= LARGE_GROUP and len(alike) == 1), (given, looks)
    assert replaced > 20


def test_trying_after_each_answer_would_tell_the_last_one(monkeypatch: pytest.MonkeyPatch):
    """Nine to one is not shown, nine to two is: so the eleventh said no."""
    given, looks = ["yes"] * 9 + ["no"] * 2, range(10, 12)
    assert not determined(given, looks)
    monkeypatch.setattr(f"{__name__}.is_renewal_due", lambda come, tried, bound: come >= bound)
    assert determined(given, looks)


def test_a_picture_stays_until_enough_have_come(city: City):
    room = city.room()
    fill(city, room, 5, 4)
    assert (city.look(room).reason, city.look(room).at_least) == ("few", 0)
    fill(city, room, 1, 2)
    first = city.look(room)
    assert (first.number, first.values, first.answered, first.at_least) == (1, {"yes": 6, "no": 6}, 12, 10)
    fill(city, room, 4, 5)
    assert city.look(room) == first._replace(at_least=20), "nine more"
    fill(city, room, 1, 0)
    assert (city.look(room).number, city.look(room).values) == (2, {"yes": 11, "no": 11})


def test_a_restart_forgets_nothing_that_was_shown(city: City):
    room = city.room()
    fill(city, room, 7, 5)
    assert city.look(room).answered == 12
    city.store.dispose()
    city.store = Store(str(city.store.writer.url.render_as_string(hide_password=False)))
    city.say("no", room)
    assert city.look(room).answered == 12
    city.store.dispose()


def test_what_was_shown_goes_with_the_room_and_with_the_answers(city: City):
    room = city.room()
    fill(city, room, 7, 5)
    city.look(room)
    with city.store.begin() as connection:
        assert room_results(connection, room.consultation_id)
        erase_room_results(connection, room.consultation_id)
        assert not room_results(connection, room.consultation_id)
    city.look(room)
    with city.store.begin() as connection:
        connection.exec_driver_sql("DELETE FROM rooms")
        assert connection.exec_driver_sql("SELECT count(*) FROM room_results").scalar() == 0


def test_nothing_is_written_down_before_the_result_is_shown(city: City):
    room = city.room()
    fill(city, room, 7, 5)
    hidden = room._replace(shows_results=False)
    assert (city.look(hidden).number, city.look(hidden).is_due) == (0, False)
    fill(city, room, 2, 1)
    assert city.look(room).answered == 15, "the first picture is of the moment at which it is asked for"


def test_sensitive_answers_are_rounded_and_never_of_one_mind(store: Store):
    yes_no = {"options": [{"value": it, "label": {"de": it, "en": it}} for it in CODES]}
    asked = {"key": "lamps", "type": "choice", "text": {"de": "Krank?", "en": "Ill?"}, "sensitive": True, **yes_no}
    city = City(store, asked | {"web_only": True})
    room, other = city.room(), city.room("DEF567")
    fill(city, room, 8, 4)
    assert (city.look(room).values, city.look(room).answered) == ({"yes": 10, "no": 5}, 10)
    fill(city, other, 30, 0)
    assert city.look(other).reason == "protected"


def branching(city_of: Store) -> City:
    yes_no = {"type": "choice", "options": [{"value": it, "label": {"de": it, "en": it}} for it in CODES]}
    lamps = {"key": "lamps", "text": {"de": "Licht?", "en": "Light?"}, **yes_no}
    led = {"equal": {"question": "lamps", "value": "yes"}}
    more = {"key": "more", "text": {"de": "Mehr?", "en": "More?"}, "ask_if": led, **yes_no}
    return City(city_of, lamps, more)


def test_who_is_asked_tells_what_they_answered_before(store: Store):
    """So the number is not told, and the two questions are shown as of one moment."""
    city = branching(store)
    lamps = city.room()
    people = fill(city, lamps, 14, 6)
    assert city.look(lamps).answered == 20
    for number, name in enumerate(people[:14]):
        city.say(CODES[number % 2], lamps, key="more", name=name)
    more = lamps._replace(at="more")
    with city.store.begin() as connection:
        update_rooms(connection, [RoomStep(more.id, "more", True, None)])
    first = city.look(more)
    assert (first.at_least, first.values) == (None, {"yes": 7, "no": 7})
    late = city.room("DEF567")
    fill(city, late, 14, 6)
    assert city.look(late).answered == 20
    also = city.say("yes", late)
    for number in range(12):
        city.say(CODES[number % 2], late, key="more", name=also if not number else "")
    assert city.look(late._replace(at="more")).reason == "protected", "one came to the first question since"


def test_room_figures_wait_if_too_few_people_are_outside(city: City):
    room = city.room()
    fill(city, room, 12, 11)
    fill(city, None, 1, 1)
    assert city.publish() == {"yes": 13, "no": 12}
    assert city.look(room).reason == "protected", "the difference is two people"
    fill(city, None, 3, 3)
    fill(city, room, 5, 5)
    assert city.look(room).values == {"yes": 17, "no": 16}


@pytest.mark.parametrize(
    ("more", "is_told"), [((0, 0), True), ((1, 1), False), ((3, 3), True), ((6, 0), False), ((25, 1), False)]
)
def test_published_figures_wait_for_people_outside_the_rooms(city: City, more: tuple[int, int], is_told: bool):
    room = city.room()
    fill(city, room, 7, 6)
    assert city.note(room).answered == 13
    fill(city, None, *more)
    told = city.publish()
    assert (told["yes"] is not None) is is_told
    assert city.attack() == []


def test_two_rooms_together_leave_enough_outside(city: City):
    """All but two people are in one of them: each alone leaves enough."""
    for code in ("ABC234", "DEF567"):
        room = city.room(code)
        fill(city, room, 7, 6)
        assert city.note(room).answered == 13
    fill(city, None, 1, 1)
    assert city.publish()["yes"] is None
    fill(city, None, 3, 3)
    assert city.publish()["yes"] == 18


def test_edition_older_than_a_room_display_is_discarded(city: City):
    room = city.room()
    fill(city, room, 7, 6)
    with city.store.reading() as connection:
        made = make_edition(connection, "park", NOW + timedelta(days=1))
    city.look(room)
    with pytest.raises(Duplicate), city.store.begin() as connection:
        store_edition(connection, made)


def test_who_deleted_everything_does_not_show_on_the_wall(city: City):
    room = city.room()
    people = fill(city, room, 8, 6)
    before = city.look(room)
    with city.store.begin() as connection:
        erase_sessions(connection, [city._rows[people[0]].pseudonym])
    assert city.look(room) == before
    assert not differencing.may_publish_after(FrequencyRow(14, {}), FrequencyRow(13, {}), DisclosureRule(BOUND))
