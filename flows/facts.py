"""Stored data that questions need: questions state fact queries, the caller loads the facts, and the engine stays pure.

A question looks its queries up in `Facts`. If a fact is missing, the turn raises `MissingFacts` and has no effect; the
caller loads the missing facts of the whole batch and runs those turns again. Questions without queries cost nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class FactQuery(ABC, Generic[T]):
    """A query for one fact of type T. Subclasses are frozen dataclasses; the fields are the parameters."""

    @property
    @abstractmethod
    def default(self) -> T:
        """The fact to use where nothing is loaded: on paper and in simulated conversations."""


class MissingFacts(Exception):
    """A turn needs these facts first."""

    def __init__(self, *queries: FactQuery[Any]) -> None:
        super().__init__(*(type(query).__name__ for query in queries))
        self.queries = queries


class Facts:
    """The facts loaded for one turn."""

    __slots__ = ("_facts", "dropped")

    def __init__(
        self, facts: Mapping[FactQuery[Any], Any] | None = None, dropped: frozenset[str] = frozenset()
    ) -> None:
        self._facts = facts or {}
        self.dropped = dropped
        """Questions whose answers are dropped in this turn, with everything attached to them."""

    def get(self, query: FactQuery[T]) -> T:
        """Returns the fact. Raises MissingFacts if it is not loaded."""
        try:
            return self._facts[query]  # type: ignore[no-any-return]  # the query is generic in the type of its fact
        except KeyError:
            raise MissingFacts(query) from None

    def require(self, *queries: FactQuery[Any]) -> None:
        """Raises MissingFacts with all of these queries that are not loaded, so that they are loaded together."""
        if missing := [query for query in queries if query not in self._facts]:
            raise MissingFacts(*missing)

    def with_facts(self, facts: Mapping[FactQuery[Any], Any]) -> Facts:
        return Facts({**self._facts, **facts}, self.dropped)

    def with_dropped(self, keys: frozenset[str]) -> Facts:
        """Returns the same facts for a turn in which the answers to these questions are dropped."""
        return Facts(self._facts, keys) if keys else self


class DefaultFacts(Facts):
    """Facts without a store: every query returns its `default`."""

    __slots__ = ()

    def get(self, query: FactQuery[T]) -> T:
        return query.default

    def require(self, *queries: FactQuery[Any]) -> None:
        """Never raises: every query has a default."""

    def with_dropped(self, keys: frozenset[str]) -> Facts:
        return self


NO_FACTS = Facts()
DEFAULT_FACTS = DefaultFacts()
