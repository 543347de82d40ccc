"""Measures a complete recomputation of results: a million votes are read from the store, counted, grouped and
published.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from sqlalchemy import Connection

from bot.cli.bench.subject import SLUG, publish_subject
from bot.results import vote_loader
from bot.results.report import statement_report
from storage import migrate
from storage.core.store import Store
from storage.tables.proposals import NewProposal, ProposalRelease, insert_proposals, release_proposals
from storage.tables.ratings import NewRatingEvent, store_votes
from storage.tables.revisions import find_live_revision

PEOPLE: Final = 10_000
STATEMENTS: Final = 1_000
EACH: Final = 100
AT_ONCE: Final = 50_000
SEED: Final = 1
_BEGAN: Final = datetime(2026, 11, 1, tzinfo=UTC)


def prepare_results(url: str, people: int = PEOPLE, statements: int = STATEMENTS, each: int = EACH) -> None:
    """Stores the votes of `people` contacts; each votes on `each` of the statements."""
    store = Store(url)
    migrate.upgrade(store)
    with store.begin() as connection:
        publish_subject(connection)
        _fill(connection, people, statements, each)
    store.dispose()


def seconds(url: str, votes: int = PEOPLE * EACH) -> float:
    """Returns the duration of computing the result, from the first row to the last figure, with five sectors."""
    store = Store(url)
    began = time.perf_counter()
    with store.reading() as connection:
        loaded = vote_loader.load_votes(connection, 1)
    sectors = {name: frozenset(loaded.log.people[place::5]) for place, name in enumerate("abcde")}
    found = statement_report(loaded.log, loaded.shown, sectors)
    took = time.perf_counter() - began
    store.dispose()
    if found.votes != votes or len(found.group_sizes) < 2:
        raise AssertionError("the benchmark counted something else than it stored")
    return took


def _fill(connection: Connection, people: int, statements: int, each: int) -> None:
    """Stores the votes of two camps that disagree on seven statements of ten."""
    newest = find_live_revision(connection, SLUG)
    if newest is None:
        raise AssertionError("the subject is not published")
    ids = range(1, statements + 1)
    insert_proposals(connection, [_proposal(newest.consultation_id, number) for number in ids])
    release_proposals(connection, [ProposalRelease(number, _BEGAN) for number in ids])
    chance = np.random.default_rng(SEED)
    which = np.argsort(chance.random((people, statements)), axis=1)[:, :each].ravel()
    person = np.repeat(np.arange(people), each)
    vote = np.where(person % 2, 1, -1) * chance.choice([1, 1, 1, 1, 1, 1, 1, 0, -1, -1], len(person))
    cast = enumerate(zip(person.tolist(), which.tolist(), vote.tolist(), strict=True), STATEMENTS + 1)
    rows = [
        NewRatingEvent(
            id=number,
            proposal_id=on + 1,
            pseudonym=f"{who:032x}",
            vote=how,
            important=False,
            at=_BEGAN + timedelta(milliseconds=number),
        )
        for number, (who, on, how) in cast
    ]
    for start in range(0, len(rows), AT_ONCE):
        store_votes(connection, rows[start : start + AT_ONCE])


def _proposal(consultation_id: int, number: int) -> NewProposal:
    code, text = f"CODE-{number}", "Mehr Bäume und Bänke in unserer Straße"
    return NewProposal(
        id=number,
        consultation_id=consultation_id,
        pseudonym=None,
        question_key=None,
        code=code,
        title=None,
        text=text,
        language="de",
        district=None,
        topic=None,
        source=None,
        source_id=None,
        created_at=_BEGAN,
    )
