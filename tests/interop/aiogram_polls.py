"""An independent client of the Bot API, for native polls: python aiogram_polls.py URL TOKEN CHAT. In `.peers/python`.

Sends a poll with names and a quiz without, hears who votes until the first poll closes by itself, stops the second,
and prints what it saw. aiogram's models are strict: what Telegram would never write makes it fail.
"""

# mypy: ignore-errors

import asyncio
import json
import sys

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramAPIError
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

OPTIONS = ["Bänke", "Bäume", "Licht"]
KEYBOARD = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Mehr", callback_data="more")]])
KINDS = ["poll", "poll_answer"]


async def main(url, token, chat):
    session = AiohttpSession(api=TelegramAPIServer.from_base(url))
    seen = {"updates": [], "errors": []}
    async with Bot(token, session=session) as bot:
        await bot.get_updates(timeout=0, allowed_updates=KINDS)
        wishes = await bot.send_poll(
            chat, "Was fehlt?", OPTIONS, is_anonymous=False, allows_multiple_answers=True, open_period=600
        )
        quiz = await bot.send_poll(
            chat, "Wie alt?", ["10", "100"], type="quiz", correct_option_ids=[1], explanation="Seit 1926",
            reply_markup=KEYBOARD,
        )  # fmt: skip
        seen["sent"] = [message.content_type for message in (wishes, quiz)]
        seen["wishes"] = wishes.poll.model_dump(include={"is_anonymous", "allows_revoting", "type", "open_period"})
        seen["quiz"] = quiz.poll.model_dump(include={"is_anonymous", "allows_revoting", "type", "correct_option_ids"})
        await hear(bot, seen, lambda: ["closed", "Was fehlt?"] in seen["updates"])
        stopped = await bot.stop_poll(chat, quiz.message_id)
        seen["stopped"] = [stopped.is_closed, [option.voter_count for option in stopped.options]]
        await hear(bot, seen, lambda: ["closed", "Wie alt?"] in seen["updates"])
        for call in (
            lambda: bot.stop_poll(chat, quiz.message_id),
            lambda: bot.stop_poll(chat, 1),
            lambda: bot.edit_message_text("Was fehlt noch?", chat_id=chat, message_id=wishes.message_id),
            lambda: bot.send_poll(chat, "?" * 301, OPTIONS),
            lambda: bot.send_poll(chat, "Was?", []),
            lambda: bot.send_poll(chat, "Was?", ["x"] * 13),
        ):
            try:
                await call()
            except TelegramAPIError as fault:
                seen["errors"].append(fault.message)
    print(json.dumps(seen))


async def hear(bot, seen, is_enough):
    offset = None
    while not is_enough():
        for update in await bot.get_updates(offset=offset, timeout=5, allowed_updates=KINDS):
            seen["updates"].append(describe(update))
            offset = update.update_id + 1
    await bot.get_updates(offset=offset, timeout=0, allowed_updates=KINDS)


def describe(update):
    if update.poll_answer:
        return ["answer", update.poll_answer.user.id, update.poll_answer.option_ids]
    if update.poll.is_closed:
        return ["closed", update.poll.question]
    return ["votes", *(option.voter_count for option in update.poll.options)]


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
