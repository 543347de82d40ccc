"""Cache of compiled revisions, limited by memory; each is compiled by one thread at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

KEPT_BYTES: Final = 64_000_000
"""Memory for compiled revisions: about forty of the largest samples, or three hundred small ones."""
BYTES_PER_CHARACTER: Final = 70
"""Memory of a compiled revision per character of its content; measured with the samples: 38 to 70."""


class FlowCache(Generic[T]):
    """Least-recently-used cache; the caller chooses the key of a revision. Thread-safe.

    >>> cache = FlowCache[str](kept_bytes=2 * BYTES_PER_CHARACTER)
    >>> [cache.get_or_compile(number, 1, lambda: f"flow {number}") for number in (1, 2, 3)]
    ['flow 1', 'flow 2', 'flow 3']
    >>> cache.get(1), cache.get(3)
    (None, 'flow 3')
    """

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept_bytes = kept_bytes
        self._held_bytes = 0
        self._kept: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._compiling: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable) -> T | None:
        """Returns a compiled revision; None if it is not cached."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def get_or_compile(self, key: Hashable, length: int, compile_: Callable[[], T]) -> T:
        """Returns a compiled revision, compiling it if needed; `length` is that of its content. Other threads wait for
        a compilation in progress. Raises the errors of `compile_`.
        """
        with self._lock:
            turn = self._compiling.setdefault(key, threading.Lock())
        with turn:
            try:
                found = self.get(key)
                if found is None:
                    found = compile_()
                    self._keep(key, found, length * BYTES_PER_CHARACTER)
            finally:
                with self._lock:
                    self._compiling.pop(key, None)
        return found

    def _keep(self, key: Hashable, compiled: T, size: int) -> None:
        with self._lock:
            self._kept[key] = compiled, size
            self._held_bytes += size
            while self._held_bytes > self._kept_bytes and len(self._kept) > 1:
                _, (_, freed) = self._kept.popitem(last=False)
                self._held_bytes -= freed
