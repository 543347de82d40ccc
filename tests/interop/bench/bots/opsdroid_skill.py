"""opsdroid with its own memory in SQLite: one `get` and one `put` a turn, the answers among what is put.

Its Telegram connector knows one address of the Bot API only, that of Telegram, and no polling: in memory only.
"""

# mypy: ignore-errors

import asyncio
from contextlib import asynccontextmanager, suppress

from opsdroid.cli.utils import configure_lang
from opsdroid.connector import Connector, register_event
from opsdroid.core import OpsDroid
from opsdroid.database.sqlite import DatabaseSqlite
from opsdroid.events import Message
from opsdroid.matchers import match_regex

from tests.interop.bench.rows import connect
from tests.interop.bench.survey import begin, step

IS_OURS = False


class InMemory(Connector):
    """A connector to the Bot API in memory; each message is a task of its own."""

    def __init__(self, api, opsdroid):
        super().__init__({"name": "memory"}, opsdroid)
        self.name = "memory"
        self.api = api
        self.tasks = set()

    async def listen(self):
        offset = 0
        while True:
            for update in await self.api.updates(offset):
                offset = update["update_id"] + 1
                chat, text = update["message"]["chat"]["id"], update["message"]["text"]
                event = Message(text=text, user_id=chat, user=str(chat), target=chat, connector=self)
                task = asyncio.create_task(self.opsdroid.parse(event))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)

    @register_event(Message)
    async def send_message(self, message):
        self.api.send(message.target, message.text)


@match_regex(r"(?s).+")
async def survey(opsdroid, config, message):
    """One turn."""
    held = await opsdroid.memory.get(str(message.target)) or {}
    made = begin() if message.text.startswith("/start") else step(held["place"], held["chosen"], message.text)
    answers = held.get("answers", {}) | (dict([made.stored]) if made.stored else {})
    await opsdroid.memory.put(str(message.target), {"place": made.place, "chosen": made.chosen, "answers": answers})
    await message.respond(made.reply)


@asynccontextmanager
async def serve(database, api):
    connect(database).close()  # its journal is then that of the others
    configure_lang({})
    with OpsDroid(loopless=True) as opsdroid:
        opsdroid.eventloop = asyncio.get_running_loop()
        opsdroid.memory.databases = [DatabaseSqlite({"path": str(database)}, opsdroid)]
        await opsdroid.start_databases()
        connector = InMemory(api, opsdroid)
        opsdroid.connectors.append(connector)
        opsdroid.register_skill(survey, {"name": "survey"})
        listening = asyncio.create_task(connector.listen())
        yield
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
        for held in opsdroid.memory.databases:
            await held.disconnect()
