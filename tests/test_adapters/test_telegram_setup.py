"""What an operator sees of Telegram: settings, doctor, the introduction, and logs without secrets."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from adapters import telegram as adapter
from adapters.base import BadSettings, Finding, Outgoing
from adapters.telegram.checks import _clock
from bot.common import logs
from bot.common.errors import CommandError
from bot.common.i18n import phrase_catalogues
from bot.common.i18n.bot_profile import SHOWN
from bot.delivery.channels import channel_findings, open_channels
from bot.settings import ChannelSettings, Settings
from flows.messages import MsgOut
from tests import botapi
from tests.botapi import BotApi, Fault
from tests.botapi.limits import FREE
from tests.support.app import CIPHER, consultation, publish
from tests.support.telegram import telegram
from tests.test_adapters.test_telegram_troubles import receiving, until

TOKEN = "4711:AAF-geheim_geheim_geheim"
NOWHERE = Path("nowhere")
"""Telegram keeps nothing in its folder."""


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with botapi.running(FREE) as started:
        yield started


def opened(**keys: Any) -> None:
    settings = Settings(channels={"town": ChannelSettings(type="telegram", **keys)})
    open_channels(settings)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({}, "setting 'token' is missing"),
        ({"token": "geheim"}, "setting 'token': is no token of a bot"),
        ({"token": TOKEN, "tokne": "x"}, "unknown setting 'tokne'; is 'token' meant?"),
        ({"token": TOKEN, "mode": "pulling"}, "setting 'mode' must be 'polling' or 'webhook'"),
        ({"token": TOKEN, "mode": "webhook"}, "needs 'webhook_url'"),
        ({"token": TOKEN, "base_url": "api.telegram.org"}, "setting 'base_url': is no address"),
        ({"token": TOKEN, "webhook_secret": "geheim"}, "setting 'webhook_secret': must have 16 to 256"),
        ({"token": TOKEN, "per_second": 5000}, "setting 'per_second'"),
    ],
)
def test_a_wrong_setting_is_named_and_never_shown(keys, said):
    with pytest.raises(CommandError) as fault:
        opened(**keys)
    words = str(fault.value)
    assert words.startswith("[channels.town]: ")
    assert said in words
    assert "geheim" not in words
    assert "\n" not in words


def test_worker_count_follows_the_configured_rate():
    def workers(**keys: Any) -> int:
        section = ChannelSettings(type="telegram", token=TOKEN, **keys)
        return adapter.open_channel("town", section, NOWHERE, CIPHER).limits.workers

    assert workers() == 1
    assert workers(per_second=1000) == 250
    assert workers(workers=3) == 3


async def examined(api: BotApi, **keys: Any) -> list[Finding]:
    section = ChannelSettings(type="telegram", token=api.token, base_url=api.url, **keys)
    return list(await adapter.examine("town", section, NOWHERE, CIPHER))


async def test_doctor_says_that_all_is_well_and_changes_nothing(api):
    api.resident().say("wartet")
    well = await examined(api)
    assert [one for one, _ in well] == [True, True, True]
    said = " ".join(words for _, words in well)
    assert "@MitspracheTestBot" in said
    assert "1 updates wait" in said
    assert len(api.state.queue) == 1


async def test_doctor_names_a_refused_token_and_a_server_that_is_away(api):
    section = ChannelSettings(type="telegram", token=TOKEN, base_url=api.url)
    wrong = await adapter.examine("town", section, NOWHERE, CIPHER)
    assert [one.is_well for one in wrong] == [False]
    assert "refuses the token" in wrong[0].words
    api.faults.append(Fault("html", status=502))
    (unwell,) = await examined(api)
    assert "no proper answer" in unwell[1]
    away = Settings(channels={"town": ChannelSettings(type="telegram", token=TOKEN, base_url="http://127.0.0.1:9")})
    (found,) = await asyncio.to_thread(lambda: list(channel_findings(away)))
    assert not found.is_well
    assert "cannot be reached" in found.words


async def test_doctor_sees_a_webhook_that_fails(api):
    url = "http://127.0.0.1:9/hooks/town"
    api.webhooks.url = url
    api.webhooks._last_error = int(datetime.now(UTC).timestamp()), "Connection refused"
    found = await examined(api, mode="webhook", webhook_url=url)
    assert [well for well, _ in found] == [True, False, True]
    assert "Connection refused" in found[1][1]


def test_doctor_compares_clocks():
    now = datetime(2026, 11, 25, 12, tzinfo=UTC)
    assert _clock(format_datetime(now + timedelta(seconds=20)), now).is_well
    off = _clock(format_datetime(now - timedelta(minutes=2)), now)
    assert not off.is_well
    assert "120 seconds apart" in off.words
    assert _clock("", now).is_well


def test_settings_without_a_token_reach_doctor_as_a_sentence():
    with pytest.raises(BadSettings):
        asyncio.run(adapter.examine("town", ChannelSettings(type="telegram"), NOWHERE, CIPHER))


async def test_the_bot_introduces_itself_in_every_language(api, store):
    publish(store, consultation())
    async with telegram(store, api):
        tags = [tag for tag in phrase_catalogues.catalogue_languages() if "-" not in tag]
        await until(lambda: ("short_description", "", tags[-1]) in api.ledger.settings)
    told = api.ledger.settings
    for tag in [*tags, ""]:
        commands = told["commands", "all_private_chats", tag]
        assert [command["command"] for command in commands] == [word.value for word in SHOWN]
        assert {command["command"] for command in told["commands", "all_group_chats", tag]} < {
            command["command"] for command in commands
        }
        assert told["description", "", tag]
        assert told["short_description", "", tag]
    assert told["description", "", "tr"] != told["description", "", "de"]
    assert not [refusal for refusal in api.ledger.refused if refusal[0].startswith("setmy")]


async def test_a_language_telegram_puts_off_is_not_left_out(api, store):
    publish(store, consultation())
    tags = [tag for tag in phrase_catalogues.catalogue_languages() if "-" not in tag]
    fault = Fault(
        "error", "setMyDescription", status=429, description="Too Many Requests: retry after 1", retry_after=1
    )
    api.faults.append(fault)
    async with telegram(store, api):
        await until(lambda: all(("short_description", "", tag) in api.ledger.settings for tag in [*tags, ""]))
    assert not fault.times


async def test_the_introduction_is_tried_again_after_a_fault(api, store):
    publish(store, consultation())
    faults = [Fault("html", "setMyDescription", status=502), Fault("reset", "setMyCommands")]
    api.faults += faults
    async with telegram(store, api):
        await until(lambda: all(("short_description", "", tag) in api.ledger.settings for tag in ("", "de")))
    assert not any(fault.times for fault in faults)


async def test_no_log_holds_the_token_or_a_word(api):
    written = io.StringIO()
    logs.configure_logs("json", "debug", written)
    api.faults += [
        Fault("garbage", "getUpdates"),
        Fault("error", "sendMessage", status=401, description="Unauthorized"),
        Fault("html", "getMe", status=502),
    ]
    resident = api.resident()
    resident.say("Kanarienvogel")
    api.state.add_update("message", {"chat": "Kanarienvogel"})
    async with receiving(api) as (channel, inbox):
        await inbox.holds(1)
        await until(lambda: not api.state.queue)
        for number in range(2):
            await channel.send(Outgoing(number, str(resident.chat_id), MsgOut("Kanarienvogel")))
    said = written.getvalue()
    assert "telegram_update_skipped" in said
    assert "telegram_polling_failed" in said
    for secret in (api.token, api.token.partition(":")[2], "Kanarienvogel", str(resident.number)):
        assert secret not in said
