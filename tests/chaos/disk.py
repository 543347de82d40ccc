"""A disk that loses its power: a recorded journal of writes and syncs is played up to a moment, and cut there.

The model is as unkind as POSIX allows, save that the sync of a new file also keeps its name, as every Linux file system
in use does. Unsynced writes may have arrived in part: each sector holds any of the versions it had since the last sync,
in any order of writing; sizes and names (created, removed, renamed) lag behind in their own order. A sector of 512
bytes is written wholly or not at all.
"""

from __future__ import annotations

import random
import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

_HEAD: Final = struct.Struct("<ccHIIIQ")
MODES: Final = ("dropped", "prefix", "torn 512", "torn 4096")
"""What became of unsynced writes: none of them, the first ones, each sector by itself, each page by itself."""


class Entry(NamedTuple):
    """One entry of the journal, see `shims/recorder.c`. `at` is where it ends in the journal."""

    at: int
    what: str
    thread: int
    path: str
    offset: int
    content: bytes


def entries(journal: bytes) -> Iterator[Entry]:
    """All whole entries."""
    place = 0
    while place + _HEAD.size <= len(journal):
        mark, what, path_size, thread, size, _, offset = _HEAD.unpack_from(journal, place)
        assert mark == b"R", f"the journal is broken at {place}"
        start = place + _HEAD.size
        path = journal[start : start + path_size].decode("utf-8", "surrogateescape")
        has_content = what in b"wrl"
        end = start + path_size + (size if has_content else 0)
        if end > len(journal):
            return
        yield Entry(end, what.decode(), thread, path, offset, journal[start + path_size : end])
        place = end


class _Change(NamedTuple):
    """An unsynced change of one file: bytes at a place, or a new size (`content` is None)."""

    number: int
    offset: int
    content: bytes | None
    only_grows: bool = False


@dataclass(eq=False)
class _File:
    kept: bytearray = field(default_factory=bytearray)
    """What is on the disk for good."""
    pending: list[_Change] = field(default_factory=list)


class _Naming(NamedTuple):
    """An unsynced change of a folder: this name leads to that file from now on (None: to none)."""

    number: int
    names: tuple[tuple[str, _File | None], ...]


class Disk:
    """The files below one folder, as the processes see them and as a power cut would leave them."""

    def __init__(self, base: Path, below: str) -> None:
        """`base` holds the files as they were when the recording began; `below` is where they lay then."""
        self._base, self._below = base, below
        self._now: dict[str, _File] = {}
        self._kept: dict[str, _File | None] = {}
        self._namings: dict[str, list[_Naming]] = defaultdict(list)
        self._syncs: dict[int, int] = {}
        self._number = 0

    def play(self, entry: Entry, *, ignoring_syncs: bool = False) -> None:
        """The next entry. With `ignoring_syncs` no sync is believed, as with synchronous=OFF or fsync=off."""
        self._number += 1
        path = entry.path
        if entry.what in "wtg":
            content = entry.content if entry.what == "w" else None
            self._file(path).pending.append(_Change(self._number, entry.offset, content, entry.what == "g"))
        elif entry.what == "c":
            self._name((path, _File()))
        elif entry.what == "u":
            self._name((path, None))
        elif entry.what in "rl":
            old = entry.content.decode("utf-8", "surrogateescape")
            self._name((path, self._file(old)), *([(old, None)] if entry.what == "r" else []))
        elif entry.what == "b":
            self._syncs[entry.thread] = self._number
        elif entry.what == "s" and not ignoring_syncs:
            self._sync(path, self._syncs.pop(entry.thread, 0))

    def _file(self, path: str) -> _File:
        if path not in self._now:
            there = self._base / path.removeprefix(self._below).lstrip("/")
            file = _File(bytearray(there.read_bytes()) if there.is_file() else bytearray())
            self._now[path] = self._kept[path] = file
        return self._now[path]

    def _name(self, *names: tuple[str, _File | None]) -> None:
        for path, file in names:
            if path not in self._now:
                self._file(path)  # what lay there before is known from now on
            if file is None:
                self._now.pop(path, None)
            else:
                self._now[path] = file
        self._namings[names[0][0].rpartition("/")[0]].append(_Naming(self._number, names))

    def _sync(self, path: str, before: int) -> None:
        if path in self._now:
            file = self._now[path]
            _arrive(file.kept, [it for it in file.pending if it.number < before])
            file.pending = [it for it in file.pending if it.number >= before]
            self._keep_names(path.rpartition("/")[0], before, of=file)
        if path in self._namings:
            self._keep_names(path, before)

    def _keep_names(self, folder: str, before: int, of: _File | None = None) -> None:
        """Names of a folder are there for good: all, or that of a new file."""
        left = []
        for naming in self._namings[folder]:
            is_new = of is None or (len(naming.names) == 1 and naming.names[0][1] is of)
            if naming.number < before and is_new:
                self._kept.update(naming.names)
            else:
                left.append(naming)
        self._namings[folder] = left

    def cut(self, mode: str, chance: random.Random) -> dict[str, bytes | None]:
        """What a power cut at this moment leaves, by path below the folder; None: no such file. Files of which nothing
        was recorded are not among them.
        """
        names = dict(self._kept)
        for namings in self._namings.values():
            arrived = 0 if mode == "dropped" else chance.randint(0, len(namings))
            for naming in namings[:arrived]:
                names.update(naming.names)
        found: dict[str, bytes | None] = {}
        for path, file in names.items():
            found[path.removeprefix(self._below).lstrip("/")] = bytes(_cut(file, mode, chance)) if file else None
        return found


def _arrive(kept: bytearray, changes: list[_Change]) -> None:
    for change in changes:
        if change.content is not None:
            end = change.offset + len(change.content)
            if len(kept) < change.offset:
                kept.extend(bytes(change.offset - len(kept)))
            kept[change.offset : end] = change.content
        else:
            _resize(kept, change)


def _resize(kept: bytearray, change: _Change) -> None:
    if len(kept) < change.offset:
        kept.extend(bytes(change.offset - len(kept)))
    elif not change.only_grows:
        del kept[change.offset :]


def _cut(file: _File, mode: str, chance: random.Random) -> bytearray:
    """A file after the cut."""
    kept = bytearray(file.kept)
    if not file.pending or mode == "dropped":
        return kept
    arrived = chance.randint(0, len(file.pending))
    if mode == "prefix":
        _arrive(kept, file.pending[:arrived])
        return kept
    sector = int(mode.rpartition(" ")[2])
    versions: dict[int, int] = {}
    for number, change in enumerate(file.pending):
        if change.content is None:
            if number < arrived:
                _resize(kept, change)
            continue
        for place in range(change.offset - change.offset % sector, change.offset + len(change.content), sector):
            if place not in versions:
                versions[place] = chance.randint(0, len(file.pending))
            if number < versions[place]:
                start, end = max(place, change.offset), min(place + sector, change.offset + len(change.content))
                part = change.content[start - change.offset : end - change.offset]
                _arrive(kept, [_Change(0, start, part)])
    return kept
