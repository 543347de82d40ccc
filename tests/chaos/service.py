"""The real service under the load of a crowd: what most faults disturb."""

from __future__ import annotations

import shutil
from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from pydantic import SecretStr

from bot.app import open_store
from bot.settings import Settings
from flows.definition import Consultation
from tests.chaos.crowd import Crowd
from tests.chaos.fault import Fault, Result
from tests.chaos.ledger import Ledger, Person, stored
from tests.chaos.postgres import Postgres
from tests.support.app import consultation, publish
from tests.support.service_process import House

QUESTIONS: list[dict[str, Any]] = [
    {"key": "wish", "type": "text", "text": {"de": "Was fehlt?", "en": "What is missing?"}},
    {"key": "more", "type": "text", "text": {"de": "Und sonst?", "en": "What else?"}},
]


def settings_text(database: str) -> str:
    """A settings file that believes the crowd where it comes from."""
    url = f'database_url = "{database}"\n' if database else ""
    return f'publish_samples = false\n{url}[web]\ntrusted_proxies = ["127.0.0.1"]'


class UnderLoad(Fault):
    """A service with a crowd; a subclass says how it is disturbed. Nothing may be lost, doubled or come back."""

    uses_postgresql: ClassVar[bool] = False
    options: ClassVar[tuple[str, ...]] = ()
    """What PostgreSQL is started with."""
    wrapped: ClassVar[tuple[str, ...]] = ()
    """A command that starts the service."""
    erasing: ClassVar[float] = 0.2
    size: ClassVar[int] = 6
    refused_for_now: ClassVar[frozenset[str]] = frozenset()
    """What people are told while the fault lasts, beyond "held": they try again."""

    async def prepare(self) -> None:
        self.ledger = Ledger()
        self.postgres: Postgres | None = None
        database = ""
        if self.uses_postgresql:
            self.postgres = Postgres(self.server_environment())
            await self.postgres.make()
            await self.postgres.start(*self.options)
            database = self.postgres.url
        self.settings = Settings(data=self.folder / "data", database_url=SecretStr(database), publish_samples=False)
        store, _ = open_store(self.settings)
        publish(store, self.consultation(), closes_at=self.closes_at())
        store.dispose()
        self.house = House(self.folder, {}, settings_text(database), self.environment(), wrapped=self.wrapped)
        await self.before_start()
        await self.house.start()
        self.crowd = Crowd(
            lambda: self.house.url, self.ledger, self.seed, self.size, self.erasing, self.noted, self.refused_for_now
        )
        await self.crowd.start()
        await self.crowd.more(self.size)

    def consultation(self) -> Consultation:
        """What people take part in."""
        return consultation("park", QUESTIONS)

    def closes_at(self) -> datetime | None:
        """Its end."""
        return None

    async def before_start(self) -> None:
        """All is made, and nothing runs yet but PostgreSQL."""

    def environment(self) -> Mapping[str, str]:
        """What the service is told beyond the settings."""
        return {}

    def server_environment(self) -> Mapping[str, str]:
        """The same for PostgreSQL."""
        return {}

    def noted(self, person: Person, what: str) -> None:
        """Hears of every entry of the ledger."""

    @abstractmethod
    async def disturb(self, number: int) -> None:
        """What happens to the service."""

    async def check(self, result: Result) -> None:
        await self.crowd.more(self.size)  # all goes on by itself
        await self.crowd.stop()
        await self.end(result)

    async def end(self, result: Result) -> None:
        """Stops the service and compares, with the crowd gone already."""
        if code := await self.house.stop():
            result.wrong.append(f"the service ended with {code}")
        self.compare(result, self.settings.database())

    def compare(self, result: Result, database: str) -> None:
        """The ledger against a database."""
        verdict = self.ledger.verdict(stored(database))
        result.figures |= {
            "acknowledged": verdict.acknowledged,
            "lost": len(verdict.lost),
            "doubled": len(verdict.doubled),
            "deletions": verdict.erased,
            "back": len(verdict.back),
            "s longest wait": round(self.crowd.longest, 1),
        }
        result.wrong += verdict.wrong

    async def clean_up(self) -> None:
        if hasattr(self, "crowd"):
            await self.crowd.abandon()
        if hasattr(self, "house"):
            await self.house.clear_up()
        if getattr(self, "postgres", None):
            assert self.postgres
            await self.postgres.kill()


def copy_of(folder: Path, to: Path) -> Path:
    """A copy of a folder that may be written to while it is copied."""
    shutil.rmtree(to, ignore_errors=True)
    return Path(shutil.copytree(folder, to))
