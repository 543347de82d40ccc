"""The webhook: only Telegram is let in, each call counts once, and is answered when it is stored."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer

from adapters.base import Replies
from adapters.telegram.channel import SECRET_HEADER, TelegramChannel
from adapters.web.hub import WebHub
from bot.web.server import WebServer, build_application
from flows.messages import MsgIn
from tests import botapi
from tests.botapi import BotApi
from tests.botapi.limits import FREE
from tests.support.app import Recorder, consultation, publish, running
from tests.support.telegram import answers_of, channel_to, telegram

NEW, OLD = "the-new-secret-of-2026", "the-old-secret-of-2025"


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with botapi.running(FREE) as started:
        yield started


class Door:
    """The webhook of a channel behind a plain server, with what it took; `fault` is raised instead."""

    def __init__(self, channel: TelegramChannel) -> None:
        self.channel = channel
        self.taken: list[MsgIn] = []
        self.fault: Exception | None = None
        application = web.Application()
        application.router.add_route("*", "/hook", channel.hook)
        self.client = TestClient(TestServer(application))

    async def receive(self, messages: Sequence[MsgIn]) -> Sequence[Replies]:
        if self.fault:
            raise self.fault
        self.taken += messages
        return [()] * len(messages)

    async def call(self, secret: str | None, body: Any = None) -> int:
        headers = {} if secret is None else {SECRET_HEADER: secret}
        async with self.client.post("/hook", json=UPDATE if body is None else body, headers=headers) as response:
            return response.status


UPDATE: dict[str, Any] = {
    "update_id": 1,
    "message": {
        "message_id": 7,
        "date": 1764000000,
        "chat": {"id": 5, "type": "private"},
        "from": {"id": 5},
        "text": "Ja",
    },
}


@pytest.fixture
async def door(api) -> AsyncIterator[Door]:
    channel = channel_to(
        api,
        mode="webhook",
        webhook_url="http://127.0.0.1:1/hook",
        webhook_secret=NEW,
        webhook_secret_before=OLD,
    )
    made = Door(channel)
    await channel.start(made.receive)
    async with made.client:
        yield made
    await channel.stop()
    await channel.close()


async def test_both_secrets_count_while_one_replaces_the_other(door):
    assert [await door.call(secret) for secret in (NEW, OLD)] == [200, 200]
    assert len(door.taken) == 2


async def test_forged_calls_have_no_effect(door):
    near = [NEW[:-1], NEW + "x", NEW.upper(), NEW[:-1] + "y", " " + NEW[1:], f"{NEW},{OLD}", "", "0", "x" * 5000]
    guesses = [secrets.token_urlsafe(16) for _ in range(1500)]
    assert {await door.call(guess) for guess in (None, *near, *guesses)} == {403}
    assert door.taken == []


async def test_a_channel_gets_requests_by_get_too(store):
    class Asked(Recorder):
        async def hook(self, request: web.Request) -> web.Response:
            return web.Response(text=request.query.get("hub.challenge", ""))

    channels = {"asked": Asked("asked"), "other": Recorder("other"), "web": WebHub()}
    async with running(store, channels) as (app, _), TestClient(TestServer(build_application(app))) as client:
        async with client.get("/hooks/asked?hub.challenge=42") as answer:
            assert (answer.status, await answer.text()) == (200, "42")
        async with client.get("/hooks/other") as answer:
            assert answer.status == 404


async def test_telegram_is_called_by_post_only(door):
    async with door.client.get("/hook", headers={SECRET_HEADER: NEW}) as answer:
        assert answer.status == 405
    assert not door.taken


async def test_a_secret_beyond_ascii_is_only_wrong(door):
    async with door.client.post("/hook", json=UPDATE, headers={SECRET_HEADER: "geheimnisvollü"}) as response:
        assert response.status == 403


async def test_what_is_not_stored_is_called_again(door):
    door.fault = RuntimeError("the disk is full")
    assert await door.call(NEW) == 503
    door.fault = None
    assert await door.call(NEW) == 200
    assert len(door.taken) == 1


@pytest.mark.parametrize("body", ['"text"', "[]", "{}", '{"update_id": 1, "message": {"chat": 7}}'])
async def test_what_cannot_be_understood_is_taken_and_passed_over(door, body):
    headers = {SECRET_HEADER: NEW, "Content-Type": "application/json"}
    async with door.client.post("/hook", data=body, headers=headers) as response:
        assert response.status == 200  # else it would come for a day
    assert door.taken == []
    async with door.client.post("/hook", data='{"update', headers=headers) as response:
        assert response.status == 400


async def test_a_house_that_is_called(api, store, unused_tcp_port):
    """Telegram calls the web server of the app; a replayed call changes nothing."""
    publish(store, consultation())
    url = f"http://127.0.0.1:{unused_tcp_port}/hooks/town"
    async with telegram(store, api, mode="webhook", webhook_url=url) as (app, channel):
        server = WebServer(app)
        await server.start("127.0.0.1", unused_tcp_port)
        resident = api.resident()
        resident.start("park")
        assert "Deutsch" in (await resident.hears())[0].labels
        resident.tap("Deutsch")
        await resident.hears(2)
        resident.tap("Nein")
        await resident.hears()
        assert api.webhooks.secret
        chat = {"id": resident.number, "type": "private"}
        message = {**UPDATE["message"], "chat": chat, "message_id": api.state.message_id(), "text": "Bäume"}
        headers = {SECRET_HEADER: channel._settings.secrets()[0]}
        async with ClientSession() as client:
            for _ in range(3):
                update = {"update_id": 1, "message": message}
                async with client.post(url, json=update, headers=headers) as response:
                    assert response.status == 200
            async with client.post(f"{url}-of-nobody", json=update, headers=headers) as response:
                assert response.status == 404
        assert app.conversations.counts.repeats == 2
        await server.stop()
    assert answers_of(store) == {"lamps": '"no"', "wish": '"Bäume"'}
