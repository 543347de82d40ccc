"""A database that was made is never replaced by a new one, and never taken for another one."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import text as sql

from bot.app import open_store
from bot.cli import main
from bot.cli.maintenance import backup, doctor
from bot.common import database_mark
from bot.common.errors import CommandError
from bot.common.keys import FILE as KEY
from bot.settings import Settings
from storage import migrate
from storage.core.errors import StoreForeign, StoreMissing
from storage.core.store import Store
from tests.support.databases import Houses, execute


@pytest.fixture
def settings(houses: Houses, tmp_path: Path) -> Settings:
    """An app that was opened once, on either database."""
    settings = Settings(data=tmp_path / "data", publish_samples=False, port=0, database_url=houses.make_empty().url)
    opened(settings)
    return settings


def opened(settings: Settings) -> str:
    """Opens the app and gives the id of its database."""
    store, _ = open_store(settings)
    try:
        return store.belongs_to
    finally:
        store.dispose()


def lose(settings: Settings, how: str) -> None:
    """The database is not there any more, or without anything in it."""
    url = settings.database()
    if not url.startswith("sqlite"):
        execute(url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
        return
    file = Path(url.removeprefix("sqlite:///"))
    for path in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
        path.unlink(missing_ok=True)
    if how == "empty":
        file.touch()
    if how == "without tables":
        store = Store(url)
        file.touch()
        with store.begin():
            pass
        store.dispose()


HOW = pytest.mark.parametrize("how", ["missing", "empty", "without tables"])


@HOW
@pytest.mark.parametrize("left", ["marked", "of the program before"])
def test_a_database_that_is_gone_is_no_first_start(settings: Settings, how: str, left: str) -> None:
    if left != "marked":
        (settings.data / database_mark.FILE).unlink()  # the key tells it, too: it is made after the database
    before = opened(settings)
    if left != "marked":
        (settings.data / database_mark.FILE).unlink()
    lose(settings, how)
    with pytest.raises(StoreMissing):
        opened(settings)
    assert [words for is_well, words in doctor.all_findings(settings) if not is_well and "missing or empty" in words]
    assert opened(settings.begun_afresh()) != before
    assert opened(settings) != before


def test_another_database_is_refused(settings: Settings, houses: Houses) -> None:
    other = settings.model_copy(update={"database_url": type(settings.database_url)(houses.make().url)})
    with pytest.raises(StoreForeign):
        opened(other)
    assert [words for is_well, words in doctor.all_findings(other) if not is_well and "another database" in words]
    assert opened(other.begun_afresh()) == opened(other)


def test_a_folder_of_the_program_before_is_marked(settings: Settings) -> None:
    store = Store(settings.database())
    migrate.downgrade(store, "20261125_remains")
    store.dispose()
    (settings.data / database_mark.FILE).unlink()
    assert opened(settings) == (settings.data / database_mark.FILE).read_text(encoding="ascii").strip()


def test_an_older_copy_of_the_database_is_taken(settings: Settings) -> None:
    """As `mitsprache.before-REVISION.db` is, after going back and forth between programs."""
    store = Store(settings.database())
    migrate.downgrade(store, "20261125_remains")
    store.dispose()
    assert opened(settings) == (settings.data / database_mark.FILE).read_text(encoding="ascii").strip()


def test_a_running_house_writes_to_its_own_database_only(settings: Settings) -> None:
    store, _ = open_store(settings)
    lose(settings, "without tables")
    store.writer.dispose()
    with pytest.raises(StoreMissing):
        store.run(lambda connection: connection.execute(sql("SELECT 1")))
    store.dispose()


@pytest.fixture
def house(tmp_path: Path) -> Settings:
    settings = Settings(data=tmp_path / "data", publish_samples=False, port=0)
    opened(settings)
    return settings


@pytest.mark.parametrize("words", [["migrate"], ["consultations"], ["restore"], ["doctor"], ["backup"], ["serve"]])
def test_every_command_refuses_and_says_what_to_do(
    house: Settings, words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(house.data.parent)
    lose(house, "missing")
    with pytest.raises(SystemExit) as ended:
        main.run_cli(["--data", str(house.data), "--port", "0", *words])
    assert ended.value.code == 1
    printed = capsys.readouterr()
    said = printed.out + printed.err
    assert str(house.data / "mitsprache.db") in said
    if words not in (["backup"],):
        assert "--fresh" in said
        assert "restore" in said
    if words not in (["serve"], ["doctor"], ["backup"]):
        with pytest.raises(SystemExit) as ended:
            main.run_cli(["--data", str(house.data), "--fresh", *words])
        assert ended.value.code == 0


def test_a_restored_house_is_marked_with_what_was_restored(house: Settings, tmp_path: Path) -> None:
    folder = backup.back_up(house, None, tmp_path / "backups")
    before = opened(house)
    shutil.rmtree(house.data)
    house.data.mkdir()
    (house.data / database_mark.FILE).write_text("0" * 32, encoding="ascii")  # of an app that stood here
    backup.restore_backup(house, folder, print)
    assert opened(house) == before


def test_an_empty_database_is_no_backup(house: Settings, tmp_path: Path) -> None:
    lose(house, "empty")
    with pytest.raises(CommandError, match="no backup was made"):
        backup.back_up(house, None, tmp_path / "backups")
    assert (house.data / KEY).exists()
