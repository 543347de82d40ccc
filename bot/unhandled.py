"""`unhandled`: the messages that could not be handled, opened for people to look at, as their authors were told."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.base import Finding
from bot.dead_letters import opened
from bot.errors import Say, program
from bot.house import furnished
from bot.keys import Keys, SecretError
from bot.settings import Settings
from flows.text import clean
from storage import messages
from storage.errors import StorageError
from storage.messages import StoredDeadLetter
from storage.store import Store


def show(settings: Settings, say: Say, *, done: bool) -> None:
    """Says each message with when and where it came and what could not handle it; with `done` they are deleted then.

    Raises what `furnish` raises.
    """
    with furnished(settings, say) as (store, keys):
        with store.reading() as connection:
            letters = messages.dead_letters(connection)
        for letter in letters:
            at = letter.at.astimezone(settings.zone())
            say(f"{at:%Y-%m-%d %H:%M}  {letter.channel}  {letter.reason}\n    {_in_words(letter, keys)}")
        if not letters:
            say("No message was set aside.")
        elif done:
            gone = [letter.id for letter in letters]
            store.run(lambda connection: messages.discard(connection, gone))
            store.scrub()
            say(f"Deleted: {len(gone)}.")
        else:
            say(f"When you have looked at them: {program()} unhandled --done")


def _in_words(letter: StoredDeadLetter, keys: Keys) -> str:
    try:
        return clean(opened(letter, keys)).replace("\n", "\n    ")
    except SecretError:
        return "(sealed with another secret key)"


def findings(settings: Settings) -> Iterator[Finding]:
    """What `doctor` says of them, where there are any."""
    store = Store(settings.database())
    try:
        with store.reading() as connection:
            waiting = len(messages.dead_letters(connection))
    except StorageError:
        return  # said already of the database itself
    finally:
        store.dispose()
    if waiting:
        words = f"{waiting} messages could not be handled, and their authors were told that somebody looks at them"
        yield Finding(False, f"{words}: {program()} unhandled")
