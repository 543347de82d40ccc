"""`dead-letters`: prints the decrypted messages that could not be handled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection

from adapters.base import Finding
from bot.cli.context import command_context
from bot.common import audit
from bot.common.dead_letters import open_dead_letter
from bot.common.errors import Say, program_call
from bot.common.keys import Keys, SecretError
from bot.settings import Settings
from flows.understanding.text import clean_text
from storage.core.errors import StorageError
from storage.core.store import Store
from storage.tables.erasures import mark_erased_tables
from storage.tables.messages import StoredDeadLetter, discard_dead_letters, unsettled_dead_letters


def print_dead_letters(settings: Settings, say: Say, *, done: bool) -> None:
    """Prints each message with time, channel and error; `done` deletes them afterwards.

    Raises the errors of `command_context`.
    """
    with command_context(settings, say) as (store, keys):
        with store.begin() as connection:
            letters = unsettled_dead_letters(connection)
            if letters:
                entry = audit.operator().did("unhandled.show", "messages", f"{len(letters)} shown")
                audit.record_entry(connection, keys, entry)
        for at, words, letter in sorted((*_in_words(letter, keys), letter) for letter in letters):
            local = at.astimezone(settings.zone())
            say(f"{local:%Y-%m-%d %H:%M}  {letter.channel}  {letter.reason}\n    {words}")
        if not letters:
            say("There are no dead letters.")
        elif done:
            gone = [letter.id for letter in letters]

            def discard(connection: Connection) -> None:
                discard_dead_letters(connection, gone)
                mark_erased_tables(connection, ["dead_letters"])
                entry = audit.operator().did("unhandled.done", "messages", f"{len(gone)} deleted")
                audit.record_entry(connection, keys, entry)

            store.run(discard)
            store.scrub()
            say(f"Deleted: {len(gone)}.")
        else:
            say(f"To delete them after reading: {program_call()} dead-letters --done")


def _in_words(letter: StoredDeadLetter, keys: Keys) -> tuple[datetime, str]:
    """Returns time and text of a message. The table stores only the day."""
    try:
        found = open_dead_letter(letter, keys)
    except SecretError:
        return letter.at, "(encrypted with another secret key)"
    return found.sent_at, clean_text(found.said).replace("\n", "\n    ")


def dead_letter_findings(settings: Settings) -> Iterator[Finding]:
    """Yields the finding for `doctor`, if there are dead letters."""
    store = Store(settings.database())
    try:
        with store.reading() as connection:
            waiting = len(unsettled_dead_letters(connection))
    except StorageError:
        return  # reported by the check of the database
    finally:
        store.dispose()
    if waiting:
        words = f"{waiting} messages could not be handled or were written to the team; a member has to read them"
        yield Finding(False, f"{words}: {program_call()} dead-letters")
