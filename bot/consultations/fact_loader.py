"""What turns must know from the store, found out for all people of a batch at once: one query per kind of need."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from bot.consultations.batch_context import BatchContext
from bot.consultations.catalogue import PublishedFlow
from bot.consultations.participant import Person
from flows.facts import FactQuery
from flows.values import Value


class FactRequest(NamedTuple):
    """Who needs to know something, where they stand, and what the batch has caused so far, which is not stored yet."""

    person: Person
    published: PublishedFlow
    pseudonym: str
    batch: BatchContext

    def answers(self) -> Mapping[str, Value]:
        """What the person has answered so far; nothing where they are only coming in."""
        return self.person.participation.session.answers if self.person.participation else {}


FactSource = Callable[[Connection, Sequence[tuple[FactRequest, Any]]], Sequence[Any]]
"""Gives the facts for needs of one kind, in their order."""


class FactLoader:
    """Finds facts. Which kinds of need there are, and who finds them out, is given by `bot.app`."""

    def __init__(self, finders: Mapping[type[FactQuery[Any]], FactSource]) -> None:
        self._finders = finders

    def load(self, connection: Connection, lacking: Sequence[tuple[FactRequest, Sequence[FactQuery[Any]]]]) -> None:
        """Finds out what these people lack and adds it to what they know. KeyError for a kind nobody finds out."""
        by_kind: dict[type[FactQuery[Any]], list[tuple[FactRequest, FactQuery[Any]]]] = {}
        for request, needs in lacking:
            for need in needs:
                by_kind.setdefault(type(need), []).append((request, need))
        for kind, asked in by_kind.items():
            for (request, need), fact in zip(asked, self._finders[kind](connection, asked), strict=True):
                request.person.facts = request.person.facts.with_facts({need: fact})
