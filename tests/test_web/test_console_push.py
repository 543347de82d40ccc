"""Pushes in the console: count, start, undo, steps, and what is refused."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from bot.settings import PushSettings
from storage.core.store import Store
from storage.tables.audit import audit_entries
from storage.tables.staff import NewStaffChat, StaffMember, bind_staff_chats
from tests.support.app import KEYS, Recorder, rows
from tests.support.browser import Browser, House, serving
from tests.support.console import hired, signed_in
from tests.support.databases import only_sqlite
from tests.support.ideas import open_consultation
from tests.test_broadcasts.test_broadcasts import resident

PUSH = "/console/consultations/park/push"
pytestmark = only_sqlite


@asynccontextmanager
async def pushing(store: Store, people: int = 3, **more: Any) -> AsyncIterator[tuple[House, StaffMember]]:
    """A served consultation with a messenger, and people who asked for news on it."""
    open_consultation(store, topics=["neighbourhoods"], districts=["01"], **more)
    for number in range(people):
        resident(store, f"anna {number}", ("all", ""), language="en" if number % 3 == 2 else "de")
    member = hired(store)
    async with serving(store) as house:
        house.app.settings = house.app.settings.model_copy(update={"push": PushSettings(quiet_from=0, quiet_to=0)})
        house.app.channels = {**house.app.channels, "test": Recorder()}
        yield house, member


def acts(store: Store) -> list[str]:
    with store.reading() as connection:
        return [it.act for it in audit_entries(connection) if it.act.startswith("push")]


async def opened(house: House, member: StaffMember) -> Browser:
    browser = signed_in(house, member)
    await browser.get(f"{PUSH}/new")
    assert browser.status == 200, browser.text
    return browser


async def test_a_push_is_counted_started_and_taken_back(store: Store) -> None:
    async with pushing(store) as (house, member):
        browser = await opened(house, member)
        assert "3 Menschen" in browser.text
        assert "test Deutsch 2 test English 1" in browser.text
        assert "Neu: " in browser.text or "Park" in browser.text
        await browser.press("An 3 schicken")
        assert "Die erste Nachricht geht hinaus" in browser.text
        assert "Von Aylin, an:" in browser.text
        assert rows(store, "SELECT state, counted, member_id FROM broadcasts") == [("planning", 3, member.id)]
        await browser.press("Zurücknehmen")
        assert "zurückgerufen" in browser.text
        assert acts(store) == ["push.start", "push.recall"]
        await browser.get(PUSH)
        assert "alle, die Neues hören möchten" in browser.text


async def test_a_push_is_paused_and_goes_on(store: Store) -> None:
    async with pushing(store) as (house, member):
        browser = await opened(house, member)
        await browser.press("An 3 schicken")
        with store.begin() as connection:
            connection.execute(text("UPDATE broadcasts SET starts_at = created_at"))
        await browser.get(browser.path)
        await browser.press("Anhalten")
        assert "angehalten" in browser.text
        await browser.post(f"{browser.path}/pause", {"csrf": browser_csrf(browser)})
        assert browser.status == 409
        assert "Das geht nicht mehr" in browser.text
        await browser.get(browser.path.removesuffix("/pause"))
        await browser.press("Weiter")
        assert "wird vorbereitet" in browser.text
        assert acts(store) == ["push.start", "push.pause", "push.resume"]


def browser_csrf(browser: Browser) -> str:
    return next(value for form in browser.page.forms for name, value in form.fields if name == "csrf")


async def test_a_number_that_has_changed_starts_nothing(store: Store) -> None:
    async with pushing(store) as (house, member):
        browser = await opened(house, member)
        resident(store, "late", ("all", ""))
        await browser.press("An 3 schicken")
        assert browser.status == 409
        assert "Die Zahl hat sich geändert" in browser.text
        assert rows(store, "SELECT * FROM broadcasts") == []
        await browser.press("An 4 schicken")
        assert browser.status == 200
        assert acts(store) == ["push.start"]


async def test_two_people_who_press_start_one_push(store: Store) -> None:
    async with pushing(store) as (house, member):
        first, second = await opened(house, member), await opened(house, hired(store, "Cem"))
        await first.press("An 3 schicken")
        await second.press("An 3 schicken")
        assert second.status == 409
        assert "läuft schon" in second.text
        assert f'href="{first.path}"' in second.page.html
        assert len(rows(store, "SELECT id FROM broadcasts")) == 1


async def test_choices_narrow_the_audience_and_stay_in_the_form(store: Store) -> None:
    async with pushing(store) as (house, member):
        resident(store, "kiez", ("topic", "neighbourhoods"), language="en")
        resident(store, "mitte", ("district", "01"))
        browser = await opened(house, member)
        assert "5 Menschen" in browser.text
        csrf = browser_csrf(browser)
        await browser.post(f"{PUSH}/count", {"csrf": csrf, "district": "01"})
        assert "1 Mensch" in browser.text
        assert "Mitte" in browser.text
        await browser.post(f"{PUSH}/count", {"csrf": csrf, "topic": "neighbourhoods", "language": "en"})
        assert "2 Menschen" in browser.text
        assert "Lebenswerte Kieze und English" in browser.text
        assert re.search(r'value="neighbourhoods" checked', browser.page.html)
        await browser.post(f"{PUSH}/count", {"csrf": csrf, "kind": "reminder"})
        assert "0 Menschen" in browser.text
        assert "An 0 schicken" not in browser.text


NOT_SENT: list[tuple[dict[str, str], int, str]] = [
    ({"kind": "reminder", "shown": "0"}, 422, "Es wurde nichts verschickt"),
    ({"channel": "pigeon", "shown": "3"}, 422, "Diese Auswahl gibt es nicht mehr"),
    ({"earlier": "took_part", "earlier_slug": "a) or (b", "shown": "3"}, 422, "Diese Auswahl gibt es nicht mehr"),
    ({"when": "later", "day": "2020-01-01", "time": "12:00", "shown": "3"}, 422, "schon vorbei"),
    ({"when": "later", "day": "2027-02-30", "time": "12:00", "shown": "3"}, 422, "gibt es nicht"),
    ({"when": "later", "shown": "3"}, 422, "gibt es nicht"),
    ({"until_day": "2020-01-01", "shown": "3"}, 422, "Das Ende liegt vor dem Anfang"),
    ({"until_day": "2027-02-30", "shown": "3"}, 422, "gibt es nicht"),
    ({"shown": "9" * 40}, 409, "Die Zahl hat sich geändert"),
    ({}, 409, "Die Zahl hat sich geändert"),
]


async def test_what_cannot_be_sent_is_explained(store: Store) -> None:
    async with pushing(store) as (house, member):
        browser = await opened(house, member)
        csrf = browser_csrf(browser)
        for fields, status, said in NOT_SENT:
            await browser.post(f"{PUSH}/new", {"csrf": csrf, **fields})
            assert browser.status == status, fields
            assert said in browser.text, fields
        assert rows(store, "SELECT * FROM broadcasts") == []


async def test_a_time_that_the_clock_change_skips_is_the_next_real_one(store: Store) -> None:
    """On 28 March 2027 there is no 02:30 in Berlin."""
    async with pushing(store) as (house, member):
        browser = await opened(house, member)
        later = {"when": "later", "day": "2027-03-28", "time": "02:30", "shown": "3"}
        await browser.post(f"{PUSH}/new", {"csrf": browser_csrf(browser), **later})
        assert browser.status == 200
        assert rows(store, "SELECT starts_at FROM broadcasts")[0][0].startswith("2027-03-28T01:30")


async def test_a_push_ends_at_the_chosen_moment(store: Store) -> None:
    async with pushing(store) as (house, member):
        browser = await opened(house, member)
        await browser.press("An 3 schicken", until_day="2027-03-27", until_time="18:00")
        assert "Verschickt wird bis" in browser.text
        assert rows(store, "SELECT expires_at FROM broadcasts")[0][0].startswith("2027-03-27T17:00")


async def test_a_large_audience_is_confirmed_twice(store: Store) -> None:
    async with pushing(store) as (house, member):
        house.app.settings = house.app.settings.model_copy(update={"push": PushSettings(confirm_above=2)})
        browser = await opened(house, member)
        await browser.press("An 3 schicken")
        assert "Bitte einmal bestätigen" in browser.text
        assert rows(store, "SELECT * FROM broadcasts") == []
        await browser.press("Ja, an 3 schicken")
        assert acts(store) == ["push.start"]


async def test_a_closed_consultation_offers_no_push(store: Store) -> None:
    async with pushing(store) as (house, member):
        browser = await opened(house, member)
        csrf = browser_csrf(browser)
        with store.begin() as connection:
            connection.execute(text("UPDATE consultations SET state = 'closed'"))
        await browser.post(f"{PUSH}/new", {"csrf": csrf, "shown": "3"})
        assert browser.status == 422
        assert "nicht offen" in browser.text
        await browser.get(PUSH)
        assert "Neue Rundfrage" not in browser.text


async def test_pushes_of_other_consultations_do_not_exist(store: Store) -> None:
    async with pushing(store) as (house, member):
        open_consultation(store, "trees")
        browser = await opened(house, member)
        await browser.press("An 3 schicken")
        other = browser.path.replace("/park/", "/trees/")
        assert (await browser.get(other)).status == 404
        assert (await browser.get(f"{PUSH}/sent/{datetime.now(UTC):%Y}")).status == 404


@asynccontextmanager
async def two_needed(store: Store) -> AsyncIterator[tuple[House, Browser, Browser]]:
    """Two members before a consultation with three subscribers, where a push to more than two needs both."""
    async with pushing(store) as (house, member):
        limit = PushSettings(quiet_from=0, quiet_to=0, second_above=2)
        house.app.settings = house.app.settings.model_copy(update={"push": limit})
        yield house, await opened(house, member), signed_in(house, hired(store, "Cem"))


async def test_a_second_member_agrees_to_a_large_push(store: Store) -> None:
    async with two_needed(store) as (_, first, second):
        csrf = browser_csrf(first)
        assert "Bei mehr als 2 Menschen muss eine zweite Person zustimmen." in first.text
        await first.post(f"{PUSH}/new", {"csrf": csrf, "shown": "3"})
        assert "Sie haben um Zustimmung gebeten." in first.text
        await first.post(f"{first.path}/agree", {"csrf": csrf})
        assert first.status == 409
        assert rows(store, "SELECT state FROM broadcasts") == [("draft",)]
        await second.get(PUSH)
        asked = re.search(rf'href="({PUSH}/asked/\d+)"', second.page.html)
        assert asked is not None
        await second.get(asked[1])
        assert "Aylin bittet um Zustimmung." in second.text
        await second.press("Zustimmen und an 3 schicken")
        assert "Die erste Nachricht geht hinaus" in second.text
        assert rows(store, "SELECT state, counted FROM broadcasts") == [("planning", 3)]
        assert acts(store) == ["push.ask", "push.agree", "push.start"]
        assert (await second.get(asked[1])).status == 404


CHANGES: list[str] = [
    "UPDATE broadcasts SET segment = 'language=de'",
    "UPDATE broadcasts SET starts_at = '2027-01-01T10:00:00.000000+00:00'",
    "UPDATE broadcasts SET per_hour = 7",
    "UPDATE broadcasts SET expires_at = '2027-01-01T10:00:00.000000+00:00'",
    "UPDATE broadcasts SET is_reminder = 1",
    "UPDATE broadcasts SET created_at = '2020-01-01T10:00:00.000000+00:00'",
]


async def test_a_request_holds_for_exactly_one_push(store: Store) -> None:
    async with two_needed(store) as (_, first, second):
        csrf = browser_csrf(first)
        for change in CHANGES:
            await first.post(f"{PUSH}/new", {"csrf": csrf, "shown": "3"})
            await second.get(first.path)
            fields = {"csrf": browser_csrf(second)}
            with store.begin() as connection:
                connection.execute(text(change))
            await second.post(f"{first.path}/agree", fields)
            assert second.status == 409, change
            assert "Das geht nicht mehr" in second.text
            await second.post(f"{first.path}/drop", fields)
            assert rows(store, "SELECT * FROM broadcasts") == []
        assert "push.agree" not in acts(store)


async def test_a_request_ends_when_the_audience_grows(store: Store) -> None:
    async with two_needed(store) as (_, first, second):
        await first.press("Um Zustimmung bitten")
        await second.get(first.path)
        resident(store, "late", ("all", ""))
        await second.press("Zustimmen und an 3 schicken")
        assert second.status == 409
        assert acts(store) == ["push.ask"]


async def test_a_sample_goes_to_the_chat_of_the_member_only(store: Store) -> None:
    async with pushing(store) as (house, member):
        browser = await opened(house, member)
        await browser.press("An mich schicken Deutsch")
        assert "noch kein Chat verbunden" in browser.text
        assert rows(store, "SELECT count(*) FROM outbox") == [(0,)]
        lookup = KEYS.lookup("test", "anna 2")
        with store.begin() as connection:
            bind_staff_chats(connection, [NewStaffChat(member.id, lookup, datetime.now(UTC))])
        await browser.press("An mich schicken English")
        assert "Die Probe ist unterwegs" in browser.text
        found = rows(store, "SELECT lookup, purpose, payload FROM outbox")
        assert [(it[0], it[1]) for it in found] == [(lookup, "notice")]
        assert "Sample, for this chat only:" in str(found[0][2])
        assert rows(store, "SELECT count(*) FROM broadcasts") == [(0,)]
        fields = [it for form in browser.page.forms if form.action.endswith("/new") for it in form.fields]
        await browser.post(f"{PUSH}/to-me", [*fields, ("sample", "xx")])
        assert browser.status == 422


async def test_free_days_are_named(store: Store) -> None:
    async with pushing(store) as (house, member):
        limit = PushSettings(quiet_from=0, quiet_to=0, weekdays=("monday", "tuesday", "friday"), holidays="DE-BE")
        house.app.settings = house.app.settings.model_copy(update={"push": limit})
        browser = await opened(house, member)
        assert "Nicht an: Mittwoch, Donnerstag, Samstag und Sonntag." in browser.text
        assert "Auch nicht an Feiertagen; der nächste: " in browser.text


async def test_clicks_count_from_groups_and_the_start_counts_people(store: Store) -> None:
    async with pushing(store) as (house, member):
        browser = await opened(house, member)
        resident(store, "late", ("all", ""), language="en")
        csrf = browser_csrf(browser)
        for language, number in (("", "3"), ("en", "1"), ("de", "2")):
            await browser.post(f"{PUSH}/count", {"csrf": csrf, "language": language})
            assert re.search(rf">{number}</span> Mensch", browser.page.html), language
        await browser.post(f"{PUSH}/new", {"csrf": csrf, "shown": "3"})
        assert browser.status == 409
        assert re.search(r">4</span> Menschen", browser.page.html)
