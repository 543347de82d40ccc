"""Compiled revisions: as many as fit, each compiled once at a time, on whatever thread needs it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

KEPT_BYTES: Final = 64_000_000
"""Memory for compiled revisions. Two score of the largest samples fit, or three hundred small ones."""
BYTES_PER_CHARACTER: Final = 70
"""So much more a compiled revision takes than its content: 38 to 70 times as much, measured with the samples."""


class FlowCache(Generic[T]):
    """Keeps what was used last. May be used by several threads at once.

    >>> cache = FlowCache[str](kept_bytes=2 * BYTES_PER_CHARACTER)
    >>> [cache.get_or_compile(number, 1, lambda: f"flow {number}") for number in (1, 2, 3)]
    ['flow 1', 'flow 2', 'flow 3']
    >>> cache.get(1), cache.get(3)
    (None, 'flow 3')
    """

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept_bytes = kept_bytes
        self._held_bytes = 0
        self._kept: OrderedDict[int, tuple[T, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._compiling: dict[int, threading.Lock] = {}

    def get(self, revision_id: int) -> T | None:
        """A compiled revision; None where it has to be compiled (again)."""
        with self._lock:
            found = self._kept.get(revision_id)
            if found is None:
                return None
            self._kept.move_to_end(revision_id)
            return found[0]

    def get_or_compile(self, revision_id: int, length: int, compile_: Callable[[], T]) -> T:
        """The same, compiled here if need be; `length` is that of its content. Whoever needs the same one meanwhile
        waits for it. Raises what `compile_` raises.
        """
        with self._lock:
            turn = self._compiling.setdefault(revision_id, threading.Lock())
        with turn:
            try:
                found = self.get(revision_id)
                if found is None:
                    found = compile_()
                    self._keep(revision_id, found, length * BYTES_PER_CHARACTER)
            finally:
                with self._lock:
                    self._compiling.pop(revision_id, None)
        return found

    def _keep(self, revision_id: int, compiled: T, size: int) -> None:
        with self._lock:
            self._kept[revision_id] = compiled, size
            self._held_bytes += size
            while self._held_bytes > self._kept_bytes and len(self._kept) > 1:
                _, (_, freed) = self._kept.popitem(last=False)
                self._held_bytes -= freed
