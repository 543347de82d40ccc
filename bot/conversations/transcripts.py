"""Writes chats as transcripts that people can read and tests can replay.

    # a resident who types a number
    > 2
    < In which district? …
    = answer district: "mitte"

`>` marks the resident, `<` the bot and `=` newly stored data; continuation lines begin with the same sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection

from adapters.numbered import numbered_text
from bot.common.keys import Keys
from bot.consultations.catalogue import Catalogue
from bot.consultations.pseudonyms import pseudonyms_of
from flows.messages import MsgOut
from storage.tables import answers
from storage.tables.answers import answers_of_people
from storage.tables.contacts import find_addresses
from storage.tables.revisions import list_live_revision_heads
from storage.tables.sessions import sessions_of_people

_RECEIPT: Final = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}\b")


class StoredFacts(NamedTuple):
    """Stored data about the contact of one address, by name."""

    facts: dict[str, str]

    def news(self, before: StoredFacts) -> Iterator[str]:
        """Yields one line per new fact; "erased" if none are left."""
        if before.facts and not self.facts:
            yield "erased"
        for name, value in self.facts.items():
            if before.facts.get(name) != value:
                yield f"{name}: {value}"


NOTHING: Final = StoredFacts({})


def load_stored_facts(
    connection: Connection, keys: Keys, catalogue: Catalogue, channel: str, address: str
) -> StoredFacts:
    """Loads the stored data about the contact of an address."""
    lookup = keys.lookup(channel, address)
    known = find_addresses(connection, [lookup]).get(lookup)
    if known is None or known.contact_id is None:
        return NOTHING
    named = {"language": known.language, "stopped": "yes" if known.stopped_at else ""}
    facts = {name: fact for name, fact in named.items() if fact}
    names = pseudonyms_of(connection, known.contact_id, keys)
    sessions = sorted(_statuses(connection, names))
    facts |= _answers(connection, names)
    return StoredFacts(facts | {f"session {slug}": status for slug, status in sessions})


def _answers(connection: Connection, names: Sequence[str]) -> dict[str, str]:
    """Returns the consents, then the answers."""
    facts: dict[str, str] = {}
    for consent in answers.consents_of(connection, names):
        facts[f"consent {consent.question_key}"] = "given" if consent.given else "not given"
    for answer in answers_of_people(connection, names):
        facts[f"answer {answer.question_key}"] = answer.value or f"({answer.missing})"
    return facts


def _statuses(connection: Connection, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yields the slug and the status of each session."""
    every = list_live_revision_heads(connection, ("open", "closed", "archived"), trials=True)
    slugs = {row.consultation_id: row.slug for row in every}
    for row in sessions_of_people(connection, names).values():
        yield slugs[row.consultation_id], row.status


def resident_line(text: str) -> str:
    """Formats a message of the resident."""
    return _marked(">", text)


def bot_line(msg: MsgOut) -> str:
    """Formats a message of the bot; masks receipts, which are random."""
    return _marked("<", _RECEIPT.sub("XXXXX-XXXXX", numbered_text(msg)))


def stored_line(news: str) -> str:
    """Formats a new fact."""
    return _marked("=", news)


def _marked(sign: str, text: str) -> str:
    return "".join(f"{sign} {line}".rstrip() + "\n" for line in text.split("\n"))
