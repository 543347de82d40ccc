"""Errors between the app and Telegram: no message is lost, no chat waits for another, the operator is informed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from adapters.base import Moved, Outgoing, Refused, Replies, RetryAfter, Sent, Unknown, Unreachable
from adapters.telegram import polling
from adapters.telegram.channel import TelegramChannel
from flows.messages import MsgIn, MsgOut, QuickReply
from flows.parts import BodyPart
from storage.core.store import Store
from storage.tables.outbox import count_delayed_messages
from tests import botapi
from tests.botapi import BotApi, Fault, Rates
from tests.botapi.limits import FREE
from tests.support.app import consultation, publish
from tests.support.telegram import channel_to, telegram
from tests.support.timeouts import PATIENCE


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with botapi.running(FREE) as started:
        yield started


class Inbox:
    """Stores messages like an app: repeats count once. `gate` holds the commit back."""

    def __init__(self) -> None:
        self.taken: dict[str, MsgIn] = {}
        self.batches: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.faults: list[Exception] = []
        self._anything = asyncio.Event()

    async def __call__(self, messages: Sequence[MsgIn]) -> Sequence[Replies]:
        await self.gate.wait()
        if self.faults:
            raise self.faults.pop(0)
        self.batches.append(len(messages))
        for message in messages:
            self.taken.setdefault(message.external_id, message)
        self._anything.set()
        return [()] * len(messages)

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.taken.values()]

    async def holds(self, number: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while len(self.taken) < number:
                self._anything.clear()
                await self._anything.wait()


@asynccontextmanager
async def receiving(api: BotApi, **settings: Any) -> AsyncIterator[tuple[TelegramChannel, Inbox]]:
    channel, inbox = channel_to(api, **settings), Inbox()
    await channel.start(inbox)
    try:
        yield channel, inbox
    finally:
        await channel.stop()
        await channel.close()


async def until(condition: Any) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)


def out(address: object, text: str = "Guten Tag", number: int = 1, **more: Any) -> Outgoing:
    return Outgoing(number, str(address), MsgOut(text, **more))


# Receiving


async def test_updates_are_confirmed_only_after_the_commit(api):
    resident = api.resident()
    async with receiving(api) as (_, inbox):
        inbox.gate.clear()
        resident.say("eins")
        await until(lambda: api.ledger.delivered)
        resident.say("zwei")
        await asyncio.sleep(0.1)
        assert not api.ledger.confirmed
        inbox.gate.set()
        await inbox.holds(2)
        await until(lambda: len(api.ledger.confirmed) == 2)


async def test_what_was_not_committed_comes_again_after_a_crash(api):
    resident = api.resident()
    resident.say("eins")
    async with receiving(api) as (_, inbox):
        inbox.gate.clear()
        await until(lambda: api.ledger.delivered)
    async with receiving(api) as (_, inbox):
        await inbox.holds(1)
    assert inbox.texts == ["eins"]
    assert max(api.ledger.delivered.values()) == 2


async def test_three_hundred_messages_written_while_the_house_was_down(api):
    residents = [api.resident() for _ in range(30)]
    for number in range(300):
        residents[number % 30].say(str(number))
    async with receiving(api) as (_, inbox):
        await inbox.holds(300)
    assert inbox.texts == [str(number) for number in range(300)]
    assert inbox.batches == [100, 100, 100]


async def test_a_poisoned_update_blocks_nobody(api):
    resident = api.resident()
    resident.say("davor")
    api.state.add_update("message", {"message_id": "?", "chat": {"id": None}})
    api.state.add_update("message", {"chat": "?"})
    resident.say("danach")
    async with receiving(api) as (channel, inbox):
        await inbox.holds(2)
        await until(lambda: not api.state.queue)
        assert channel.trouble() == ""
    assert inbox.texts == ["davor", "danach"]


async def test_votes_in_polls_of_another_program_disturb_nobody(api):
    """We send none and do not ask for votes; what had the token before us may have, and its updates wait."""
    resident = api.resident()
    resident.say("davor")
    poll = {"chat_id": resident.number, "question": "Was fehlt?", "options": ["Bänke", "Licht"], "is_anonymous": False}
    async with aiohttp.ClientSession() as another, another.post(f"{api.url}/bot{api.token}/sendPoll", json=poll):
        pass
    (sent,) = await resident.hears()
    resident.vote(sent, "Licht")
    resident.vote(sent)
    resident.say("danach")
    assert len(api.state.queue) == 6
    async with receiving(api) as (channel, inbox):
        await inbox.holds(2)
        await until(lambda: not api.state.queue)
        assert channel.trouble() == ""
        resident.vote(sent, "Bänke")  # now it is known what we ask for
        assert not api.state.queue
    assert inbox.texts == ["davor", "danach"]
    assert inbox.batches == [2]


async def test_numbers_that_fall_after_a_silent_week(api):
    resident = api.resident()
    async with receiving(api) as (_, inbox):
        resident.say("vor der Stille")
        await inbox.holds(1)
        await until(lambda: not api.state.queue)
        api.state.jump(17)
        resident.say("nach der Stille")
        await inbox.holds(2)
    assert inbox.texts == ["vor der Stille", "nach der Stille"]


FAULTS = [
    Fault("garbage", "getUpdates"),
    Fault("html", "getUpdates", status=502),
    Fault("html", "getUpdates", status=200),
    Fault("empty", "getUpdates"),
    Fault("list", "getUpdates"),
    Fault("no_result", "getUpdates"),
    Fault("reset", "getUpdates", times=3),
    Fault("reset", "getUpdates", after=True),
    Fault("error", "getUpdates", status=500),
    Fault("error", "getUpdates", status=401, description="Unauthorized"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.kind}-{fault.status}-{fault.after}")
async def test_bad_answers_lose_nothing(api, fault):
    resident = api.resident()
    api.faults.append(fault)
    resident.say("eins")
    async with receiving(api, pace=0.0005) as (channel, inbox):
        await inbox.holds(1)
        resident.say("zwei")
        await inbox.holds(2)
        assert channel.trouble() == ""
    assert inbox.texts == ["eins", "zwei"]


async def test_two_pollers_one_waits_and_takes_over(api):
    resident = api.resident()
    async with receiving(api) as (first, inbox):
        resident.say("eins")
        await inbox.holds(1)
        async with receiving(api) as (second, other):
            await until(lambda: first.trouble() or second.trouble())
            assert "another program" in first.trouble() + second.trouble()
            resident.say("zwei")
            await until(lambda: len(inbox.taken) + len(other.taken) >= 2)
        resident.say("drei")
        await until(lambda: "drei" in inbox.texts)
        assert set(inbox.texts + other.texts) == {"eins", "zwei", "drei"}


async def test_a_revoked_token_is_told_and_does_not_spin(api):
    async with receiving(api, pace=0.001) as (channel, _):
        await until(lambda: api.ledger.calls["getupdates"])
        api.revoke()
        api.resident().say("weckt die Abfrage")
        await until(lambda: "token" in channel.trouble())
        before = api.ledger.calls["getupdates"]
        await asyncio.sleep(0.2)
        assert api.ledger.calls["getupdates"] - before <= 2
        assert isinstance(await channel.send(out(api.resident().chat_id)), RetryAfter)


async def test_a_server_that_is_away_at_the_start(api, unused_port):
    channel = channel_to(api, base_url=f"http://127.0.0.1:{unused_port}")
    inbox = Inbox()
    await channel.start(inbox)
    await until(channel.trouble)
    assert "cannot be reached" in channel.trouble()
    delivery = await channel.send(out(1))
    assert isinstance(delivery, RetryAfter)
    async with botapi.running(FREE, port=unused_port) as late:
        late.resident().say("endlich")
        await inbox.holds(1)
        assert channel.trouble() == ""
        await channel.stop()
        await channel.close()


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_taps_are_answered_before_anything_is_stored(api):
    resident = api.resident()
    async with receiving(api) as (channel, inbox):
        inbox.gate.clear()
        assert isinstance(await channel.send(out(resident.chat_id, quick_replies=(QuickReply("c.k.a", "Ja"),))), Sent)
        tap = resident.tap("Ja")
        await until(lambda: tap in api.ledger.answered_taps)
        assert not inbox.taken
        inbox.gate.set()
        await inbox.holds(1)
    (message,) = inbox.taken.values()
    assert message.choice == "c.k.a"


# Sending


async def test_outcomes(api):
    async with receiving(api) as (channel, _):
        resident, blocked, gone = api.resident(), api.resident(), api.resident()
        api.state.blocked.add(blocked.number)
        api.state.deactivated.add(gone.number)
        group = api.resident(group=-900)
        moved = api.migrate(-900)
        assert isinstance(await channel.send(out(resident.chat_id)), Sent)
        assert await channel.send(out(blocked.chat_id)) == Unreachable("blocked")
        assert await channel.send(out(gone.chat_id)) == Unreachable("gone")
        assert await channel.send(out(123456)) == Unreachable("not found")
        assert await channel.send(out(group.chat_id)) == Moved(str(moved))
        api.faults.append(Fault("error", "sendMessage", status=400, description="Bad Request: TOPIC_CLOSED"))
        assert isinstance(await channel.send(out(resident.chat_id)), Refused)
        assert channel.trouble() == ""


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault("reset", "sendMessage"), Unknown),
        (Fault("reset", "sendMessage", after=True), Unknown),
        (Fault("hang", "sendMessage"), Unknown),
        (Fault("html", "sendMessage", status=403), Unknown),  # a proxy, not Telegram: no contact has blocked the bot
        (Fault("html", "sendMessage", status=502), Unknown),
        (Fault("garbage", "sendMessage"), Unknown),
        (Fault("empty", "sendMessage"), Unknown),
        (Fault("no_result", "sendMessage"), Unknown),
        (Fault("list", "sendMessage"), Unknown),
        (Fault("error", "sendMessage", status=500), RetryAfter),
        (Fault("error", "sendMessage", status=401, description="Unauthorized"), RetryAfter),
    ],
    ids=lambda value: f"{value.kind}-{value.status}-{value.after}" if isinstance(value, Fault) else value.__name__,
)
async def test_bad_answers_to_a_message(api, fault, outcome):
    async with receiving(api) as (channel, _):
        channel._line.transport._read_seconds = 0.2
        resident = api.resident()
        api.faults.append(fault)
        assert isinstance(await channel.send(out(resident.chat_id)), outcome)
        assert channel.trouble()
        channel._line.transport._read_seconds = PATIENCE
        assert isinstance(await channel.send(out(resident.chat_id, "Noch einmal")), Sent)
        assert channel.trouble() == ""
        assert resident.messages()[-1].text == "Noch einmal"


async def test_too_fast_waits_as_long_as_telegram_says():
    async with botapi.running(Rates(overall=2, chat=0)) as api, receiving(api) as (channel, _):
        resident = api.resident()
        assert [type(await channel.send(out(resident.chat_id))) for _ in range(3)] == [Sent, Sent, RetryAfter]
        assert await channel.send(out(resident.chat_id)) == RetryAfter(1.0, "too fast")


async def test_too_fast_means_one_chat_until_several_are_told_so(api):
    async with receiving(api) as (channel, _):
        people = [api.resident() for _ in range(4)]
        group = api.resident(group=-900)

        async def refused(person: botapi.Resident) -> Any:
            words = "Too Many Requests: retry after 10072"
            api.faults.append(Fault("error", "sendMessage", status=429, description=words, retry_after=10072))
            return await channel.send(out(person.chat_id))

        alone, everybody = RetryAfter(10072.0, "too fast"), RetryAfter(30.0, "too fast", is_overall=True)
        assert [await refused(person) for person in (people[0], group, people[0], people[1])] == [alone] * 4
        assert isinstance(await channel.send(out(people[3].chat_id)), Sent)
        assert [await refused(person) for person in people[:3]] == [alone, alone, everybody]
        assert channel.trouble() == ""


async def test_long_retry_after_delays_one_chat_and_is_logged(api, store):
    publish(store, consultation())
    with capture_logs() as logs:
        await wait_for_hours(api, store)
    (said,) = [line for line in logs if "rate_limited" in line["event"]]
    assert (said["event"], said["channel"], said["seconds"]) == ("chat_rate_limited", "town", 10072)


async def wait_for_hours(api: BotApi, store: Store) -> None:
    async with telegram(store, api) as (app, _):
        anna, bert = api.resident(), api.resident()
        for person in (anna, bert):
            person.start("park")
            await person.hears()
        words = "Too Many Requests: retry after 10072"
        api.faults.append(Fault("error", "sendMessage", status=429, description=words, retry_after=10072))
        anna.tap("Deutsch")
        await until(lambda: not api.faults[0].times)
        bert.tap("Deutsch")
        await bert.hears(2)
        assert len(anna.messages()) == 1
        await app.outbox.drained()
        with store.reading() as connection:
            (put_off,) = count_delayed_messages(connection, datetime.now(UTC) + timedelta(hours=1))
        assert put_off[:3] + put_off[4:] == ("town", 1, 1, "too fast")
        assert timedelta(hours=2) < put_off.until - datetime.now(UTC) < timedelta(hours=3)


async def test_one_not_found_is_no_revoked_token(api):
    for fault in (
        Fault("error", "getUpdates", status=404, description="Not Found"),
        Fault("html", "getUpdates", status=404),
        Fault("error", "sendMessage", status=404, description="Not Found"),
    ):
        api.faults.append(fault)
    async with receiving(api, pace=0.2) as (channel, inbox):  # the pause of a token would be two minutes
        api.resident().say("eins")
        await inbox.holds(1)
        delivery = await channel.send(out(api.resident().chat_id))
        assert isinstance(delivery, RetryAfter)
        assert delivery.seconds < 60
        assert "token" in channel.trouble()
        assert "revoked" not in channel.trouble()


async def test_not_found_again_and_again_is_told(api):
    api.faults.append(Fault("error", "getUpdates", 1000, status=404, description="Not Found"))
    async with receiving(api, pace=0.001) as (channel, _):
        await until(lambda: "again and again" in channel.trouble())
        api.faults.clear()
        api.resident().say("endlich")
        await until(lambda: channel.trouble() == "")


async def test_long_texts_go_on_at_the_part_that_failed(api):
    text = "\n\n".join(f"Absatz {number}. " + "👩‍👩‍👧‍👦" * 200 for number in range(5))
    keyboard = (QuickReply("c.k.a", "Weiter"),)
    async with receiving(api) as (channel, _):
        resident = api.resident()
        message = out(resident.chat_id, text, quick_replies=keyboard)
        api.faults.append(Fault("error", "editMessageText"))  # stands before the other and does nothing
        assert isinstance(await channel.send(message), Sent)
        whole = [sent.text for sent in resident.messages()]
        assert len(whole) > 2
        assert "".join("".join(whole).split()) == "".join(text.split())
        assert [sent.labels for sent in resident.messages()] == [[]] * (len(whole) - 1) + [["Weiter"]]

        other = api.resident()
        message = message._replace(id=2, address=str(other.chat_id))
        first = asyncio.create_task(channel.send(message))
        await until(other.messages)
        api.faults.append(Fault("error", "sendMessage", status=500))
        assert isinstance(await first, RetryAfter)
        assert isinstance(await channel.send(message), Sent)
        assert [sent.text for sent in other.messages()] == whole


async def test_what_was_ticked_is_changed_in_place(api):
    def question(*ticked: str) -> MsgOut:
        labels = {value: ("☑ " if value in ticked else "☐ ") + value for value in ("a", "b")}
        replies = tuple(QuickReply(f"c.many.{value}", label) for value, label in labels.items())
        changed = "c.many." if ticked else ""
        text = (BodyPart(f"Gewählt: {', '.join(ticked)}"),)
        return MsgOut(text, replies, expects="many", title="Was?", replaces=changed)

    async with receiving(api) as (channel, inbox):
        resident = api.resident()
        await channel.send(Outgoing(1, str(resident.chat_id), question()))
        resident.tap("☐ a")
        await inbox.holds(1)
        await channel.send(Outgoing(2, str(resident.chat_id), question("a")))
        assert [(sent.text, sent.edits) for sent in resident.messages()] == [("Was?\nGewählt: a", 1)]
        await channel.send(Outgoing(3, str(resident.chat_id), question("a")))  # not modified: as good as sent
        assert len(resident.messages()) == 1
        resident.say("b")
        await inbox.holds(2)
        await channel.send(Outgoing(4, str(resident.chat_id), question("a", "b")))
        assert [sent.text for sent in resident.messages()] == ["Was?\nGewählt: a", "Was?\nGewählt: a, b"]


async def test_a_poll_that_never_ends_is_noticed(monkeypatch):
    monkeypatch.setattr(polling, "SILENCE_SECONDS", 0.05)

    async def hang(offset: int) -> None:
        await asyncio.Event().wait()

    poller = polling.Poller(hang, hang)  # type: ignore[arg-type]  # nothing is ever handled
    task = asyncio.create_task(poller.run())
    assert poller.trouble() == ""
    await asyncio.sleep(0.1)
    assert "no answer from the Bot API for" in poller.trouble()
    task.cancel()
