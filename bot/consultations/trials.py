"""Trials of test revisions: consultations of their own whose answers never count.

A test revision runs in a separate, unlisted consultation, its *trial*, named `test-…`. It has its own pseudonyms,
answers, proposals and ratings, so queries of figures, queues and exports need no exception for tests.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot.common.code_alphabet import random_code
from flows.definition import Consultation
from storage.tables import answers, stages
from storage.tables.consultations import set_consultation_state
from storage.tables.editions import erase_editions
from storage.tables.participations import Tally, tally_participations
from storage.tables.publications import delete_consultation
from storage.tables.retained_data import erase_proposals_of_consultation, erase_rooms_of_consultation
from storage.tables.revisions import PublishedRevision, live_revision_of
from storage.tables.sessions import erase_sessions_of_consultation
from storage.tables.stages import trials_begun_before

PREFIX: Final = "test-"
LETTERS: Final = 5


def trial_definition(connection: Connection, tested: PublishedRevision, consultation: Consultation) -> Consultation:
    """Returns the definition of the trial: the same consultation under another slug, without keywords and dates."""
    before = trial_slug(connection, tested.consultation_id)
    name = before or PREFIX + random_code(LETTERS).lower()
    return consultation.model_copy(update={"slug": name, "keywords": (), "opens": None, "closes": None})


def trial_slug(connection: Connection, consultation_id: int) -> str:
    """Returns the slug of the trial of a consultation, which is also its start word; "" if there is none."""
    trial = stages.trial_of(connection, consultation_id)
    found = live_revision_of(connection, trial) if trial else None
    return found.slug if found else ""


class TrialNow(NamedTuple):
    """The trial of a consultation. `ends_at`: it accepts answers until then; None for one without an end."""

    slug: str
    number: int
    ends_at: datetime | None
    is_open: bool
    tally: Tally


def trial_now(connection: Connection, consultation_id: int, now: datetime) -> TrialNow | None:
    """Returns the trial of a consultation with its numbers of participations."""
    trial = stages.trial_of(connection, consultation_id)
    found = live_revision_of(connection, trial) if trial else None
    if trial is None or found is None:
        return None
    tally = tally_participations(connection, trial)
    return TrialNow(found.slug, found.number, found.closes_at, found.state_at(now) == "open", tally)


def set_trial_end(connection: Connection, consultation_id: int, until: datetime) -> bool:
    """Lets a trial accept answers until a moment; returns False if there is no trial."""
    trial = stages.trial_of(connection, consultation_id)
    if trial is None:
        return False
    set_consultation_state(connection, trial, "open", closes_at=until, closed_at=None)
    return True


def empty_trial(connection: Connection, trial: int) -> int:
    """Deletes all data of a trial; returns its number of participations. Files are deleted with the next cleanup."""
    gone = erase_sessions_of_consultation(connection, trial)
    answers.erase_consents_of_consultation(connection, trial)
    erase_proposals_of_consultation(connection, trial)
    return gone


def end_trial(connection: Connection, consultation_id: int) -> int:
    """Deletes the trial of a consultation with its data; returns its number of participations."""
    trial = stages.trial_of(connection, consultation_id)
    if trial is None:
        return 0
    gone = erase_collected_data(connection, trial)
    delete_consultation(connection, trial)
    return gone


def erase_collected_data(connection: Connection, consultation_id: int) -> int:
    """Deletes all that residents or a meeting left in a consultation; returns its number of participations."""
    gone = empty_trial(connection, consultation_id)
    erase_rooms_of_consultation(connection, consultation_id)
    erase_editions(connection, consultation_id)
    return gone


def empty_trials_before(connection: Connection, moment: datetime) -> int:
    """Deletes the data of trials that started before a moment; returns the number of participations."""
    return sum(empty_trial(connection, trial) for trial in trials_begun_before(connection, moment))
