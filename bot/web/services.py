"""What pages and the API use of a running service: they never see the object that starts and stops it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from adapters.base import Channel
from bot.common.ids import Ids
from bot.common.keys import Keys
from bot.results.editions.service import EditionService
from bot.settings import Settings
from storage.core.errors import StorageError
from storage.core.store import Store


class Services(Protocol):
    """The parts that handlers read; `bot.app.App` has them."""

    @property
    def settings(self) -> Settings: ...

    @property
    def store(self) -> Store: ...

    @property
    def keys(self) -> Keys: ...

    @property
    def ids(self) -> Ids: ...

    @property
    def channels(self) -> Mapping[str, Channel]: ...

    @property
    def editor(self) -> EditionService: ...

    async def look(self) -> StorageError | None:
        """What keeps the service from storing, after asking the database; None while all is well."""
