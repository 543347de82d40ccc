"""Words that contacts write to the team: "/human …"."""

from __future__ import annotations

from datetime import datetime

from bot.common.dead_letters import new_message_to_people
from bot.consultations.batch_context import BatchContext
from bot.consultations.event_handlers import handles
from bot.consultations.participant import Person
from flows.events import PersonAsked
from storage.tables import messages


@handles(PersonAsked)
def pass_on(batch: BatchContext, person: Person, event: PersonAsked, hour: datetime) -> None:
    """Stores the words, encrypted, until a member of the team settles them (`bot.staff.messages`)."""
    row = new_message_to_people(
        batch.keys, person.lookup, channel=person.channel, words=event.words, now=batch.now, random=batch.random
    )
    batch.add(messages.insert_dead_letters, row)
