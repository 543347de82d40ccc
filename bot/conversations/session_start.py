"""Starts sessions of contacts that enter a consultation, or resumes their existing ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from bot.common.ids import receipt
from bot.consultations import incompatible_sessions
from bot.consultations.batch_context import BatchContext
from bot.consultations.catalogue import Catalogue, NotCompiled, PendingCompilations, PublishedFlow
from bot.consultations.fact_loader import FactRequest
from bot.consultations.participant import Participation, Person
from bot.consultations.session_rows import SessionRows
from bot.consultations.stored_revisions import UnreadableError
from bot.conversations.senders import SenderResolver
from flows.dialogue import engine
from flows.events import MessageCreated
from flows.messages import MsgIn
from flows.session import Turn
from storage.core.engines import locks_rows
from storage.tables.answers import StoredAnswer, answers_of_people
from storage.tables.sessions import SessionRenewal, StoredSession, renew_sessions, sessions_of_people


class SessionStart(NamedTuple):
    """A message by which a contact enters a consultation."""

    msg: MsgIn
    person: Person
    published: PublishedFlow
    pseudonym: str
    stored: tuple[str, ...] = ()
    """Questions with stored answers from a session that this version cannot read."""

    def fact_request(self, batch: BatchContext) -> FactRequest:
        return FactRequest(self.person, self.published, self.pseudonym, batch)


class EarlierSessions(NamedTuple):
    """Existing sessions of entering contacts, by pseudonym."""

    entering: list[SessionStart]
    rows: Mapping[str, StoredSession]
    participations: Mapping[str, Participation]
    """The readable ones."""


class SessionStarter:
    """Starts sessions. `is_overheard`: whether third parties can read the chat of a message."""

    def __init__(self, catalogue: Catalogue, senders: SenderResolver, is_overheard: Callable[[MsgIn], bool]) -> None:
        self._catalogue = catalogue
        self._senders = senders
        self._is_overheard = is_overheard

    def look(self, batch: BatchContext, entering: list[SessionStart]) -> EarlierSessions:
        """Loads existing sessions with one query. Raises NotCompiled."""
        names = [one.pseudonym for one in entering]
        rows = sessions_of_people(batch.connection, names, lock=locks_rows(batch.connection))
        participations: dict[str, Participation] = {}
        unreadable: list[str] = []
        compiling, senders = PendingCompilations(), {one.pseudonym: one.person.sender for one in entering}
        for pseudonym, row in rows.items():
            try:
                participations[pseudonym] = self._senders.load_participation(batch.connection, row)
            except UnreadableError:  # the session starts again
                unreadable.append(pseudonym)
            except NotCompiled as missing:
                compiling.add(missing, [senders[pseudonym]])
        compiling.check()
        if unreadable:
            entering = _with_stored(entering, answers_of_people(batch.connection, unreadable))
        participations |= batch.section(SessionRows).participations()
        return EarlierSessions(entering, rows, participations)

    def turn(self, batch: BatchContext, one: SessionStart, before: StoredSession | None) -> Turn:
        """Takes the first turn of a new session, or reopens an existing one. `before`: the stored row."""
        msg, person, published, pseudonym, stored = one
        overheard = self._is_overheard(msg)
        if person.participation is not None:
            turn = engine.reopen(person.participation.published.flow, person.participation.session, overheard=overheard)
            return self._as_test(person, msg, turn) if published.is_trial else turn
        turn = engine.start(
            published.flow,
            receipt=before.receipt if before else receipt(batch.random),
            language=person.language,
            hint=msg.language_hint,
            facts=person.facts,
            overheard=overheard,
            also_stored=stored,
        )
        if before:
            self._senders.discard_cache()
            batch.add(renew_sessions, SessionRenewal(before.id, published.revision_id))
            turn = turn._replace(session=turn.session._replace(submitted=before.status == "completed"))
            person.participation = incompatible_sessions.renewed_participation(
                before, published, turn.session, batch.now
            )
        else:
            person.participation = Participation(
                id=batch.ids(),
                published=published,
                session=turn.session,
                pseudonym=pseudonym,
                started_at=batch.hour,
                seen_at=batch.now,
                mode=msg.mode,
                entry_code=msg.entry_code,
                is_burst=msg.is_burst,
            )
        return self._as_test(person, msg, turn) if published.is_trial else turn

    def _as_test(self, person: Person, msg: MsgIn, turn: Turn) -> Turn:
        """Prepends the notice that nothing counts in a test."""
        renderer = self._catalogue.main_menu.renderer(person.language, msg.language_hint, person.form)
        return turn._replace(events=(MessageCreated(renderer.message(renderer.text("test.begin"))), *turn.events))


def _with_stored(entering: list[SessionStart], stored: list[StoredAnswer]) -> list[SessionStart]:
    """Adds the questions of the new revision for which earlier answers are stored."""
    keys: dict[str, list[str]] = {}
    for answer in stored:
        if answer.value is not None:
            keys.setdefault(answer.pseudonym, []).append(answer.question_key)
    return [
        one._replace(stored=tuple(it for it in keys.get(one.pseudonym, ()) if it in one.published.flow.questions))
        for one in entering
    ]
