"""Houses for these tests: empty on both databases, or furnished with the samples."""

from collections.abc import Iterator

import pytest

from storage.store import Store
from tests.conversation import furnished, furnished_file
from tests.databases import Database

__all__ = ["furnished", "furnished_file"]


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    """A store as patient as that of a house which runs."""
    opened = Store(database.url)
    yield opened
    opened.dispose()
