"""A moderator that reviews the residents' texts through the API during the conversations."""

from __future__ import annotations

import random
from typing import Any

from tests.city.ledger import Idea, Ledger
from tests.city.survey import LANGUAGES, SLUG
from tests.support.api_client import Client

Item = dict[str, Any]


class Moderator:
    """Decides at random: most texts are released, some hidden, edited, merged or translated; some decisions are
    reversed.
    """

    def __init__(self, ledger: Ledger, seed: int) -> None:
        self.ledger = ledger
        self.chance = random.Random(f"moderator {seed}")
        self._edits = 0

    async def work(self, client: Client, *, most: int = 20) -> None:
        """Reads what waits, and looks again at some of what was decided."""
        queue = await client.get(f"/consultations/{SLUG}/queue?limit=50")
        assert queue.status == 200, queue.text
        for item in queue.json["items"][:most]:
            if item["kind"] == "answer":
                await self._read_answer(client, item)
            else:
                await self._read_idea(client, item)
        if self.chance.random() < 0.6:
            await self._think_again(client)

    async def _decide(self, client: Client, code: str, **decision: Any) -> None:
        reply = await client.post(f"/proposals/{code}/decisions", decision)
        assert reply.status == 200, (decision, reply.text)

    async def _read_answer(self, client: Client, item: Item) -> None:
        [whose] = [
            it for it in self.ledger.participations.values() if it.answers.get(item["question_key"]) == item["text"]
        ]
        drawn = self.chance.random()
        if drawn < 0.7:
            await self._decide(client, item["code"], kind="approve")
            whose.released[item["question_key"]] = item["text"]
        elif drawn < 0.85:
            await self._decide(client, item["code"], kind="hide", reason="a name")

    async def _read_idea(self, client: Client, item: Item) -> None:
        idea = next(it for it in self.ledger.ideas if it.code == item["code"])
        assert idea.text == item["text"], (idea, item)
        drawn = self.chance.random()
        others = [it for it in self.ledger.released() if it is not idea]
        if drawn < 0.1:
            await self._hide(client, idea)
            idea.is_read = True
        elif drawn < 0.2 and len(others) > 3:
            await self._merge(client, idea, self.chance.choice(others))
        elif drawn < 0.9:
            if drawn > 0.8:
                await self._edit(client, idea)
            await self._decide(client, idea.code, kind="approve")
            idea.state, idea.is_read = "released", True
            if drawn < 0.4:
                await self._translate(client, idea)

    async def _merge(self, client: Client, idea: Idea, into: Idea) -> None:
        await self._decide(client, idea.code, kind="merge", into=into.code, reason="the same")
        for it in self.ledger.ideas:
            if it.into is idea:
                it.into = into
        idea.state, idea.into, idea.is_read = "merged", into, True
        idea.was_merged = into.was_merged = True

    async def _edit(self, client: Client, idea: Idea) -> None:
        self._edits += 1
        words = f"{idea.text.rpartition(' (')[0]} (bearbeitet {self._edits})"
        await self._decide(client, idea.code, kind="edit", text=words, reason="a name")
        idea.reword(words)

    async def _translate(self, client: Client, idea: Idea) -> None:
        language = next(it for it in LANGUAGES if it != idea.language)
        words = f"[{language}] {idea.text}"
        await self._decide(client, idea.code, kind="translate", language=language, text=words, translator="Ayşe")
        idea.wordings.add(words)

    async def _think_again(self, client: Client) -> None:
        """Hides or merges what people weigh already, or takes such a decision back."""
        released = [it for it in self.ledger.released() if it.author]
        gone = [it for it in self.ledger.ideas if it.state in {"hidden", "merged"}]
        drawn = self.chance.random()
        if drawn < 0.3 and len(released) > 6:
            await self._hide(client, self.chance.choice(released))
        elif drawn < 0.7 and len(released) > 6:
            idea, into = self.chance.sample(released, 2)
            await self._merge(client, idea, into)
        elif gone:
            await self._restore(client, self.chance.choice(gone))

    async def leave_one_of_each(self, client: Client) -> None:
        """Leaves one idea hidden, one merged and one waiting; the earlier decisions are random."""
        hidden, merged, into, waiting = [it for it in self.ledger.released() if it.author][:4]
        await self._hide(client, hidden)
        await self._merge(client, merged, into)
        await self._hide(client, waiting)
        await self._restore(client, waiting)

    async def _hide(self, client: Client, idea: Idea) -> None:
        await self._decide(client, idea.code, kind="hide", reason="a name")
        idea.state = "hidden"

    async def _restore(self, client: Client, idea: Idea) -> None:
        await self._decide(client, idea.code, kind="restore", reason="by mistake")
        idea.state, idea.into = "waiting", None
