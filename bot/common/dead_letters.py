"""Builds and opens dead letters: messages that could not be handled, stored for inspection."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Final, NamedTuple

from pydantic_core import from_json, to_json

from bot.common.ids import day_of, random_id
from bot.common.keys import Keys
from bot.common.logs import error_place
from bot.common.sources import SYSTEM_RANDOM
from flows.messages import MsgIn
from storage.tables.messages import NewDeadLetter, StoredDeadLetter

TO_PEOPLE: Final = "written to the team"
"""The reason of a message that is no failure."""


class OpenedDeadLetter(NamedTuple):
    """The content of a dead letter."""

    sent_at: datetime
    said: str
    """The text, else the tapped choice or kind of media."""


def new_dead_letter(
    keys: Keys, lookup: bytes, msg: MsgIn, error: Exception, now: datetime, random: Random = SYSTEM_RANDOM
) -> NewDeadLetter:
    """Creates the row of a dead letter: the encrypted message and the place in the program that failed.

    The time of sending is only in the encrypted part.
    """
    sealed = keys.encrypt(to_json(msg).decode(), lookup)
    reason = "{fault} at {place}".format_map(error_place(error))
    name = keys.message_names(msg.channel, msg.external_id).received
    return NewDeadLetter(
        id=random_id(random),
        channel=msg.channel,
        external_id=name,
        lookup=lookup,
        sealed=sealed,
        reason=reason,
        at=day_of(now),
    )


def new_message_to_people(
    keys: Keys, lookup: bytes, channel: str, words: str, now: datetime, random: Random = SYSTEM_RANDOM
) -> NewDeadLetter:
    """Creates the row of a message that a contact wrote to the team: it waits where dead letters do, and is encrypted,
    shown to its author, kept and erased as they are.
    """
    number = random_id(random)
    msg = MsgIn(channel, "", "", now, text=words)
    return NewDeadLetter(
        id=number,
        channel=channel,
        external_id=keys.message_names(channel, str(number)).received,
        lookup=lookup,
        sealed=keys.encrypt(to_json(msg).decode(), lookup),
        reason=TO_PEOPLE,
        at=day_of(now),
    )


def open_dead_letter(letter: StoredDeadLetter, keys: Keys) -> OpenedDeadLetter:
    """Decrypts a dead letter. Raises SecretError."""
    fields = from_json(keys.decrypt(letter.sealed, letter.lookup or b""))
    found = dict(zip(MsgIn._fields, fields, strict=False))
    return OpenedDeadLetter(
        datetime.fromisoformat(found["sent_at"]), str(found["text"] or found["choice"] or found["media"])
    )
