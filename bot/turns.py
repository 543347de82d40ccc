"""One message of each of several people: where it leads them, and what is set aside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple, TypeVar

import structlog
from sqlalchemy import Connection

from bot import stranded
from bot.broadcasts.wording import as_typed
from bot.catalogue import Catalogue, Published
from bot.dead_letters import dead_letter
from bot.desk.reception import Desk
from bot.effects import Effects
from bot.ids import Ids, receipt
from bot.keys import Keys
from bot.knowing import Asker, Knowing
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
from storage import sessions
from storage.sessions import Renewal, StoredSession

log = structlog.get_logger()

MOST_ATTEMPTS = 9
"""A turn finds out what it lacks step by step; one that still lacks something then would never end."""


class Here(NamedTuple):
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


_Attempt = TypeVar("_Attempt", Here, _Entering)


class Turns:
    """Takes turns. Everything it needs from outside is given here; nothing is written but through `Effects`."""

    def __init__(
        self,
        keys: Keys,
        catalogue: Catalogue,
        ids: Ids,
        desk: Desk,
        enquiries: Enquiries,
        knowing: Knowing,
        meeting: Meeting,
        overheard: frozenset[str] = frozenset(),
    ) -> None:
        """`overheard`: names of the channels on which others can read along."""
        self._keys = keys
        self._catalogue = catalogue
        self._ids = ids
        self._desk = desk
        self._enquiries = enquiries
        self._knowing = knowing
        self._meeting = meeting
        self._overheard = overheard

    def look(self, connection: Connection, people: dict[tuple[str, str], Person], batch: Sequence[MsgIn]) -> None:
        """What has to be known about all of a batch: who of them works here, and what enquiries are about."""
        self._desk.recognise(connection, people, batch)
        self._enquiries.look(connection, batch)

    def take(self, connection: Connection, effects: Effects, turns: list[Here]) -> None:
        """One message of each of these people."""
        if entering := self._take_turns(connection, effects, turns):
            self._enter(connection, effects, entering)

    def _take_turns(self, connection: Connection, effects: Effects, turns: list[Here]) -> list[_Entering]:
        """One message of each of these people; gives those who enter a consultation with it."""
        entering: list[_Entering] = []

        def take(here: Here) -> None:
            if chosen := self._turn(connection, effects, here.person, here.msg):
                pseudonym = self._keys.pseudonym(here.person.contact_id, chosen.consultation_id)
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
        if self._desk.receive(connection, effects, person, msg) or self._enquiries.receive(effects, person, msg):
            return None
        msg = as_typed(msg)
        if person.stranded:
            return self._stranded(connection, effects, person, person.stranded, msg)
        place = person.place
        slug = self._catalogue.triggered(msg.text, by_start_word=place is not None)
        if place is not None:
            if slug is None or slug == place.published.slug:
                if slug:  # "/start CODE" once more, e.g. by opening the same link again: never an answer
                    msg = msg._replace(text=f"/{Command.START}")
                self._go_on(effects, person, place, msg)
                return None
            _pause(effects, person, msg, is_closed=False)
        if slug is None:
            happened = self._catalogue.lobby.receive(msg, person.language)
            effects.apply(person, happened, msg.sent_at)
            slug = _chosen(happened)
        return self._open(effects, person, msg, slug) if slug is not None else None

    def _go_on(self, effects: Effects, person: Person, place: Place, msg: MsgIn) -> None:
        """A message in the consultation somebody is in."""
        if not self._catalogue.is_open(place.published.slug, effects.now):
            _pause(effects, person, msg, is_closed=True)
            return
        idle = (effects.now - place.seen_at).total_seconds()
        overheard = msg.channel in self._overheard
        turn = engine.resume(place.published.flow, place.session, msg, idle, person.known, overheard=overheard)
        _take_turn(effects, person, msg, turn)

    def _open(self, effects: Effects, person: Person, msg: MsgIn, slug: str) -> Published | None:
        """The consultation somebody wants to enter; where it is not open, they are told."""
        published = self._catalogue.newest(slug)
        if published is None:
            effects.apply(person, (self._not_open(slug, person, msg),), msg.sent_at)
        return published

    def _stranded(
        self, connection: Connection, effects: Effects, person: Person, row: StoredSession, msg: MsgIn
    ) -> Published | None:
        """A message of somebody whose session cannot be read."""
        slug = self._catalogue.triggered(msg.text, by_start_word=True)
        if slug is None:
            happened = self._catalogue.lobby.obey(msg, person.language)
            effects.apply(person, happened, msg.sent_at)
            slug = _chosen(happened)
            if not happened:
                said = stranded.answer(connection, person, row, self._catalogue, effects.now)
                self._set_aside(effects, person, msg, UnreadableError(), said)
        published = self._open(effects, person, msg, slug) if slug is not None else None
        if published:
            person.stranded = None
            if published.consultation_id != row.consultation_id:
                effects.released.append(stranded.release(row, effects.now))
        return published

    def _not_open(self, slug: str, person: Person, msg: MsgIn) -> Said:
        """What is said to who wants to enter a consultation that is not open; it may be an old button."""
        lobby = self._catalogue.lobby
        voice = lobby.voice(person.language, msg.language_hint)
        if not self._catalogue.is_known(slug):
            return lobby.welcome(voice)
        return Said(voice.message(voice.say("lobby.closed", title=self._catalogue.title(slug, voice.language))))

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
                self._ids(), published, turn.session, pseudonym, effects.now, effects.now, msg.mode, msg.place_code
            )
        return turn

    def _set_aside(
        self, effects: Effects, person: Person, msg: MsgIn, fault: Exception, said: MsgOut | None = None
    ) -> None:
        """Keeps a message that cannot be handled for people to look at, and says so to who sent it."""
        log.error("message set aside", channel=msg.channel, **where(fault))
        effects.dead_letters.append(dead_letter(self._keys, self._ids(), person.lookup, msg, fault, effects.now))
        voice = self._catalogue.lobby.voice(person.language, msg.language_hint)
        effects.say(person, said or voice.message(voice.say("trouble.message")))


def _chosen(happened: Iterable[Event]) -> str | None:
    return next((event.slug for event in happened if isinstance(event, ConsultationChosen)), None)


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
