"""What turns caused, as rows: one function per event, one statement per table and batch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from pydantic_core import to_json
from sqlalchemy import Connection

from adapters.base import Outgoing
from bot.ids import Ids, day_of
from bot.ledger import Gone, wish_gone
from bot.person import Person, Place
from bot.proposals import receiving
from bot.proposals.receiving import Submitted
from flows import events
from flows.events import Wanted
from flows.messages import MsgOut
from storage import answers, contacts, messages, opt_ins, outbox, ratings, sessions, staff
from storage.answers import NewAnswer, NewConsent
from storage.contacts import AddressOwner, AddressState, ContactLanguage, ContactStop, NewAddress, NewContact
from storage.messages import NewDeadLetter
from storage.outbox import NewOutboxMessage, Purpose
from storage.ratings import NewRatingEvent
from storage.sessions import Release, Renewal
from storage.staff import NewStaffChat


class NewsWish(NamedTuple):
    """Somebody asked for news; `place` is where they stood then, `language` how to answer elsewhere."""

    person: Person
    wanted: Wanted
    place: Place | None
    language: str = ""


class DoorWish(NamedTuple):
    """Somebody wants to link or part chats; `place` is where they stood then."""

    person: Person
    asked: events.DoorAsked
    place: Place | None


class MineWish(NamedTuple):
    """Somebody asks for what they brought in; `place` is where they stood then."""

    person: Person
    asked: events.MineAsked
    place: Place | None


class MediaSent(NamedTuple):
    """A recording or a picture that came with an answer."""

    event: events.MediaGiven
    channel: str
    sent_at: datetime


@dataclass(slots=True)
class Effects:
    """The rows of one batch, gathered while it is worked on and written at its end.

    `outgoing` is what the outbox may send once the batch is committed; `parting` likewise, to addresses that are
    forgotten when it was sent.
    """

    ids: Ids
    now: datetime
    new_contacts: list[NewContact] = field(default_factory=list)
    new_addresses: list[NewAddress] = field(default_factory=list)
    adopted: list[AddressOwner] = field(default_factory=list)
    languages: list[ContactLanguage] = field(default_factory=list)
    stops: list[ContactStop] = field(default_factory=list)
    reachable: list[AddressState] = field(default_factory=list)
    places: dict[int, tuple[Person, Place]] = field(default_factory=dict)
    released: list[Release] = field(default_factory=list)
    renewed: list[Renewal] = field(default_factory=list)
    answers: list[NewAnswer] = field(default_factory=list)
    consents: list[NewConsent] = field(default_factory=list)
    submitted: dict[tuple[str, str], Submitted] = field(default_factory=dict)
    """Ideas by pseudonym and question; the last one counts."""
    attached: dict[tuple[int, str], MediaSent] = field(default_factory=dict)
    """What came with answers, by session and question (`bot.attachments.receiving`)."""
    detached: set[tuple[int, str]] = field(default_factory=set)
    """Answers, by session and question, with which nothing that came before goes any more."""
    taken_back: set[tuple[str, str]] = field(default_factory=set)
    ratings: list[NewRatingEvent] = field(default_factory=list)
    farewells: list[NewOutboxMessage] = field(default_factory=list)
    staff_chats: list[NewStaffChat] = field(default_factory=list)
    outbox: list[NewOutboxMessage] = field(default_factory=list)
    dead_letters: list[NewDeadLetter] = field(default_factory=list)
    outgoing: list[tuple[str, bytes, Outgoing]] = field(default_factory=list)
    parting: list[tuple[str, bytes, Outgoing]] = field(default_factory=list)
    data_wanted: list[Person] = field(default_factory=list)
    erased: list[Person] = field(default_factory=list)
    recalled: list[int] = field(default_factory=list)
    """Broadcasts taken back while the rows were written."""
    left_doors: list[tuple[str, str]] = field(default_factory=list)
    """Channels and addresses of those who are erased, beside the one they write from."""
    news: list[NewsWish] = field(default_factory=list)
    doors: list[DoorWish] = field(default_factory=list)
    mine: list[MineWish] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    """What is erased in this transaction and is to stay erased (`bot.ledger`)."""

    def apply(self, person: Person, happened: tuple[events.Event, ...], sent_at: datetime) -> None:
        """Takes down what one message of a person caused, in order."""
        if person.place is not None:
            self.places[person.place.id] = (person, person.place)
        for event in happened:
            _APPLY[type(event)](self, person, event, sent_at)

    def say(self, person: Person, msg: MsgOut) -> None:
        """One message to a person, as an outbox row; to somebody who is being erased it is a farewell."""
        number = self.ids()
        purpose: Purpose = "farewell" if person in self.erased else "reply"
        row = NewOutboxMessage(number, person.channel, person.lookup, payload_of(msg), purpose, None, self.now)
        (self.farewells if purpose == "farewell" else self.outbox).append(row)
        sent = self.parting if purpose == "farewell" else self.outgoing
        sent.append((person.channel, person.lookup, Outgoing(number, person.address, msg)))

    def take_back(self, pseudonym: str, key: str) -> None:
        """There is no idea any more as the answer to this question."""
        self.submitted.pop((pseudonym, key), None)
        self.taken_back.add((pseudonym, key))

    def write(self, connection: Connection) -> None:
        """All rows, identity first: one statement per table."""
        contacts.insert(connection, self.new_contacts)
        contacts.insert_addresses(connection, self.new_addresses)
        contacts.adopt(connection, self.adopted)
        contacts.set_languages(connection, self.languages)
        contacts.mark_stopped(connection, self.stops)
        self._withdraw_wishes(connection, [stop.id for stop in self.stops if stop.stopped_at])
        staff.bind_chats(connection, self.staff_chats)
        contacts.mark_unreachable(connection, self.reachable)
        self.recalled += outbox.recall_from(connection, [stop.id for stop in self.stops])
        self._write_places(connection)
        answers.upsert(connection, self.answers)
        answers.insert_consents(connection, self.consents)
        withdrawn = receiving.take_back(connection, self.taken_back, self.now)
        self.gone += [Gone("withdrawn", code) for code in withdrawn]
        receiving.receive(connection, self.submitted.values(), self.ids, self.now)
        ratings.rate(connection, self.ratings)
        messages.set_aside(connection, self.dead_letters)
        outbox.insert(connection, self.outbox)

    def _withdraw_wishes(self, connection: Connection, contact_ids: list[int]) -> None:
        for rows in opt_ins.of_contacts(connection, contact_ids).values():
            self.gone += [wish_gone(row.contact_id, row.about, row.subject, self.now) for row in rows]
        opt_ins.withdraw_all(connection, contact_ids)

    def _write_places(self, connection: Connection) -> None:
        steps, changes, new = [], [], []
        for person, place in self.places.values():
            if place.is_step():
                steps.append(place.step(person, self.now))
            elif place.is_stored:
                changes.append(place.change(person, self.now))
            else:
                new.append(place.row(person, self.now))
        sessions.release(connection, self.released)
        sessions.renew(connection, self.renewed)
        sessions.step(connection, steps)
        sessions.change(connection, changes)  # before insert: who leaves one consultation for another frees the place
        sessions.insert(connection, new)


class _Payloads:
    """Messages as the outbox keeps them. Questions are asked again and again: the same object is encoded once."""

    MOST = 5000

    def __init__(self) -> None:
        self._known: dict[int, tuple[MsgOut, str]] = {}

    def forget(self) -> None:
        """Keeps nothing of what was said so far: it may repeat what somebody answered who is erased."""
        self._known.clear()

    def __call__(self, msg: MsgOut) -> str:
        known = self._known.get(id(msg))
        if known is not None and known[0] is msg:
            return known[1]
        payload = to_json(msg.as_data()).decode()
        if len(self._known) >= self.MOST:
            self._known.clear()
        self._known[id(msg)] = (msg, payload)
        return payload


payload_of = _Payloads()
"""A message as the outbox keeps it; `bot.outbox` reads it back after a restart."""


def _said(effects: Effects, person: Person, event: events.Said, sent_at: datetime) -> None:
    # Where nobody can be written to unasked, news are not offered.
    effects.say(person, event.msg if person.is_proactive else _without_news(event.msg))


def _without_news(msg: MsgOut) -> MsgOut:
    kept = tuple(reply for reply in msg.quick_replies if "..news." not in reply.token)
    return msg if len(kept) == len(msg.quick_replies) else msg._replace(quick_replies=kept)


def _mine_asked(effects: Effects, person: Person, event: events.MineAsked, sent_at: datetime) -> None:
    effects.mine.append(MineWish(person, event, person.place))


def _door_asked(effects: Effects, person: Person, event: events.DoorAsked, sent_at: datetime) -> None:
    effects.doors.append(DoorWish(person, event, person.place))


def _news_asked(effects: Effects, person: Person, event: events.NewsAsked, sent_at: datetime) -> None:
    effects.news.append(NewsWish(person, event.wanted, person.place, event.language))


def _answer_given(effects: Effects, person: Person, event: events.AnswerGiven, sent_at: datetime) -> None:
    place = person.at()
    node = place.published.flow.nodes[event.key]
    effects.answers.append(
        NewAnswer(
            place.id,
            event.key,
            place.published.consultation_id,
            place.published.revision_id,
            None if event.value is None else to_json(event.value).decode(),
            event.missing.value if event.missing else None,
            node.free_text,
            sent_at,
            person.channel,
            place.session.language,
            place.mode,
        )
    )
    if getattr(node, "media", ()):
        effects.attached.pop((place.id, event.key), None)
        effects.detached.add((place.id, event.key))
    if node.type == "proposal" and event.value is None:
        effects.take_back(place.pseudonym, event.key)


def _media_given(effects: Effects, person: Person, event: events.MediaGiven, sent_at: datetime) -> None:
    effects.attached[person.at().id, event.key] = MediaSent(event, person.channel, sent_at)


def _proposed(effects: Effects, person: Person, event: events.Proposed, sent_at: datetime) -> None:
    place = person.at()
    node, given = place.published.flow.nodes[event.key], place.session.answers
    where = [given.get(key) if (key := getattr(node, name, None)) else None for name in ("district_from", "topic_from")]
    district, topic = (value if isinstance(value, str) else None for value in where)
    effects.submitted[place.pseudonym, event.key] = Submitted(
        event, place.published.consultation_id, place.pseudonym, district, topic, sent_at
    )


def _rated(effects: Effects, person: Person, event: events.Rated, sent_at: datetime) -> None:
    effects.ratings.append(
        NewRatingEvent(effects.ids(), event.proposal, person.at().pseudonym, event.vote, event.important, sent_at)
    )


def _consent_given(effects: Effects, person: Person, event: events.ConsentGiven, sent_at: datetime) -> None:
    place = person.at()
    digest = hashlib.sha256(event.text.encode()).hexdigest()
    effects.consents.append(
        NewConsent(
            effects.ids(),
            place.published.consultation_id,
            place.pseudonym,
            event.key,
            digest,
            place.session.language,
            person.channel,
            event.given,
            sent_at,
        )
    )


def _language_chosen(effects: Effects, person: Person, event: events.LanguageChosen, sent_at: datetime) -> None:
    person.language = event.language
    effects.languages.append(ContactLanguage(person.contact_id, event.language))


def _pushes_stopped(effects: Effects, person: Person, event: events.PushesStopped, sent_at: datetime) -> None:
    effects.stops.append(ContactStop(person.contact_id, day_of(effects.now)))


def _data_requested(effects: Effects, person: Person, event: events.DataRequested, sent_at: datetime) -> None:
    effects.data_wanted.append(person)


def _erasure_requested(effects: Effects, person: Person, event: events.ErasureRequested, sent_at: datetime) -> None:
    effects.erased.append(person)


def _nothing_to_store(effects: Effects, person: Person, event: events.Event, sent_at: datetime) -> None:
    """The session itself holds it (completed, interrupted), or `bot.turns` has acted on it (chosen)."""


_APPLY: dict[type[Any], Callable[[Effects, Person, Any, datetime], None]] = {
    events.Said: _said,
    events.AnswerGiven: _answer_given,
    events.MediaGiven: _media_given,
    events.ConsentGiven: _consent_given,
    events.Proposed: _proposed,
    events.Rated: _rated,
    events.LanguageChosen: _language_chosen,
    events.PushesStopped: _pushes_stopped,
    events.DataRequested: _data_requested,
    events.ErasureRequested: _erasure_requested,
    events.NewsAsked: _news_asked,
    events.DoorAsked: _door_asked,
    events.MineAsked: _mine_asked,
    events.SessionCompleted: _nothing_to_store,
    events.SessionInterrupted: _nothing_to_store,
    events.ConsultationChosen: _nothing_to_store,
}
