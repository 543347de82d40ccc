"""aiogram's finite state machine with its states in SQLite; one transaction a turn for state, data and answer.

aiogram brings no storage in SQLite. This one is the least there can be: the storages that others publish commit each
state and each data by itself.
"""

# mypy: ignore-errors

import asyncio
import json
from contextlib import asynccontextmanager

from aiogram import Bot, Dispatcher, Router
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.base import BaseSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import CommandStart, StateFilter
from aiogram.fsm.state import State, StatesGroup
from aiogram.fsm.storage.base import BaseStorage

from tests.interop.bench.memory_api import MemoryApi
from tests.interop.bench.rows import connect
from tests.interop.bench.survey import QUESTIONS, begin, step

IS_OURS = False
SCHEMA = """
CREATE TABLE fsm (chat INTEGER PRIMARY KEY, state TEXT, data TEXT);
CREATE TABLE answers (
  chat INTEGER NOT NULL, question TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (chat, question)
);
"""
_STATE = "INSERT INTO fsm (chat, state) VALUES (?, ?) ON CONFLICT (chat) DO UPDATE SET state = excluded.state"
_DATA = "INSERT INTO fsm (chat, data) VALUES (?, ?) ON CONFLICT (chat) DO UPDATE SET data = excluded.data"
_ANSWER = "INSERT INTO answers VALUES (?, ?, ?) ON CONFLICT (chat, question) DO UPDATE SET value = excluded.value"


class Survey(StatesGroup):
    trees, places, safety, minutes, wish, again = (State() for _ in range(6))


STATES = [getattr(Survey, question.key) for question in QUESTIONS]


class SqliteStorage(BaseStorage):
    """States and data by chat; the handler ends the transaction. Nothing here waits, so none is interrupted."""

    def __init__(self, connection):
        self.run = connection.execute
        self.connection = connection

    async def set_state(self, key, state=None):
        self.run(_STATE, (key.chat_id, state.state if isinstance(state, State) else state))

    async def get_state(self, key):
        return self._one("state", key)

    async def set_data(self, key, data):
        self.run(_DATA, (key.chat_id, json.dumps(data)))

    async def get_data(self, key):
        return json.loads(self._one("data", key) or "{}")

    async def close(self):
        self.connection.close()

    def _one(self, column, key):
        found = self.run(f"SELECT {column} FROM fsm WHERE chat = ?", (key.chat_id,)).fetchone()
        return found and found[0]


class InMemory(BaseSession):
    """aiogram's way to the Bot API, without a network."""

    def __init__(self, api):
        super().__init__()
        self.memory = api

    async def make_request(self, bot, method, timeout=None):
        raw = method.model_dump(warnings=False)
        given = {key: self.prepare_value(value, bot=bot, files={}) for key, value in raw.items()}
        text = (await self.memory.request(method.__api_method__, given)).decode()
        return self.check_response(bot=bot, method=method, status_code=200, content=text).result

    async def stream_content(self, *args, **more):
        raise NotImplementedError
        yield

    async def close(self):
        pass


@asynccontextmanager
async def serve(database, api):
    connection = connect(database)
    connection.executescript(SCHEMA)
    is_memory = isinstance(api, MemoryApi)
    session = InMemory(api) if is_memory else AiohttpSession(api=TelegramAPIServer.from_base(api.url))
    dispatcher = Dispatcher(storage=SqliteStorage(connection))
    dispatcher.include_router(router(connection.execute))
    polling = asyncio.create_task(dispatcher.start_polling(Bot(api.token, session=session), handle_signals=False))
    yield
    await dispatcher.stop_polling()
    await polling


def router(run):
    routes = Router()

    @routes.message(CommandStart())
    async def start(message, state):
        run("BEGIN IMMEDIATE")
        await say(message, state, begin())

    def answer_to(place):
        async def take(message, state):
            run("BEGIN IMMEDIATE")
            await say(message, state, step(place, (await state.get_data())["chosen"], message.text))

        return take

    async def say(message, state, made):
        await state.set_state(STATES[made.place] if made.place < len(STATES) else None)
        await state.set_data({"chosen": made.chosen})
        if made.stored:
            run(_ANSWER, (message.chat.id, made.stored[0], json.dumps(made.stored[1])))
        run("COMMIT")
        await message.answer(made.reply)

    for place, its_state in enumerate(STATES):
        routes.message.register(answer_to(place), StateFilter(its_state))
    return routes
