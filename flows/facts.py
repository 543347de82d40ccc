"""What a question must know from the store: asked for as a need, given as a fact, so that the engine itself stays pure.

A question that is asked or answered looks its needs up in what is `Facts`. Where one is not there yet, the turn ends
with `MissingFacts` and has caused nothing; whoever runs the engine finds out for all people of a batch at once and lets
those take their turn again, now knowing it. Questions that need nothing pay nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class FactQuery(ABC, Generic[T]):
    """One thing to know, of type T. Subclasses are frozen dataclasses: the kind is the class, the fields say which."""

    @property
    @abstractmethod
    def default(self) -> T:
        """The fact where nobody looks anything up: on paper, in a rehearsal."""


class MissingFacts(Exception):
    """A turn needs to know this first."""

    def __init__(self, *needs: FactQuery[Any]) -> None:
        super().__init__(*(type(need).__name__ for need in needs))
        self.queries = needs


class Facts:
    """The facts known for one person's turn."""

    __slots__ = ("_facts", "dropped")

    def __init__(
        self, facts: Mapping[FactQuery[Any], Any] | None = None, dropped: frozenset[str] = frozenset()
    ) -> None:
        self._facts = facts or {}
        self.dropped = dropped
        """Questions whose answers go in this very turn, with all that came with them."""

    def get(self, need: FactQuery[T]) -> T:
        """The fact. Raises Lacking where it is not known yet."""
        try:
            return self._facts[need]  # type: ignore[no-any-return]  # a need's type says what its fact is
        except KeyError:
            raise MissingFacts(need) from None

    def require(self, *needs: FactQuery[Any]) -> None:
        """Raises Lacking with all of these that are not known yet, so that they are found out together."""
        if lacking := [need for need in needs if need not in self._facts]:
            raise MissingFacts(*lacking)

    def with_facts(self, facts: Mapping[FactQuery[Any], Any]) -> Facts:
        return Facts({**self._facts, **facts}, self.dropped)

    def with_dropped(self, keys: frozenset[str]) -> Facts:
        """The same facts in a turn in which the answers to these questions go."""
        return Facts(self._facts, keys) if keys else self


class DefaultFacts(Facts):
    """Nobody looks anything up: every need is answered with its `nothing`."""

    __slots__ = ()

    def get(self, need: FactQuery[T]) -> T:
        return need.default

    def require(self, *needs: FactQuery[Any]) -> None:
        """All is said to be known."""

    def with_dropped(self, keys: frozenset[str]) -> Facts:
        return self


NO_FACTS = Facts()
DEFAULT_FACTS = DefaultFacts()
