"""Runs the application against the fake Telegram server (`tests.botapi`)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import select

from adapters.telegram.channel import TelegramChannel
from adapters.telegram.options import TelegramSettings
from bot.app import App
from storage.core.store import Store
from storage.tables.answers import AnswerRow
from tests.botapi import BotApi
from tests.botapi.limits import FREE
from tests.support.app import running

QUICK = 0.02
"""Pauses in tests are that much shorter."""


def channel_to(api: BotApi, *, pace: float = QUICK, **settings: Any) -> TelegramChannel:
    """A channel to this stand-in."""
    given = {"type": "telegram", "token": api.token, "base_url": api.url, "per_second": 1000, "workers": 16}
    channel = TelegramChannel("town", TelegramSettings.model_validate(given | settings), pace=pace)
    if api.limiter.rates == FREE:
        channel.limits = channel.limits._replace(per_chat_per_second=0)
    return channel


@asynccontextmanager
async def telegram(store: Store, api: BotApi, **settings: Any) -> AsyncIterator[tuple[App, TelegramChannel]]:
    """A running app with one bot."""
    channel = channel_to(api, **settings)
    async with running(store, {"town": channel}) as (app, _):
        yield app, channel


def answers_of(store: Store) -> dict[str, str | None]:
    """What is stored, by question; of several people the last."""
    with store.reading() as connection:
        return {row.question_key: row.value for row in connection.execute(select(AnswerRow))}
