"""Persistent state of the channel: sync position, direct rooms, and events that could not be decrypted yet.

A small SQLite file beside the keys. All writes of one sync step are one transaction.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

FILE: Final = "channel.sqlite3"
MOST_TITLES: Final = 20_000
MOST_SEALED: Final = 1000
MOST_SEALED_EACH: Final = 20
"""The maximum number per sender, who is informed after the first; the limit keeps a sender from slowing down every
sync.
"""
_TABLES: Final = """
create table if not exists marks (name text primary key, value text not null) without rowid;
create table if not exists doors (room text primary key, predecessor text not null, is_open integer not null);
create table if not exists rooms (person text primary key, room text not null) without rowid;
create index if not exists rooms_by_room on rooms (room);
create table if not exists places (address text primary key, question text not null, thread text not null)
  without rowid;
create table if not exists asked (address text primary key, event text not null) without rowid;
create table if not exists sealed (event text primary key, room text not null, address text not null,
  source text not null, since real not null, is_told integer not null default 0);
create index if not exists sealed_by_address on sealed (address);
"""


class PendingRoom(NamedTuple):
    """A room to be joined. Not `is_open`: it replaces another room, and an invitation is still missing."""

    room: str
    predecessor: str = ""
    is_open: bool = True


class QuestionThread(NamedTuple):
    """The position in a conversation: the event of the latest question with numbered answers, and its thread."""

    question: str = ""
    thread: str = ""


class UndecryptedEvent(NamedTuple):
    """An event whose key has not arrived. `since`: seconds of the epoch."""

    event: str
    room: str
    address: str
    source: dict[str, Any]
    since: float
    is_told: bool


class MatrixState:
    """Reads and writes the state file. Raises sqlite3.Error and OSError."""

    def __init__(self, folder: Path) -> None:
        file = folder / FILE
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
        self._file = file
        self._titles: OrderedDict[str, str] = OrderedDict()
        """Titles of questions by event id. In memory only: on disk, beside an address, they would reveal
        participation."""
        self._open: sqlite3.Connection | None = None

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            self._open = sqlite3.connect(self._file, isolation_level=None)
            # No write-ahead log: deleted data would remain in it for a while.
            self._open.executescript(f"pragma synchronous = full; pragma secure_delete = on; {_TABLES}")
        return self._open

    def close(self) -> None:
        """Closes the file; the next use opens it again."""
        if self._open is not None:
            self._open.close()
            self._open = None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Runs the writes of the block in one transaction."""
        self._connection.execute("begin immediate")
        try:
            yield
            self._connection.execute("commit")
        except BaseException:
            if self._connection.in_transaction:  # on some errors, such as a full disk, SQLite has rolled back itself
                self._connection.execute("rollback")
            raise

    def mark(self, name: str) -> str:
        found = self._one("select value from marks where name = ?", name)
        return str(found[0]) if found else ""

    def set_mark(self, name: str, value: str) -> None:
        self._do("insert into marks values (?, ?) on conflict (name) do update set value = excluded.value", name, value)

    def rooms_to_join(self) -> list[PendingRoom]:
        """Returns the rooms that may be joined now."""
        rows = self._connection.execute("select room, predecessor from doors where is_open order by rowid")
        return [PendingRoom(room, predecessor) for room, predecessor in rows]

    def add_invitation(self, room: str) -> None:
        """Stores an invitation to a room."""
        self._do("insert into doors values (?, '', 1) on conflict (room) do update set is_open = 1", room)

    def add_replacement(self, room: str, predecessor: str) -> None:
        """Stores the replacement of a room."""
        self._do("insert into doors values (?, ?, 1) on conflict (room) do nothing", room, predecessor)

    def await_invitation(self, room: str) -> None:
        self._do("update doors set is_open = 0 where room = ?", room)

    def is_awaited(self, room: str) -> bool:
        """Whether the room replaces one in which the bot is a member."""
        return self._one("select 1 from doors where room = ? and predecessor <> ''", room) is not None

    def is_moving(self, room: str) -> bool:
        """Whether the room has a replacement that the bot has not joined yet."""
        return self._one("select 1 from doors where predecessor = ?", room) is not None

    def mark_joined(self, room: str) -> None:
        """Removes a joined room from the pending ones; contacts of its predecessor move to it."""
        found = self._one("delete from doors where room = ? returning predecessor", room)
        if found and found[0]:
            self._do("update rooms set room = ? where room = ?", room, found[0])

    def drop_pending_room(self, room: str) -> None:
        self._do("delete from doors where room = ?", room)

    def room_of(self, person: str) -> str:
        """Returns the direct room in which a user wrote last; "" if there is none."""
        found = self._one("select room from rooms where person = ?", person)
        return str(found[0]) if found else ""

    def set_direct_room(self, person: str, room: str) -> None:
        self._do(
            "insert into rooms values (?, ?) on conflict (person) do update set room = excluded.room", person, room
        )

    def forget_room(self, room: str) -> None:
        """Deletes all state of a room that the bot has left, including that of its contacts."""
        for (person,) in self._connection.execute("select person from rooms where room = ?", (room,)).fetchall():
            self._do("delete from places where address = ?", person)
            self._do("delete from asked where address = ?", person)
        self._do("delete from rooms where room = ?", room)
        self._do("delete from places where address >= ? and address < ?", f"{room} ", f"{room}!")
        self._do("delete from sealed where room = ?", room)

    def forget_person(self, address: str) -> None:
        """Deletes all state of a contact."""
        self._do("delete from rooms where person = ?", address)
        self._do("delete from asked where address = ?", address)
        self._do("delete from places where address = ?", address)
        self._do("delete from sealed where address = ?", address)

    def position(self, address: str) -> QuestionThread:
        found = self._one("select question, thread from places where address = ?", address)
        return QuestionThread(*found) if found else QuestionThread()

    def set_position(self, address: str, place: QuestionThread) -> None:
        if self.position(address) == place:
            return
        self._do("delete from places where address = ?", address)
        if place != QuestionThread():
            self._do("insert into places values (?, ?, ?)", address, *place)

    def note_asked(self, address: str, event: str, title: str) -> None:
        """Stores the event of the latest question."""
        self._do(
            "insert into asked values (?, ?) on conflict (address) do update set event = excluded.event", address, event
        )
        self._titles[event] = title
        if len(self._titles) > MOST_TITLES:
            self._titles.popitem(last=False)

    def replied_to(self, address: str, event: str) -> str:
        """Returns the title of the question that is replied to; "" for the latest question, "…" if it is unknown."""
        found = self._one("select event from asked where address = ?", address)
        return "" if found and found[0] == event else self._titles.get(event, "…")

    def undecrypted(self) -> list[UndecryptedEvent]:
        """Returns events without a key, oldest first."""
        rows = self._connection.execute("select * from sealed order by since, rowid").fetchall()
        return [
            UndecryptedEvent(event, room, address=who, source=json.loads(text), since=since, is_told=bool(told))
            for event, room, who, text, since, told in rows
        ]

    def keep_undecrypted(self, sealed: UndecryptedEvent) -> None:
        """Stores an event until its key arrives; drops the oldest events above the limits."""
        row = (sealed.event, sealed.room, sealed.address, json.dumps(sealed.source), sealed.since, sealed.is_told)
        self._do("insert into sealed values (?, ?, ?, ?, ?, ?) on conflict (event) do nothing", *row)
        rest = "select rowid from sealed {} order by rowid desc limit -1 offset ?"
        of_one, of_all = rest.format("where address = ?"), rest.format("")
        self._do(f"delete from sealed where rowid in ({of_one})", sealed.address, MOST_SEALED_EACH)  # noqa: S608 - constants of this module
        self._do(f"delete from sealed where rowid in ({of_all})", MOST_SEALED)  # noqa: S608 - as above

    def has_untold(self) -> bool:
        """Whether a sender has undecrypted messages and was not informed yet."""
        return self._one("select 1 from sealed group by address having not max(is_told) limit 1") is not None

    def mark_told(self, address: str) -> None:
        """Marks the messages of a sender as reported to them."""
        self._do("update sealed set is_told = 1 where address = ?", address)

    def drop_undecrypted(self, event: str) -> None:
        self._do("delete from sealed where event = ?", event)

    def drop_told(self, address: str) -> None:
        """Drops reported messages of a sender who has written again."""
        self._do("delete from sealed where address = ? and is_told", address)

    def drop_older_than(self, moment: float) -> None:
        self._do("delete from sealed where since < ?", moment)

    def _one(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        found: tuple[Any, ...] | None = self._connection.execute(sql, values).fetchone()
        return found

    def _do(self, sql: str, *values: object) -> None:
        self._connection.execute(sql, values)
