"""The databases of the storage tests."""

from tests.databases import database, houses, postgresql, sqlite_template, store

__all__ = ["database", "houses", "postgresql", "sqlite_template", "store"]
