"""Pages that cannot wait: they are answered when the replies to their message are in the log, not earlier or later."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from adapters.base import NotStored, Outgoing, Replies
from adapters.web.hub import WebHub
from flows.messages import MsgIn, MsgOut
from tests.support.timeouts import PATIENCE

ADDRESS = "park/somebody"


def reply(number: int) -> Outgoing:
    return Outgoing(number, ADDRESS, MsgOut(f"reply {number}"))


async def hub_with(receive: Callable[[Sequence[MsgIn]], Awaitable[Sequence[Replies]]]) -> WebHub:
    hub = WebHub()
    await hub.start(receive)
    return hub


async def answering(*numbers: int) -> WebHub:
    """A hub whose bot gives these replies; they are sent by the test."""

    async def receive(messages: Sequence[MsgIn]) -> Sequence[Replies]:
        return [tuple(map(reply, numbers))]

    return await hub_with(receive)


def say(hub: WebHub, client_id: str = "a1") -> asyncio.Task[None]:
    return asyncio.create_task(hub.say(ADDRESS, client_id, text="Ja", shown="Ja", until_answered=True))


async def turn_over() -> None:
    """Lets everything go on that can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_every_reply_is_waited_for():
    hub = await answering(7, 8)
    said = say(hub)
    await turn_over()
    await hub.send(reply(7))
    await hub.send(reply(99))  # something else the bot says
    await turn_over()
    assert not said.done()
    await hub.send(reply(8))
    await asyncio.wait_for(said, PATIENCE)
    assert [entry.own or (entry.msg and entry.msg.text) for entry in hub.chat(ADDRESS).entries] == [
        "Ja",
        "reply 7",
        "reply 99",
        "reply 8",
    ]
    assert hub.chat(ADDRESS).exchange is None, "an idle conversation keeps nothing of it"


async def test_replies_may_precede_the_stored_acknowledgement():
    async def receive(messages: Sequence[MsgIn]) -> Sequence[Replies]:
        await hub.send(reply(7))
        return [(reply(7),)]

    hub = await hub_with(receive)
    await asyncio.wait_for(say(hub), PATIENCE)
    assert hub.chat(ADDRESS).exchange is None


async def test_a_message_without_replies_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("adapters.web.hub.ANSWER_SECONDS", 10 * PATIENCE)
    hub = await answering()
    await asyncio.wait_for(say(hub), PATIENCE)
    assert hub.chat(ADDRESS).exchange is None


async def test_each_waits_for_its_own_replies():
    async def receive(messages: Sequence[MsgIn]) -> Sequence[Replies]:
        return [(reply(len(hub.chat(ADDRESS).entries)),)]

    hub = await hub_with(receive)
    first, second = say(hub, "a1"), say(hub, "a2")
    await turn_over()
    await hub.send(reply(2))
    await asyncio.wait_for(second, PATIENCE)
    assert not first.done()
    await hub.send(reply(1))
    await asyncio.wait_for(first, PATIENCE)


async def test_a_page_that_is_opened_meanwhile_waits_as_well():
    hub = await answering(7)
    await hub.say(ADDRESS, "a1", text="Ja", shown="Ja")
    settled = asyncio.create_task(hub.settled(ADDRESS))
    await turn_over()
    assert not settled.done()
    await hub.send(reply(7))
    await asyncio.wait_for(settled, PATIENCE)


async def test_what_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("adapters.web.hub.ANSWER_SECONDS", 0)
    hub = await answering(7)
    await asyncio.wait_for(say(hub), PATIENCE)
    monkeypatch.setattr("adapters.web.hub.ANSWER_SECONDS", 10 * PATIENCE)
    await asyncio.wait_for(hub.settled(ADDRESS), PATIENCE)


@pytest.mark.parametrize("fault", [NotStored, asyncio.CancelledError, ZeroDivisionError])
async def test_a_message_that_is_not_stored_has_no_replies(fault: type[BaseException]):
    async def receive(messages: Sequence[MsgIn]) -> Sequence[Replies]:
        raise fault

    hub = await hub_with(receive)
    with pytest.raises(fault):
        await say(hub)
    assert hub.chat(ADDRESS).exchange is None
    await asyncio.wait_for(hub.settled(ADDRESS), PATIENCE)


async def test_who_is_forgotten_meanwhile_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("adapters.web.hub.ANSWER_SECONDS", 10 * PATIENCE)
    hub = await answering(7)
    said, looking = say(hub), asyncio.create_task(hub.settled(ADDRESS))
    await turn_over()
    hub.forget(ADDRESS)
    await asyncio.wait_for(asyncio.gather(said, looking), PATIENCE)
