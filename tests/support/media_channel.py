"""A channel with voice messages and pictures, and queries for the stored attachments."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from adapters.base import Delivery
from bot.delivery.attachments.files import FOLDER
from storage.core.store import Store
from storage.tables.attachments import AttachmentRow
from tests.support.app import Recorder, say
from tests.support.timeouts import PATIENCE

WISH = {
    "key": "wish",
    "type": "text",
    "text": {"de": "Was fehlt?", "en": "What is missing?"},
    "media": ["voice", "picture"],
}
VOICE = b"OggS" + bytes(24) + b"OpusHead" + bytes(range(256)) * 20_000  # five megabytes: arrives in many pieces
PICTURE = b"\xff\xd8\xff\xe0" + bytes(100)


class Phone(Recorder):
    """A channel with attachments; `troubles` happen first."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}
        self.troubles: list[Delivery | Exception] = []
        self.asked = 0

    async def fetch(self, media_ref: str) -> bytes | Delivery:
        self.asked += 1
        if self.troubles:
            trouble = self.troubles.pop(0)
            if isinstance(trouble, Exception):
                raise trouble
            return trouble
        return self.files[media_ref]


def rows(store: Store) -> list[Any]:
    with store.reading() as connection:
        return list(connection.execute(AttachmentRow.__table__.select()))


def files(tmp_path: Path) -> list[Path]:
    folder = tmp_path / FOLDER
    return sorted(folder.iterdir()) if folder.exists() else []


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.02)


def states(store: Store) -> list[str]:
    return [row.state for row in rows(store)]


async def begin(app: Any, phone: Phone, address: str = "a") -> None:
    await say(app, phone.msg(address, "/start park"))
    await say(app, phone.msg(address, "Deutsch"))
