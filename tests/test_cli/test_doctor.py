"""What `doctor` says at night: each trouble in its own words, with the remedy, and never a fault of its own."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from bot.app import open_store
from bot.cli.maintenance import doctor
from bot.common.erasure_log import FOLDER, ErasedRecord, ErasureLog
from bot.common.keys import FILE, Keys
from bot.common.remedies import remedy
from bot.settings import Settings
from storage.core.errors import StoreOutdated, translate_error
from storage.tables import contacts
from storage.tables.contacts import NewAddress
from tests.support.databases import only_postgresql

NOBODY = 65534


def faults(settings: Settings) -> list[str]:
    """What is not well."""
    return [words for is_well, words in doctor.all_findings(settings) if not is_well]


@pytest.fixture
def house(tmp_path: Path) -> Settings:
    """An app in which one person is known, on a free port."""
    settings = Settings(data=tmp_path / "data", publish_samples=False, port=0)
    store, keys = open_store(settings)
    lookup = keys.lookup("web", "anna")
    with store.begin() as connection:
        address = NewAddress(lookup, None, "web", keys.encrypt("anna", lookup), datetime(2026, 11, 25, tzinfo=UTC))
        contacts.insert_addresses(connection, [address])
    store.dispose()
    return settings


@pytest.fixture(autouse=True)
def _space(monkeypatch):
    monkeypatch.setattr(doctor, "LEAST_SPACE_MB", 0)


@contextmanager
def as_nobody() -> Iterator[None]:
    """As a user who owns nothing. Where the tests do not run as root they are such a user to closed folders anyway."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_house_that_is_well_has_no_faults(house: Settings):
    assert faults(house) == []


def test_missing_or_foreign_erasure_log_is_reported(house: Settings):
    folder = house.data / FOLDER
    ErasureLog(house.data, Keys(bytes(32))).note([ErasedRecord("person", "1")])
    assert faults(house) == [f"{folder}: 1 lines are of another secret key: restore the right one"]
    shutil.rmtree(folder)
    (found,) = faults(house)
    assert found.startswith(f"{folder} is missing: it contains the erasure log; copy it from the previous data folder")


@pytest.mark.parametrize("deeper", ["", "data"])
def test_a_folder_that_is_closed_to_the_user_is_named(tmp_path: Path, deeper: str):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    with as_nobody():
        found = faults(Settings(data=closed / deeper, port=0))
    closed.chmod(0o700)
    assert len(found) == 1
    assert "cannot be written to: check its owner and rights" in found[0] or "this user has no access to" in found[0]


def test_a_file_in_the_place_of_the_folder_is_called_a_file(tmp_path: Path):
    (tmp_path / "data").write_text("", encoding="utf-8")
    assert faults(Settings(data=tmp_path / "data", port=0)) == [
        f"data folder {tmp_path / 'data'} is a file: give a folder with --data"
    ]


def test_missing_or_foreign_secret_key_is_reported(house: Settings):
    key = house.data / FILE
    key.unlink()
    assert faults(house) == [f"secret key: {key} is missing, but the database needs it; restore it from your backup"]
    key.write_text("00" * 32, encoding="ascii")
    key.chmod(0o600)
    assert faults(house) == [
        f"secret key: {key} is not the key of this database; restore the right one from your backup"
    ]


def test_damage_in_the_middle_of_the_file_is_found(house: Settings):
    database = house.data / "mitsprache.db"
    content = bytearray(database.read_bytes())
    for page in range(40960, len(content), 4096):  # the beginning stays, so that it opens and answers
        content[page : page + 200] = os.urandom(200)
    database.write_bytes(content)
    (said,) = faults(house)
    assert said.startswith("database (sqlite): The database is there but not usable")
    assert said.endswith("Stop the service, keep the file, and restore a backup (`python3 -m bot restore`).")


def test_a_clock_before_the_program_was_made_is_told(house: Settings):
    is_well, words = doctor._clock(house, datetime(1970, 1, 1, tzinfo=UTC))
    assert not is_well
    assert words == "it is 1970-01-01 01:00 in Europe/Berlin, before this program was made: set the clock (timedatectl)"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('FATAL:  password authentication failed for user "postgres"', "correct user and password in database_url"),
        ("fe_sendauth: no password supplied", "correct user and password in database_url"),
        (
            'FATAL:  database "nix" does not exist',
            "create this database (`createdb`), or correct its name in database_url",
        ),
        ("failed: Connection refused", "start PostgreSQL, or correct database_url"),
        ("failed to resolve host 'nix.invalid'", "correct the host in database_url"),
    ],
)
def test_what_postgresql_18_says_at_the_door_has_a_remedy(said: str, words: str):
    fault = translate_error(psycopg.OperationalError(f'connection failed: connection to server at "127.0.0.1", {said}'))
    assert fault is not None
    assert remedy(fault) == words


@only_postgresql
def test_a_database_that_is_not_there_is_told_with_its_remedy(store, tmp_path: Path):
    url = store.writer.url.set(drivername="postgresql", database="nowhere")
    settings = Settings.model_validate({"data": tmp_path, "port": 0, "database_url": url.render_as_string(False)})
    (said,) = faults(settings)
    assert said.startswith("database (postgresql): The database cannot be reached")
    assert said.endswith("Create this database (`createdb`), or correct its name in database_url.")


def test_old_tables_are_brought_up_to_date_by_a_start():
    assert remedy(StoreOutdated("found a, need b")).startswith("start the program, or `python3 -m bot migrate`")
