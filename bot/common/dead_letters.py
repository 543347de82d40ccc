"""A message that could not be handled, as it is kept for people to look at."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import NamedTuple

from pydantic_core import from_json, to_json

from bot.common.ids import day_of, random_id
from bot.common.keys import Keys
from bot.common.logs import error_place
from bot.common.sources import SYSTEM_RANDOM
from flows.messages import MsgIn
from storage.tables.messages import NewDeadLetter, StoredDeadLetter


class OpenedDeadLetter(NamedTuple):
    """What stands in a message that was set aside."""

    sent_at: datetime
    said: str
    """Words, or else what was tapped on or sent."""


def new_dead_letter(
    keys: Keys, lookup: bytes, msg: MsgIn, fault: Exception, now: datetime, random: Random = SYSTEM_RANDOM
) -> NewDeadLetter:
    """A message that was set aside: sealed, with the place in the program that could not handle it. Only in what is
    sealed stands when it was sent.
    """
    sealed = keys.encrypt(to_json(msg).decode(), lookup)
    reason = "{fault} at {place}".format_map(error_place(fault))
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


def open_dead_letter(letter: StoredDeadLetter, keys: Keys) -> OpenedDeadLetter:
    """What was said in a message that was set aside. Raises SecretError."""
    fields = from_json(keys.decrypt(letter.sealed, letter.lookup or b""))
    found = dict(zip(MsgIn._fields, fields, strict=False))
    return OpenedDeadLetter(
        datetime.fromisoformat(found["sent_at"]), str(found["text"] or found["choice"] or found["media"])
    )
