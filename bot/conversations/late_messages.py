"""Answers messages that arrive too late: taps on old buttons, and texts after the end of an unfinished consultation.

Both get an explanation and change no stored data.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Final

from bot.common.keys import Keys
from bot.consultations.batch_context import BatchContext, ContactRows
from bot.consultations.catalogue import CODE_LENGTH, Catalogue
from bot.consultations.participant import Participation, Person
from bot.consultations.session_rows import SessionRows
from bot.consultations.stored_revisions import UnreadableError
from bot.conversations.senders import SenderResolver
from flows.commands.words import Command
from flows.dialogue import messages_text
from flows.events import ConsultationChosen, Event, MessageCreated
from flows.messages import MsgIn
from flows.parts import noticed
from flows.phrases import FormOfAddress
from flows.tokens import Token
from flows.understanding.text import fold
from storage.tables.revisions import revision_ids_by_code, revisions_by_id
from storage.tables.sessions import StoredSession, sessions_of_people

_REOPENING: Final = frozenset({Command.CHANGE, Command.CONTINUE})
REMEMBERED: Final = timedelta(days=7)
"""Period after the end in which contacts with an interrupted participation are informed about the end."""


class LateMessages:
    """Finds the consultation that a message outside any participation refers to."""

    def __init__(self, keys: Keys, catalogue: Catalogue, senders: SenderResolver) -> None:
        self._keys = keys
        self._catalogue = catalogue
        self._senders = senders
        self._askers: list[Person] = []
        self._stored: dict[str, StoredSession] | None = None

    def begin(self, people: list[Person]) -> None:
        """Begins a round: `people` are those whose messages may be late. The sessions of all of them are loaded with
        one query when the first is needed.
        """
        self._askers, self._stored = people, None

    def form_of_address(self, batch: BatchContext, person: Person) -> FormOfAddress:
        """Returns how the newest participation of a contact addresses it; "sie" without one."""
        participation = None if batch.section(ContactRows).is_new(person) else self._newest(batch, person)
        return participation.published.flow.consultation.address if participation else "sie"

    def said(self, batch: BatchContext, person: Person, msg: MsgIn) -> tuple[Event, ...]:
        """Returns the events for a late message; none if it is not late."""
        if msg.tapped:
            return self._tapped(batch, person, msg.tapped)
        return self._written(batch, person, msg) or self._after_the_end(batch, person, msg)

    def _after_the_end(self, batch: BatchContext, person: Person, msg: MsgIn) -> tuple[Event, ...]:
        """Answers a contact whose newest participation has ended, in its form of address: "change" and "continue"
        reopen it, other words lead to what can be done now. Other commands lead to the main menu.
        """
        folded, commands = fold(msg.text), self._catalogue.main_menu.commands
        parsed = commands.find(folded)
        if not folded or (parsed and parsed.command not in _REOPENING) or batch.section(ContactRows).is_new(person):
            return ()
        participation = self._newest(batch, person)
        if participation is None:
            return ()
        flow, session = participation.published.flow, participation.session
        if parsed:
            return (ConsultationChosen(participation.published.slug),)
        if not session.submitted or session.language not in flow.localized:
            return ()
        said = messages_text.finished_message(flow, session)
        if commands.courtesy(folded) == "thank_you":
            said = said.preceded_by(noticed(flow.localized[session.language].renderer.text("courtesy.thank_you")))
        return (MessageCreated(said),)

    def deleted(self, batch: BatchContext, person: Person) -> tuple[Event, ...]:
        """Tells a contact who deletes a message outside a participation that their answers are still stored, and how
        to change them; silent if there are none that they can change.
        """
        if batch.section(ContactRows).is_new(person) or (participation := self._newest(batch, person)) is None:
            return ()
        flow, session = participation.published.flow, participation.session
        if session.language not in flow.localized or not (session.answers or session.missing):
            return ()
        renderer = flow.localized[session.language].renderer
        return (MessageCreated(renderer.message(renderer.text("edit.deleted"))),)

    def _newest(self, batch: BatchContext, person: Person) -> Participation | None:
        """Returns the newest participation of a contact in a consultation that is open; None without one."""
        names = self._names(person, self._open_now(batch))
        here = batch.section(SessionRows).participations()
        if known := [here[name] for name in names if name in here]:
            return max(known, key=lambda it: it.seen_at)
        rows = self._rows(batch, names)
        for row in sorted(rows, key=lambda it: it.updated_at, reverse=True):
            with suppress(UnreadableError):
                return self._senders.load_participation(batch.connection, row)
        return None

    def _tapped(self, batch: BatchContext, person: Person, tapped: Token) -> tuple[Event, ...]:
        participation = self._participation(batch, person, tapped.code)
        if participation is None:
            return ()
        slug, flow = participation.published.slug, participation.published.flow
        is_open = self._catalogue.is_open(slug, batch.now)
        if is_open and not participation.session.submitted:
            return (ConsultationChosen(slug),)
        language = (
            participation.session.language if participation.session.language in flow.localized else flow.languages[0]
        )
        renderer = flow.localized[language].renderer
        title, keyword = renderer.localized(flow.consultation.title), renderer.return_command(slug)
        text = renderer.text("late.done" if is_open else "late.over", title=title, keyword=keyword)
        return (
            MessageCreated(renderer.message(text, [messages_text.start_button(renderer, slug)] if is_open else [])),
        )

    def _participation(self, batch: BatchContext, person: Person, code: str) -> Participation | None:
        """Returns the participation of a button; None for unknown buttons and without a stored session."""
        ids = revision_ids_by_code(batch.connection, code) if len(code) == CODE_LENGTH else []
        here = batch.section(SessionRows).participations()  # of an earlier message of the batch
        for revision in revisions_by_id(batch.connection, ids).values():
            pseudonym = self._keys.pseudonym(person.contact_id, revision.consultation_id)
            if pseudonym in here:
                return here[pseudonym]
            row = sessions_of_people(batch.connection, [pseudonym]).get(pseudonym)
            try:
                if row is not None:
                    return self._senders.load_participation(batch.connection, row)
            except UnreadableError:
                continue
        return None

    def _written(self, batch: BatchContext, person: Person, msg: MsgIn) -> tuple[Event, ...]:
        """Says that a consultation is over, followed by the welcome, if the end interrupted the participation."""
        ended = self._catalogue.ended_since(batch.now - REMEMBERED, batch.now)
        names = {self._keys.pseudonym(person.contact_id, one.consultation_id): one for one in ended}
        for row in self._rows(batch, names):
            if row.status == "interrupted" and row.ended_at == names[row.pseudonym].closes_at:
                lobby = self._catalogue.main_menu
                renderer = lobby.renderer(person.language, msg.language_hint, person.form)
                title = self._catalogue.title(names[row.pseudonym].slug, renderer.language)
                welcome = lobby.welcome(renderer).msg
                text = renderer.text("late.over", title=title)
                return (MessageCreated(welcome.preceded_by(noticed(text))),)
        return ()

    def _open_now(self, batch: BatchContext) -> list[int]:
        """Returns the ids of the consultations that are open."""
        slugs = (slug for slug in self._catalogue.known_slugs() if self._catalogue.is_open(slug, batch.now))
        return [self._catalogue.consultation_id(slug) for slug in slugs]

    def _names(self, person: Person, consultation_ids: Iterable[int]) -> list[str]:
        return [self._keys.pseudonym(person.contact_id, number) for number in consultation_ids]

    def _rows(self, batch: BatchContext, names: Iterable[str]) -> list[StoredSession]:
        """Returns the stored sessions of these pseudonyms, which belong to a contact of the round."""
        if self._stored is None:
            ended = self._catalogue.ended_since(batch.now - REMEMBERED, batch.now)
            about = {*self._open_now(batch), *(one.consultation_id for one in ended)}
            known = [one for one in self._askers if not batch.section(ContactRows).is_new(one)]
            every = [name for one in known for name in self._names(one, about)]
            self._stored = sessions_of_people(batch.connection, every) if every else {}
        return [self._stored[name] for name in names if name in self._stored]
