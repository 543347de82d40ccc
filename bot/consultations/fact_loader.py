"""Loads the facts a batch needs, one query per kind."""

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
    """A contact that needs facts, with its consultation and the batch, whose changes are not stored yet."""

    person: Person
    published: PublishedFlow
    pseudonym: str
    batch: BatchContext

    def answers(self) -> Mapping[str, Value]:
        """Returns the answers so far; none for a session that is just starting."""
        return self.person.participation.session.answers if self.person.participation else {}


FactSource = Callable[[Connection, Sequence[tuple[FactRequest, Any]]], Sequence[Any]]
"""Returns the facts for queries of one kind, in their order."""


class FactLoader:
    """Loads facts from the sources that `bot.app` registers per kind of query."""

    def __init__(self, finders: Mapping[type[FactQuery[Any]], FactSource]) -> None:
        self._finders = finders

    def load(self, connection: Connection, lacking: Sequence[tuple[FactRequest, Sequence[FactQuery[Any]]]]) -> None:
        """Loads the missing facts of these contacts and adds them to their known ones. Raises KeyError for an
        unregistered kind.
        """
        by_kind: dict[type[FactQuery[Any]], list[tuple[FactRequest, FactQuery[Any]]]] = {}
        for request, needs in lacking:
            for need in needs:
                by_kind.setdefault(type(need), []).append((request, need))
        for kind, asked in by_kind.items():
            for (request, need), fact in zip(asked, self._finders[kind](connection, asked), strict=True):
                request.person.facts = request.person.facts.with_facts({need: fact})
