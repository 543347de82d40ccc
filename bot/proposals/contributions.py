"""What a person has brought in: own proposals, where they stand, and how many of others were rated."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from bot.proposals.pool import words_of
from bot.proposals.standing import find
from flows.voice import Voice
from storage import proposals, ratings


def in_words(connection: Connection, pseudonyms: Sequence[str], voice: Voice) -> list[str]:
    """A line for each proposal of these people and one for the ratings; nothing where there are none."""
    own = proposals.of_people(connection, pseudonyms)
    standings = find(connection, [row.id for row in own])
    lines = []
    for row in own:
        state = "withdrawn" if row.withdrawn_at else standings[row.id].state
        shown = voice.say(f"proposal.state.{state}")
        lines.append(voice.say("mydata.proposal", code=row.code, state=shown, text=words_of(row)))
    rated = len(ratings.of_people(connection, pseudonyms))
    if rated:
        lines.append(voice.say("mydata.ratings", count=rated))
    return ["", *lines] if lines else []
