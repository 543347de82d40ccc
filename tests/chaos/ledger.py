"""What was acknowledged, written down beside the service, and compared with what is stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sqlalchemy import text

from storage.core.store import Store

PREFIX: Final = "Wunsch "


class Verdict(NamedTuple):
    """`lost`: acknowledged and not there, or older than acknowledged. `doubled`: stored more often than sent.
    `back`: words of people who were told that everything is deleted.
    """

    acknowledged: int
    erased: int
    lost: list[str]
    doubled: list[str]
    back: list[str]

    @property
    def wrong(self) -> list[str]:
        kinds = {"lost": self.lost, "doubled": self.doubled, "deleted, and there": self.back}
        return [f"{len(found)} {kind} ({found[0]})" for kind, found in kinds.items() if found]


@dataclass
class Person:
    """One participation: the same question is answered again and again, each time in new words."""

    name: str
    sent: int = 0
    acknowledged: int = 0
    is_unread: bool = False
    """The bot's reply to the last answer was not read yet: it may say that it took the answer for a greeting."""
    asked_to_erase: bool = False
    erased: bool = False

    def words(self, number: int) -> str:
        """The answer with this number, from 1."""
        return f"{PREFIX}{self.name} {number}."


@dataclass
class Ledger:
    """All people of a run."""

    people: dict[str, Person] = field(default_factory=dict)

    def person(self, name: str) -> Person:
        return self.people.setdefault(name, Person(name))

    @property
    def acknowledged(self) -> int:
        return sum(person.acknowledged for person in self.people.values())

    def verdict(self, stored: Mapping[str, list[tuple[int, int]]], *, is_over: bool = True) -> Verdict:
        """`stored`: per person the number of the answer that stands there, and its version (how often it changed).

        Before the end a last answer is left out whose reply was not read yet.
        """
        verdict = Verdict(self.acknowledged, sum(it.erased for it in self.people.values()), [], [], [])
        for person in self.people.values():
            found = stored.get(person.name, [])
            if person.erased and found:
                verdict.back.append(person.name)
            if person.asked_to_erase or person.erased:
                continue
            number, version = max(found, default=(0, 0))
            if number < person.acknowledged - (person.is_unread and not is_over):
                verdict.lost.append(f"{person.name} {person.acknowledged}: {number or 'nothing'}")
            elif version != number:
                (verdict.doubled if version > number else verdict.lost).append(
                    f"{person.name} {number}: version {version}"
                )
            if len(found) > 1:
                verdict.doubled.append(f"{person.name}: {len(found)} rows")
        return verdict


def place(words: str) -> tuple[str, int]:
    """Person and number of an answer."""
    _, name, number = words.rstrip(".").split()
    return name, int(number)


def stored(url: str) -> dict[str, list[tuple[int, int]]]:
    """What a database holds, as `Ledger.verdict` takes it."""
    store = Store(url, busy_seconds=20)
    with store.reading() as connection:
        rows = connection.execute(
            text("SELECT value, version FROM answers WHERE question_key = 'wish' AND value IS NOT NULL")
        ).fetchall()
    store.dispose()
    return by_person(rows)


def by_person(rows: object) -> dict[str, list[tuple[int, int]]]:
    """Rows of value (JSON) and version; what strangers said is passed over."""
    found: dict[str, list[tuple[int, int]]] = {}
    for value, version in rows:  # type: ignore[attr-defined]
        if not str(words := json.loads(value)).startswith(PREFIX):
            continue
        name, number = place(words)
        found.setdefault(name, []).append((number, version))
    return found
