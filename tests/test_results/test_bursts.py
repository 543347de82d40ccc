"""Bursts: how many participations began close together on one network, and the figures without them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from bot.common.i18n.locale import Locale
from bot.results import figures
from bot.results.edition import EditionDocument, load_newest_edition, make_edition
from bot.results.editions.renewal import renew_edition
from bot.results.live_progress import load_live_progress
from bot.results.published import results_of_edition
from bot.results.vote_loader import load_votes
from bot.web.console.figure_tables import figure_tables
from flows.definition import Consultation
from flows.session import Session
from storage.core.store import Store
from storage.tables.answers import upsert_answers
from storage.tables.begin_counts import BeginCount, upsert_begin_counts
from storage.tables.bursts import BurstCount, count_bursts, pseudonyms_in_bursts
from storage.tables.entry_places import EntryPlace, insert_entry_place
from storage.tables.revisions import find_live_revision
from tests.support.browser import serving
from tests.support.console import hired, signed_in
from tests.support.databases import only_sqlite
from tests.support.ideas import NOW, open_consultation, rate, released
from tests.support.rows import answer, pseudonym, stored_session

RESULTS = "/console/consultations/park/results"


def take_part(store: Store, values: list[str], first: int = 0, **changes: object) -> int:
    """People of the web page who answered about the lamps; returns the id of the consultation."""
    with store.begin() as connection:
        revision = find_live_revision(connection, "park")
        assert revision
        rows = []
        for number, value in enumerate(values, first):
            state = Session("park", "de", "R", answers={"lamps": value}, status="completed", submitted=True).to_json()
            done = {"state": state, "waiting_key": None, "status": "completed", "ended_at": NOW, "channel": "web"}
            rows.append(
                answer(stored_session(connection, revision, number, **done | changes), "lamps", json.dumps(value))
            )
        upsert_answers(connection, rows)
        return revision.consultation_id


def crowd(store: Store) -> int:
    """20 people, and a burst of 15 who want no lamps."""
    open_consultation(store)
    take_part(store, ["yes"] * 14 + ["no"] * 6)
    return take_part(store, ["no"] * 15, first=100, burst=1, place_code="school")


def test_bursts_are_counted_by_channel_and_place(store: Store) -> None:
    number = crowd(store)
    with store.reading() as connection:
        assert sorted(count_bursts(connection, number)) == [
            BurstCount("web", "", 20, 0),
            BurstCount("web", "school", 15, 15),
        ]


def test_live_progress_names_the_places_of_bursts(store: Store) -> None:
    number = crowd(store)
    take_part(store, ["yes"], first=200, burst=1)
    take_part(store, ["yes"], first=300, channel="telegram")
    with store.begin() as connection:
        insert_entry_place(connection, EntryPlace(number, "school", "Schule am Park", NOW))
        upsert_begin_counts(connection, [BeginCount(number, NOW, b"h" * 16, 15), BeginCount(number, NOW, b"g" * 16, 3)])
    with store.reading() as connection:
        live = find_live_revision(connection, "park")
        assert live
        definition = Consultation.model_validate_json(live.content)
        found = load_live_progress(connection, number, "park", definition).bursts
    assert found
    assert (found.begun, found.bursts, found.busiest) == (36, 16, 15)
    assert (found.places.sizes, found.places.merged) == ({}, 16), "a place of one person is not named"


def test_without_bursts_nothing_is_said(store: Store) -> None:
    open_consultation(store)
    number = take_part(store, ["yes"] * 12)
    with store.reading() as connection:
        live = find_live_revision(connection, "park")
        assert live
        definition = Consultation.model_validate_json(live.content)
        assert load_live_progress(connection, number, "park", definition).bursts is None
        assert make_edition(connection, "park", datetime.now(UTC)).document.burst_percent is None


def test_inner_figures_can_leave_bursts_out(store: Store) -> None:
    crowd(store)
    with store.reading() as connection:
        both = [
            results_of_edition(
                connection,
                make_edition(connection, "park", datetime.now(UTC), is_inner=True, is_without_bursts=is_without),
            )
            for is_without in (False, True)
        ]
    assert [found.participations for found in both] == [35, 20]
    answers = {
        (row.label, row.public.number)
        for table in figure_tables(None, both[1], Locale.of("de"))
        for row in table.rows
        if table.is_question
    }
    assert {("Ja", "14"), ("Nein", "6")} <= answers


def test_votes_of_bursts_can_be_left_out(store: Store) -> None:
    number = crowd(store)
    with store.begin() as connection:
        idea = released(connection, number, 1)
        rate(connection, idea.id, {2: 1, 3: -1, 100: 1, 101: 1})
    with store.reading() as connection:
        people = pseudonyms_in_bursts(connection, number)
        assert people == {pseudonym(person) for person in range(100, 115)}
        counted = [len(load_votes(connection, number, without).log.people) for without in (frozenset[str](), people)]
    assert counted == [4, 2]


def test_public_figures_count_bursts_and_say_so(store: Store) -> None:
    crowd(store)
    renew_edition(store, "park")
    with store.reading() as connection:
        live = find_live_revision(connection, "park")
        assert live
        edition = load_newest_edition(connection, live)
        assert edition
        found = results_of_edition(connection, edition)
    assert found.participations == 35
    assert edition.document.burst_percent == 40
    assert "Mindestens 40 % der Teilnahmen" in figures.burst_line(found, Locale.of("de"))


def test_editions_of_older_versions_have_no_share() -> None:
    assert EditionDocument.__dataclass_fields__["burst_percent"].default is None


@only_sqlite
async def test_the_team_and_readers_see_bursts(store: Store) -> None:
    crowd(store)
    renew_edition(store, "park")
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get("/console/consultations/park/live")
        assert "15 von 35 Teilnahmen im Web" in browser.text
        await browser.get(RESULTS)
        assert "Mindestens 40 % der Teilnahmen" in browser.text
        await browser.press(
            "Innere Zahlen daneben zeigen",
            "dicht hintereinander am selben Internet-Anschluss begannen",
            purpose="Bericht",
        )
        assert "ohne Häufungen gezählt" in browser.text
        reader = house.browser(Cookie="lang=de")
        await reader.get("/results/park")
        assert "Mindestens 40 % der Teilnahmen" in reader.text
        assert "Im Web zählt der Browser, nicht die Person" in reader.text
