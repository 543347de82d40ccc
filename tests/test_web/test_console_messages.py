"""Messages that wait for a person: answered after a minute in which the answer can be taken back, or marked as done."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text as sql

from bot.common.dead_letters import new_dead_letter
from flows.messages import MsgIn
from storage.core.store import Store
from storage.tables.audit import audit_entries
from storage.tables.contacts import NewAddress, NewContact, insert_addresses, insert_contacts
from storage.tables.messages import count_unsettled_dead_letters, insert_dead_letters
from storage.tables.outbox import WaitingMessage, waiting_messages
from storage.tables.staff_assignments import StaffAssignment, insert_staff_assignments
from tests.support.app import KEYS
from tests.support.browser import serving
from tests.support.console import hired, signed_in
from tests.support.databases import only_sqlite
from tests.support.ideas import open_consultation
from tests.support.rows import new_id

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def write(store: Store, address: str = "anna", *, is_known: bool = True) -> int:
    """A message that the bot could not handle."""
    lookup, msg = KEYS.lookup("town", address), MsgIn("town", address, address, NOW, text="Kann mich jemand anrufen?")
    row = new_dead_letter(KEYS, lookup, msg, ZeroDivisionError(), NOW)
    with store.begin() as connection:
        if is_known:
            contact = new_id()
            insert_contacts(connection, [NewContact(contact, "en", NOW)])
            insert_addresses(connection, [NewAddress(lookup, contact, "town", KEYS.encrypt(address, lookup), NOW)])
        insert_dead_letters(connection, [row])
    return row.id


def queued(store: Store) -> list[WaitingMessage]:
    with store.reading() as connection:
        return waiting_messages(connection, "town")


def left(store: Store) -> int:
    with store.reading() as connection:
        return count_unsettled_dead_letters(connection)


@only_sqlite
async def test_a_message_is_answered_and_the_answer_taken_back(store: Store) -> None:
    number = write(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get("/console/")
        assert "1 Nachricht an einen Menschen" in browser.text
        await browser.get("/console/messages")
        assert "Kann mich jemand anrufen?" in browser.text
        await browser.press("Antworten 1", **{f"words-{number}": "Schreiben Sie uns Ihre Nummer."})
        assert "Die Antwort geht in 60 Sekunden hinaus." in browser.text
        [row] = queued(store)
        assert "Reply from Aylin, Mitsprache:\\nSchreiben Sie uns Ihre Nummer." in row.payload
        assert row.not_before
        assert left(store) == 0
        await browser.press("Zurücknehmen")
        assert (queued(store), left(store)) == ([], 1)
        with store.reading() as connection:
            found = [it.purpose for it in audit_entries(connection) if it.act == "unhandled.done"]
        assert found == ["1 answered", "1 reopened"]


@only_sqlite
async def test_what_is_already_done_is_said_and_words_are_kept(store: Store) -> None:
    number, other = write(store), write(store, "bora")
    async with serving(store) as house:
        first, second = signed_in(house, hired(store, "Aylin")), signed_in(house, hired(store, "Cem"))
        await first.get("/console/messages")
        await second.get("/console/messages")
        await first.press("Erledigt, ohne Antwort 1")
        gone = number if f"answer:{number}" not in first.page.html else other
        await second.press("Antworten 1", **{f"words-{gone}": "Guten Tag"})
        assert second.status == 409
        assert "Die Nachricht ist schon erledigt" in second.text
        assert left(store) == 1
        assert queued(store) == []


@only_sqlite
async def test_a_sender_who_cannot_be_reached_gets_no_reply(store: Store) -> None:
    number = write(store, is_known=False)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get("/console/messages")
        assert "Diesem Menschen kann der Bot nicht schreiben." in browser.text
        assert f"words-{number}" not in browser.page.html


@only_sqlite
async def test_members_of_one_consultation_read_no_messages(store: Store) -> None:
    park, member = open_consultation(store), hired(store)
    write(store)
    with store.begin() as connection:
        insert_staff_assignments(connection, [StaffAssignment(member.id, park)])
        connection.execute(sql("UPDATE staff SET assigned_only = true"))
    async with serving(store) as house:
        browser = signed_in(house, member)
        await browser.get("/console/")
        assert "Nachricht an einen Menschen" not in browser.text
        await browser.get("/console/messages")
        assert browser.status == 404


@only_sqlite
async def test_words_to_the_team_are_read_and_erased(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    open_consultation(store)
    words = "Wann wird der Brunnen repariert?"
    async with serving(store) as house:
        resident = house.browser(Cookie="lang=de")
        await resident.get("/c/park")
        await resident.press("Lieber ein Chat?")
        await resident.press("Senden", text=f"/mensch {words}")
        assert "Danke, das ist beim Team." in resident.text
        team = signed_in(house, hired(store))
        await team.get("/console/messages")
        assert words in team.text
        await resident.press("Senden", text="meinedaten")
        assert f"Noch nicht bearbeitete Nachricht: {words}" in resident.text
        with store.reading() as connection:
            [sealed] = connection.execute(sql("SELECT sealed FROM dead_letters")).scalars()
        assert words.encode() not in sealed
        await resident.press("Senden", text="löschen")
        await resident.press("Senden", text="alles löschen")
        assert left(store) == 0
    assert "Brunnen" not in caplog.text
