"""The parts of a running service that pages and the API use; handlers never get the App object."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from adapters.base import Channel, Finding
from bot.common.begin_counter import BeginCounter
from bot.common.ids import Ids
from bot.common.keys import Keys
from bot.exchange.exports.service import ExportService
from bot.results.editions.service import EditionService
from bot.settings import Settings
from storage.core.errors import StorageError
from storage.core.store import Store


class Maintenance(Protocol):
    """Work for the whole installation that the console starts. Both block, so they run in a thread."""

    def findings(self) -> list[Finding]:
        """Returns what `doctor` finds."""

    def back_up(self) -> Path:
        """Makes a backup and returns its folder. Raises CommandError."""


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

    @property
    def exporter(self) -> ExportService: ...

    @property
    def begin_counter(self) -> BeginCounter: ...

    @property
    def maintenance(self) -> Maintenance | None: ...

    async def look(self) -> StorageError | None:
        """Checks the database and returns the error that prevents writing, or None."""

    def wake_outbox(self) -> None:
        """Looks for new committed notices, after a transaction has stored some."""
        ...
