"""The message path: message in, one transaction, message out; with errors at every step."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from adapters.base import RetryAfter, Unknown, Unreachable
from bot.conversations.batch import BatchProcessor
from bot.delivery import message_codec
from flows.dialogue import engine
from storage.core.errors import StoreBusy
from storage.core.store import ATTEMPTS, Store
from tests.support.app import Recorder, consultation, publish, rows, running, say
from tests.support.sources import Clock
from tests.support.timeouts import PATIENCE


@pytest.fixture
def store(store):
    """Each test runs on SQLite and on PostgreSQL."""
    publish(store, consultation())
    return store


async def in_the_park(app, channel: Recorder, address: str = "a") -> None:
    """A person who has chosen German and stands at the first question."""
    await say(app, channel.msg(address, "/start park"), channel.msg(address, "Deutsch"))


async def test_a_consultation_from_greeting_to_receipt(store):
    async with running(store) as (app, channel):
        await in_the_park(app, channel)
        for words in ("ja", "Mehr Bänke", "absenden"):
            await say(app, channel.msg("a", words))
        assert "Quittung" in channel.last("a").text
        stored = rows(store, "SELECT question_key, value, missing, free_text, version FROM answers ORDER BY 1")
        assert stored == [("lamps", '"yes"', None, 0, 1), ("wish", '"Mehr Bänke"', None, 1, 1)]
        assert rows(store, "SELECT status, language, waiting_key FROM sessions") == [("completed", "de", None)]
        assert rows(store, "SELECT * FROM outbox") == [], "what was sent leaves nothing behind"


async def test_a_repeat_changes_nothing(store):
    async with running(store) as (app, channel):
        await in_the_park(app, channel)
        yes = channel.msg("a", "ja")
        await say(app, yes, yes)
        await say(app, yes._replace(text="nein"))
        assert rows(store, "SELECT value, version FROM answers") == [('"yes"', 1)]
        assert app.conversations.counts.repeats == 2
        assert sum("Was fehlt?" in words for words in channel.texts("a")) == 1


async def test_order_is_kept_within_one_batch(store):
    async with running(store) as (app, channel):
        lines = ("/start park", "Deutsch", "ja", "Bänke", "ändern 1", "nein", "absenden")
        await say(app, *(channel.msg(who, line) for line in lines for who in ("a", "b", "c")))
        assert app.conversations.counts.batches == 1
        assert (
            rows(store, "SELECT question_key, value FROM answers ORDER BY session_id, question_key")
            == [
                ("lamps", '"no"'),
                ("wish", '"Bänke"'),
            ]
            * 3
        )
        assert rows(store, "SELECT count(*) FROM sessions WHERE status = 'completed'") == [(3,)]


async def test_many_people_share_few_commits(store):
    async with running(store) as (app, channel):
        await asyncio.gather(*(app.conversations.receive([channel.msg(f"p{n}", "/start park")]) for n in range(100)))
        assert app.conversations.counts.messages == 100
        assert app.conversations.counts.batches < 10


async def test_somebody_who_fails_takes_nobody_along(store, monkeypatch):
    resume = engine.resume

    def brittle(flow, session, msg, *more, **named):
        if "Kaffee" in msg.text:
            raise RuntimeError("Kaffee")
        return resume(flow, session, msg, *more, **named)

    monkeypatch.setattr(engine, "resume", brittle)
    async with running(store) as (app, channel):
        await in_the_park(app, channel, "a")
        await in_the_park(app, channel, "b")
        await say(app, channel.msg("a", "Kaffee"), channel.msg("b", "ja"))
        assert "konnte ich nicht verarbeiten" in channel.last("a").text
        assert "Was fehlt?" in channel.last("b").text
        [(reason, sealed)] = rows(store, "SELECT reason, sealed FROM dead_letters")
        assert "RuntimeError" in reason
        assert "Kaffee" not in reason
        assert b"Kaffee" not in bytes(sealed)


async def test_a_row_the_database_refuses_is_set_aside_alone(store, monkeypatch):
    payload = message_codec.payload_of

    async with running(store) as (app, channel):
        for who in "ab":
            await in_the_park(app, channel, who)
            await say(app, channel.msg(who, "ja"))
        monkeypatch.setattr(
            "bot.consultations.batch_context.payload_of", lambda msg: None if "Giftpilz" in msg.text else payload(msg)
        )
        await asyncio.wait_for(say(app, channel.msg("a", "Giftpilz"), channel.msg("b", "Bänke")), 10)
        assert rows(store, "SELECT value FROM answers WHERE question_key = 'wish'") == [('"Bänke"',)]
        assert len(rows(store, "SELECT id FROM dead_letters")) == 1
        assert "konnte ich nicht verarbeiten" in channel.last("a").text


async def test_the_database_goes_away_and_comes_back(store, monkeypatch):
    monkeypatch.setattr("bot.conversations.inbox.FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("bot.conversations.inbox.PATIENCE_SECONDS", 0.1)
    async with running(store) as (app, channel):
        await in_the_park(app, channel)
        write, began = store.write, asyncio.get_running_loop().time()

        async def away(work, **more):
            if asyncio.get_running_loop().time() < began + 0.6:
                raise StoreBusy("locked")
            return await write(work, **more)

        monkeypatch.setattr(store, "write", away)
        await say(app, channel.msg("a", "ja"))
        assert any("Störung" in words for words in channel.texts("a"))
        assert rows(store, "SELECT value FROM answers") == [('"yes"',)]


@pytest.mark.parametrize("how", ["fails", "hangs"])
async def test_senders_are_told_once_that_the_database_is_down(store, monkeypatch, how):
    async with running(store) as (app, channel):
        for who in "ab":
            await in_the_park(app, channel, who)
        # Not sooner: on a busy machine they could be told while they come in.
        monkeypatch.setattr("bot.conversations.inbox.FIRST_PAUSE_SECONDS", 0.01)
        monkeypatch.setattr("bot.conversations.inbox.PATIENCE_SECONDS", 0.3)
        monkeypatch.setattr("bot.conversations.inbox.BUSY_PATIENCE_SECONDS", 0.3)
        monkeypatch.setattr("bot.conversations.inbox.POLL_SECONDS", 0.05)
        write, is_back = store.write, asyncio.Event()

        async def away(work, **more):
            if how == "hangs":
                await is_back.wait()
            elif not is_back.is_set():
                raise StoreBusy("locked")
            return await write(work, **more)

        monkeypatch.setattr(store, "write", away)
        first = asyncio.create_task(say(app, channel.msg("a", "ja")))
        await asyncio.sleep(0.1)
        behind = asyncio.create_task(app.conversations.receive([channel.msg("b", "ja")]))  # the next batch
        await asyncio.sleep(0.8)
        assert [sum("Störung" in words for words in channel.texts(who)) for who in "ab"] == [1, 1]
        for limit in ("PATIENCE_SECONDS", "BUSY_PATIENCE_SECONDS"):  # a busy machine is no second disturbance
            monkeypatch.setattr(f"bot.conversations.inbox.{limit}", PATIENCE)
        is_back.set()
        await asyncio.wait_for(asyncio.gather(first, behind), PATIENCE)
        assert [sum("Störung" in words for words in channel.texts(who)) for who in "ab"] == [1, 1]
        assert rows(store, "SELECT value FROM answers") == [('"yes"',), ('"yes"',)]


async def test_an_outbox_that_is_held_sends_nothing_new(store):
    async with running(store) as (app, channel):
        app.outbox.hold()
        await app.conversations.receive([channel.msg("a", "/start park")])
        await asyncio.sleep(0.2)
        assert channel.sent == []
        app.outbox.go_on()
        await app.outbox.drained()
        assert len(channel.sent) == 1


async def test_nobody_is_told_of_a_trouble_that_is_over(store, monkeypatch):
    monkeypatch.setattr("bot.conversations.inbox.PATIENCE_SECONDS", 0.3)
    async with running(store) as (app, channel):
        await in_the_park(app, channel)
        write = store.write

        async def late(work, **more):
            await asyncio.sleep(0.2)
            return await write(work, **more)

        monkeypatch.setattr(store, "write", late)
        await asyncio.gather(*(app.conversations.receive([channel.msg("a", "ja")]) for _ in range(3)))
        await asyncio.sleep(0.4)
        assert not any("Störung" in words for words in channel.texts("a"))


async def test_sending_follows_what_the_channel_says(store):
    async with running(store) as (app, channel):
        channel.answers = [RetryAfter(0.05, "slow down")]
        await say(app, channel.msg("a", "/start park"))
        await asyncio.sleep(0.2)
        await app.outbox.drained()
        assert len(channel.sent) == 2
        assert channel.sent[0].id == channel.sent[1].id
        assert rows(store, "SELECT * FROM outbox") == []


async def test_blocked_means_nothing_more_is_sent(store):
    async with running(store) as (app, channel):
        channel.answers = [Unreachable("blocked by the user")]
        await say(app, channel.msg("a", "/start park"))
        assert rows(store, "SELECT state, payload FROM outbox") == [("unreachable", None)]
        assert rows(store, "SELECT unreachable_reason FROM addresses") == [("blocked by the user",)]


async def test_an_unknown_outcome_is_tried_once_more_and_not_again(store):
    async with running(store) as (app, channel):
        channel.answers = [Unknown("timeout"), Unknown("timeout"), Unknown("timeout")]
        await say(app, channel.msg("a", "/start park"))
        async with asyncio.timeout(PATIENCE):
            while len(channel.sent) < 2:
                await asyncio.sleep(0.01)
        await app.outbox.drained()
        assert len(channel.sent) == 2
        assert rows(store, "SELECT state, attempts FROM outbox") == [("unknown", 2)]


async def test_a_restart_sends_what_was_left(store, database):
    silent = Recorder()
    silent.answers = [RetryAfter(3600)] * 5
    async with running(store, {"test": silent}) as (app, _):
        await app.conversations.receive([silent.msg("a", "/start park")])
        await app.outbox.drained()
    again = Store(database.url)
    with again.begin() as connection:
        connection.execute(text("UPDATE outbox SET not_before = NULL"))
    async with running(again) as (app, channel):
        await asyncio.sleep(0.05)
        await app.outbox.drained()
        assert [message.address for message in channel.sent] == ["a"]
        assert channel.sent[0].id == silent.sent[0].id


async def test_leaving_for_another_consultation_and_coming_back(store):
    publish(store, consultation("budget"))
    async with running(store) as (app, channel):
        await in_the_park(app, channel)
        await say(app, channel.msg("a", "ja"), channel.msg("a", "/start budget"))
        assert any("unterbrechen" in words for words in channel.texts("a"))
        assert rows(store, "SELECT count(*) FROM sessions WHERE waiting_key IS NOT NULL") == [(1,)]
        await say(app, channel.msg("a", "/start park"), channel.msg("a", "1"))
        assert "Was fehlt?" in channel.last("a").text
        assert rows(store, "SELECT question_key, missing FROM answers WHERE missing IS NOT NULL ORDER BY 1") == [
            ("lamps", "interrupted"),
            ("wish", "interrupted"),
            ("wish", "interrupted"),
        ]


async def test_returning_after_days_is_asked_first(store):
    clock = Clock()
    async with running(store, sources=clock.sources) as (app, channel):
        await in_the_park(app, channel)
        await say(app, channel.msg("a", "ja"))
        clock.let_pass(days=3)
        await say(app, channel.msg("a", "Hallo, da bin ich"))
        assert "Willkommen zurück" in channel.last("a").text
        await say(app, channel.msg("a", "weitermachen"))
        assert "Was fehlt?" in channel.last("a").text
        assert rows(store, "SELECT value FROM answers") == [('"yes"',)]


async def test_my_data_shows_what_is_stored(store):
    async with running(store) as (app, channel):
        await in_the_park(app, channel)
        await say(app, channel.msg("a", "ja"), channel.msg("a", "meine daten"))
        shown = channel.texts("a")[-2]
        assert "Beispiel park" in shown
        assert "→ Ja" in shown
        assert "Kennung des Ortes" not in shown
        await say(app, channel.msg("b", "mydata"))
        assert "→ Ja" not in channel.texts("b")[-1]


async def test_my_data_shows_through_which_poster_somebody_came(store):
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", "/start park", entry_code="bus-stop-7"), channel.msg("a", "Deutsch"))
        await say(app, channel.msg("a", "meine daten"))
        assert "Kennung des Ortes: bus-stop-7" in channel.texts("a")[-2]


async def test_erasure_leaves_nothing_but_the_farewell(store, database):
    async with running(store) as (app, channel):
        for who in ("kanarienvogel", "b"):
            await in_the_park(app, channel, who)
            await say(app, channel.msg(who, "ja"), channel.msg(who, f"Bänke von {who}"))
        await say(app, channel.msg("kanarienvogel", "löschen"))
        assert len(rows(store, "SELECT * FROM sessions")) == 2
        await say(app, channel.msg("kanarienvogel", "alles löschen"), channel.msg("kanarienvogel", "hallo"))
        texts = channel.texts("kanarienvogel")
        assert any("gelöscht" in words for words in texts[-3:])
        assert len(rows(store, "SELECT * FROM sessions WHERE status = 'waiting'")) == 2, "b's, and a fresh one"
        assert rows(store, "SELECT value FROM answers WHERE question_key = 'wish'") == [('"Bänke von b"',)]
    if database.dialect == "sqlite":
        for file in database.file.parent.glob(f"{database.file.name}*"):
            assert b"von kanarienvogel" not in file.read_bytes(), file.name


async def test_identity_and_answers_share_no_value(store):
    """Only names of things (channel, language) and times stand in both halves; no id and no key."""

    def cells(*tables: str) -> set[Any]:
        found = (cell for table in tables for row in rows(store, f"SELECT * FROM {table}") for cell in row)
        return {bytes(cell) if isinstance(cell, memoryview) else cell for cell in found}

    async with running(store) as (app, channel):
        await in_the_park(app, channel, "somebody")
        await say(app, channel.msg("somebody", "ja"))
    identity, participation = cells("contacts", "addresses"), cells("sessions", "answers")
    shared = {cell for cell in identity & participation if isinstance(cell, int | bytes) and cell not in (0, 1)}
    assert shared == set()
    assert not [cell for cell in identity if isinstance(cell, bytes) and b"somebody" in cell]


async def test_a_closed_consultation_says_so(store):
    clock = Clock()
    async with running(store, sources=clock.sources) as (app, channel):
        await in_the_park(app, channel)
        with store.begin() as connection:
            connection.execute(text("UPDATE consultations SET state = 'closed'"))
        clock.let_look()
        await say(app, channel.msg("a", "ja"))
        assert "beendet" in channel.last("a").text
        assert rows(store, "SELECT status FROM sessions") == [("interrupted",)]


async def test_one_voice_per_person(store):
    async with running(store) as (app, channel):
        await in_the_park(app, channel)
        for words in ("ja", "Bänke", "absenden", "/start park", "1", "nein"):
            await say(app, channel.msg("a", words))
        assert len(rows(store, "SELECT * FROM sessions")) == 1
        assert rows(store, "SELECT value, version FROM answers WHERE question_key = 'lamps'") == [('"no"', 2)]
        assert rows(store, "SELECT status FROM sessions") == [("completed",)]


async def test_no_message_ever_goes_unanswered(store):
    """Any kind of message at every step gets a reply."""
    async with running(store) as (app, channel):
        kinds = [
            {"text": ""}, {"media": "voice"}, {"media": "sticker"}, {"text": "👍"}, {"text": "x" * 30_000},
            {"text": "/start"}, {"text": "نعم"}, {"choice": "old123.lamps.yes"}, {"choice": "nonsense"},
            {"text": "nein", "edits": "m1"}, {"text": "\x00\ud800"}, {"text": "ändern 99"}, {"text": "🔟"},
        ]  # fmt: skip
        for step in range(4):
            who = f"p{step}"
            await say(app, *(channel.msg(who, words) for words in ("/start park", "de", "ja", "x")[:step]))
            for kind in kinds:
                before = len(channel.texts(who))
                await say(app, channel.msg(who, **kind))
                assert len(channel.texts(who)) > before, (step, kind)
        assert app.conversations.counts.failures == 0


@pytest.mark.parametrize("bad", [{"external_id": "a\0b"}, {"external_id": "\ud800"}, {"external_id": "x" * 9000}])
async def test_a_message_that_cannot_even_be_set_aside_stops_nobody(store, bad):
    async with running(store) as (app, channel):
        start = "/start park"
        await say(app, channel.msg("a", start), channel.msg("b", start, **bad), channel.msg("c", start))
        await say(app, channel.msg("d", start))
        assert all(channel.texts(address) for address in "acd")
    assert rows(store, "SELECT count(*) FROM sessions")[0][0] in (3, 4)


async def test_a_message_is_set_aside_when_the_database_is_back(store, monkeypatch):
    store_dead_letter, tries = BatchProcessor.store_dead_letter, []

    def away_at_first(self, *arguments):
        tries.append(1)
        if len(tries) <= ATTEMPTS:
            raise StoreBusy
        return store_dead_letter(self, *arguments)

    monkeypatch.setattr(BatchProcessor, "store_dead_letter", away_at_first)
    monkeypatch.setattr("bot.consultations.batch_context.BatchContext.write", lambda *_: 1 / 0)
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", "/start park", language_hint="tr"))
        (said,) = channel.sent
        assert said.msg.text.startswith("Bu mesajı işleyemedim."), "and its author is told, in Turkish here"
    assert rows(store, "SELECT count(*) FROM dead_letters") == [(1,)]


async def test_the_way_into_a_closed_consultation_says_so(store):
    publish(store, consultation("budget"))
    with store.begin() as connection:
        connection.execute(text("UPDATE consultations SET state = 'closed' WHERE slug = 'park'"))
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", "/start park", language_hint="de"))
        assert "Beispiel park" in channel.last("a").text
        assert "beendet" in channel.last("a").text
        assert rows(store, "SELECT * FROM sessions") == []


@pytest.mark.parametrize("way", ["words", "button"])
async def test_after_stop_the_named_command_resumes_the_session(store, way):
    publish(store, consultation("market"))
    async with running(store) as (app, channel):
        await in_the_park(app, channel)
        await say(app, channel.msg("a", "ja"), channel.msg("a", "Stopp"))
        assert "Weitermachen: Start park" in channel.last("a").text
        start = channel.last("a").quick_replies[0]
        words = {"text": "Start park"} if way == "words" else {"choice": start.token}
        await say(app, channel.msg("a", **words))
        assert "Willkommen zurück bei: Beispiel park" in channel.last("a").text
        await say(app, channel.msg("a", "1"))
        assert channel.last("a").title == "Was fehlt?"


async def test_an_old_button_of_what_was_put_away_shows_what_is_open(store):
    publish(store, consultation("market"))
    async with running(store) as (app, channel):
        await in_the_park(app, channel)
        await say(app, channel.msg("a", "Stopp"))
        start = channel.last("a").quick_replies[0]
        with store.begin() as connection:
            connection.execute(text("UPDATE consultations SET state = 'archived' WHERE slug = 'park'"))
            app.catalogue.refresh(connection)
        await say(app, channel.msg("a", choice=start.token))
        assert app.conversations.counts.failures == 0
        assert [reply.label for reply in channel.last("a").quick_replies][:1] == ["Beispiel market"]
