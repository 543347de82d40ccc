"""One batch of messages inside one transaction: repeats dropped, people found, turns taken, rows written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

import structlog
from pydantic_core import to_json
from sqlalchemy import Connection

from adapters.base import Outgoing
from bot import doors, groups, news, ownership, privacy, stranded
from bot.attachments import receiving
from bot.broadcasts.wording import as_typed
from bot.catalogue import Catalogue, Published
from bot.desk.reception import Desk
from bot.effects import Effects
from bot.ids import Ids, receipt
from bot.keys import Keys
from bot.knowing import Asker, Knowing
from bot.ledger import Gone, Ledger
from bot.logs import where
from bot.meeting import Meeting, locks
from bot.person import Person, Place
from bot.proposals.enquiries import Enquiries
from bot.stored import UnreadableError
from flows import engine
from flows.commands import Command
from flows.events import ConsultationChosen, Event, Said
from flows.known import NOTHING, Lacking
from flows.messages import MsgIn, MsgOut
from flows.session import Turn
from flows.text import clean
from storage import messages, sessions
from storage.messages import NewDeadLetter, NewReceived
from storage.sessions import Renewal, StoredSession

log = structlog.get_logger()

LONGEST_TEXT = 20_000
"""Characters of a message that are looked at: more than any answer may have, so that its question says "too long"."""
MOST_ATTEMPTS = 9
"""A turn finds out what it lacks step by step; one that still lacks something then would never end."""


class _Here(NamedTuple):
    """A message of a person, taken where they stand."""

    msg: MsgIn
    person: Person

    def asker(self, effects: Effects) -> Asker:
        place = self.person.at()
        return Asker(self.person, place.published, place.pseudonym, effects)


class _Entering(NamedTuple):
    """A message with which a person enters a consultation."""

    msg: MsgIn
    person: Person
    published: Published
    pseudonym: str

    def asker(self, effects: Effects) -> Asker:
        return Asker(self.person, self.published, self.pseudonym, effects)


_Attempt = TypeVar("_Attempt", _Here, _Entering)


@dataclass(slots=True)
class BatchResult:
    """What came of a batch; true once it is committed."""

    taken: int
    repeats: int
    answers: int = 0
    failures: int = 0
    has_erased: bool = False
    has_media: bool = False
    """Attachments came, or went."""
    outgoing: list[tuple[str, bytes, Outgoing]] = field(default_factory=list)
    """Channel, look-up and message of everything there is to say."""
    parting: list[tuple[str, bytes, Outgoing]] = field(default_factory=list)
    """The same of what is said to addresses that are forgotten afterwards."""
    left_doors: list[tuple[str, str]] = field(default_factory=list)
    """Where else those who were erased could be reached: their channels have to forget them."""
    gone: list[Gone] = field(default_factory=list)
    recalled: list[int] = field(default_factory=list)
    """Broadcasts taken back, because somebody said "stop" or was erased."""

    def add(self, effects: Effects) -> None:
        self.answers += len(effects.answers)
        self.failures += len(effects.dead_letters)
        self.has_erased |= bool(effects.erased)
        self.has_media |= bool(effects.detached or effects.erased or effects.doors)
        self.outgoing += effects.outgoing
        self.parting += effects.parting
        self.recalled += effects.recalled
        self.left_doors += effects.left_doors
        self.gone += effects.gone


class Turns:
    """Works on batches. Everything it needs from outside is given here; `work` runs on the writing thread."""

    def __init__(
        self,
        keys: Keys,
        catalogue: Catalogue,
        ids: Ids,
        ledger: Ledger,
        desk: Desk,
        enquiries: Enquiries,
        knowing: Knowing,
        proactive: frozenset[str],
        *,
        overheard: frozenset[str] = frozenset(),
        refresh_seconds: float = 1.0,
    ) -> None:
        """`proactive`: the channels that can write to people who have not just written."""
        self.keys = keys
        self.catalogue = catalogue
        self.ids = ids
        self._ledger = ledger
        self.desk = desk
        self.enquiries = enquiries
        self._knowing = knowing
        self._meeting = Meeting(keys, catalogue, proactive)
        self._overheard = overheard
        """Names of the channels on which others can read along."""
        self._refresh_seconds = refresh_seconds
        self._refreshed_at = datetime.min.replace(tzinfo=UTC)

    def work(self, connection: Connection, batch: Sequence[MsgIn]) -> BatchResult:
        """Takes the messages in order. Touches its connection only, and the ledger, where twice is as good as once: it
        may be run again after a lost lock.
        """
        now = datetime.now(UTC)
        self.ids.tick()
        self._refresh(connection, now)
        fresh = self._take(connection, batch, now)
        result = BatchResult(taken=len(fresh), repeats=len(batch) - len(fresh))
        while fresh:
            effects = Effects(self.ids, now)
            fresh = groups.answer(connection, effects, self.keys, self.catalogue, fresh)
            people = self._meeting.find(connection, effects, fresh)
            self.desk.recognise(connection, people, fresh)
            self.enquiries.look(connection, fresh)
            fresh = self._rounds(connection, effects, people, fresh)
            effects.write(connection)
            if effects.detached:
                receiving.receive(connection, effects, self.keys)
            result.add(effects)
            if effects.data_wanted or effects.erased:
                result.add(privacy.settle_rights(connection, effects, self.keys, self.catalogue))
            if effects.news:
                result.add(news.settle(connection, effects, self.catalogue))
            if effects.mine:
                result.add(ownership.settle(connection, effects, self.keys, self.catalogue))
            if effects.doors:
                result.add(doors.settle(connection, effects, self.keys, self.catalogue))
        self._ledger.note(result.gone)  # before the commit: nobody is told "deleted" of what is not noted
        return result

    def _refresh(self, connection: Connection, now: datetime) -> None:
        if (now - self._refreshed_at).total_seconds() >= self._refresh_seconds:
            self.catalogue.refresh(connection)
            self._refreshed_at = now

    def _take(self, connection: Connection, batch: Sequence[MsgIn], now: datetime) -> list[MsgIn]:
        """The messages that are new, each once, made safe."""
        rows = {(msg.channel, msg.external_id): NewReceived(msg.channel, msg.external_id, now) for msg in batch}
        new = messages.take(connection, list(rows.values()))
        fresh = []
        for msg in batch:
            key = (msg.channel, msg.external_id)
            if key in new:
                new.discard(key)
                fresh.append(_made_safe(msg, now))
        return fresh

    def _rounds(
        self,
        connection: Connection,
        effects: Effects,
        people: dict[tuple[str, str], Person],
        batch: list[MsgIn],
    ) -> list[MsgIn]:
        """Takes the messages in rounds, in each at most one of each person, so that their order is kept.

        Gives what is left when somebody asked to see or erase their data, for news or another door, and what came
        through a second door: that is done before anything else happens.
        """
        batch, other_doors = _by_one_door(people, batch)
        while batch and not (effects.data_wanted or effects.erased or effects.news or effects.doors or effects.mine):
            later: list[MsgIn] = []
            turns: list[_Here] = []
            busy: set[int] = set()
            for msg in batch:
                person = people[msg.channel, msg.address]
                if person.contact_id in busy:
                    later.append(msg)
                    continue
                busy.add(person.contact_id)
                turns.append(_Here(msg, person))
            entering = self._take_turns(connection, effects, turns)
            if entering:
                self._enter(connection, effects, entering)
            batch = later
        return [*batch, *other_doors]

    def _take_turns(self, connection: Connection, effects: Effects, turns: list[_Here]) -> list[_Entering]:
        """One message of each of these people; gives those who enter a consultation with it."""
        entering: list[_Entering] = []

        def take(here: _Here) -> None:
            if chosen := self._turn(connection, effects, here.person, here.msg):
                pseudonym = self.keys.pseudonym(here.person.contact_id, chosen.consultation_id)
                entering.append(_Entering(here.msg, here.person, chosen, pseudonym))

        self._try_all(connection, effects, turns, take)
        return entering

    def _try_all(
        self, connection: Connection, effects: Effects, attempts: list[_Attempt], take: Callable[[_Attempt], None]
    ) -> None:
        """Lets everybody take their turn; those who lack knowledge once more, when all of them have it."""
        for _ in range(MOST_ATTEMPTS):
            lacking: list[tuple[_Attempt, Lacking]] = []
            for attempt in attempts:
                try:
                    take(attempt)
                except Lacking as what:
                    lacking.append((attempt, what))
                    continue
                except Exception as fault:  # noqa: BLE001 - one message that fails must not take its batch with it
                    self._set_aside(effects, attempt.person, attempt.msg, fault)
                attempt.person.known = NOTHING
            if not lacking:
                return
            self._knowing.tell(connection, [(attempt.asker(effects), lack.needs) for attempt, lack in lacking])
            attempts = [attempt for attempt, _ in lacking]
        for attempt, unknown in lacking:
            self._set_aside(effects, attempt.person, attempt.msg, unknown)
            attempt.person.known = NOTHING

    def _turn(self, connection: Connection, effects: Effects, person: Person, msg: MsgIn) -> Published | None:
        """One message of one person. Gives the consultation the person wants to enter, if any."""
        if self.desk.receive(connection, effects, person, msg) or self.enquiries.receive(effects, person, msg):
            return None
        msg = as_typed(msg)
        if person.stranded:
            return self._stranded(connection, effects, person, person.stranded, msg)
        place = person.place
        slug = self.catalogue.triggered(msg.text, by_start_word=place is not None)
        if place is not None:
            if slug is None or slug == place.published.slug:
                if slug:  # "/start CODE" once more, e.g. by opening the same link again: never an answer
                    msg = msg._replace(text=f"/{Command.START}")
                if self.catalogue.is_open(place.published.slug, effects.now):
                    idle = (effects.now - place.seen_at).total_seconds()
                    _take_turn(
                        effects,
                        person,
                        msg,
                        engine.resume(
                            place.published.flow,
                            place.session,
                            msg,
                            idle,
                            person.known,
                            overheard=msg.channel in self._overheard,
                        ),
                    )
                else:
                    _pause(effects, person, msg, is_closed=True)
                return None
            _pause(effects, person, msg, is_closed=False)
        if slug is None:
            happened = self.catalogue.lobby.receive(msg, person.language)
            effects.apply(person, happened, msg.sent_at)
            slug = _chosen(happened)
        return self._open(effects, person, msg, slug) if slug is not None else None

    def _open(self, effects: Effects, person: Person, msg: MsgIn, slug: str) -> Published | None:
        """The consultation somebody wants to enter; where it is not open, they are told."""
        published = self.catalogue.newest(slug)
        if published is None:
            effects.apply(person, (self._not_open(slug, person, msg),), msg.sent_at)
        return published

    def _stranded(
        self, connection: Connection, effects: Effects, person: Person, row: StoredSession, msg: MsgIn
    ) -> Published | None:
        """A message of somebody whose session cannot be read."""
        slug = self.catalogue.triggered(msg.text, by_start_word=True)
        if slug is None:
            happened = self.catalogue.lobby.obey(msg, person.language)
            effects.apply(person, happened, msg.sent_at)
            slug = _chosen(happened)
            if not happened:
                said = stranded.answer(connection, person, row, self.catalogue, effects.now)
                self._set_aside(effects, person, msg, UnreadableError(), said)
        published = self._open(effects, person, msg, slug) if slug is not None else None
        if published:
            person.stranded = None
            if published.consultation_id != row.consultation_id:
                effects.released.append(stranded.release(row, effects.now))
        return published

    def _not_open(self, slug: str, person: Person, msg: MsgIn) -> Said:
        """What is said to who wants to enter a consultation that is not open; it may be an old button."""
        lobby = self.catalogue.lobby
        voice = lobby.voice(person.language, msg.language_hint)
        if not self.catalogue.is_known(slug):
            return lobby.welcome(voice)
        return Said(voice.message(voice.say("lobby.closed", title=self.catalogue.title(slug, voice.language))))

    def _enter(self, connection: Connection, effects: Effects, entering: list[_Entering]) -> None:
        """Starts sessions, or opens again those which the people already have there: one query for all."""
        names = [one.pseudonym for one in entering]
        rows = sessions.of_people(connection, names, lock=locks(connection))
        earlier: dict[str, Place] = {}
        for pseudonym, row in rows.items():
            with suppress(UnreadableError):  # it begins anew then
                earlier[pseudonym] = self._meeting.place(connection, row)
        earlier |= {place.pseudonym: place for _, place in effects.places.values()}

        def take(one: _Entering) -> None:
            one.person.place = earlier.get(one.pseudonym)
            _take_turn(effects, one.person, one.msg, self._enter_one(effects, one, rows.get(one.pseudonym)))

        self._try_all(connection, effects, entering, take)

    def _enter_one(self, effects: Effects, one: _Entering, before: StoredSession | None) -> Turn:
        msg, person, published, pseudonym = one
        overheard = msg.channel in self._overheard
        if person.place is not None:
            return engine.reopen(person.place.published.flow, person.place.session, overheard=overheard)
        turn = engine.start(
            published.flow,
            receipt=before.receipt if before else receipt(),
            language=person.language,
            hint=msg.language_hint,
            known=person.known,
            overheard=overheard,
        )
        if before:
            effects.renewed.append(Renewal(before.id, published.revision_id))
            turn = turn._replace(session=turn.session._replace(submitted=before.status == "completed"))
            person.place = stranded.renewed(before, published, turn.session, effects.now)
        else:
            person.place = Place(
                self.ids(), published, turn.session, pseudonym, effects.now, effects.now, msg.mode, msg.place_code
            )
        return turn

    def _set_aside(
        self, effects: Effects, person: Person, msg: MsgIn, fault: Exception, said: MsgOut | None = None
    ) -> None:
        """Keeps a message that cannot be handled for people to look at, and says so to who sent it."""
        log.error("message set aside", channel=msg.channel, **where(fault))
        effects.dead_letters.append(dead_letter(self.keys, self.ids(), person.lookup, msg, fault, effects.now))
        voice = self.catalogue.lobby.voice(person.language, msg.language_hint)
        effects.say(person, said or voice.message(voice.say("trouble.message")))


def _chosen(happened: Iterable[Event]) -> str | None:
    return next((event.slug for event in happened if isinstance(event, ConsultationChosen)), None)


def _by_one_door(people: Mapping[tuple[str, str], Person], batch: list[MsgIn]) -> tuple[list[MsgIn], list[MsgIn]]:
    """The messages that can be taken now, and those of people who wrote through another of their doors as well: they
    come when all of the first is done, because both see the same session."""
    first: dict[int, Person] = {}
    now: list[MsgIn] = []
    later: list[MsgIn] = []
    for msg in batch:
        person = people[msg.channel, msg.address]
        (now if first.setdefault(person.contact_id, person) is person else later).append(msg)
    return now, later


def _made_safe(msg: MsgIn, now: datetime) -> MsgIn:
    text = clean(msg.text[:LONGEST_TEXT])
    if text == msg.text and msg.sent_at <= now:
        return msg
    return msg._replace(text=text, sent_at=min(msg.sent_at, now))


def dead_letter(keys: Keys, number: int, lookup: bytes, msg: MsgIn, fault: Exception, now: datetime) -> NewDeadLetter:
    """A message that was set aside: sealed, with the place in the program that could not handle it."""
    sealed = keys.seal(to_json(msg).decode(), lookup)
    reason = "{fault} at {place}".format_map(where(fault))
    return NewDeadLetter(number, msg.channel, msg.external_id, lookup, sealed, reason, now)


def _take_turn(effects: Effects, person: Person, msg: MsgIn, turn: Turn) -> None:
    place = person.at()
    place.session = turn.session
    place.seen_at = effects.now
    effects.apply(person, turn.events, msg.sent_at)
    if turn.session.status != "waiting":
        person.place = None


def _pause(effects: Effects, person: Person, msg: MsgIn, *, is_closed: bool) -> None:
    """Leaves the consultation the person is in: for another one, or because it is over."""
    place = person.at()
    flow = place.published.flow
    turn = engine.interrupt(flow, place.session)
    voice = flow.scripts[place.session.language].voice
    title = voice.text(flow.consultation.title)
    phrase = "lobby.closed" if is_closed else "lobby.paused"
    line = Said(voice.message(voice.say(phrase, title=title, keyword=voice.way_back(place.published.slug))))
    _take_turn(effects, person, msg, Turn(turn.session, (*turn.events, line)))
