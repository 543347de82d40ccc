"""Imports the budget ballots of another program as participations, one per person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

from pydantic_core import from_json, to_json
from sqlalchemy import Connection

from bot.authoring.publishing import PublishContext
from bot.common.errors import CommandError
from bot.common.ids import hour_of, receipt
from bot.exchange.bundle import BudgetVote, Bundle, pseudonym
from bot.exchange.definition import BUDGET
from bot.results.counts import answer_dataset
from bot.results.counts.answer_dataset import AnswerDataset
from flows.session import Session
from storage.tables.answers import NewAnswer, answers_to_question, upsert_answers
from storage.tables.consultations import ConsultationState
from storage.tables.revisions import PublishedRevision, list_live_revisions, revisions_once_live
from storage.tables.sessions import StoredSession, insert_sessions

CHANNEL: Final = "import"
BudgetAnswer = dict[str, int]
"""Returns a ballot as an answer: the cost of each chosen project."""


def add_ballots(connection: Connection, bundle: Bundle, slug: str, desk: PublishContext) -> int:
    """Stores the ballots of voters without one in this consultation; returns their number. Raises CommandError if the
    budget differs, or if the ballots are in another consultation.
    """
    budgeting = bundle.budgeting
    if budgeting is None:
        return 0
    found = answer_dataset.load_dataset(connection, slug)
    if not _asks(found.newest, budgeting):
        raise CommandError(f"{slug} does not ask about this budget with these projects; use --as with another name")
    there = _there(connection, bundle, budgeting, found.newest)
    if not there:  # such ballots were assigned to this consultation before
        _check_elsewhere(connection, bundle, budgeting, slug)
    new = {_name(bundle, slug, it): value for it, value in _spent(budgeting).items() if it not in there}
    rows = [_session(found, name, value, desk) for name, value in new.items()]
    insert_sessions(connection, rows)
    upsert_answers(connection, [_answer(row, new[row.pseudonym]) for row in rows])
    return len(rows)


def _name(bundle: Bundle, slug: str, voter: str) -> str:
    """Returns the pseudonym of a voter in this consultation. It differs between consultations and between votes."""
    return pseudonym(f"{slug}\0{bundle.source}", voter)


def _spent(budgeting: BudgetVote) -> dict[str, BudgetAnswer]:
    costs = {project.code: project.cost for project in budgeting.projects}
    return {voter: {code: costs[code] for code in chosen} for voter, chosen in budgeting.ballots.items()}


def _there(
    connection: Connection, bundle: Bundle, budgeting: BudgetVote, revision: PublishedRevision
) -> frozenset[str]:
    """Returns the voters with a ballot in this consultation, which asks about the same budget."""
    revisions = [it.id for it in revisions_once_live(connection, revision.consultation_id)]
    given = answers_to_question(connection, revision.consultation_id, BUDGET, revisions)
    found = frozenset(voter for voter in budgeting.ballots if _name(bundle, revision.slug, voter) in given)
    for source in bundle.before:
        found |= _as_before(given, source, budgeting)
    return found


def _as_before(given: Mapping[str, str], source: str, budgeting: BudgetVote) -> frozenset[str]:
    """Returns the voters whose ballots an earlier version imported. Its pseudonyms also occur in other votes of the
    city: they count only if all ballots are equal.
    """
    spent = _spent(budgeting)
    names = {voter: name for voter in spent if (name := pseudonym(source, voter)) in given}
    is_same = all(from_json(given[name]) == spent[voter] for voter, name in names.items())
    return frozenset(names) if is_same else frozenset()


def _check_elsewhere(connection: Connection, bundle: Bundle, budgeting: BudgetVote, slug: str) -> None:
    """Raises CommandError if the ballots are in another consultation: they would count twice."""
    for revision in list_live_revisions(connection, get_args(ConsultationState)):
        if revision.slug == slug or not _asks(revision, budgeting):
            continue
        if _there(connection, bundle, budgeting, revision):
            raise CommandError(f"{bundle.source} was imported as {revision.slug} already; use --as with that name")


def _asks(revision: PublishedRevision, budgeting: BudgetVote) -> bool:
    """Whether a consultation asks about this budget with these projects."""
    if f'"{BUDGET}"' not in revision.content:  # a cheap test first: every consultation is checked, and few match
        return False
    questions: list[dict[str, Any]] = from_json(revision.content).get("questions", [])
    question = next((it for it in questions if it.get("key") == BUDGET), {})
    options = {it.get("value"): it.get("cost") for it in question.get("options", [])}
    wanted = {project.code: project.cost for project in budgeting.projects}
    return (question.get("budget"), options) == (budgeting.amount, wanted)


def _session(found: AnswerDataset, name: str, value: BudgetAnswer, desk: PublishContext) -> StoredSession:
    language, hour = found.language, hour_of(desk.now)
    said = Session(found.flow.code, language, receipt(), answers={BUDGET: value}, status="completed", submitted=True)
    return StoredSession(
        id=desk.new_id(),
        consultation_id=found.newest.consultation_id,
        revision_id=found.newest.id,
        pseudonym=name,
        waiting_key=None,
        state=said.to_json(),
        status="completed",
        channel=CHANNEL,
        language=language,
        mode="self",
        receipt=said.receipt,
        place_code=None,
        started_at=hour,
        updated_at=hour,
        ended_at=hour,
    )


def _answer(row: StoredSession, value: BudgetAnswer) -> NewAnswer:
    return NewAnswer(
        session_id=row.id,
        question_key=BUDGET,
        consultation_id=row.consultation_id,
        revision_id=row.revision_id,
        value=to_json(value).decode(),
        missing=None,
        free_text=False,
        answered_at=row.started_at,
        channel=row.channel,
        language=row.language,
        mode=row.mode,
    )
