"""Trying out a test revision: what is said there never counts, because it is said somewhere else.

A test revision is asked in a consultation of its own, its *trial*: named `test-…`, in no list, with pseudonyms,
answers, proposals and ratings that belong to nothing else. So no query of figures, queues or exports has to leave tests
out.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from bot.common.code_alphabet import random_code
from flows.definition import Consultation
from storage.tables import answers, stages
from storage.tables.consultations import PublishedRevision, delete_consultation, live_revision_of
from storage.tables.editions import erase_editions
from storage.tables.retained_data import erase_proposals_of_consultation, erase_rooms_of_consultation
from storage.tables.sessions import erase_sessions_of_consultation
from storage.tables.stages import trials_begun_before

PREFIX: Final = "test-"
LETTERS: Final = 5


def trial_definition(connection: Connection, tested: PublishedRevision, consultation: Consultation) -> Consultation:
    """What is asked in the trial: the same under another name, which alone starts it, at any time."""
    before = trial_slug(connection, tested.consultation_id)
    name = before or PREFIX + random_code(LETTERS).lower()
    return consultation.model_copy(update={"slug": name, "keywords": (), "opens": None, "closes": None})


def trial_slug(connection: Connection, consultation_id: int) -> str:
    """The name of the trial of a consultation, which is its start word and in its link; "" where there is none."""
    trial = stages.trial_of(connection, consultation_id)
    found = live_revision_of(connection, trial) if trial else None
    return found.slug if found else ""


def empty_trial(connection: Connection, trial: int) -> int:
    """Deletes all that was said in a trial; gives how many took part. Files go with the next tidying of attachments."""
    gone = erase_sessions_of_consultation(connection, trial)
    answers.erase_consents_of_consultation(connection, trial)
    erase_proposals_of_consultation(connection, trial)
    return gone


def end_trial(connection: Connection, consultation_id: int) -> int:
    """Deletes the trial of a consultation, with all that was said in it; gives how many took part."""
    trial = stages.trial_of(connection, consultation_id)
    if trial is None:
        return 0
    gone = empty_trial(connection, trial)
    erase_rooms_of_consultation(connection, trial)
    erase_editions(connection, trial)
    delete_consultation(connection, trial)
    return gone


def empty_trials_before(connection: Connection, moment: datetime) -> int:
    """Deletes what was said in trials whose revision is tried out since before a moment; gives how many took part."""
    return sum(empty_trial(connection, trial) for trial in trials_begun_before(connection, moment))
