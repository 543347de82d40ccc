"""Runs one migration command on the connection of ``storage.migrate``; there is no other entry point."""

from typing import Any, Literal

from alembic import context

from storage.core.base import UtcDateTime
from storage.models import metadata


def render_item(kind: str, item: object, autogenerate: Any) -> str | Literal[False]:
    """Write our own type of moments in a new revision; False leaves the rest to Alembic."""
    if kind == "type" and isinstance(item, UtcDateTime):
        autogenerate.imports.add("from storage.core.base import UtcDateTime")
        return "UtcDateTime()"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    # SQLite changes a column by creating a new table; the batch form of Alembic's operations does that.
    render_as_batch=connection.dialect.name == "sqlite",
    render_item=render_item,
    compare_server_default=True,
)
# The caller owns the transaction: all revisions and the version number are written together or not at all.
context.run_migrations()
