"""Cache of the results of a function, for arguments that repeat often, such as the cells of a column."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Final, Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")
MOST: Final = 1_000
LONGEST: Final = 64
"""Longer texts are free texts, which hardly repeat."""


class ResultCache(dict[KeyT, ValueT], Generic[KeyT, ValueT]):
    """Results of `make` by its argument, a text or a tuple starting with one. Skips long texts; cleared when full.

    >>> length = ResultCache(len)
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
        """Returns the results of several arguments."""
        return [self[key] for key in keys]
