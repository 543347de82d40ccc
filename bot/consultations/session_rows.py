"""Writes the sessions of a batch as rows."""

from __future__ import annotations

from datetime import datetime

from bot.consultations.batch_context import BatchContext
from bot.consultations.event_handlers import handles
from bot.consultations.participant import Participation, Person
from flows.events import ConsultationChosen, SessionCompleted, SessionInterrupted
from storage.tables.sessions import change_sessions, insert_sessions, step_sessions


class SessionRows:
    """Collects sessions; the state after the last turn of each is written."""

    def __init__(self) -> None:
        self._at: dict[int, tuple[Person, Participation]] = {}

    def note(self, person: Person, participation: Participation) -> None:
        """Notes a turn in a participation."""
        self._at[participation.id] = (person, participation)

    def participations(self) -> dict[str, Participation]:
        """Returns the participations by pseudonym."""
        return {participation.pseudonym: participation for _, participation in self._at.values()}

    def write(self, batch: BatchContext) -> None:
        connection, hour = batch.connection, batch.hour
        steps, changes, new = [], [], []
        for person, participation in self._at.values():
            if participation.is_step():
                steps.append(participation.step(person, hour))
            elif participation.is_stored:
                changes.append(participation.change(person, hour))
            else:
                new.append(participation.row(person, hour))
        step_sessions(connection, steps)
        change_sessions(connection, changes)  # before insert: a left session releases the waiting key
        insert_sessions(connection, new)
        if batch.question_clock is not None:
            for _, participation in self._at.values():
                batch.question_clock.note(
                    participation.id, participation.session.at if participation.session.status == "waiting" else ""
                )


@handles(SessionCompleted, SessionInterrupted, ConsultationChosen)
def keep_nothing(batch: BatchContext, person: Person, event: object, hour: datetime) -> None:
    """Does nothing: the session stores the state, and `bot.conversations.turns` handles ConsultationChosen."""
