"""Albums on Telegram: all pictures and the caption are kept, however the updates arrive; one reply."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from adapters.telegram import albums
from adapters.telegram.albums import AlbumGatherer, join_albums
from adapters.telegram.polling import Poller
from adapters.telegram.updates import UpdateReader
from bot.cli.attachments import write_attachments
from bot.exchange.exports.attachment_files import INDEX
from bot.settings import Settings
from storage.core.store import Store
from tests import botapi
from tests.botapi import BotApi
from tests.botapi.limits import FREE
from tests.support.app import consultation, publish, running
from tests.support.databases import Database
from tests.support.media_channel import PICTURE, WISH, files, states, until
from tests.support.telegram import answers_of, channel_to

PICTURES = [PICTURE + bytes([number]) for number in range(3)]
CAPTION = "An der Ecke ist es dunkel"


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with botapi.running(FREE) as started:
        yield started


def part(number: int, *, album: str = "G1", **more: object) -> dict[str, object]:
    photo = [{"file_id": f"P{number}", "file_size": 9000}]
    chat = {"id": 7, "type": "private"}
    message = {"message_id": number, "date": 1796000000, "chat": chat, "from": {"id": 7}, "photo": photo}
    return {"update_id": number, "message": message | {"media_group_id": album} | more}


def test_parts_of_an_album_are_joined():
    read = UpdateReader("town", "secret").read
    parts = [part(1), part(2, caption=CAPTION), part(9, album="G2"), part(3), part(3)]
    first, other = join_albums([message for one in parts if (message := read(one))])
    assert (first.text, first.media, first.media_ref, first.more_refs) == (CAPTION, "picture", "P1", ("P2", "P3"))
    assert (other.media_ref, other.more_refs) == ("P9", ())


async def test_parts_that_arrive_in_calls_of_their_own_are_gathered():
    handled: list[list[int]] = []

    async def handle(updates):
        handled.append([update["update_id"] for update in updates])
        if len(handled) == 1:
            raise OSError

    gatherer = AlbumGatherer(handle, 0.05)
    failed = await asyncio.gather(*(gatherer.handle(part(number)) for number in (1, 2)), return_exceptions=True)
    assert [type(one) for one in failed] == [OSError, OSError]  # none is acknowledged
    await asyncio.gather(*(gatherer.handle(part(number)) for number in (1, 2)), gatherer.handle(part(3, album="G2")))
    assert sorted(handled) == [[1, 2], [1, 2], [3]]


async def test_parts_that_come_slowly_are_waited_for(monkeypatch: pytest.MonkeyPatch):
    """Whenever it is waited another part comes: as on a slow line, where each picture takes a while."""
    slow: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    for number in range(2, 9):
        slow.put_nowait(part(number))
    calls: list[asyncio.Task[None]] = []
    handled: list[int] = []

    async def handle(updates):
        handled.extend(update["update_id"] for update in updates)

    gatherer = AlbumGatherer(handle, 1.0)
    sleep = asyncio.sleep

    async def wait(seconds: float) -> None:
        if seconds:
            calls.append(asyncio.create_task(gatherer.handle(slow.get_nowait())))
        await sleep(0)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", wait)
    await gatherer.handle(part(1))
    await asyncio.gather(*calls)
    assert handled == list(range(1, albums.MOST_ROUNDS + 2)), "not for ever: others wait"


@pytest.mark.parametrize(("answers", "fetches"), [([1, 2, 3, 3], 4), ([1, 1], 2), ([0], 1), ([1, 2, 3, 4, 5, 6, 7], 6)])
async def test_polling_waits_while_parts_come(answers: list[int], fetches: int):
    given = iter(answers)
    asked = 0

    async def fetch(*_: object) -> list[object]:
        nonlocal asked
        asked += 1
        return [{"update_id": 1}, *(part(number + 2) for number in range(next(given)))]

    async def handle(_: object) -> None:
        raise AssertionError

    poller = Poller(fetch, handle, name="town", pace=0.001)
    found = await poller._fetch_whole(0, 100)
    assert (len(found) - 1, asked) == (answers[fetches - 1], fetches)


async def test_all_pictures_are_kept(api: BotApi, store: Store, database: Database, tmp_path: Path):
    publish(store, consultation(questions=[WISH]))
    settings = Settings(data=tmp_path / "data", database_url=SecretStr(database.url), publish_samples=False)
    settings.data.mkdir()
    (settings.data / "secret.key").write_text(bytes(32).hex())
    async with running(store, {"town": channel_to(api)}, settings):
        resident = api.resident()
        resident.start("park")
        await resident.hears()
        resident.tap("Deutsch")
        await resident.hears(2)
        resident.photo(PICTURES[0], album="G1")
        await asyncio.sleep(0)  # the others follow in updates of their own
        resident.photo(PICTURES[1], CAPTION, album="G1")
        resident.photo(PICTURES[2], album="G1")
        (summary,) = await resident.hears()
        assert CAPTION in summary.text
        await until(lambda: states(store) == ["kept"] * 3)
        assert resident.messages()[-1] is summary
    assert answers_of(store) == {"wish": f'"[picture] {CAPTION}"'}
    assert len(files(tmp_path / "data")) == 3
    out = tmp_path / "out"
    await asyncio.to_thread(write_attachments, settings, "park", out, print, print, "Auswertung")
    names = [
        row["file"] for row in csv.DictReader((out / INDEX).read_text(encoding="utf-8-sig").splitlines(), delimiter=";")
    ]
    assert sorted((out / name).read_bytes() for name in names) == PICTURES
