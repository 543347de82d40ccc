"""python-telegram-bot's ConversationHandler; each turn writes answer and state into SQLite before it replies."""

# mypy: ignore-errors

from contextlib import asynccontextmanager

from telegram.ext import Application, CommandHandler, ConversationHandler, MessageHandler, filters
from telegram.request import BaseRequest

from tests.interop.bench.memory_api import MemoryApi, answer
from tests.interop.bench.rows import Rows
from tests.interop.bench.survey import QUESTIONS, begin, step

IS_OURS = False


class InMemory(BaseRequest):
    """The library's way to the Bot API, without a network."""

    def __init__(self, api):
        self.api = api

    read_timeout = 20

    async def initialize(self):
        pass

    async def shutdown(self):
        pass

    async def do_request(self, url, method, request_data=None, **timeouts):
        return await answer(self.api, url, request_data)


@asynccontextmanager
async def serve(database, api):
    rows = Rows(database)
    builder = Application.builder().token(api.token)
    if isinstance(api, MemoryApi):
        builder = builder.request(InMemory(api)).get_updates_request(InMemory(api))
    else:
        builder = builder.base_url(f"{api.url}/bot")
    application = builder.build()
    application.add_handler(conversation(rows))
    async with application:
        await application.start()
        await application.updater.start_polling(allowed_updates=["message"])
        yield
        await application.updater.stop()
        await application.stop()
    rows.close()


def conversation(rows):
    async def start(update, context):
        return await say(update, context, begin())

    def answer_to(place):
        async def take(update, context):
            return await say(update, context, step(place, context.user_data["chosen"], update.message.text))

        return take

    async def say(update, context, made):
        chat = update.effective_chat.id
        rows.commit([(chat, made)])
        context.user_data["chosen"] = made.chosen
        await update.message.reply_text(made.reply)
        return ConversationHandler.END if made.place == len(QUESTIONS) else made.place

    words = filters.TEXT & ~filters.COMMAND
    states = {place: [MessageHandler(words, answer_to(place))] for place in range(len(QUESTIONS))}
    return ConversationHandler([CommandHandler("start", start)], states, fallbacks=[])
