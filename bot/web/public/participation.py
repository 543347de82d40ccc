"""The stored state of a visitor's participation, for its pages: the open question and the answers so far.

The conversation log is in memory only; this is what pages know after a restart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from adapters.web.sessions import WebConversation
from bot.common.i18n.locale import Locale
from bot.web.consultation_cache import PublishedConsultation
from bot.web.context import site_of
from flows.phrase_families import MISSING_IN_SUMMARY
from flows.session import Session
from storage.tables.contacts import find_addresses
from storage.tables.sessions import sessions_of_people


class AnsweredQuestion(NamedTuple):
    """One question with its stored answer. `number` is its place among the answered ones, as in `/change 2`."""

    number: int
    key: str
    title: str
    answer: str


class ParticipationState(NamedTuple):
    """Where a visitor stands. `at` is the key of the open question, or "" at the summary and before the first one."""

    at: str = ""
    answered: tuple[AnsweredQuestion, ...] = ()
    percent: int = 0
    """How much of the way lies behind, by the place of the open question among all."""

    def number_of(self, key: str) -> int:
        """Returns the number of an answered question, 0 for any other."""
        return next((it.number for it in self.answered if it.key == key), 0)


NOT_BEGUN: Final = ParticipationState()


async def participation_of(
    request: web.Request, published: PublishedConsultation, conversation: WebConversation, locale: Locale
) -> ParticipationState:
    """Returns the stored state of this conversation, in the words of one language."""
    site = site_of(request)
    keys, consultation_id = site.services.keys, published.revision.consultation_id
    lookup = keys.lookup(site.routes.hub.name, conversation.address)

    def read(connection: Connection) -> str:
        known = find_addresses(connection, [lookup]).get(lookup)
        if known is None or known.contact_id is None:
            return ""
        pseudonym = keys.pseudonym(known.contact_id, consultation_id)
        row = sessions_of_people(connection, [pseudonym]).get(pseudonym)
        return row.state if row else ""

    state = await site.services.store.read(read)
    return state_in_words(published, Session.from_json(state), locale) if state else NOT_BEGUN


def state_in_words(published: PublishedConsultation, session: Session, locale: Locale) -> ParticipationState:
    """Returns the state of a session in the words of one language."""
    keys = [node.key for node in published.consultation.nodes() if node.waits]
    place = keys.index(session.at) if session.at in keys else len(keys)
    done = place if session.at else len(keys) * bool(session.answers or session.missing)
    return ParticipationState(session.at, tuple(_answered(published, session, locale)), 100 * done // max(len(keys), 1))


def _answered(published: PublishedConsultation, session: Session, locale: Locale) -> Iterator[AnsweredQuestion]:
    number = 0
    for node in published.consultation.nodes():
        if node.key not in session.answers and node.key not in session.missing:
            continue
        number += 1
        title = published.text(node.row_text or node.text, locale.tag)
        yield AnsweredQuestion(number, node.key, title, _answer(published, session, node.key, locale))


def _answer(published: PublishedConsultation, session: Session, key: str, locale: Locale) -> str:
    if key in session.words:
        return session.words[key]
    if key in session.answers:
        return published.answer_text(key, session.answers[key], locale.tag)
    return locale.text(MISSING_IN_SUMMARY[session.missing[key]])
