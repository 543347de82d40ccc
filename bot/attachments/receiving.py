"""Rows for what came with the answers of a batch, in the transaction of that batch."""

from __future__ import annotations

import secrets

from sqlalchemy import Connection

from bot.effects import Effects
from bot.keys import Keys
from storage import attachments
from storage.attachments import NewAttachment


def receive(connection: Connection, effects: Effects, keys: Keys) -> None:
    """Takes down what is to be fetched; what came with an earlier answer to the same question belongs to nobody any
    more. Call it after `effects` was written."""
    attachments.detach(connection, list(effects.detached))
    rows = []
    for (session_id, key), sent in effects.attached.items():
        number = effects.ids()
        handle = keys.seal(sent.event.ref, bound_to(number))
        name = secrets.token_hex(16)
        rows.append(
            NewAttachment(
                number, session_id, key, sent.event.kind, sent.channel, handle, name, effects.now, sent.sent_at
            )
        )
    attachments.insert(connection, rows)


def bound_to(number: int) -> bytes:
    """What seals the handle of an attachment to its row."""
    return b"attachment %d" % number
