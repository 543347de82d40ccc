"""Voice messages and pictures through Telegram: fetched, asked for again, and fetched after a kill."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.delivery.attachments import fetcher
from bot.delivery.attachments.files import FOLDER, AttachmentFolder
from bot.settings import Settings
from storage.core.store import Store
from tests import botapi
from tests.botapi import BotApi, Rates, Resident
from tests.support.app import KEYS, consultation, publish, running
from tests.support.media_channel import PICTURE, VOICE, WISH, files, rows, states, until
from tests.support.telegram import answers_of, channel_to
from tests.test_cli.test_serving import Service


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with botapi.running(Rates(0, 0, 0)) as started:
        yield started


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "FIRST_PAUSE", 0.01)


@asynccontextmanager
async def serving(*words: str) -> AsyncIterator[Service]:
    """The app as a process of its own."""
    service = await asyncio.to_thread(Service, *words)
    try:
        await asyncio.to_thread(service.until, "Stop: Ctrl-C")
        yield service
    finally:
        service.process.kill()
        await asyncio.to_thread(service.process.communicate)


async def at_the_wish(api: BotApi) -> Resident:
    """A person new, who stands at the question."""
    resident = api.resident()
    resident.start("park")
    await resident.hears()
    resident.tap("Deutsch")
    await resident.hears(2)
    return resident


async def test_a_voice_message_and_a_picture_through_telegram(api: BotApi, store: Store, tmp_path: Path) -> None:
    publish(store, consultation(questions=[WISH]))
    async with running(store, {"town": channel_to(api)}, Settings(data=tmp_path)):
        resident = await at_the_wish(api)
        resident.voice(VOICE)
        (summary,) = await resident.hears()
        assert "Menschen hören sie an, und sie zählt" in summary.text
        assert "Sprachnachricht" in summary.text
        await until(lambda: states(store) == ["kept"])
        (first,) = files(tmp_path)
        assert AttachmentFolder(tmp_path / FOLDER, KEYS).read(first.name) == VOICE
        # Another answer to the same question takes its place, and its file.
        resident.say("ändern 1")
        await resident.hears()
        resident.photo(PICTURE, "Hier fehlt eine Bank")
        (summary,) = await resident.hears()
        assert "Bild: Hier fehlt eine Bank" in summary.text
        await until(lambda: states(store) == ["kept"] and not first.exists())
    assert answers_of(store) == {"wish": '"[picture] Hier fehlt eine Bank"'}
    (row,), (file,) = rows(store), files(tmp_path)
    assert (row.kind, row.ending, row.size, row.handle, row.file) == ("picture", "jpg", len(PICTURE), None, file.name)
    assert PICTURE not in file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_telegram_does_not_hand_out_what_is_too_large(api: BotApi, store: Store, tmp_path: Path) -> None:
    publish(store, consultation(questions=[WISH]))
    async with running(store, {"town": channel_to(api)}, Settings(data=tmp_path)):
        resident = await at_the_wish(api)
        resident.voice(b"OggS" + bytes(20 * 1024 * 1024))
        (no,) = await resident.hears()
        assert "Vielleicht ist es zu groß" in no.text
        assert rows(store) == []
        # Said of a file of another size, or none: found out when it is fetched.
        api.faults.append(botapi.Fault("error", "getFile", status=400, description="Bad Request: file is too big"))
        resident.voice(VOICE)
        await until(lambda: states(store) == ["too_large"])
    assert files(tmp_path) == []


async def test_telegram_is_asked_again(api: BotApi, store: Store, tmp_path: Path) -> None:
    publish(store, consultation(questions=[WISH]))
    busy = "Bad Request: wrong file_id or the file is temporarily unavailable"
    api.faults += [
        botapi.Fault("error", "getFile", status=400, description=busy),
        botapi.Fault("html", "getFile", status=502),
        botapi.Fault("reset", "getFile"),
    ]
    async with running(store, {"town": channel_to(api)}, Settings(data=tmp_path)):
        resident = await at_the_wish(api)
        resident.voice(VOICE)
        await until(lambda: states(store) == ["kept"])
    assert api.ledger.calls["getfile"] == 4
    assert rows(store)[0].tries == 4


async def test_kill_9_between_commit_and_fetch(api: BotApi, store: Store, database: Any, tmp_path: Path) -> None:
    publish(store, consultation(questions=[WISH]))
    settings = tmp_path / "house.toml"
    settings.write_text(
        f'data = "{tmp_path}"\ndatabase_url = "{database.url}"\nport = 0\npublish_samples = false\n'
        f'[channels.town]\ntype = "telegram"\ntoken = "{api.token}"\nbase_url = "{api.url}"\n'
    )
    api.faults.append(botapi.Fault("hang", "getFile"))
    async with serving("--config", str(settings)) as first:
        resident = await at_the_wish(api)
        resident.voice(VOICE)
        await resident.hears()
        await until(lambda: api.ledger.calls["getfile"])
        first.process.kill()
    assert states(store) == ["waiting"]
    assert files(tmp_path) == []
    async with serving("--config", str(settings)):
        await until(lambda: states(store) == ["kept"])
    assert len(files(tmp_path)) == 1
