"""Voice messages and pictures as answers: taken down, fetched, kept for people, and gone when they are to be gone."""

from __future__ import annotations

import asyncio
import doctest
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

import bot.attachments.files
from adapters.base import Delivery, RetryAfter
from bot.attachments import keeping
from bot.attachments.files import FOLDER, Folder, ending_of
from bot.keys import Keys, SecretError
from bot.settings import Settings
from storage.attachments import Attachment
from storage.store import Store
from tests import botapi
from tests.botapi import BotApi, Rates
from tests.databases import database, houses, postgresql, sqlite_template, store
from tests.house import KEYS, Recorder, consultation, publish, running, say
from tests.telegram import answers_of, channel_to

__all__ = ["database", "houses", "postgresql", "sqlite_template", "store"]

WISH = {
    "key": "wish",
    "type": "text",
    "text": {"de": "Was fehlt?", "en": "What is missing?"},
    "media": ["voice", "picture"],
}
VOICE = b"OggS" + bytes(24) + b"OpusHead" + bytes(range(256)) * 20_000  # five megabytes: arrives in many pieces
PICTURE = b"\xff\xd8\xff\xe0" + bytes(100)
SECONDS = 10.0


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


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with botapi.running(Rates(0, 0, 0)) as started:
        yield started


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "FIRST_PAUSE", 0.01)


def rows(store: Store) -> list[Any]:
    with store.reading() as connection:
        return list(connection.execute(Attachment.__table__.select()))


def files(tmp_path: Path) -> list[Path]:
    folder = tmp_path / FOLDER
    return sorted(folder.iterdir()) if folder.exists() else []


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.02)


def states(store: Store) -> list[str]:
    return [row.state for row in rows(store)]


async def begin(app: Any, phone: Phone, address: str = "a") -> None:
    await say(app, phone.msg(address, "/start park"))
    await say(app, phone.msg(address, "Deutsch"))


async def test_a_voice_message_and_a_picture_through_telegram(api: BotApi, store: Store, tmp_path: Path) -> None:
    publish(store, consultation(questions=[WISH]))
    async with running(store, {"town": channel_to(api)}, Settings(data=tmp_path)):
        resident = api.resident()
        resident.start("park")
        await resident.hears()
        resident.tap("Deutsch")
        await resident.hears(2)
        resident.voice(VOICE)
        (summary,) = await resident.hears()
        assert "Menschen hören sie an, und sie zählt" in summary.text
        assert "Sprachnachricht" in summary.text
        await until(lambda: states(store) == ["kept"])
        (first,) = files(tmp_path)
        assert Folder(tmp_path / FOLDER, KEYS).read(first.name) == VOICE
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
        resident = api.resident()
        resident.start("park")
        await resident.hears()
        resident.tap("Deutsch")
        await resident.hears(2)
        resident.voice(b"OggS" + bytes(20 * 1024 * 1024))
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
        resident = api.resident()
        resident.start("park")
        await resident.hears()
        resident.tap("Deutsch")
        await resident.hears(2)
        resident.voice(VOICE)
        await until(lambda: states(store) == ["kept"])
    assert api.ledger.calls["getfile"] == 4
    assert rows(store)[0].tries == 4


async def test_a_killed_house_goes_on_fetching(store: Store, database: Any, tmp_path: Path) -> None:
    publish(store, consultation(questions=[WISH]))
    phone = Phone()
    phone.troubles = [RetryAfter(0.5, "later")]
    phone.files["f"] = VOICE
    async with running(store, {"test": phone}, Settings(data=tmp_path)) as (app, _):
        await begin(app, phone)
        await say(app, phone.msg("a", media="voice", media_ref="f"))
        await until(lambda: not phone.troubles)
        assert states(store) == ["waiting"]
    assert files(tmp_path) == []
    again = Phone()
    again.files["f"] = VOICE
    reopened = Store(database.url)
    async with running(reopened, {"test": again}, Settings(data=tmp_path)):
        await until(lambda: states(reopened) == ["kept"])
    reopened.dispose()
    assert len(files(tmp_path)) == 1


async def test_only_recordings_and_pictures_are_kept(store: Store, tmp_path: Path) -> None:
    publish(store, consultation(questions=[WISH]))
    phone = Phone()
    phone.files["f"] = b"MZ\x90\x00" + bytes(300)
    phone.files["big"] = PICTURE + bytes(1_000_000)
    async with running(store, {"test": phone}, Settings(data=tmp_path, attachment_megabytes=1)) as (app, _):
        for address, ref in (("a", "f"), ("b", "big")):
            await begin(app, phone, address)
            await say(app, phone.msg(address, media="picture", media_ref=ref))
        await until(lambda: sorted(states(store)) == ["too_large", "wrong_type"])
        assert files(tmp_path) == []
        await say(app, phone.msg("a", "meinedaten"))
        assert "Bild: war weder Aufnahme noch Bild" in phone.last("a").text


async def test_what_is_erased_leaves_no_file(store: Store, tmp_path: Path) -> None:
    publish(store, consultation(questions=[WISH]))
    phone = Phone()
    phone.files |= {"a": VOICE, "b": PICTURE}
    async with running(store, {"test": phone}, Settings(data=tmp_path)) as (app, _):
        for address, kind in (("a", "voice"), ("b", "picture")):
            await begin(app, phone, address)
            await say(app, phone.msg(address, media=kind, media_ref=address))
        await until(lambda: states(store) == ["kept", "kept"])
        await say(app, phone.msg("a", "meinedaten"))
        assert "Sprachnachricht: liegt verschlüsselt bei uns" in phone.last("a").text
        await say(app, phone.msg("a", "löschen"))
        await say(app, phone.msg("a", "alles löschen"))
        await until(lambda: len(files(tmp_path)) == 1)
        await until(lambda: len(rows(store)) == 1)
        (left,) = rows(store)
        assert left.kind == "picture"
        # Skipping the question instead takes the picture back.
        await say(app, phone.msg("b", "ändern 1"))
        await say(app, phone.msg("b", "weiß nicht"))
        await until(lambda: not files(tmp_path) and not rows(store))


async def test_erased_while_it_is_fetched(store: Store, tmp_path: Path) -> None:
    publish(store, consultation(questions=[WISH]))
    goes_on = asyncio.Event()

    class Slow(Phone):
        async def fetch(self, media_ref: str) -> bytes | Delivery:
            self.asked += 1
            await goes_on.wait()
            return VOICE

    phone = Slow()
    async with running(store, {"test": phone}, Settings(data=tmp_path)) as (app, _):
        await begin(app, phone)
        await say(app, phone.msg("a", media="voice", media_ref="f"))
        await until(lambda: phone.asked)
        await say(app, phone.msg("a", "alles löschen"))
        goes_on.set()
        await until(lambda: not rows(store))
        assert files(tmp_path) == []


async def test_where_nothing_may_be_sent_everything_is_as_before(store: Store, tmp_path: Path) -> None:
    publish(store, consultation(questions=[{**WISH, "media": []}]))
    phone = Phone()
    async with running(store, {"test": phone}, Settings(data=tmp_path)) as (app, _):
        await begin(app, phone)
        await say(app, phone.msg("a", media="voice", media_ref="f"))
        assert "kann ich hier nicht lesen" in phone.last("a").text
        await say(app, phone.msg("a", "[voice]"))
        assert "→ [voice]" in phone.last("a").text
    assert not rows(store)
    assert not phone.asked


@pytest.mark.parametrize(
    ("head", "kind", "ending"),
    [
        (VOICE, "voice", "ogg"),
        (b"OggS" + bytes(24) + b"\x80theora", "voice", ""),
        (b"ID3\x04", "voice", "mp3"),
        (b"\xff\xfb\x90\x00", "voice", "mp3"),
        (b"\x00\x00\x00\x20ftypM4A ", "voice", "m4a"),
        (b"\x00\x00\x00\x20ftypisom", "voice", ""),
        (b"\xff\xd8\xff", "picture", "jpg"),
        (b"\x89PNG\r\n\x1a\n", "picture", "png"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "picture", "webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "picture", ""),
        (b"<svg xmlns=", "picture", ""),
        (b"GIF89a", "picture", ""),
        (VOICE, "picture", ""),
        (b"", "voice", ""),
    ],
)
def test_what_a_file_is_says_its_beginning(head: bytes, kind: Any, ending: str) -> None:
    assert ending_of(head, kind) == ending


def test_a_file_belongs_to_its_name_and_house(tmp_path: Path) -> None:
    folder = Folder(tmp_path, KEYS)
    folder.keep(PICTURE, "a")
    (tmp_path / "a").rename(tmp_path / "b")
    with pytest.raises(SecretError):
        folder.read("b")
    (tmp_path / "b").rename(tmp_path / "a")
    with pytest.raises(SecretError):
        Folder(tmp_path, Keys(bytes(31) + b"x")).read("a")
    assert folder.read("a") == PICTURE


def test_the_examples_hold() -> None:
    tried = doctest.testmod(bot.attachments.files)
    assert tried.attempted
    assert not tried.failed
