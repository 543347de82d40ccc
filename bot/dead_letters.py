"""A message that could not be handled, as it is kept for people to look at."""

from __future__ import annotations

from datetime import datetime

from pydantic_core import from_json, to_json

from bot.keys import Keys
from bot.logs import where
from flows.messages import MsgIn
from storage.messages import NewDeadLetter, StoredDeadLetter


def dead_letter(keys: Keys, number: int, lookup: bytes, msg: MsgIn, fault: Exception, now: datetime) -> NewDeadLetter:
    """A message that was set aside: sealed, with the place in the program that could not handle it."""
    sealed = keys.seal(to_json(msg).decode(), lookup)
    reason = "{fault} at {place}".format_map(where(fault))
    return NewDeadLetter(number, msg.channel, msg.external_id, lookup, sealed, reason, now)


def opened(letter: StoredDeadLetter, keys: Keys) -> str:
    """What was said in a message that was set aside: words, or else what was tapped on or sent."""
    fields = from_json(keys.unseal(letter.sealed, letter.lookup or b""))
    said = dict(zip(MsgIn._fields, fields, strict=False))
    return str(said["text"] or said["choice"] or said["media"])
