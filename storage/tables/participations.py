"""Defines participations and counts them; every other count of people uses this module.

A participation is one contact in one consultation: a row of ``sessions``. It is *begun* as soon as the row is there,
*answered* where at least one value is stored (the answer to a question, or a rating; consents and the choice of a
language do not count), and *finished* where it was completed. Shares, bounds and numbers of people are of the answered
ones, finished or not: an answer counts as soon as it is given.

What a helper typed or paper brought counts alike. A test revision is tried out in a consultation of its own
(``trials``), so no query has to leave tests out; what was erased has no row.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Integer, case, exists, func, literal_column, select

from storage.core import bulk
from storage.core.base import table_of
from storage.tables.answers import AnswerRow, ConsentRow
from storage.tables.ratings import RatingRow
from storage.tables.sessions import SessionMode, SessionRow, SessionStatus


class Tally(NamedTuple):
    """How many participations there are. One that was finished without an answer is in `finished` alone."""

    begun: int
    answered: int
    finished: int


class ParticipationProgress(NamedTuple):
    """The progress of a contact in a consultation."""

    pseudonym: str
    status: SessionStatus
    is_answered: bool


class EntryCodeCount(NamedTuple):
    """Participations from one place in one mode."""

    place_code: str
    mode: SessionMode
    begun: int
    answered: int
    finished: int


class _Answered(NamedTuple):
    id: int


_sessions = table_of(SessionRow)
_answers = table_of(AnswerRow)
_consents = table_of(ConsentRow)
_ratings = table_of(RatingRow)


def is_answered() -> ColumnElement[bool]:
    """Whether a row of ``sessions`` is answered. The view ``v_responses`` says the same in the words of its migration.

    Each answer to a question of consent has a row in ``consents``, so the type of the question is not needed.
    """
    agreed = (
        exists()
        .where(_consents.c.pseudonym == _sessions.c.pseudonym, _consents.c.question_key == _answers.c.question_key)
        .correlate(_sessions, _answers)  # explicit, because SQLAlchemy looks for the next enclosing SELECT only
    )
    given = exists().where(_answers.c.session_id == _sessions.c.id, _answers.c.value.is_not(None), ~agreed)
    rated = exists().where(_ratings.c.pseudonym == _sessions.c.pseudonym)
    return given.correlate(_sessions) | rated.correlate(_sessions)


# Written out, because ``ByKeys`` supports no parameters besides its keys.
_one, _none = literal_column("1", Integer), literal_column("0", Integer)
_is_answered = case((is_answered(), _one), else_=_none)
_is_finished = case((_sessions.c.status == "completed", _one), else_=_none)
_count = (func.count(), func.coalesce(func.sum(_is_answered), 0), func.coalesce(func.sum(_is_finished), 0))
_answered_by_id = bulk.ByKeys(_Answered, select(_sessions.c.id).where(is_answered()), _sessions.c.id)
_standing = bulk.ByKeys(
    ParticipationProgress, select(_sessions.c.pseudonym, _sessions.c.status, _is_answered), _sessions.c.pseudonym
)


def tally_participations(connection: Connection, consultation_id: int) -> Tally:
    """Returns the numbers of participations of a consultation."""
    query = select(*_count).where(_sessions.c.consultation_id == consultation_id)
    return Tally(*map(int, connection.execute(query).one()))


def tally_by_entry_code(connection: Connection, consultation_id: int) -> list[EntryCodeCount]:
    """Returns the number of participations of each entry code, by mode; those without a code last."""
    query = (
        select(_sessions.c.place_code, _sessions.c.mode, *_count)
        .where(_sessions.c.consultation_id == consultation_id)
        .group_by(_sessions.c.place_code, _sessions.c.mode)
    )
    found = [EntryCodeCount(place or "", mode, *map(int, n)) for place, mode, *n in connection.execute(query)]
    return sorted(found, key=lambda count: (not count.place_code, count))


def answered_among(connection: Connection, session_ids: Sequence[int]) -> frozenset[int]:
    """Returns which of these participations are answered."""
    return frozenset(row.id for row in _answered_by_id(connection, session_ids))


def progress_of_people(connection: Connection, pseudonyms: Sequence[str]) -> dict[str, ParticipationProgress]:
    """Returns the progress of those of these pseudonyms that have begun."""
    return {row.pseudonym: row._replace(is_answered=bool(row.is_answered)) for row in _standing(connection, pseudonyms)}
