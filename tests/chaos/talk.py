"""Residents who never stop talking, and what can be read from what they heard."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import NamedTuple

from tests.test_adapters.harness import Resident

QUESTION = "Was fehlt?"
PATIENCE = 180.0
"""Seconds: longer than a busy machine takes with lives of a few seconds; what was lost never comes."""


class Count(NamedTuple):
    """Messages of the bot that never came, came once more than they should, or came too late."""

    lost: int = 0
    doubled: int = 0
    disordered: int = 0


class Talker:
    """One resident: changes the same answer again and again, each time to new words."""

    def __init__(self, who: Resident, number: int) -> None:
        self.who = who
        self.number = number
        self.said = 0
        self.is_tired = False

    def words(self, number: int) -> str:
        return f"Wunsch {number} von P{self.number}."

    async def join(self) -> None:
        for words, answer in (("/start park", "Welche Sprache"), ("Deutsch", "Licht im Park?"), ("ja", QUESTION)):
            await self.who.says(words)
            await self.who.hears(answer, seconds=PATIENCE)
        await self._answer()

    async def talk(self) -> None:
        """Until they are tired; raises AssertionError where an answer never comes."""
        while not self.is_tired:
            await self.who.says("ändern 2")
            await self.who.hears(f"bisher: {self.words(self.said)}", seconds=PATIENCE)
            await self._answer()

    async def _answer(self) -> None:
        self.said += 1
        await self.who.says(self.words(self.said))
        await self.who.hears(f"→ {self.words(self.said)}", seconds=PATIENCE)

    def count(self) -> Count:
        return account(self.who.heard(), self.number, self.said)


def account(heard: list[str], person: int, said: int) -> Count:
    """Question, summary of answer 1, question with answer 1, summary of answer 2 …: all of them, each once, in order.

    >>> account(["Was fehlt?", "Wunsch 1 von P7.", "Wunsch 1 von P7.", "Was fehlt?\\nbisher: Wunsch 1 von P7."], 7, 2)
    Count(lost=1, doubled=1, disordered=0)
    """
    places = [place for words in heard if (place := _place(words, person))]
    times = Counter(places)
    first = list(dict.fromkeys(places))
    return Count(
        lost=sum(place not in times for place in range(1, 2 * said + 1)),
        doubled=sum(times.values()) - len(times),
        disordered=sum(later < earlier for earlier, later in pairwise(first)),
    )


def _place(words: str, person: int) -> int:
    """Where a message belongs in the row, from 1; 0 for what came before."""
    found = re.search(rf"Wunsch (\d+) von P{person}\.", words)
    if not found:
        return int(QUESTION in words)
    return 2 * int(found[1]) + ("bisher" in words)
