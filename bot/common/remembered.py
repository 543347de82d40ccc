"""Results of a function, looked up by its argument: for what is asked for again and again, as cells of a column are."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Final, Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")
MOST: Final = 1_000
LONGEST: Final = 64
"""Longer texts are words of people: each comes once."""


class ResultCache(dict[KeyT, ValueT], Generic[KeyT, ValueT]):
    """The results of `make` by its argument, which is a text or begins with one. Keeps none of a long text, and forgets
    all when there are many.

    >>> length = Remembered(len)
    >>> length["tree"], length.of(["a", "tree"])
    (4, [1, 4])
    """

    def __init__(self, make: Callable[[KeyT], ValueT]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: KeyT) -> ValueT:
        found = self._make(key)
        text = key[0] if isinstance(key, tuple) else key
        if isinstance(text, str) and len(text) > LONGEST:
            return found
        if len(self) >= MOST:
            self.clear()
        self[key] = found
        return found

    def of(self, keys: Iterable[KeyT]) -> list[ValueT]:
        """The results of several arguments."""
        return [self[key] for key in keys]
