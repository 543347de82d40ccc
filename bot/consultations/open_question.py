"""Repeats the open question after the answer to a side question that needed the store."""

from __future__ import annotations

from bot.consultations.batch_context import BatchContext
from bot.consultations.participant import Person
from flows.dialogue.messages_text import open_message


def repeat_open_question(batch: BatchContext, person: Person) -> None:
    """Sends the open question of the contact once more, so that it can be answered at once; nothing outside of
    consultations."""
    place = person.participation
    if place is not None and place.session.status == "waiting":
        batch.say(person, open_message(place.published.flow, place.session))
