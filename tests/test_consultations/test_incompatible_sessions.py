"""People in the middle of something that another program wrote: answered, nothing lost, and free to go anywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text

from bot.app import App
from bot.common.dead_letters import open_dead_letter
from bot.consultations import stored_revisions
from storage.core.store import Store
from storage.tables.messages import unsettled_dead_letters
from tests.support.app import KEYS, Recorder, consultation, publish, rows, running, say
from tests.support.databases import Database
from tests.support.rows import new_id

BEFORE = ("/start park", "Deutsch", "ja")
HALTED = "Hier geht es gerade nicht weiter"


class Town:
    """An app that is opened by one program after another."""

    def __init__(self, database: Database) -> None:
        self.url = database.url
        self.is_right = False
        """Whether the program is the one that published the consultation about the park."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[tuple[App, Recorder]]:
        async with running(Store(self.url)) as house:
            yield house

    async def talk(self, who: str, *lines: str) -> str:
        async with self.open() as (app, channel):
            for line in lines:
                await say(app, channel.msg(who, line, external_id=str(new_id())))
            return channel.last(who).text

    def do(self, sql: str, **values: Any) -> None:
        store = Store(self.url)
        with store.begin() as connection:
            connection.execute(text(sql), values)
        store.dispose()

    def find(self, sql: str) -> list[tuple[Any, ...]]:
        store = Store(self.url)
        found = rows(store, sql)
        store.dispose()
        return found

    def publish(self, slug: str, **more: Any) -> None:
        store = Store(self.url)
        publish(store, consultation(slug, **more))
        store.dispose()


@pytest.fixture
async def town(database: Database, monkeypatch) -> Town:
    """Anna has answered the first of two questions, and then comes a program that cannot read them."""
    here = Town(database)
    here.publish("park")
    here.publish("hunde")
    await here.talk("anna", *BEFORE)
    ((foreign,),) = here.find("SELECT id FROM revisions WHERE content LIKE '%Beispiel park%'")
    read = stored_revisions.read_revision
    monkeypatch.setattr(
        stored_revisions, "read_revision", lambda it: None if it.id == foreign and not here.is_right else read(it)
    )
    return here


async def test_the_message_is_kept_and_answered_and_holds_up_nobody(town: Town):
    before = town.find("SELECT state, waiting_key, revision_id FROM sessions")
    async with town.open() as (app, channel):
        await app.conversations.receive([channel.msg("bert", "/start hunde"), channel.msg("anna", "Mehr Bänke")])
        await app.outbox.drained()
        assert app.conversations.counts.batches == 1, "nobody's batch is taken apart"
        assert channel.last("anna").text.startswith(HALTED)
        assert channel.last("anna").text.endswith("Start park")
        assert channel.texts("bert")
        with app.store.reading() as connection:
            (letter,) = unsettled_dead_letters(connection)
        assert open_dead_letter(letter, KEYS).said == "Mehr Bänke"
    assert town.find("SELECT state, waiting_key, revision_id FROM sessions WHERE language = 'de'")[:1] == before


async def test_with_the_right_program_it_goes_on_where_it_was(town: Town):
    await town.talk("anna", "Mehr Bänke")
    town.is_right = True
    assert "Mehr Bänke" in await town.talk("anna", "Mehr Bänke"), "the summary of both answers"


async def test_what_is_stored_is_shown_and_deleted_as_ever(town: Town):
    await town.talk("anna", "Mehr Bänke")
    shown = await town.talk("anna", "meine daten")
    assert "park\nlamps" in shown
    assert '"yes"' in shown
    assert "Noch nicht bearbeitete Nachricht: Mehr Bänke" in shown
    assert "gelöscht" in await town.talk("anna", "alles löschen")
    for table in ("contacts", "sessions", "answers", "dead_letters"):
        assert town.find(f"SELECT * FROM {table}") == []


async def test_commands_and_other_consultations_work_while_stranded(town: Town):
    assert HALTED not in await town.talk("anna", "hilfe")
    assert HALTED not in await town.talk("anna", "stopp")
    assert town.find("SELECT * FROM dead_letters") == []
    assert "Licht im Park?" in await town.talk("anna", "/start hunde")
    states = "SELECT slug, status FROM sessions s JOIN consultations c ON c.id = s.consultation_id ORDER BY slug"
    assert town.find(states) == [("hunde", "waiting"), ("park", "interrupted")]
    town.is_right = True
    await town.talk("anna", "/start park")
    assert "Was fehlt?" in await town.talk("anna", "1")
    assert town.find(states) == [("hunde", "interrupted"), ("park", "waiting")]


async def test_in_a_newer_revision_it_begins_anew_in_the_same_session(town: Town):
    wish = {"key": "wish", "type": "text", "text": {"de": "Was fehlt noch?", "en": "What else?"}}
    before = town.find("SELECT id, receipt, pseudonym, started_at FROM sessions")
    town.publish("park", questions=[wish])
    async with town.open() as (app, channel):
        await say(app, channel.msg("anna", "Mehr Bänke"))
        last = channel.last("anna")
        assert last.text.startswith("„Beispiel park“ gibt es jetzt in einer neuen Fassung.")
        await say(app, channel.msg("anna", choice=last.quick_replies[0].token))
        assert "Was fehlt noch?" in channel.last("anna").text
        await say(app, channel.msg("anna", "Bänke"), channel.msg("anna", "absenden"))
        assert str(before[0][1]) in channel.last("anna").text, "the receipt stays"
    assert town.find("SELECT id, receipt, pseudonym, started_at FROM sessions") == before
    assert town.find("SELECT status, number FROM sessions s JOIN revisions r ON r.id = revision_id") == [
        ("completed", 2)
    ]
    assert town.find(
        "SELECT question_key, number FROM answers a JOIN revisions r ON r.id = revision_id ORDER BY 1"
    ) == [
        ("lamps", 1),
        ("wish", 2),
    ]


async def test_submitted_session_counts_while_answered_again(town: Town):
    town.is_right = True
    await town.talk("anna", "Mehr Bänke", "absenden")
    town.is_right = False
    town.publish("park", questions=[{"key": "wish", "type": "text", "text": {"de": "Was noch?", "en": "What else?"}}])
    assert "Was noch?" in await town.talk("anna", "/start park")
    assert town.find("SELECT status, number FROM sessions JOIN revisions ON revisions.id = revision_id") == [
        ("completed", 2)
    ]


async def test_a_session_of_a_newer_program_is_left_alone(town: Town):
    town.is_right = True
    town.do("UPDATE sessions SET state = :state", state='{"flow": "x", "language": "de", "receipt": "r", "mood": 1}')
    assert "neuen Fassung" in await town.talk("anna", "Mehr Bänke")
    assert town.find("SELECT state FROM sessions")[0][0].endswith('"mood": 1}')


async def test_a_tap_on_a_consultation_that_is_gone_is_no_fault(town: Town):
    async with town.open() as (app, channel):
        await say(app, channel.msg("bert", choice="lobby.start.park"))
        assert "hunde" in " ".join(reply.token for reply in channel.last("bert").quick_replies)
        assert app.conversations.counts.failures == 0
