"""Fixtures: an app in which nothing is published, one with the sample consultations, and one with answers.

`tests/conftest.py` loads this as a plugin. The samples are published once per process; every test gets a copy.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.authoring.media import FOLDER
from storage.core.store import Store


@pytest.fixture
def empty(sqlite_template: Path, tmp_path: Path) -> Iterator[Store]:
    """An app in which nothing is published, on SQLite; its files lie beside the database."""
    opened = Store(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'mitsprache.db')}")
    yield opened
    opened.dispose()


@pytest.fixture(scope="session")
def sample_database(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the samples, as a first start leaves it; to be copied."""
    from bot.authoring.publishing import PublishContext, publish_samples  # late: most runs are small
    from bot.common.ids import Ids

    file = tmp_path_factory.mktemp("house") / "mitsprache.db"
    store = Store(f"sqlite:///{shutil.copy(sqlite_template, file)}")
    faults = publish_samples(store, PublishContext(Ids(), datetime.now(UTC), UTC, media_of(file)))
    assert not [fault for fault in faults if not fault.warning]
    # The last one to close SQLite leaves one file.
    store.dispose()
    assert sorted(it.name for it in file.parent.iterdir()) == [media_of(file).name, file.name]
    return file


def media_of(database: Path) -> Path:
    """The folder with the images of the samples, beside their database."""
    return database.with_name(FOLDER)


def copy_samples(database: Path, file: Path) -> None:
    """Makes the data of an app with the samples: its database, and their images beside it."""
    shutil.copy(database, file)
    shutil.copytree(media_of(database), media_of(file), dirs_exist_ok=True)


@pytest.fixture
def sample_store(sample_database: Path, tmp_path: Path) -> Iterator[Store]:
    """An app with the samples, as a first start leaves it."""
    copy_samples(sample_database, tmp_path / "mitsprache.db")
    store = Store(f"sqlite:///{tmp_path / 'mitsprache.db'}")
    yield store
    store.dispose()


@pytest.fixture(scope="session")
def untouched(sample_database: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a consultation in which there are no answers yet."""
    from tests.support import seeded  # late: most runs are small

    folder = tmp_path_factory.mktemp("untouched")
    opened = Store(f"sqlite:///{shutil.copy(sqlite_template, folder / seeded.DATABASE)}")
    seeded.publish_sample(opened, sample_database, folder)
    opened.dispose()
    return folder


@pytest.fixture(scope="session")
def used(untouched: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after forty people."""
    from tests.support import seeded  # late: most runs are small

    folder = tmp_path_factory.mktemp("used") / "data"
    shutil.copytree(untouched, folder)
    opened = Store(f"sqlite:///{folder / seeded.DATABASE}")
    seeded.seed(opened)
    opened.dispose()
    return folder
