"""How people reach the bot: the links that posters show, of the real channels."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.base import PublicAddress, Reachable
from adapters.matrix.channel import MatrixChannel
from adapters.matrix.files import SecretFolder
from adapters.matrix.options import MatrixSettings
from storage.core.store import Store
from tests import botapi
from tests.botapi import BotApi
from tests.botapi.limits import FREE
from tests.support.app import CIPHER, consultation, publish
from tests.support.telegram import channel_to, telegram
from tests.test_adapters.test_telegram_troubles import until


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with botapi.running(FREE) as started:
        yield started


async def test_telegram_transfers_the_start_words_that_fit(store: Store, api: BotApi) -> None:
    publish(store, consultation())
    assert channel_to(api).public_address("park_BIB7") is None  # Telegram has not said the name yet
    async with telegram(store, api) as (_, channel):
        assert isinstance(channel, Reachable)
        await until(lambda: channel.public_address("park_BIB7") is not None)
        found, long = channel.public_address("park_BIB7"), channel.public_address("x" * 65)
        assert found
        assert found.name.startswith("@")
        assert (found.link, found.is_transferred) == (f"https://t.me/{found.name[1:]}?start=park_BIB7", True)
        assert long == PublicAddress("Telegram", found.name, f"https://t.me/{found.name[1:]}", is_transferred=False)


def test_matrix_transfers_none(tmp_path: Path) -> None:
    options = MatrixSettings.model_validate(
        {"type": "matrix", "homeserver": "https://a.example", "user_id": "@park:a.example", "password": "geheim"}
    )
    channel = MatrixChannel("square", options, SecretFolder(tmp_path, CIPHER))
    assert isinstance(channel, Reachable)
    link = "https://matrix.to/#/@park:a.example"
    assert channel.public_address("park_BIB7") == PublicAddress("Matrix", "@park:a.example", link, is_transferred=False)
