"""Residents who answer as fast as they are answered, and what is counted of that. Standard library only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

FIRST_CHAT = 10_000
"""The chat of person 0; every participation is one of a new person."""
PATIENCE = 240.0
"""Seconds after which a bot counts as stuck: on a busy machine its libraries alone take half a minute to import."""
SLUG = "bench"

Say = Callable[[int, str], None]
"""Writes a text in a chat."""
Cpu = Callable[[], Awaitable[float]]
"""Seconds of processor time that the bot's process has used."""


class Turn(NamedTuple):
    """What a person writes, and how many messages come back."""

    text: str
    replies: int = 1


class Person(NamedTuple):
    """What a person answers: as it is written, and as it must be stored, by question."""

    trees: str
    places: str
    safety: str
    minutes: str
    wish: str
    again: str
    stored: dict[str, Any]


def person(number: int) -> Person:
    """The answers of a person; `wish` names the person, so that rows can be compared with the answers."""
    tree, place, again = number % 3, number % 4, number % 2
    safety, minutes, wish = number % 5 + 1, number % 121, f"Mehr Bäume vor Haus {number}"
    stored = {
        "trees": ("yes", "no", "maybe")[tree],
        "places": ["park", "square", "school", "street", "yard"][place : place + 2],
        "safety": safety,
        "minutes": minutes,
        "wish": wish,
        "again": ("yes", "no")[again],
    }
    places = f"{place + 1}, {place + 2}"
    return Person(str(tree + 1), places, str(safety), str(minutes), wish, ("Ja", "Nein")[again], stored)


def turns(number: int, *, is_ours: bool) -> list[Turn]:
    """A whole participation. Ours greets with a message more, and asks whether to submit."""
    said = person(number)
    middle = [said.trees, said.places, "fertig", said.safety, said.minutes, said.wish, said.again]
    start = Turn(f"/start {SLUG}", 2 if is_ours else 1)
    return [start, *map(Turn, middle), *([Turn("absenden")] if is_ours else [])]


class Measured(NamedTuple):
    """One run. Latency is from writing a message until the last reply to it, which is sent after the commit."""

    turns_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    """Processor time of the bot's process for each turn; in memory the residents are part of it, in every bot alike."""
    people: int
    """This number of participations were finished, those before and after the measured time included."""


class _Under:
    """A participation under way."""

    def __init__(self, number: int, *, is_ours: bool) -> None:
        self.turns = iter(turns(number, is_ours=is_ours))
        self.left = 0
        self.began = 0.0


class Crowd:
    """This number of residents at once; who has finished makes room for the next person."""

    def __init__(self, residents: int, say: Say, *, is_ours: bool) -> None:
        self.people = 0
        self.is_warm = asyncio.Event()
        """A first participation is finished."""
        self.is_over = asyncio.Event()
        self._residents = residents
        self._say = say
        self._is_ours = is_ours
        self._under_way: dict[int, _Under] = {}
        self._latencies: list[float] = []
        self._counts = False
        self._goes_on = True
        self._unasked = 0

    async def measure(self, seconds: float, cpu: Cpu) -> Measured:
        """Answers until this number of seconds after the first participation, then finishes what was begun."""
        async with asyncio.timeout(PATIENCE + seconds):
            for _ in range(self._residents):
                self._next_person()
            await self.is_warm.wait()
            before, began, self._counts = await cpu(), time.perf_counter(), True
            await asyncio.sleep(seconds)
            self._counts, took, used = False, time.perf_counter() - began, await cpu() - before
            self._goes_on = False
            await self.is_over.wait()
        if self._unasked:
            raise AssertionError(f"{self._unasked} messages came after the last one")
        found = sorted(self._latencies)
        if not found:
            raise AssertionError("nothing was answered in the measured time; measure longer")
        p50, p99 = (found[int(len(found) * part)] * 1000 for part in (0.5, 0.99))
        return Measured(len(found) / took, p50, p99, used * 1e6 / len(found), self.people)

    def heard(self, chat: int) -> None:
        """A message of the bot arrived in this chat."""
        under = self._under_way.get(chat)
        if under is None:
            self._unasked += 1
            return
        under.left -= 1
        if under.left:
            return
        if self._counts:
            self._latencies.append(time.perf_counter() - under.began)
        self._go_on(chat, under)

    def _go_on(self, chat: int, under: _Under) -> None:
        turn = next(under.turns, None)
        if turn:
            under.left = turn.replies
            under.began = time.perf_counter()
            self._say(chat, turn.text)
            return
        del self._under_way[chat]
        self.is_warm.set()
        if self._goes_on:
            self._next_person()
        elif not self._under_way:
            self.is_over.set()

    def _next_person(self) -> None:
        number = self.people
        self.people += 1
        chat = FIRST_CHAT + number
        under = self._under_way[chat] = _Under(number, is_ours=self._is_ours)
        self._go_on(chat, under)
