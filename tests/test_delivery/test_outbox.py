"""The outbox over its table: moved chats, people who block and come back, broadcasts in portions, and taken back."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from adapters.base import Delivery, Limits, Moved, Outgoing, RetryAfter, Sent, Unknown, Unreachable
from bot.delivery import broadcast_loader
from bot.delivery.message_codec import payload_of
from flows.messages import MsgOut
from storage.core.store import Store
from storage.tables.outbox import NewOutboxMessage, SendOutcome, insert_messages, recall_broadcasts
from tests.support.app import KEYS, Recorder, consultation, publish, rows, running, say
from tests.support.timeouts import PATIENCE


@pytest.fixture
def store(store):
    publish(store, consultation())
    return store


async def known(app, channel: Recorder, *addresses: str) -> None:
    """People who said hello once."""
    await say(app, *(channel.msg(address, "/start") for address in addresses))
    channel.sent.clear()


async def push(app, store: Store, *addresses: str, words: str = "Neue Umfrage", **more: Any) -> list[int]:
    """Broadcasts in the table, as the planner of a push writes them."""
    now = datetime.now(UTC)
    new = [
        NewOutboxMessage(
            number, "test", KEYS.lookup("test", address), payload_of(MsgOut(words)), "broadcast",
            more.get("not_before"), now, order,
        )
        for address in addresses
        for number, order in [app.ids.letter()]
    ]  # fmt: skip
    await store.write(lambda connection: insert_messages(connection, new))
    app.outbox.look_for_broadcasts()
    return [row.id for row in new]


class Slow(Recorder):
    """Takes one message after another, some milliseconds each; at the `stops_at`-th it waits until it may go on."""

    def __init__(self) -> None:
        super().__init__(limits=Limits(idempotent=True, workers=1, per_second=200))
        self.stops_at = 0
        self.may_go_on = asyncio.Event()

    async def send(self, message: Outgoing) -> Delivery:
        if self.stops_at and len(self.sent) + 1 == self.stops_at:
            await self.may_go_on.wait()
        return await super().send(message)


async def test_moved_chat_keeps_its_waiting_messages(store):
    async with running(store) as (app, channel):
        await known(app, channel, "old", "b")
        channel.answers = [Moved("new")]
        await push(app, store, "old", "old", "b")
        await app.outbox.drained()
        assert Counter(message.address for message in channel.sent if message.address != "old") == {"new": 2, "b": 1}
        assert rows(store, "SELECT count(*) FROM addresses") == [(2,)]
        assert rows(store, "SELECT state, count(*) FROM outbox GROUP BY state") == [("sent", 3)]
        [contact] = rows(store, "SELECT count(*) FROM contacts")
        await say(app, channel.msg("new", "/start park"))
        assert rows(store, "SELECT count(*) FROM contacts") == [contact], "the same person as before"


async def test_a_chat_that_moves_to_a_known_address_merges_nobody(store):
    async with running(store) as (app, channel):
        await known(app, channel, "old", "new")
        before = rows(store, "SELECT contact_id FROM addresses ORDER BY 1")
        channel.answers = [Moved("new")]
        await push(app, store, "old")
        await app.outbox.drained()
        assert channel.sent[-1].address == "new"
        [left] = rows(store, "SELECT contact_id FROM addresses")
        assert left in before


async def test_a_chat_that_moves_in_circles_is_given_up(store):
    async with running(store) as (app, channel):
        await known(app, channel, "a")
        channel.answers = [Moved("b"), Moved("a")] * 20
        await push(app, store, "a")
        await asyncio.wait_for(app.outbox.drained(), PATIENCE)
        assert rows(store, "SELECT state, error FROM outbox") == [("unreachable", "moved")]


async def test_who_blocked_and_writes_again_is_reachable_again(store):
    async with running(store) as (app, channel):
        channel.answers = [Unreachable("blocked")]
        await say(app, channel.msg("a", "/start"))
        assert rows(store, "SELECT unreachable_reason FROM addresses") == [("blocked",)]
        await say(app, channel.msg("a", "/start park"))
        assert rows(store, "SELECT unreachable_at, unreachable_reason FROM addresses") == [(None, None)]
        assert len(channel.texts("a")) > 1


async def test_a_flood_answer_for_all_counts_against_no_message(store):
    async with running(store) as (app, channel):
        channel.answers = [RetryAfter(0.01, "flood", is_overall=True)] * 30
        await say(app, channel.msg("a", "/start park"))
        assert channel.texts("a")
        assert len(channel.sent) == 31
        assert rows(store, "SELECT * FROM outbox") == []


async def test_an_unknown_outcome_of_a_broadcast_is_never_tried_again(store):
    async with running(store) as (app, channel):
        await known(app, channel, "a")
        channel.answers = [Unknown("timeout")]
        await push(app, store, "a")
        await app.outbox.drained()
        await asyncio.sleep(0.1)
        assert len(channel.sent) == 1
        assert rows(store, "SELECT state, attempts FROM outbox") == [("unknown", 1)]


async def test_broadcasts_are_loaded_in_pages_and_sent_once(store, monkeypatch):
    monkeypatch.setattr(broadcast_loader, "KEPT", 50)
    channel = Recorder(limits=Limits(idempotent=True, workers=4))
    people = [f"p{number}" for number in range(500)]
    async with running(store, {"test": channel}) as (app, _):
        await known(app, channel, *people)
        most = 0
        send = channel.send

        async def counting(message: Outgoing) -> Delivery:
            nonlocal most
            most = max(most, len(app.outbox._loaders["test"]._known))
            return await send(message)

        monkeypatch.setattr(channel, "send", counting)
        await push(app, store, *people[:300])
        await push(app, store, *people[300:])
        await app.outbox.drained()
        assert Counter(message.address for message in channel.sent) == dict.fromkeys(people, 1)
        assert 0 < most <= 50
        assert rows(store, "SELECT count(*) FROM outbox WHERE state = 'sent' AND channel_ref IS NULL") == [(500,)]


async def test_a_restart_goes_on_with_a_broadcast_where_it_stopped(store, database, monkeypatch):
    people = [f"p{number}" for number in range(60)]
    slow = Slow()
    async with running(store, {"test": slow}) as (app, _):
        await known(app, slow, *people)
        monkeypatch.setattr(app.outbox, "drained", lambda: asyncio.sleep(0))  # leaves what waits, as a crash would
        await push(app, store, *people)
        persisted = 0
        while persisted < 10:
            await asyncio.sleep(0.001)
            [(persisted,)] = rows(store, "SELECT count(*) FROM outbox WHERE state = 'sent'")
    first = {message.id for message in slow.sent}
    async with running(Store(database.url)) as (app, channel):
        await app.outbox.drained()
        sent = Counter(message.id for message in channel.sent)
    assert len(first | set(sent)) == 60
    assert len(first & set(sent)) <= len(first) - persisted, "what was noted is not sent again"


async def test_a_broadcast_waits_in_the_table_until_it_is_due(store):
    async with running(store) as (app, channel):
        await known(app, channel, "a", "b")
        due = datetime.now(UTC) + timedelta(seconds=1.2)
        await push(app, store, "a", not_before=due)
        await push(app, store, "b", not_before=datetime.now(UTC) + timedelta(hours=1))
        await app.outbox.drained()
        assert channel.sent == []
        async with asyncio.timeout(PATIENCE):
            while not channel.sent:
                await asyncio.sleep(0.05)
        assert datetime.now(UTC) >= due
        assert [message.address for message in channel.sent] == ["a"]


async def test_a_broadcast_put_off_for_long_makes_room_in_memory(store):
    async with running(store) as (app, channel):
        await known(app, channel, "a")
        channel.answers = [RetryAfter(3600)]
        await push(app, store, "a")
        await app.outbox.drained()
        assert app.outbox._loaders["test"]._known == {}
        assert rows(store, "SELECT state, attempts FROM outbox") == [("waiting", 1)]
        with store.begin() as connection:
            connection.execute(text("UPDATE outbox SET not_before = NULL"))
        app.outbox.look_for_broadcasts()
        await app.outbox.drained()
        assert rows(store, "SELECT state, attempts FROM outbox") == [("sent", 2)]


async def test_after_stop_nothing_of_a_running_push_is_sent(store):
    """Also to the person's other waiting messages; others get theirs, and the ledger knows what was sent."""
    people = [f"p{number}" for number in range(80)]
    slow = Slow()
    told: list[SendOutcome] = []
    async with running(store, {"test": slow}) as (app, _):
        app.outbox.ledger = lambda connection, outcomes: told.extend(outcomes)
        await known(app, slow, *people)
        slow.stops_at = 21
        await push(app, store, *people, *people)
        while len(slow.sent) < 20:
            await asyncio.sleep(0.001)
        await app.conversations.receive([slow.msg(address, "stopp") for address in people[60:]])
        slow.may_go_on.set()
        await app.outbox.drained()
        for address in people[60:]:
            said = slow.texts(address)
            assert said.count("Neue Umfrage") == 0, "they stood at the end of the line"
            assert said, "and were told that it stops"
        assert Counter(slow.texts("p0")) == {"Neue Umfrage": 2}
        assert {outcome.id for outcome in told} == {row[0] for row in rows(store, "SELECT id FROM outbox")}
        assert len(told) == 120


async def test_contact_erased_during_a_push_gets_only_the_goodbye(store):
    slow = Slow()
    people = [f"p{number}" for number in range(60)]
    async with running(store, {"test": slow}) as (app, _):
        await known(app, slow, *people)
        await say(app, slow.msg("p59", "/start park"), slow.msg("p59", "Deutsch"), slow.msg("p59", "löschen"))
        slow.stops_at = len(slow.sent) + 10
        await push(app, store, *people)
        await app.conversations.receive([slow.msg("p59", "alles löschen")])
        slow.may_go_on.set()
        await app.outbox.drained()
        assert "Neue Umfrage" not in slow.texts("p59")
        assert "gelöscht" in slow.last("p59").text


async def test_a_recall_takes_back_what_is_not_on_its_way(store):
    slow = Slow()
    people = [f"p{number}" for number in range(100)]
    async with running(store, {"test": slow}) as (app, _):
        await known(app, slow, *people)
        ids = await push(app, store, *people)
        while len(slow.sent) < 10:
            await asyncio.sleep(0.001)
        app.outbox.forget(await store.write(lambda connection: recall_broadcasts(connection, ids)))
        sent = len(slow.sent)
        await app.outbox.drained()
        assert len(slow.sent) <= sent + 1
        [(left,)] = rows(store, "SELECT count(*) FROM outbox")
        assert left <= sent
        assert rows(store, "SELECT count(*) FROM outbox WHERE state = 'waiting'") == [(0,)]


async def test_non_idempotent_sends_are_persisted_one_by_one(store):
    class Strict(Recorder):
        async def send(self, message: Outgoing) -> Delivery:
            waiting.append(rows(store, "SELECT count(*) FROM outbox")[0][0])
            self.sent.append(message)
            return Sent()

    waiting: list[int] = []
    channel = Strict(limits=Limits(idempotent=False, workers=1))
    async with running(store, {"test": channel}) as (app, _):
        await say(app, *(channel.msg(f"p{number}", "/start") for number in range(10)))
    assert waiting == list(range(10, 0, -1))


async def until(is_so) -> None:
    async with asyncio.timeout(PATIENCE):
        while not is_so():
            await asyncio.sleep(0.005)


def unnoted(store: Store) -> set[int]:
    return {row[0] for row in rows(store, "SELECT id FROM outbox")}


@pytest.mark.parametrize("is_idempotent", [True, False])
async def test_what_was_sent_is_noted_with_the_next_batch(store, monkeypatch, is_idempotent):
    monkeypatch.setattr("bot.delivery.outbox.IDLE_SECONDS", 3600.0)
    channel = Recorder(limits=Limits(idempotent=is_idempotent, workers=1))
    async with running(store, {"test": channel}) as (app, _):
        await app.conversations.receive([channel.msg("a", "/start")])
        await until(lambda: channel.sent)
        await asyncio.sleep(0)
        first = unnoted(store)
        assert first == {message.id for message in channel.sent}
        await app.conversations.receive([channel.msg("a", "2")])
        assert not unnoted(store) & first
        await app.outbox.drained()
        assert not unnoted(store)


async def test_what_was_sent_is_noted_where_nobody_says_anything_more(store):
    channel = Recorder(limits=Limits(idempotent=False, workers=1))
    async with running(store, {"test": channel}) as (app, _):
        await app.conversations.receive([channel.msg("a", "/start")])
        await until(lambda: channel.sent and not unnoted(store))


async def test_what_waits_to_be_sent_does_not_wait_for_a_batch(store, monkeypatch):
    monkeypatch.setattr("bot.delivery.outbox.IDLE_SECONDS", 3600.0)
    channel = Recorder(limits=Limits(idempotent=False, workers=1))
    async with running(store, {"test": channel}) as (app, _):
        await app.conversations.receive([channel.msg(name, "/start") for name in "abc"])
        await until(lambda: len(channel.sent) == 3)
        assert len(unnoted(store)) == 1, "so many can a crash double"
        await push(app, store, "b")
        await until(lambda: len(channel.sent) == 4)
        assert len(unnoted(store)) <= 2, "the reply that was sent before it is noted; the broadcast stays as a number"
