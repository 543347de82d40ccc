"""Messages that wait for a person: those the bot could not handle, whose senders were told that a person reads them.

They are dead letters (`bot.common.dead_letters`). A member answers one or marks it as done; both can be taken back, an
answer until it is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from sqlalchemy import Connection

from bot.common import audit
from bot.common.audit import Actor
from bot.common.dead_letters import OpenedDeadLetter, open_dead_letter
from bot.common.i18n.locale import Locale
from bot.common.ids import Ids, day_of
from bot.common.keys import Keys, SecretError
from bot.delivery.message_codec import payload_of
from flows.messages import MsgOut
from flows.understanding.text import clean_text
from storage.tables.contacts import KnownAddress, find_addresses
from storage.tables.messages import (
    StoredDeadLetter,
    dead_letter_by_id,
    reopen_dead_letter,
    settle_dead_letter,
    unsettled_dead_letters,
)
from storage.tables.outbox import NewOutboxMessage, insert_messages, recall_notice

HELD: Final = timedelta(seconds=60)
"""An answer is sent after this time; until then it can be taken back."""
LONGEST_REPLY: Final = 2_000

Refusal = Literal["over", "sent", "no_words"]


class MessageRefused(Exception):
    """The step is not possible: another member was faster, the answer is sent, or it has no words."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason)
        self.reason: Refusal = reason


class WaitingForPerson(NamedTuple):
    """One message. `words` is None if it was encrypted with another secret key."""

    id: int
    channel: str
    at: datetime
    is_exact: bool
    """Whether `at` is the time of sending; else it is the day."""
    words: str | None
    language: str
    can_reply: bool
    """Whether the sender can be reached: the address is known, and the contact did not stop the bot."""


class Replier(NamedTuple):
    """Who answers, and what an answer needs."""

    keys: Keys
    ids: Ids
    actor: Actor
    organisation: str
    now: datetime


def messages_for_people(connection: Connection, keys: Keys, limit: int) -> list[WaitingForPerson]:
    """Returns the messages that wait, those of the oldest day first."""
    letters = unsettled_dead_letters(connection, limit)
    known = find_addresses(connection, [it.lookup for it in letters if it.lookup])
    return [_waiting(letter, keys, known.get(letter.lookup or b"")) for letter in letters]


def reply_to_message(connection: Connection, replier: Replier, letter_id: int, words: str) -> int:
    """Settles a message with an answer, which is sent after `HELD`; returns its id. Raises MessageRefused."""
    said = clean_text(words).strip()[:LONGEST_REPLY]
    if not said:
        raise MessageRefused("no_words")
    letter = dead_letter_by_id(connection, letter_id)
    to = find_addresses(connection, [letter.lookup]).get(letter.lookup) if letter and letter.lookup else None
    if to is None or not _is_reachable(to):
        raise MessageRefused("over")
    _settle(connection, replier, letter_id, "answered")
    row = _reply(replier, to, said)
    insert_messages(connection, [row])
    return row.id


def settle_message(connection: Connection, replier: Replier, letter_id: int) -> None:
    """Marks a message as done without an answer. Raises MessageRefused."""
    _settle(connection, replier, letter_id, "done")


def reopen_message(connection: Connection, replier: Replier, letter_id: int, reply_id: int | None) -> None:
    """Takes a step back, with the answer if there is one: the message waits again. Raises MessageRefused."""
    letter = dead_letter_by_id(connection, letter_id)
    if letter is None or not reopen_dead_letter(connection, letter_id):
        raise MessageRefused("over")
    if reply_id is not None and not recall_notice(connection, reply_id, letter.lookup or b"", replier.now):
        raise MessageRefused("sent")
    _record(connection, replier, "reopened")


def record_reading(connection: Connection, replier: Replier, shown: Sequence[WaitingForPerson]) -> None:
    """Records in the audit log that a member read these messages."""
    if shown:
        entry = replier.actor.did("unhandled.show", "messages", f"{len(shown)} shown", replier.now)
        audit.record_entry(connection, replier.keys, entry)


def _settle(connection: Connection, replier: Replier, letter_id: int, how: str) -> None:
    if not settle_dead_letter(connection, letter_id, day_of(replier.now)):
        raise MessageRefused("over")
    _record(connection, replier, how)


def _record(connection: Connection, replier: Replier, how: str) -> None:
    entry = replier.actor.did("unhandled.done", "messages", f"1 {how}", replier.now)
    audit.record_entry(connection, replier.keys, entry)


def _waiting(letter: StoredDeadLetter, keys: Keys, to: KnownAddress | None) -> WaitingForPerson:
    try:
        opened: OpenedDeadLetter | None = open_dead_letter(letter, keys)
    except SecretError:
        opened = None
    return WaitingForPerson(
        id=letter.id,
        channel=letter.channel,
        at=opened.sent_at if opened else letter.at,
        is_exact=opened is not None,
        words=clean_text(opened.said) if opened else None,
        language=(to.reads() if to else None) or "",
        can_reply=to is not None and _is_reachable(to),
    )


def _is_reachable(to: KnownAddress) -> bool:
    return to.unreachable_at is None and to.stopped_at is None


def _reply(replier: Replier, to: KnownAddress, words: str) -> NewOutboxMessage:
    locale = Locale.of(to.reads() or "")
    text = locale.text("team.reply", name=replier.actor.name, organisation=replier.organisation, words=words)
    number, order = replier.ids.letter()
    return NewOutboxMessage(
        id=number,
        channel=to.channel,
        lookup=to.lookup,
        payload=payload_of(MsgOut(text, (), locale.tag)),
        purpose="notice",
        not_before=replier.now + HELD,
        created_at=day_of(replier.now),
        hidden_order=order,
    )
