"""The unit of work of a batch: what its turns cause is gathered here, and written at once, one statement per table."""

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
from bot.delivery.message_codec import payload_of
from flows.commands.words import Command
from flows.events import Event, LanguageChosen, MessageCreated
from flows.messages import MsgOut
from storage.tables import contacts
from storage.tables.contacts import ContactLanguage, NewContact, SpokenLanguage, insert_contacts
from storage.tables.outbox import NewOutboxMessage, Purpose, insert_messages

RowT = TypeVar("RowT")
ItemT = TypeVar("ItemT")

WriteRows = Callable[[Connection, list[RowT]], object]
"""Writes rows of one kind with one statement, as the modules of `storage` offer it: `insert_contacts`."""


class Section(Protocol):
    """Rows that depend on each other, with a way of their own to be written. Made without arguments when it is used
    first, and gone when it was written."""

    def write(self, batch: BatchContext) -> None: ...


SectionT = TypeVar("SectionT", bound=Section)

WriteOrder = Sequence["WriteRows[Any] | type[Section]"]
"""In which order rows are written: statements and sections, identity first (`bot.conversations.batch_order`)."""


class BatchServices(NamedTuple):
    """What a batch needs of the running program. Chance comes from `random`, so that it can be given."""

    keys: Keys
    catalogue: Catalogue
    ids: Ids
    write_order: WriteOrder
    random: Random = SYSTEM_RANDOM
    question_clock: QuestionClock | None = None
    """When questions were asked; None where nobody answers any."""


@dataclass(slots=True)
class BatchOutcome:
    """What came of a batch; true once it is committed."""

    taken: int = 0
    repeats: int = 0
    answers: int = 0
    """Answers that were given; a later one to the same question counts as well."""
    failures: int = 0
    """Messages that were set aside."""
    has_dropped: bool = False
    """Answers, ideas or votes were taken back, or fell off somebody's path."""
    has_media: bool = False
    """Attachments came, or went."""
    outgoing: list[tuple[str, bytes, Outgoing]] = field(default_factory=list)
    """Channel, look-up and message of everything there is to say."""
    final_messages: list[tuple[str, bytes, Outgoing]] = field(default_factory=list)
    """The same of what is said to addresses that are forgotten afterwards."""
    replies: dict[int, list[Outgoing]] = field(default_factory=dict)
    """Both, by the place in the batch of the message to which it is said; without what is said to groups."""
    erased_addresses: list[tuple[str, str]] = field(default_factory=list)
    """Channels and addresses of those who were erased, beside the one they write from: to be forgotten there."""
    erased_records: list[ErasedRecord] = field(default_factory=list)
    """What is erased in this transaction and is to stay erased (`bot.common.erasure_log`)."""
    recalled: list[int] = field(default_factory=list)
    """Broadcasts taken back, because somebody said "stop" or was erased."""

    @property
    def has_erased(self) -> bool:
        """People were erased, or what they asked to have deleted."""
        return any(one.kind != "joined" for one in self.erased_records)


class BatchContext:
    """One batch inside one transaction.

    Turns are taken, and `apply` hands what they caused to the handlers (`bot.consultations.event_handlers`), which add
    rows and messages. `finish` writes them. Handlers that run after that may add more; it is written when they have
    run.
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
        """`is_silent`: nobody wrote, and nobody is told; only what is stored matters."""
        self.connection = connection
        self.keys, self.catalogue, self.ids, self._write_order, self.random, self.question_clock = services
        self.now = now
        self.today = day_of(now)
        """All that identity is told of `now`."""
        self.hour = hour_of(now)
        """All that participation is told of it."""
        self.is_silent = is_silent
        self.outcome = BatchOutcome()
        self.erased: list[Person] = []
        """Who asks to be erased: what is said to them is a farewell."""
        self.final_rows: list[NewOutboxMessage] = []
        """What is said to them, to be written when they are erased."""
        self._tables: dict[WriteRows[Any], list[Any]] = {}
        self._sections: dict[type[Any], Section] = {}
        self._after: dict[Callable[[BatchContext, list[Any]], None], list[Any]] = {}

    def add(self, table: WriteRows[RowT], row: RowT) -> None:
        """A row to be written with this statement."""
        self.rows_of(table).append(row)

    def rows_of(self, table: WriteRows[RowT]) -> list[RowT]:
        """The rows for this statement that are not written yet."""
        rows = self._tables.get(table)
        if rows is None:
            rows = self._tables[table] = []
        return rows

    def section(self, kind: type[SectionT]) -> SectionT:
        """The rows of this section that are not written yet."""
        found = self._sections.get(kind)
        if found is None:
            found = self._sections[kind] = kind()
        return cast("SectionT", found)

    def apply(self, person: Person, happened: Iterable[Event], hour: datetime | None = None) -> None:
        """Handles what one message of a person caused, in order. `hour`: when it happened, if not now."""
        at = hour or self.hour
        for event in happened:
            HANDLERS[type(event)](self, person, event, at)

    def say(self, person: Person, msg: MsgOut) -> None:
        """One message to a person, as an outbox row; one to somebody who is being erased outlives the erasure."""
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
        """The row of a message which is sent once the batch is committed. `reply_to`: to which message of the batch."""
        number, order = self.ids.letter()
        sent = self.outcome.final_messages if purpose == "farewell" else self.outcome.outgoing
        outgoing = Outgoing(number, address, msg)
        sent.append((channel, lookup, outgoing))
        if reply_to is not None:
            self.outcome.replies.setdefault(reply_to, []).append(outgoing)
        return NewOutboxMessage(
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
        """Lets this run when the rows are written, with every item it is given until then."""
        self._after.setdefault(follow_up, []).append(item)

    @property
    def is_urgent(self) -> bool:
        """Whether something was caused that must be done before anybody writes again."""
        return bool(self._after)

    def finish(self) -> None:
        """Writes the rows, and then does what was put off."""
        self.write()
        while self._after:
            follow_up = next(iter(self._after))
            follow_up(self, self._after.pop(follow_up))
            self.write()

    def write(self) -> None:
        """Writes all rows gathered so far. Raises LookupError for rows that have no place in the order of writing."""
        tables, sections = self._tables, self._sections
        for step in self._write_order:
            if step in tables:
                cast("WriteRows[Any]", step)(self.connection, tables.pop(step))
            elif step in sections:
                sections.pop(step).write(self)
        if tables or sections:
            raise LookupError(f"no place in the order of writing: {[*tables, *sections]}")

    def _note_spoken(self, person: Person, language: str) -> None:
        """What they are written to in later: what they read, as far as that is known, else what was spoken."""
        if person.spoken_language != language:
            person.spoken_language = language
            self.section(ContactRows).speak(person.contact_id, language)


class ContactRows:
    """New contacts, and the language spoken with contacts who chose none, where it is another one than is stored."""

    def __init__(self) -> None:
        self._new: dict[int, NewContact] = {}
        self._spoken: dict[int, SpokenLanguage] = {}

    def add(self, row: NewContact) -> None:
        self._new[row.id] = row

    def speak(self, contact_id: int, language: str) -> None:
        """This language is spoken with the contact from now on."""
        if contact_id in self._new:
            self._new[contact_id] = self._new[contact_id]._replace(spoken_language=language)
        else:
            self._spoken[contact_id] = SpokenLanguage(contact_id, language)

    def write(self, batch: BatchContext) -> None:
        insert_contacts(batch.connection, list(self._new.values()))
        contacts.set_spoken_languages(batch.connection, list(self._spoken.values()))


@handles(MessageCreated)
def send_said(batch: BatchContext, person: Person, event: MessageCreated, hour: datetime) -> None:
    """Where nobody can be written to unasked, news are not offered."""
    batch.say(person, event.msg if person.is_proactive else _without_news(event.msg))


@handles(LanguageChosen)
def set_language(batch: BatchContext, person: Person, event: LanguageChosen, hour: datetime) -> None:
    """Holds for the rest of the batch as well."""
    person.language = event.language
    batch.add(contacts.set_languages, ContactLanguage(person.contact_id, event.language))


def _without_news(msg: MsgOut) -> MsgOut:
    kept = tuple(reply for reply in msg.quick_replies if reply.parsed.command != Command.NEWS)
    return msg if len(kept) == len(msg.quick_replies) else msg._replace(quick_replies=kept)
