"""Words that contacts write to the team: "/human …"."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from bot.common.dead_letters import TO_PEOPLE, new_message_to_people
from bot.consultations.batch_context import BatchContext
from bot.consultations.event_handlers import handles
from bot.consultations.participant import Person
from flows.events import PersonAsked
from storage.tables import messages
from storage.tables.contacts import addresses_of_contacts

MOST_WAITING: Final = 5
"""Messages of one person to the team that wait at the same time."""


@handles(PersonAsked)
def pass_on(batch: BatchContext, person: Person, event: PersonAsked, hour: datetime) -> None:
    """Stores the words, encrypted, until a member of the team settles them (`bot.staff.messages`). One person cannot
    fill the list of the team, not by several connected chats either: further words are refused while `MOST_WAITING`
    wait.
    """
    if _count_waiting(batch, person) >= MOST_WAITING:
        batch.say(person, event.held_back)
        return
    row = new_message_to_people(
        batch.keys, person.lookup, channel=person.channel, words=event.words, now=batch.now, random=batch.random
    )
    batch.add(messages.insert_dead_letters, row)
    batch.say(person, event.passed_on)


def _count_waiting(batch: BatchContext, person: Person) -> int:
    """Counts the unsettled messages of a person to the team from all connected addresses, with those of this batch."""
    lookups = {person.lookup, *(it.lookup for it in addresses_of_contacts(batch.connection, [person.contact_id]))}
    stored = messages.dead_letters_of(batch.connection, sorted(lookups))
    new = batch.rows_of(messages.insert_dead_letters)
    return sum(it.reason == TO_PEOPLE and it.settled_at is None for it in stored) + sum(
        it.reason == TO_PEOPLE and it.lookup in lookups for it in new
    )
