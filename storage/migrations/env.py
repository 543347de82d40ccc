"""Runs one migration command on the connection that ``storage.migrate`` opened; there is no other way in."""

from alembic import context

from storage.models import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    # SQLite changes a column by building the table anew; the batch form of Alembic's operations does that.
    render_as_batch=connection.dialect.name == "sqlite",
)
# The transaction is the caller's: all revisions and the version number are written together or not at all.
context.run_migrations()
