"""The unit of work of a batch: collects the rows of its turns and writes them with one statement per table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any, NamedTuple, Protocol, TypeVar, cast

from sqlalchemy import Connection

from adapters.base import Outgoing
from bot.common.erasure_log import ErasedRecord
from bot.common.ids import Ids, day_of, hour_of
from bot.common.keys import Keys
from bot.common.sources import SYSTEM_RANDOM
from bot.consultations.answer_durations import QuestionClock
from bot.consultations.catalogue import Catalogue
from bot.consultations.event_handlers import HANDLERS, handles
from bot.consultations.participant import Person
from bot.delivery.channel_queue import QueuedMessage
from bot.delivery.message_codec import payload_of
from flows.commands.words import Command
from flows.events import Event, LanguageChosen, MessageCreated
from flows.messages import MsgOut
from storage.tables import contacts
from storage.tables.contacts import ContactLanguage, NewContact, SpokenLanguage, insert_contacts
from storage.tables.outbox import NewOutboxMessage, Purpose, insert_messages, new_outbox_message

RowT = TypeVar("RowT")
ItemT = TypeVar("ItemT")

WriteRows = Callable[[Connection, list[RowT]], object]
"""Writes rows of one kind with one statement, such as `insert_contacts`."""


class Section(Protocol):
    """Rows that depend on each other and are written together. Created without arguments at first use and discarded
    after writing."""

    def write(self, batch: BatchContext) -> None: ...


SectionT = TypeVar("SectionT", bound=Section)

WriteOrder = Sequence["WriteRows[Any] | type[Section]"]
"""The order of statements and sections, identity first (`bot.conversations.batch_order`)."""


class BatchServices(NamedTuple):
    """Services a batch needs. All randomness comes from `random`, so that tests can replace it."""

    keys: Keys
    catalogue: Catalogue
    ids: Ids
    write_order: WriteOrder
    random: Random = SYSTEM_RANDOM
    question_clock: QuestionClock | None = None
    """Times of the waiting questions; None where no answers are given."""


@dataclass(slots=True)
class BatchOutcome:
    """The outcome of a batch, valid once it is committed."""

    taken: int = 0
    repeats: int = 0
    answers: int = 0
    """Number of answers; a later answer to the same question counts again."""
    failures: int = 0
    """Number of dead letters."""
    has_erased: bool = False
    """Whether contacts or their contributions were erased; set at the end of the batch."""
    has_dropped: bool = False
    """Whether answers, proposals or votes were withdrawn or dropped from a path."""
    has_media: bool = False
    """Whether attachments were added or removed."""
    messages: list[tuple[str, QueuedMessage]] = field(default_factory=list)
    """All messages to send, in order, with their channels."""
    replies: dict[int, list[Outgoing]] = field(default_factory=dict)
    """The messages by the position of the message they reply to; without invitations to groups."""
    erased_addresses: list[tuple[str, str]] = field(default_factory=list)
    """Channels and linked addresses of erased contacts, for the channels to forget."""
    erased_records: list[ErasedRecord] = field(default_factory=list)
    """Records erased in this transaction, for the erasure log (`bot.common.erasure_log`)."""
    recalled: list[int] = field(default_factory=list)
    """Outbox ids of broadcasts recalled because of "stop" or an erasure."""


class BatchContext:
    """One batch inside one transaction.

    `apply` passes the events of turns to their handlers (`bot.consultations.event_handlers`), which add rows and
    messages. `finish` writes them. Follow-up handlers run after the write and may add rows, which are then written.
    """

    __slots__ = (
        "_after",
        "_sections",
        "_tables",
        "_write_order",
        "catalogue",
        "connection",
        "erased",
        "final_rows",
        "hour",
        "ids",
        "is_silent",
        "keys",
        "now",
        "outcome",
        "question_clock",
        "random",
        "today",
    )

    def __init__(
        self, connection: Connection, services: BatchServices, now: datetime, *, is_silent: bool = False
    ) -> None:
        """`is_silent`: no messages are sent, rows are written only."""
        self.connection = connection
        self.keys, self.catalogue, self.ids, self._write_order, self.random, self.question_clock = services
        self.now = now
        self.today = day_of(now)
        """The day, the only time stored with identity."""
        self.hour = hour_of(now)
        """The hour, the only time stored with participation."""
        self.is_silent = is_silent
        self.outcome = BatchOutcome()
        self.erased: list[Person] = []
        """Contacts to be erased: messages to them are final messages."""
        self.final_rows: list[NewOutboxMessage] = []
        """Final messages, written after the erasure."""
        self._tables: dict[WriteRows[Any], list[Any]] = {}
        self._sections: dict[type[Any], Section] = {}
        self._after: dict[Callable[[BatchContext, list[Any]], None], list[Any]] = {}

    def add(self, table: WriteRows[RowT], row: RowT) -> None:
        """Adds a row to write with this statement."""
        self.rows_of(table).append(row)

    def rows_of(self, table: WriteRows[RowT]) -> list[RowT]:
        """Returns the unwritten rows of this statement."""
        rows = self._tables.get(table)
        if rows is None:
            rows = self._tables[table] = []
        return rows

    def section(self, kind: type[SectionT]) -> SectionT:
        """Returns the unwritten rows of this section."""
        found = self._sections.get(kind)
        if found is None:
            found = self._sections[kind] = kind()
        return cast("SectionT", found)

    def apply(self, person: Person, happened: Iterable[Event], hour: datetime | None = None) -> None:
        """Handles the events of one message in order. `hour`: their time, if not now."""
        at = hour or self.hour
        for event in happened:
            HANDLERS[type(event)](self, person, event, at)

    def say(self, person: Person, msg: MsgOut) -> None:
        """Adds a message to a contact as an outbox row; a message to a contact being erased outlives the erasure."""
        if self.is_silent:
            return
        if person.language is None:
            self._note_spoken(person, person.guessed_language or msg.language)
        to = person.channel, person.lookup, person.address
        if person in self.erased:
            self.final_rows.append(self.outbox_row(*to, msg, "farewell", person.message))
        else:
            self.add(insert_messages, self.outbox_row(*to, msg, "reply", person.message))

    def outbox_row(
        self, channel: str, lookup: bytes, address: str, msg: MsgOut, purpose: Purpose, reply_to: int | None = None
    ) -> NewOutboxMessage:
        """Builds the row of a message to send after the commit. `reply_to`: the message of the batch it answers."""
        number, order = self.ids.letter()
        outgoing = Outgoing(number, address, msg)
        self.outcome.messages.append((channel, QueuedMessage(lookup, outgoing, purpose)))
        if reply_to is not None:
            self.outcome.replies.setdefault(reply_to, []).append(outgoing)
        return new_outbox_message(
            id=number,
            channel=channel,
            lookup=lookup,
            payload=payload_of(msg),
            purpose=purpose,
            not_before=None,
            created_at=self.today,
            hidden_order=order,
        )

    def after_write(self, follow_up: Callable[[BatchContext, list[ItemT]], None], item: ItemT) -> None:
        """Registers a follow-up that runs after the rows are written, with all its items."""
        self._after.setdefault(follow_up, []).append(item)

    @property
    def is_urgent(self) -> bool:
        """Whether follow-ups must run before the next message is taken."""
        return bool(self._after)

    def finish(self) -> None:
        """Writes the rows, then runs the follow-ups."""
        self.write()
        while self._after:
            follow_up = next(iter(self._after))
            follow_up(self, self._after.pop(follow_up))
            self.write()

    def write(self) -> None:
        """Writes all rows collected so far. Raises LookupError for rows missing from the write order."""
        tables, sections = self._tables, self._sections
        for step in self._write_order:
            if step in tables:
                cast("WriteRows[Any]", step)(self.connection, tables.pop(step))
            elif step in sections:
                sections.pop(step).write(self)
        if tables or sections:
            raise LookupError(f"no place in the order of writing: {[*tables, *sections]}")

    def _note_spoken(self, person: Person, language: str) -> None:
        """Records the language for later messages: the guessed language of the contact, else that of the message."""
        if person.spoken_language != language:
            person.spoken_language = language
            self.section(ContactRows).speak(person.contact_id, language)


class ContactRows:
    """Collects new contacts, and changed spoken languages of contacts that chose none."""

    def __init__(self) -> None:
        self._new: dict[int, NewContact] = {}
        self._spoken: dict[int, SpokenLanguage] = {}

    def add(self, row: NewContact) -> None:
        self._new[row.id] = row

    def is_new(self, person: Person) -> bool:
        """Whether the contact was created in this batch."""
        return person.contact_id in self._new

    def speak(self, contact_id: int, language: str) -> None:
        """Sets the language spoken with a contact."""
        if contact_id in self._new:
            self._new[contact_id] = self._new[contact_id]._replace(spoken_language=language)
        else:
            self._spoken[contact_id] = SpokenLanguage(contact_id, language)

    def write(self, batch: BatchContext) -> None:
        insert_contacts(batch.connection, list(self._new.values()))
        contacts.set_spoken_languages(batch.connection, list(self._spoken.values()))


@handles(MessageCreated)
def send_said(batch: BatchContext, person: Person, event: MessageCreated, hour: datetime) -> None:
    """Sends a message; offers no subscriptions on channels that cannot write first."""
    batch.say(person, event.msg if person.is_proactive else _without_news(event.msg))


@handles(LanguageChosen)
def set_language(batch: BatchContext, person: Person, event: LanguageChosen, hour: datetime) -> None:
    """Sets the language, also for the rest of the batch."""
    person.language = event.language
    batch.add(contacts.set_languages, ContactLanguage(person.contact_id, event.language))


def _without_news(msg: MsgOut) -> MsgOut:
    kept = tuple(reply for reply in msg.quick_replies if reply.parsed.command != Command.NEWS)
    return msg if len(kept) == len(msg.quick_replies) else msg._replace(quick_replies=kept)
