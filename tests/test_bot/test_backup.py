"""What channels keep for themselves is part of a backup, so that a restored house is the same one to others."""

from __future__ import annotations

import errno
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot import backup
from bot.app import open_house
from bot.errors import HouseError
from bot.settings import Settings

SEALED = '{"sealed": "AAAA"}'


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    """A backup of a house whose channels are running."""
    settings = Settings(data=tmp_path / "data")
    open_house(settings)[0].dispose()
    with closing(used(settings.data / "channels" / "town", "!a")), closing(used(settings.data / "channels/city", "!b")):
        yield backup.back_up(settings, None, tmp_path / "backups")


def used(folder: Path, room: str) -> sqlite3.Connection:
    """A channel's folder in use: a database in which something is being written, a file, and half of another one."""
    folder.mkdir(parents=True)
    database = sqlite3.connect(folder / "channel.db", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE rooms (room TEXT)")
    database.execute("INSERT INTO rooms VALUES (?)", (room,))
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT INTO rooms VALUES ('not committed')")
    (folder / "login.json").write_text(SEALED, encoding="utf-8")
    (folder / "login.json.new").write_text('{"sea', encoding="utf-8")
    return database


def restore(copy: Path, data: Path) -> None:
    backup.restore(Settings(data=data), copy, lambda _: None)


def test_what_channels_keep_comes_back_as_it_was_committed(copy: Path, tmp_path: Path):
    names = [
        f"channels/{name}" for name in ("city/channel.db", "city/login.json", "town/channel.db", "town/login.json")
    ]
    assert [it for it in sorted(json.loads((copy / "inventory.json").read_text())) if "/" in it] == names
    restore(copy, tmp_path / "again")
    found = [path for path in sorted((tmp_path / "again" / "channels").rglob("*")) if path.is_file()]
    assert [path.relative_to(tmp_path / "again").as_posix() for path in found] == names
    assert [path for path in found if path.stat().st_mode & 0o077] == []
    assert found[1].read_text(encoding="utf-8") == found[3].read_text(encoding="utf-8") == SEALED
    for path, room in ((found[0], "!b"), (found[2], "!a")):
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("SELECT room FROM rooms").fetchall() == [(room,)]


def test_a_channel_that_is_damaged_in_the_backup_is_refused(copy: Path, tmp_path: Path):
    (copy / "channels" / "town" / "login.json").write_text(SEALED.replace("A", "B"), encoding="utf-8")
    with pytest.raises(HouseError, match=r"channels/town/login\.json is damaged or missing; choose another backup"):
        restore(copy, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_channels_that_are_there_already_are_not_written_over(copy: Path, tmp_path: Path):
    kept = tmp_path / "again" / "channels" / "town" / "login.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("mine", encoding="utf-8")
    with pytest.raises(HouseError, match="channels: is there already; restore into an empty folder"):
        restore(copy, tmp_path / "again")
    assert [path for path in (tmp_path / "again").rglob("*") if path.is_file()] == [kept]
    assert kept.read_text(encoding="utf-8") == "mine"


def test_a_database_that_cannot_be_copied_is_named(tmp_path: Path):
    settings = Settings(data=tmp_path / "data")
    open_house(settings)[0].dispose()
    folder = settings.data / "channels" / "town"
    folder.mkdir(parents=True)
    (folder / "channel.db").write_bytes(b"SQLite format 3\0" + b"nonsense" * 1000)
    with pytest.raises(HouseError, match=r"channel\.db: cannot be copied .* doctor"):
        backup.back_up(settings, None, tmp_path / "backups")


def test_a_database_that_is_damaged_in_the_middle_is_no_backup(tmp_path: Path):
    settings = Settings(data=tmp_path / "data")
    open_house(settings)[0].dispose()
    database = settings.data / "mitsprache.db"
    content = bytearray(database.read_bytes())
    for page in range(len(content) - 5 * 4096, len(content), 4096):  # the beginning stays, so that it can be copied
        content[page : page + 200] = bytes(200)
    database.write_bytes(content)
    with pytest.raises(HouseError, match=r"mitsprache\.db: is damaged .* keep the older ones"):
        backup.back_up(settings, None, tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []


def test_a_backup_that_does_not_fit_leaves_nothing_on_the_full_disk(tmp_path: Path, monkeypatch):
    settings = Settings(data=tmp_path / "data")
    open_house(settings)[0].dispose()

    def fill(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "secret.key")

    monkeypatch.setattr(shutil, "copyfileobj", fill)
    with pytest.raises(HouseError, match="No space left on device; check --to, its rights and the free space"):
        backup.back_up(settings, None, tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []
