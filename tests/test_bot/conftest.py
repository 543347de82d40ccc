"""Houses for these tests: empty on both databases, or filled with the samples."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.core.store import Store
from tests.support.databases import Database
from tests.support.transcript_player import sample_database, sample_store

__all__ = ["sample_database", "sample_store"]


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    """A store as patient as that of a house which runs."""
    opened = Store(database.url)
    yield opened
    opened.dispose()


@pytest.fixture
def empty(sqlite_template: Path, tmp_path: Path) -> Iterator[Store]:
    """A house in which nothing is published, on SQLite; its files lie beside the database."""
    opened = Store(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'mitsprache.db')}")
    yield opened
    opened.dispose()
