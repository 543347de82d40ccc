"""The library `transitions` as the dialogue, with one durable transaction a turn. It has no channel: in memory only."""

# mypy: ignore-errors

import asyncio
from contextlib import asynccontextmanager, suppress
from itertools import pairwise

from transitions import Machine

from tests.interop.bench.rows import Rows
from tests.interop.bench.survey import QUESTIONS, begin, step

IS_OURS = False
STATES = [*(question.key for question in QUESTIONS), "done"]


@asynccontextmanager
async def serve(database, api):
    rows = Rows(database)
    loop = asyncio.create_task(Dialogue(rows, api).run())
    yield
    loop.cancel()
    with suppress(asyncio.CancelledError):
        await loop
    rows.close()


class Dialogue:
    """One machine for all chats, set to the state of the sender, as programs with states in a table do."""

    def __init__(self, rows, api):
        self.rows, self.api = rows, api
        self.states = {}
        self.machine = Machine(model=self, states=STATES, initial=STATES[0], auto_transitions=False)
        for before, after in pairwise(STATES):
            self.machine.add_transition("answered", before, after)

    async def run(self):
        offset = 0
        while True:
            for update in await self.api.updates(offset):
                offset = update["update_id"] + 1
                self.take(update["message"]["chat"]["id"], update["message"]["text"])

    def take(self, chat, text):
        if text.startswith("/start"):
            self.machine.set_state(STATES[0])
            made = begin()
        else:
            state, chosen = self.states[chat]
            self.machine.set_state(state)
            made = step(STATES.index(state), chosen, text)
            if made.stored:
                self.answered()
        self.rows.commit([(chat, made)])
        self.states[chat] = self.state, made.chosen
        if self.state == "done":
            del self.states[chat]
        self.api.send(chat, made.reply)
