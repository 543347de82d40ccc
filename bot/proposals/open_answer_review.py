"""Puts new and changed open answers into the review queue, and removes deleted ones.

The stored answers are compared before the new ones are written, and the review rows are written afterwards: an equal
answer is not a change.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from random import Random
from typing import NamedTuple

from sqlalchemy import Connection

from bot.common.sources import SYSTEM_RANDOM
from bot.consultations.answer_text import decode_text, strip_media_mark
from bot.proposals.codes import new_answer_code
from storage.tables import moderation
from storage.tables.answers import NewAnswer
from storage.tables.moderation import ModerationReset, erase_translations, reset_moderations, restore_decision
from storage.tables.open_answers import (
    NewOpenAnswer,
    erase_answer_moderations,
    insert_open_answers,
    moderated_answers_of_sessions,
)


class AnswerChanges(NamedTuple):
    """The effect of a batch of answers on the review queue."""

    new: list[NewAnswer]
    changed: list[int]
    """Ids of reviewed answers that changed."""
    gone: list[int]
    """Ids of deleted answers."""


def compare_answers(connection: Connection, given: Collection[NewAnswer]) -> AnswerChanges:
    """Compares answers to open questions with the stored ones, before they are written, with at most one query."""
    found = AnswerChanges([], [], [])
    if not given:
        return found
    known = moderated_answers_of_sessions(connection, sorted({row.session_id for row in given}))
    for row in given:
        before = known.get((row.session_id, row.question_key))
        is_said = row.value is not None and bool(strip_media_mark(decode_text(row.value)))
        if before is None:
            found.new.extend([row] if is_said else [])
        elif not is_said:
            found.gone.append(before.id)
        elif row.value != before.value or not before.free_text:
            found.changed.append(before.id)
    return found


def queue_for_review(
    connection: Connection,
    found: AnswerChanges,
    new_id: Callable[[], int],
    now: datetime,
    random: Random = SYSTEM_RANDOM,
) -> None:
    """Makes each answer wait for review, also changed answers that were released before.

    Flags are computed when the answer is reviewed, because they take longer than all other work here.
    """
    rows = [
        NewOpenAnswer(
            id=new_id(),
            session_id=row.session_id,
            question_key=row.question_key,
            consultation_id=row.consultation_id,
            code=new_answer_code(random),
            state="waiting",
            changed_at=now,
        )
        for row in found.new
    ]
    insert_open_answers(connection, rows)
    erase_answer_moderations(connection, found.gone)
    if found.changed:
        ids = found.changed
        reset_moderations(
            connection, [ModerationReset(id_, "waiting", flags=None, original=None, changed_at=now) for id_ in ids]
        )
        erase_translations(connection, ids)
        # an approval was about the earlier text
        moderation.add_decisions(connection, [restore_decision(new_id(), id_, now) for id_ in ids])
