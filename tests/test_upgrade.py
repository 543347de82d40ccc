"""A data folder of an earlier version goes on: open sessions, waiting replies, pushes, buttons, cookies, codes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text, update
from yarl import URL

from bot.common.i18n.locale import Locale
from bot.proposals import publication
from bot.results import text_output
from bot.results.editions.renewal import renew_edition
from bot.settings import PushSettings, Settings
from bot.staff import sign_in as staff
from storage import migrate
from storage.core.errors import StoreOutdated
from storage.core.store import Store
from storage.tables.participations import progress_of_people, tally_participations
from storage.tables.rooms import RoomRow
from storage.tables.stages import stage_history
from tests.support.app import KEYS, Recorder, rows, running, say
from tests.support.browser import serving
from tests.support.timeouts import PATIENCE
from tests.test_privacy.test_moments import assert_participation_knows_hours
from tests.upgrades import FACTS, REVISION, WRITTEN, OldHouse

COUNTED = ("sessions", "answers", "consents", "proposals", "ratings", "outbox", "staff", "opt_ins", "attachments")


@pytest.fixture
def store(old_house: OldHouse) -> Iterator[Store]:
    opened = old_house.open()
    yield opened
    opened.dispose()


def settings(old_house: OldHouse) -> Settings:
    return Settings(data=old_house.data, push=PushSettings(quiet_from=0, quiet_to=0))


def reopened() -> Recorder:
    """The channel; ids of its messages go on behind those that the earlier version took."""
    telegram = Recorder("telegram")
    telegram._number = 100_000
    return telegram


def button(name: str, label: str) -> str:
    buttons: list[tuple[str, str]] = FACTS[name]
    return next(token for text, token in buttons if label in text)


async def test_button_from_before_the_upgrade_still_answers(store: Store, old_house: OldHouse) -> None:
    telegram = reopened()
    async with running(store, {"telegram": telegram}, settings(old_house)) as (app, _):
        await say(app, telegram.msg("open0", choice=button("open_buttons", "Rad")))
        assert "Gewählt: Rad" in telegram.texts("open0")[-1]
        await say(app, telegram.msg("open0", "fertig"))
        assert "Wie gut?" in telegram.texts("open0")[-1]


async def test_replies_that_waited_are_sent(store: Store, old_house: OldHouse) -> None:
    telegram = reopened()
    waiting = [json.loads(payload)["text"] for (payload,) in rows(store, "SELECT payload FROM outbox")]
    async with running(store, {"telegram": telegram}, settings(old_house)) as (app, _):
        await app.outbox.drained()
        assert telegram.texts("wait0"), "the greeting waited when the earlier version ended"
        assert telegram.texts("open0"), "so did the help"
    assert sorted([*telegram.texts("wait0"), *telegram.texts("open0")]) == sorted(waiting), "word for word"
    assert rows(store, "SELECT count(*) FROM outbox WHERE purpose = 'reply'") == [(0,)]


async def test_a_push_that_was_planned_goes_on(store: Store, old_house: OldHouse) -> None:
    telegram = reopened()
    async with running(store, {"telegram": telegram}, settings(old_house)), asyncio.timeout(PATIENCE):
        while not (telegram.texts("news0") and telegram.texts("news1")):
            await asyncio.sleep(0.05)
    assert "Beispiel stadt" in telegram.texts("news0")[-1]


async def test_staff_decide_by_a_button_shown_before(store: Store, old_house: OldHouse) -> None:
    telegram = reopened()
    async with running(store, {"telegram": telegram}, settings(old_house)) as (app, _):
        await say(app, telegram.msg("team", choice=button("queue_buttons", "Freigeben")))
    assert rows(store, "SELECT kind FROM decisions") == [("approve",)]


async def test_a_browser_finds_its_conversation_by_its_cookie(old_house: OldHouse, store: Store) -> None:
    async with serving(store) as house:
        person = house.browser(**{"Accept-Language": "de"})
        person.http.cookie_jar.update_cookies(FACTS["web"]["cookies"]["alone"], URL(str(house.server.make_url("/"))))
        await person.get("/c/stadt")
        assert "Wie sicher?" in person.text
        await person.press("Weiter", "4")
        assert "Womit fahren Sie?" in person.text


async def test_live_meeting_survives_the_upgrade_for_all_roles(old_house: OldHouse, store: Store) -> None:
    room = FACTS["web"]["room"]
    # a meeting ends a day after it began, and the folder is older than that
    await store.write(lambda it: it.execute(update(RoomRow).values(created_at=datetime.now(UTC))))
    async with serving(store) as house:
        origin = URL(str(house.server.make_url("/")))
        lead, person, kiosk = (house.browser(**{"Accept-Language": "de"}) for _ in range(3))
        for name, browser in (("lead", lead), ("person", person), ("kiosk", kiosk)):
            browser.http.cookie_jar.update_cookies(FACTS["web"]["cookies"][name], origin)
        ticket = FACTS["web"]["cookies"]["lead"]["help"]
        member = await staff.staff_of_ticket(store, KEYS, ticket, WRITTEN)
        assert member, "a ticket of the earlier version holds for as long as it was given"
        lead.http.cookie_jar.update_cookies({"help": staff.issue_ticket(KEYS, member, datetime.now(UTC))}, origin)
        await lead.get(f"/help-out/room/{room}")
        assert "Dabei: 6 · Antworten: weniger als 10" in lead.text
        await lead.press("Ergebnis zeigen")
        wall = await lead.get(f"/room/{room}/screen")
        assert "weniger als 10 Personen" in wall.text, "the earlier version noted nothing of what it showed"
        await lead.get(f"/help-out/room/{room}")
        await lead.press("Nächste Frage öffnen")
        await person.get(f"/c/stadt/room/{room}")
        assert person.heading() == "Womit fahren Sie?"
        await kiosk.get("/kiosk/stadt?at=kiez-7")
        assert kiosk.status == 200
        await kiosk.press("Deutsch Los geht es")
        assert kiosk.heading() == "Wie sicher?"


def test_figures_that_were_kept_are_the_first_edition(store: Store) -> None:
    """Then later ones carry them on, and count only what became of contributions."""
    with store.reading() as connection:
        kept = publication.public_figures(connection, "vorbei")
    assert kept
    assert (kept.edition.number, kept.edition.is_last, kept.edition.has_counts) == (1, True, False)
    assert (kept.report.people, [it.by_last_vote.agrees for it in kept.report.statements]) == (6, [6, 6])
    assert "6" in "\n".join(text_output.result_lines(kept, Locale.of("de")))
    assert renew_edition(store, "vorbei")
    with store.reading() as connection:
        later = publication.public_figures(connection, "vorbei")
    assert later
    assert (later.edition.number, later.edition.rule, later.report) == (2, kept.edition.rule, kept.report)
    assert later.answered.contributions is not None


def test_nothing_is_lost_by_the_upgrade_nor_by_the_way_back(old_house: OldHouse) -> None:
    before = Store(old_house.database.url)
    counts = {table: rows(before, f"SELECT count(*) FROM {table}") for table in COUNTED}
    kept = [
        (json.dumps(json.loads(report), separators=(",", ":"), ensure_ascii=False),)
        for (report,) in rows(before, "SELECT report FROM kept_reports")
    ]
    before.dispose()
    opened = old_house.open()
    assert {table: rows(opened, f"SELECT count(*) FROM {table}") for table in COUNTED} == counts
    migrate.downgrade(opened, REVISION)
    assert rows(opened, "SELECT report FROM kept_reports") == kept
    assert {table: rows(opened, f"SELECT count(*) FROM {table}") for table in COUNTED} == counts
    old_house.upgrade(opened)
    assert {table: rows(opened, f"SELECT count(*) FROM {table}") for table in COUNTED} == counts
    opened.dispose()


def test_who_counts_is_known_of_old_participations_too(old_house: OldHouse) -> None:
    """The view says it in SQL, the figures in Python: of what the earlier version stored both say the same."""
    store = old_house.open()
    with store.begin() as connection:
        connection.execute(
            text("UPDATE consultations SET closes_at = '2026-01-01T00:00:00.000000Z' WHERE slug = 'bild'")
        )
    found = rows(store, "SELECT response_id, answered, answers, status, consultation FROM v_responses")
    with store.reading() as connection:
        standing = progress_of_people(connection, [row[0] for row in found])
    assert {row[0]: bool(row[1]) for row in found} == {name: one.is_answered for name, one in standing.items()}
    assert {bool(answered) for _, answered, *_ in found} == {True, False}
    assert not [row for row in found if row[4] == "bild" and row[3] == "waiting"]
    ids = dict(rows(store, "SELECT slug, id FROM consultations"))
    with store.reading() as connection:
        tallies = [tally_participations(connection, number) for number in ids.values()]
    assert sum(one.answered for one in tallies) == sum(row[1] for row in found)
    assert sum(one.begun for one in tallies) == len(found)
    store.dispose()


def test_upgrade_leaves_only_days_and_no_channel_id_in_identity(old_house: OldHouse) -> None:
    before = Store(old_house.database.url)
    ids = {name for (name,) in rows(before, "SELECT external_id FROM received")}
    numbers = {number for (number,) in rows(before, "SELECT id FROM outbox")}
    before.dispose()
    opened = old_house.open()
    assert {name for (name,) in rows(opened, "SELECT external_id FROM received")}.isdisjoint(ids)
    known = [json.loads(state).get("last_message") for (state,) in rows(opened, "SELECT state FROM sessions")]
    assert any(known)
    assert ids.isdisjoint(known)
    assert {number for (number,) in rows(opened, "SELECT id FROM outbox")}.isdisjoint(numbers)
    assert_identity_knows_days(opened)
    opened.dispose()


async def test_what_was_taken_before_the_upgrade_is_a_repeat_after_it(store: Store, old_house: OldHouse) -> None:
    telegram = Recorder("telegram")
    async with running(store, {"telegram": telegram}, settings(old_house)) as (app, _):
        await say(app, *(telegram.msg("anybody", "Hallo") for _ in range(20)))
        assert (app.conversations.counts.repeats, app.conversations.counts.messages) == (20, 0)


async def test_an_edit_corrects_an_answer_given_before_the_upgrade(store: Store, old_house: OldHouse) -> None:
    telegram = reopened()
    async with running(store, {"telegram": telegram}, settings(old_house)) as (app, _):
        await say(app, telegram.msg("open0", "2", edits="m180"))
        assert "2" in telegram.texts("open0")[-1]
    [(state,)] = rows(store, "SELECT state FROM sessions WHERE receipt = 'S0GWC-X5D4H'")
    assert json.loads(state)["answers"] == {"frage": 2}


def test_what_has_to_be_hidden_is_not_migrated_without_the_key(old_house: OldHouse) -> None:
    opened = Store(old_house.database.url)
    with pytest.raises(StoreOutdated, match="secret key"):
        migrate.upgrade(opened)
    assert rows(opened, "SELECT external_id FROM received WHERE external_id = 'm1'") == [("m1",)]
    opened.dispose()


def test_the_upgrade_leaves_hours_in_participation(old_house: OldHouse) -> None:
    before = Store(old_house.database.url)
    exact = dict(rows(before, "SELECT id, started_at FROM sessions"))
    staff = rows(before, "SELECT id, at FROM decisions WHERE staff_id IS NOT NULL ORDER BY 1")
    before.dispose()
    opened = old_house.open()
    assert_participation_knows_hours(opened)
    assert rows(opened, "SELECT id, at FROM decisions WHERE staff_id IS NOT NULL ORDER BY 1") == staff
    with opened.reading() as connection:
        for consultation_id, number, revision_id, period in connection.execute(
            text("SELECT consultation_id, id, revision_id, period FROM sessions")
        ):
            periods = stage_history(connection, consultation_id)
            began = _moment(exact[number])
            fitting = [one for one in periods if one.since <= began and (one.until is None or began < one.until)]
            assert period == (fitting or periods)[0].period, "the promise under which they began"
            assert revision_id in {one.revision_id for one in periods}
    opened.dispose()


def _moment(stored: object) -> datetime:
    return stored if isinstance(stored, datetime) else datetime.fromisoformat(str(stored))


def test_vote_carried_over_before_the_upgrade_stays_marked(old_house: OldHouse) -> None:
    opened = Store(old_house.database.url)
    at, later = "2026-11-30 04:51:02.123456+00:00", "2026-11-30 04:52:00.654321+00:00"
    if opened.dialect == "sqlite":
        at, later = "2026-11-30T04:51:02.123456Z", "2026-11-30T04:52:00.654321Z"
    [(source,), (target,), *_] = rows(opened, "SELECT id FROM proposals ORDER BY id")
    with opened.begin() as connection:
        merged = f"UPDATE moderations SET state = 'merged', merged_into = {target} WHERE proposal_id = {source}"
        connection.execute(text(merged))
        connection.execute(text("DELETE FROM ratings"))
        for proposal, who, moment in ((source, "a", at), (target, "a", at), (source, "b", at), (target, "b", later)):
            connection.execute(
                text(
                    "INSERT INTO ratings (proposal_id, pseudonym, vote, important, rated_at) "
                    f"VALUES ({proposal}, '{who * 32}', 1, false, '{moment}')"
                )
            )
    old_house.upgrade(opened)
    found = rows(opened, f"SELECT pseudonym, carried_from FROM ratings WHERE proposal_id = {target} ORDER BY 1")
    assert found == [("a" * 32, source), ("b" * 32, None)], "the other one was given to the target itself"
    opened.dispose()


DAYS = {
    "contacts": ("created_at", "stopped_at"),
    "addresses": ("created_at", "unreachable_at"),
    "received": ("received_at",),
    "dead_letters": ("at", "settled_at"),
    "outbox": ("created_at", "settled_at"),
    "opt_ins": ("given_at",),
    "broadcast_recipients": ("moved_at",),
    "staff_chats": ("bound_at",),
}


def assert_identity_knows_days(store: Store) -> None:
    for table, columns in DAYS.items():
        for column in columns:
            found = rows(store, f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL")
            assert all("00:00:00" in str(moment) for (moment,) in found), (table, column)
