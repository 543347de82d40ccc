"""Counts of a live consultation that its staff watches: answers by question, participations by channel and language."""

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from storage.core.base import table_of
from storage.tables.answers import AnswerRow
from storage.tables.broadcasts import BroadcastRow, RecipientRow
from storage.tables.sessions import SessionRow

_sessions = table_of(SessionRow)
_answers = table_of(AnswerRow)
_broadcasts = table_of(BroadcastRow)
_recipients = table_of(RecipientRow)


class AnswerDurationCount(NamedTuple):
    """The number of answers to one question whose duration is of one class; None: not known."""

    question_key: str
    took: int | None
    number: int


class ChannelLanguageCount(NamedTuple):
    """The number of participations on one channel in one language."""

    channel: str
    language: str
    number: int


def count_answer_durations(connection: Connection, consultation_id: int) -> list[AnswerDurationCount]:
    """Counts the answers with a value by question and class of duration."""
    query = (
        select(_answers.c.question_key, _answers.c.took, func.count())
        .join_from(_sessions, _answers, _answers.c.session_id == _sessions.c.id)
        .where(_sessions.c.consultation_id == consultation_id, _answers.c.value.is_not(None))
        .group_by(_answers.c.question_key, _answers.c.took)
    )
    return [AnswerDurationCount._make(row) for row in connection.execute(query)]


def count_channels_and_languages(connection: Connection, consultation_id: int) -> list[ChannelLanguageCount]:
    """Counts the participations by channel and language."""
    kind = (_sessions.c.channel, _sessions.c.language)
    query = select(*kind, func.count()).where(_sessions.c.consultation_id == consultation_id).group_by(*kind)
    return [ChannelLanguageCount._make(row) for row in connection.execute(query)]


def count_values(connection: Connection, consultation_id: int, question_key: str) -> dict[str, int]:
    """Counts the answers to one question by their value, as JSON text."""
    query = (
        select(_answers.c.value, func.count())
        .join_from(_sessions, _answers, _answers.c.session_id == _sessions.c.id)
        .where(_sessions.c.consultation_id == consultation_id, _answers.c.question_key == question_key)
        .where(_answers.c.value.is_not(None))
        .group_by(_answers.c.value)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def count_undelivered(connection: Connection, slug: str) -> int:
    """Returns how many messages of pushes to this consultation did not arrive."""
    query = (
        select(func.count())
        .join_from(_recipients, _broadcasts, _recipients.c.broadcast_id == _broadcasts.c.id)
        .where(_broadcasts.c.slug == slug, _recipients.c.state == "failed")
    )
    return connection.execute(query).scalar_one()
