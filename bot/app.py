"""Where the parts meet: builds them from settings, starts and stops them. Nothing is opened at import time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from adapters.base import Channel
from bot.catalogue import Catalogue
from bot.conversations import Conversations
from bot.ids import Ids
from bot.keys import Keys, load_or_create
from bot.outbox import Outbox
from bot.settings import Settings
from bot.turns import Turns
from storage import migrate
from storage.store import Store


@dataclass(slots=True)
class App:
    """All parts of a running house."""

    settings: Settings
    store: Store
    keys: Keys
    ids: Ids
    catalogue: Catalogue
    channels: Mapping[str, Channel]
    outbox: Outbox
    conversations: Conversations

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything works inside this block; on leaving it, what was begun is finished and the store is closed."""
        work = [asyncio.create_task(self.conversations.run()), asyncio.create_task(self.outbox.run())]
        try:
            for channel in self.channels.values():
                await channel.start(self.conversations.receive)
            yield
        finally:
            for channel in self.channels.values():
                await channel.stop()
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            await self.store.close()


def open_house(settings: Settings) -> tuple[Store, Keys]:
    """The database, brought up to date, and the secret key; both are created where there are none.

    Raises the classes of `storage.errors` and `SecretError`.
    """
    settings.data.mkdir(parents=True, exist_ok=True)
    keys = load_or_create(Path(settings.data) / "secret.key")
    store = Store(settings.database())
    migrate.upgrade(store)
    return store, keys


def build(settings: Settings, channels: Mapping[str, Channel], *, store: Store, keys: Keys) -> App:
    """The parts, connected. Call it inside a running event loop."""
    ids = Ids()
    catalogue = Catalogue()
    outbox = Outbox(store, keys, channels)
    conversations = Conversations(store, Turns(keys, catalogue, ids), outbox)
    return App(settings, store, keys, ids, catalogue, channels, outbox, conversations)
