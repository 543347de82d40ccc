"""Takes turns: routes one message per contact; messages that fail become dead letters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

import structlog

from bot.broadcasts.messages import as_typed
from bot.common.dead_letters import new_dead_letter
from bot.common.keys import Keys
from bot.common.logs import error_place
from bot.consultations import incompatible_sessions
from bot.consultations.batch_context import BatchContext
from bot.consultations.catalogue import Catalogue, NotCompiled, PendingCompilations, PublishedFlow
from bot.consultations.fact_loader import FactLoader, FactRequest
from bot.consultations.participant import Participation, Person
from bot.consultations.session_rows import SessionRows
from bot.consultations.stored_revisions import UnreadableError
from bot.conversations.late_messages import LateMessages
from bot.conversations.senders import SenderResolver
from bot.conversations.session_start import SessionStart, SessionStarter
from bot.proposals.status_lookup import StatusLookup
from bot.staff.chat.dispatcher import StaffChat
from flows.commands.words import Command
from flows.dialogue import engine
from flows.events import ConsultationChosen, Event, MessageCreated
from flows.facts import NO_FACTS, MissingFacts
from flows.messages import MsgIn, MsgOut
from flows.parts import noticed
from flows.session import Turn
from storage.tables import messages
from storage.tables.sessions import StoredSession, release_sessions

log = structlog.get_logger()

MOST_ATTEMPTS = 9
"""Maximum number of attempts of a turn; each may request further facts, and more would be an endless loop."""


class IncomingTurn(NamedTuple):
    """A message with its sender and the sender's state."""

    msg: MsgIn
    person: Person

    def fact_request(self, batch: BatchContext) -> FactRequest:
        participation = self.person.require_participation()
        return FactRequest(self.person, participation.published, participation.pseudonym, batch)


_Attempt = TypeVar("_Attempt", IncomingTurn, SessionStart)


class TurnProcessor:
    """Takes turns with the given services. Writes only through `BatchContext`."""

    def __init__(
        self,
        keys: Keys,
        catalogue: Catalogue,
        staff_chat: StaffChat,
        enquiries: StatusLookup,
        fact_loader: FactLoader,
        senders: SenderResolver,
        overheard: frozenset[str] = frozenset(),
    ) -> None:
        """`overheard`: channels that third parties can read, unless the channel reports a confidential room."""
        self._keys = keys
        self._catalogue = catalogue
        self._staff_chat = staff_chat
        self._enquiries = enquiries
        self._fact_loader = fact_loader
        self._senders = senders
        self._overheard = overheard
        self._starter = SessionStarter(catalogue, senders, self._is_overheard)
        self._late = LateMessages(keys, catalogue, senders)

    def look(self, batch: BatchContext, people: dict[tuple[str, str], Person], arrived: Sequence[MsgIn]) -> None:
        """Loads what a batch needs: which senders are staff, and the proposals that status requests are about."""
        self._staff_chat.recognise(batch.connection, people, arrived)
        self._enquiries.look(batch.connection, arrived)

    def take(self, batch: BatchContext, turns: list[IncomingTurn]) -> None:
        """Takes one message per contact. Raises NotCompiled."""
        self._late.begin([turn.person for turn in turns if turn.person.participation is None])
        if entering := self._take_turns(batch, turns):
            self._enter(batch, entering)

    def _take_turns(self, batch: BatchContext, turns: list[IncomingTurn]) -> list[SessionStart]:
        """Takes one message per contact; returns the contacts that enter a consultation."""
        entering: list[SessionStart] = []

        def take(turn: IncomingTurn) -> None:
            is_within = turn.person.participation is not None or turn.person.incompatible_session is not None
            msg = self._catalogue.with_entry_code(turn.msg, by_start_word=is_within)
            if not is_within:
                turn.person.form = self._late.form_of_address(batch, turn.person)
            if chosen := self._turn(batch, turn.person, msg):
                pseudonym = self._keys.pseudonym(turn.person.contact_id, chosen.consultation_id)
                entering.append(SessionStart(msg, turn.person, chosen, pseudonym))

        self._try_all(batch, turns, take)
        return entering

    def _try_all(self, batch: BatchContext, attempts: list[_Attempt], take: Callable[[_Attempt], None]) -> None:
        """Takes all turns. Turns with missing facts are retried after one load for all of them."""
        compiling = PendingCompilations()
        for _ in range(MOST_ATTEMPTS):
            lacking: list[tuple[_Attempt, MissingFacts]] = []
            for attempt in attempts:
                try:
                    take(attempt)
                except MissingFacts as what:
                    lacking.append((attempt, what))
                    continue
                except NotCompiled as missing:
                    compiling.add(missing, [attempt.person.sender])
                except Exception as error:  # noqa: BLE001 - one failing message must not fail its batch
                    self._set_aside(batch, attempt.person, attempt.msg, error)
                attempt.person.facts = NO_FACTS
            compiling.check()
            if not lacking:
                return
            self._fact_loader.load(
                batch.connection, [(attempt.fact_request(batch), lack.queries) for attempt, lack in lacking]
            )
            attempts = [attempt for attempt, _ in lacking]
        for attempt, unknown in lacking:
            self._set_aside(batch, attempt.person, attempt.msg, unknown)
            attempt.person.facts = NO_FACTS

    def _turn(self, batch: BatchContext, person: Person, msg: MsgIn) -> PublishedFlow | None:
        """Takes one message of one contact; returns the consultation the contact enters, if any."""
        if msg.room is not None:
            person.is_proactive = msg.room.is_proactive
        if msg.taken_back:
            self._take_back(batch, person, msg)
            return None
        if self._staff_chat.receive(batch, person, msg):
            self._senders.discard_cache()
            return None
        if self._enquiries.receive(batch, person, msg):
            return None
        msg = as_typed(msg)
        if person.incompatible_session:
            return self._answer_incompatible(batch, person, person.incompatible_session, msg)
        participation = person.participation
        slug = self._catalogue.triggered(msg.text, by_start_word=participation is not None)
        if participation is not None:
            if slug is None or slug == participation.published.slug:
                if slug:  # a repeated "/start CODE", for example from the same link, is never an answer
                    msg = msg._replace(text=f"/{Command.START}")
                self._go_on(batch, person, participation, msg)
                return None
            _pause(batch, person, is_closed=False)
        if slug is None:
            lobby = self._catalogue.main_menu
            happened = (
                lobby.recognised(msg, person.language, person.form)
                or self._late.said(batch, person, msg)
                or lobby.otherwise(msg, person.language, person.form)
            )
            batch.apply(person, happened)
            slug = _chosen(happened)
        return self._open(batch, person, msg, slug) if slug is not None else None

    def _take_back(self, batch: BatchContext, person: Person, msg: MsgIn) -> None:
        """Takes the deletion of an earlier message."""
        if person.participation is not None:
            self._go_on(batch, person, person.participation, msg)
        else:
            batch.apply(person, self._late.deleted(batch, person))

    def _go_on(self, batch: BatchContext, person: Person, participation: Participation, msg: MsgIn) -> None:
        """Takes a message within the current consultation."""
        if not self._catalogue.is_open(participation.published.slug, batch.now):
            _pause(batch, person, is_closed=True)
            return
        idle = (batch.now - participation.seen_at).total_seconds()
        overheard = self._is_overheard(msg)
        turn = engine.resume(
            participation.published.flow,
            participation.session,
            msg,
            idle,
            person.facts,
            overheard=overheard,
            has_missed=person.has_missed,
        )
        _take_turn(batch, person, turn)

    def _is_overheard(self, msg: MsgIn) -> bool:
        return msg.channel in self._overheard if msg.room is None else not msg.room.is_confidential

    def _open(self, batch: BatchContext, person: Person, msg: MsgIn, slug: str) -> PublishedFlow | None:
        """Returns the consultation to enter; if it is not open, says so and returns None."""
        published = self._catalogue.newest(slug)
        if published is None:
            batch.apply(person, (self._not_open(slug, person, msg),))
        return published

    def _answer_incompatible(
        self, batch: BatchContext, person: Person, row: StoredSession, msg: MsgIn
    ) -> PublishedFlow | None:
        """Takes a message of a contact whose session this version cannot read."""
        self._senders.discard_cache()
        slug = self._catalogue.triggered(msg.text, by_start_word=True)
        if slug is None:
            happened = self._catalogue.main_menu.run_command(msg, person.language)
            batch.apply(person, happened)
            slug = _chosen(happened)
            if not happened:
                said = incompatible_sessions.incompatible_session_message(
                    batch.connection, person, row, self._catalogue, batch.now
                )
                self._set_aside(batch, person, msg, UnreadableError(), said)
        published = self._open(batch, person, msg, slug) if slug is not None else None
        if published:
            person.incompatible_session = None
            if published.consultation_id != row.consultation_id:
                batch.add(release_sessions, incompatible_sessions.released_session(row, batch.hour))
        return published

    def _not_open(self, slug: str, person: Person, msg: MsgIn) -> MessageCreated:
        """Explains that a consultation is not open; the message may come from an old button."""
        lobby = self._catalogue.main_menu
        renderer = lobby.renderer(person.language, msg.language_hint, person.form)
        if not self._catalogue.is_known(slug) and not self._catalogue.is_archived(slug):
            return lobby.welcome(renderer)
        text = renderer.text("lobby.closed", title=self._catalogue.title(slug, renderer.language))
        if self._catalogue.is_known(slug):
            return MessageCreated(renderer.message(text))
        welcome = lobby.welcome(renderer).msg
        return MessageCreated(welcome.preceded_by(noticed(text)))

    def _enter(self, batch: BatchContext, entering: list[SessionStart]) -> None:
        """Starts sessions, or reopens existing ones."""
        found = self._starter.look(batch, entering)

        def take(one: SessionStart) -> None:
            one.person.participation = found.participations.get(one.pseudonym)
            _take_turn(batch, one.person, self._starter.turn(batch, one, found.rows.get(one.pseudonym)))

        self._try_all(batch, found.entering, take)

    def _set_aside(
        self, batch: BatchContext, person: Person, msg: MsgIn, error: Exception, said: MsgOut | None = None
    ) -> None:
        """Stores a message that cannot be handled as a dead letter and informs its sender."""
        self._senders.discard_cache()
        log.error("dead_letter_stored", channel=msg.channel, **error_place(error))
        batch.outcome.failures += 1
        batch.add(
            messages.insert_dead_letters,
            new_dead_letter(self._keys, person.lookup, msg=msg, error=error, now=batch.now, random=batch.random),
        )
        renderer = self._catalogue.main_menu.renderer(person.language, msg.language_hint, person.form)
        batch.say(person, said or renderer.message(renderer.text("trouble.message")))


def _chosen(happened: Iterable[Event]) -> str | None:
    return next((event.slug for event in happened if isinstance(event, ConsultationChosen)), None)


def _take_turn(batch: BatchContext, person: Person, turn: Turn) -> None:
    participation = person.require_participation()
    participation.session = turn.session
    participation.seen_at = batch.now
    batch.section(SessionRows).note(person, participation)
    batch.apply(person, turn.events)
    if turn.session.status != "waiting":
        person.participation = None


def _pause(batch: BatchContext, person: Person, *, is_closed: bool) -> None:
    """Interrupts the current consultation, for another one or because it has ended."""
    participation = person.require_participation()
    flow = participation.published.flow
    turn = engine.interrupt(flow, participation.session)
    renderer = flow.localized[participation.session.language].renderer
    title = renderer.localized(flow.consultation.title)
    phrase = "lobby.closed" if is_closed else "lobby.paused"
    line = MessageCreated(
        renderer.message(
            renderer.text(phrase, title=title, keyword=renderer.return_command(participation.published.slug))
        )
    )
    _take_turn(batch, person, Turn(turn.session, (*turn.events, line)))
