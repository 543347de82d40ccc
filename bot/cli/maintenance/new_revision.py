"""`migrate new NAME`: writes the next revision of the tables, for programmers."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.common.errors import CommandError, Say, program_call
from storage.new_revision import write_revision


def print_new_revision(what: str, name: str, say: Say) -> None:
    """Writes the revision and prints its path. Raises CommandError where there is nothing to write."""
    if what != "new" or not name:
        raise CommandError(f"{program_call()} migrate new NAME writes a revision; NAME is a few words joined by _")
    try:
        path = write_revision(name, datetime.now(UTC).date())
    except ValueError as refused:
        raise CommandError(str(refused)) from refused
    if path is None:
        raise CommandError(
            "models and revisions do not differ in tables, columns, keys or indexes. Save the model first; "
            "a rule (CHECK) of a table that is there already is written by hand"
        )
    say(f"{path}: read it, and check it on both databases: pytest tests/test_storage/test_schema.py")
