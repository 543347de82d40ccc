"""Ballots on a budget that another program gave, taken over as participations: each person's once."""

from __future__ import annotations

from pydantic_core import to_json
from sqlalchemy import Connection

from bot.consultations.publishing import Desk
from bot.counting import subject
from bot.counting.subject import Subject
from bot.errors import HouseError
from bot.exchange.bundle import Budgeting, Bundle, pseudonym
from bot.exchange.definition import BUDGET
from bot.ids import receipt
from flows.questions.points import Points
from flows.session import Session
from storage import answers, sessions
from storage.answers import NewAnswer
from storage.sessions import StoredSession

CHANNEL = "import"


def add(connection: Connection, bundle: Bundle, slug: str, desk: Desk) -> int:
    """Stores the ballots of people who have none yet; gives how many. Raises HouseError where the budget is another."""
    budgeting = bundle.budgeting
    if budgeting is None:
        return 0
    found = subject.find(connection, slug)
    _check(found, budgeting)
    costs = {project.code: project.cost for project in budgeting.projects}
    named = {pseudonym(bundle.source, voter): chosen for voter, chosen in budgeting.ballots.items()}
    there = sessions.status_of_people(connection, list(named))
    new = {name: {code: costs[code] for code in chosen} for name, chosen in named.items() if name not in there}
    rows = [_session(found, name, value, desk) for name, value in new.items()]
    sessions.insert(connection, rows)
    answers.upsert(connection, [_answer(row, new[row.pseudonym]) for row in rows])
    return len(rows)


def _check(found: Subject, budgeting: Budgeting) -> None:
    """Raises HouseError where the consultation does not ask about the same budget."""
    question = found.flow.question(BUDGET) if BUDGET in found.flow.questions else None
    options = {option.value: option.cost for option in question.options} if isinstance(question, Points) else {}
    amount = question.budget if isinstance(question, Points) else 0
    if (amount, options) != (budgeting.amount, {project.code: project.cost for project in budgeting.projects}):
        slug = found.newest.slug
        raise HouseError(f"{slug} does not ask about this budget with these projects; give --as another name")


def _session(found: Subject, name: str, value: dict[str, int], desk: Desk) -> StoredSession:
    language = found.language
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
        started_at=desk.now,
        updated_at=desk.now,
        ended_at=desk.now,
    )


def _answer(row: StoredSession, value: dict[str, int]) -> NewAnswer:
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
