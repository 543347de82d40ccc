"""The result of `receive`: for each message the replies to its sender, as the channel sends them."""

from __future__ import annotations

import pytest

from flows.dialogue import engine
from storage.core.store import Store
from tests.support.app import Recorder, consultation, publish, rows, running, say


@pytest.fixture
def store(store: Store) -> Store:
    """Each test runs on SQLite and on PostgreSQL."""
    publish(store, consultation())
    return store


def sent_to(channel: Recorder, address: str) -> list[object]:
    return [message for message in channel.sent if message.address == address]


async def test_each_message_of_a_batch_has_its_own_replies(store: Store):
    async with running(store) as (app, channel):
        lines = ("/start park", "Deutsch", "ja", "Bänke", "ändern 1", "nein", "absenden")
        batch = [channel.msg(who, line) for line in lines for who in ("a", "b", "c")]
        replies = await say(app, *batch)
        assert app.conversations.counts.batches == 1
        for who in ("a", "b", "c"):
            own = [replies[number] for number, msg in enumerate(batch) if msg.address == who]
            assert [reply for part in own for reply in part] == sent_to(channel, who)
            asked = [part[-1].msg.title for part in own]
            assert asked == ["", "Licht im Park?", "Was fehlt?", "", "Licht im Park?", "", ""]
            assert "Quittung" in own[-1][-1].msg.text


async def test_a_repeat_has_no_replies(store: Store):
    async with running(store) as (app, channel):
        start = channel.msg("a", "/start park")
        first, second = await say(app, start, start)
        assert first == tuple(sent_to(channel, "a"))
        assert second == ()
        assert await say(app, start) == [()]
        assert len(sent_to(channel, "a")) == len(first)


@pytest.mark.parametrize("words", ["meine daten", "neuigkeiten", "meine vorschläge", "verknüpfen", "alles löschen"])
async def test_what_is_said_after_the_rows_are_written_is_a_reply_too(store: Store, words: str):
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", "/start park"), channel.msg("a", "Deutsch"))
        before = len(channel.sent)
        other, asked, after = await say(
            app, channel.msg("b", "/start park"), channel.msg("a", words), channel.msg("a", "/hilfe")
        )
        assert asked
        assert after
        said = {message for message in channel.sent[before:] if message.address == "a"}
        assert {*asked, *after} == said
        assert list(other) == sent_to(channel, "b")


async def test_who_writes_through_two_doors_is_answered_through_each(store: Store):
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", "/start park"), channel.msg("a", "Deutsch"))
        await say(app, channel.msg("a", "verknüpfen"))
        code = "".join(letter for letter in channel.last("a").text if letter.isdigit())[:12]
        await say(app, channel.msg("b", f"verknüpfen {code}"))
        await say(app, channel.msg("b", "verknüpfen ja"))
        here, there = await say(app, channel.msg("a", "/hilfe"), channel.msg("b", "/hilfe"))
        assert ({reply.address for reply in here}, {reply.address for reply in there}) == ({"a"}, {"b"})


async def test_a_message_that_fails_is_answered_too(store: Store, monkeypatch: pytest.MonkeyPatch):
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", "/start park"), channel.msg("a", "Deutsch"))
        monkeypatch.setattr(engine, "resume", lambda *_, **__: 1 / 0)
        ((reply,),) = await say(app, channel.msg("a", "ja"))
        assert sent_to(channel, "a")[-1] == reply
        assert await say(app, channel.msg("\ud83d", "ja")) == [()]
        passed_over, again = await say(app, channel.msg("\ud83d", "ja"), channel.msg("a", "nein"))
        assert passed_over == ()
        assert list(again) == sent_to(channel, "a")[-1:]


async def test_what_cannot_be_stored_is_answered_past_the_outbox(store: Store, monkeypatch: pytest.MonkeyPatch):
    async with running(store) as (app, channel):
        work = app.conversations._batches.work

        def breaks(connection, batch, *, waits=False):
            if any(msg.text == "bricht" for msg in batch):
                raise ArithmeticError
            return work(connection, batch, waits=waits)

        monkeypatch.setattr(app.conversations._batches, "work", breaks)
        broken, fine = await say(app, channel.msg("a", "bricht"), channel.msg("b", "/start park"))
        assert [reply.msg for reply in broken] == [message.msg for message in channel.sent if message.address == "a"]
        assert list(fine) == sent_to(channel, "b")


async def test_the_first_answer_after_an_interruption_is_version_1(store: Store):
    publish(store, consultation("park"), consultation("budget"))
    async with running(store) as (app, channel):
        for words in ("/start park", "Deutsch", "/start budget", "/start park", "weiter", "ja"):
            await say(app, channel.msg("anna", words))
        assert rows(store, "SELECT value, version FROM answers WHERE value IS NOT NULL") == [('"yes"', 1)]
        await say(app, channel.msg("anna", "ändern 1"), channel.msg("anna", "nein"))
        assert rows(store, "SELECT value, version FROM answers WHERE value IS NOT NULL") == [('"no"', 2)]
