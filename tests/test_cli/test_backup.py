"""What channels keep for themselves is part of a backup, so that a restored app is the same one to others."""

from __future__ import annotations

import errno
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.app import open_store
from bot.cli.maintenance import backup
from bot.common.erasure_log import ErasedRecord, ErasureLog, erasure_log_files
from bot.common.errors import CommandError
from bot.settings import Settings
from storage.tables.contacts import NewContact, delete_contacts, insert_contacts

SEALED = '{"sealed": "AAAA"}'


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    """A backup of an app whose channels are running."""
    settings = Settings(data=tmp_path / "data")
    open_store(settings)[0].dispose()
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
    backup.restore_backup(Settings(data=data), copy, lambda _: None)


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


def test_a_table_that_the_team_uploaded_comes_back(tmp_path: Path):
    settings = Settings(data=tmp_path / "data")
    open_store(settings)[0].dispose()
    (settings.data / "population.csv").write_text("kind,group,people", encoding="utf-8")
    restore(backup.back_up(settings, None, tmp_path / "backups"), tmp_path / "again")
    assert (tmp_path / "again" / "population.csv").read_text(encoding="utf-8") == "kind,group,people"


def test_a_channel_that_is_damaged_in_the_backup_is_refused(copy: Path, tmp_path: Path):
    (copy / "channels" / "town" / "login.json").write_text(SEALED.replace("A", "B"), encoding="utf-8")
    with pytest.raises(CommandError, match=r"channels/town/login\.json is damaged or missing; choose another backup"):
        restore(copy, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_channels_that_are_there_already_are_not_written_over(copy: Path, tmp_path: Path):
    kept = tmp_path / "again" / "channels" / "town" / "login.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("mine", encoding="utf-8")
    with pytest.raises(CommandError, match="channels: exists already; restore into an empty folder"):
        restore(copy, tmp_path / "again")
    assert [path for path in (tmp_path / "again").rglob("*") if path.is_file()] == [kept]
    assert kept.read_text(encoding="utf-8") == "mine"


def test_a_database_that_cannot_be_copied_is_named(tmp_path: Path):
    settings = Settings(data=tmp_path / "data")
    open_store(settings)[0].dispose()
    folder = settings.data / "channels" / "town"
    folder.mkdir(parents=True)
    (folder / "channel.db").write_bytes(b"SQLite format 3\0" + b"nonsense" * 1000)
    with pytest.raises(CommandError, match=r"channel\.db: cannot be copied .* doctor"):
        backup.back_up(settings, None, tmp_path / "backups")


def test_a_database_that_is_damaged_in_the_middle_is_no_backup(tmp_path: Path):
    settings = Settings(data=tmp_path / "data")
    open_store(settings)[0].dispose()
    database = settings.data / "mitsprache.db"
    content = bytearray(database.read_bytes())
    for page in range(len(content) - 5 * 4096, len(content), 4096):  # the beginning stays, so that it can be copied
        content[page : page + 200] = bytes(200)
    database.write_bytes(content)
    with pytest.raises(CommandError, match=r"mitsprache\.db: is damaged .* keep the older ones"):
        backup.back_up(settings, None, tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []


def test_failed_backup_leaves_no_files_on_a_full_disk(tmp_path: Path, monkeypatch):
    settings = Settings(data=tmp_path / "data")
    open_store(settings)[0].dispose()

    def fill(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "secret.key")

    monkeypatch.setattr(shutil, "copyfileobj", fill)
    with pytest.raises(CommandError, match="No space left on device; check --to, its rights and the free space"):
        backup.back_up(settings, None, tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []


# --- what was erased since --------------------------------------------------------------------------------------------


@pytest.fixture
def erased(tmp_path: Path) -> tuple[Settings, Path]:
    """An app in which a person was erased after a backup was made, and that backup."""
    settings = Settings(data=tmp_path / "data", publish_samples=False)
    store, keys = open_store(settings)
    with store.begin() as connection:
        insert_contacts(connection, [NewContact(number, "de", datetime(2026, 11, 25, tzinfo=UTC)) for number in (1, 2)])
    copy = backup.back_up(settings, None, tmp_path / "backups")
    with store.begin() as connection:
        delete_contacts(connection, [1])
        ErasureLog(settings.data, keys).note([ErasedRecord("person", "1")])
    store.dispose()
    return settings, copy


def known(data: Path) -> list[int]:
    with closing(sqlite3.connect(data / "mitsprache.db")) as database:
        return [row[0] for row in database.execute("SELECT id FROM contacts ORDER BY 1")]


@pytest.mark.parametrize("named", ["", "erased"])
def test_restore_reapplies_erasures_of_the_previous_data_folder(erased, tmp_path: Path, named: str):
    settings, copy = erased
    again = Settings(data=tmp_path / "again")
    said: list[str] = []
    backup.restore_backup(again, copy, said.append, [settings.data / named])
    assert said == [
        f"{copy} is restored to {again.data}.",
        "Repeated erasures of restored records (people: 1).",
    ]
    assert known(again.data) == [2]
    assert erasure_log_files(again.data / "erased"), "and stays known for the next time"


def test_restore_keeps_and_uses_an_existing_erasure_log(erased, tmp_path: Path):
    settings, copy = erased
    shutil.copytree(settings.data / "erased", tmp_path / "again" / "erased")
    older = backup.back_up(settings, None, tmp_path / "later")  # its ledger knows the same
    restore(copy, tmp_path / "again")
    assert known(tmp_path / "again") == [2]
    for path in erasure_log_files(tmp_path / "again" / "erased"):
        assert path.read_bytes() == (older / "erased" / path.name).read_bytes()


def test_erasures_can_be_reapplied_after_the_restore(erased, tmp_path: Path):
    settings, copy = erased
    again = Settings(data=tmp_path / "again")
    said: list[str] = []
    backup.restore_backup(again, copy, said.append)
    assert "Erasures since this backup are not known here" in said[1]
    assert said[2] == "The database contains no erased records."
    assert known(again.data) == [1, 2]
    backup.erase_logged(again, said.append, [settings.data])
    assert said[3] == "Repeated erasures of restored records (people: 1)."
    assert known(again.data) == [2]


def test_invalid_erasure_log_is_refused_before_the_restore(erased, tmp_path: Path):
    _, copy = erased
    with pytest.raises(
        CommandError, match="this is not an erasure log; give --erased the folder erased of a data folder"
    ):
        backup.restore_backup(Settings(data=tmp_path / "again"), copy, lambda _: None, [tmp_path])
    assert not (tmp_path / "again").exists()


def test_a_backup_older_than_the_ledger_is_told(erased, tmp_path: Path):
    settings, copy = erased
    said: list[str] = []
    old = copy.rename(copy.with_name("mitsprache-20260102T030405Z"))
    backup.restore_backup(Settings(data=tmp_path / "again"), old, said.append, [settings.data])
    assert any("is deleted, so these records have returned (backup_days = 90)" in words for words in said)
