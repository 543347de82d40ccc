"""The parts of a running service that pages and the API use; handlers never get the App object."""

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
    """The services for handlers; `bot.app.App` implements them."""

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
        """Checks the database and returns the error that prevents writing, or None."""
