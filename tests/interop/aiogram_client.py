"""An independent client of the Bot API: python aiogram_client.py URL TOKEN CHAT BLOCKED MOVED. Runs in `.peers/python`.

aiogram's models are strict: an answer or update that Telegram would never write makes it fail. Prints what it saw.
"""

# mypy: ignore-errors

import asyncio
import json
import sys

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramAPIError
from aiogram.types import BotCommand, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions

KEYBOARD = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Ja", callback_data="c.k.yes")]])


async def main(url, token, chat, blocked, moved):
    session = AiohttpSession(api=TelegramAPIServer.from_base(url))
    seen = {}
    async with Bot(token, session=session) as bot:
        seen["me"] = (await bot.get_me()).username
        seen["webhook"] = (await bot.get_webhook_info()).url
        sent = await bot.send_message(
            chat, "Licht?", reply_markup=KEYBOARD, link_preview_options=LinkPreviewOptions(is_disabled=True)
        )
        seen["sent"] = [sent.text, sent.reply_markup.inline_keyboard[0][0].text]
        edited = await bot.edit_message_text("Licht im Park?", chat_id=chat, message_id=sent.message_id)
        seen["edited"] = [edited.text, edited.edit_date is not None]
        seen["commands"] = await bot.set_my_commands([BotCommand(command="start", description="Los")])
        seen["updates"], offset = [], None
        while updates := await bot.get_updates(offset=offset, timeout=0, limit=4):
            for update in updates:
                seen["updates"].append(describe(update))
                if update.callback_query:
                    await bot.answer_callback_query(update.callback_query.id)
                if update.message and update.message.voice:
                    seen["voice"] = (await bot.download(update.message.voice.file_id)).read().decode()
            offset = updates[-1].update_id + 1
        seen["errors"] = []
        for call in (
            lambda: bot.send_message(blocked, "x"),
            lambda: bot.send_message(moved, "x"),
            lambda: bot.send_message(42, "x"),
            lambda: bot.send_message(chat, "x" * 5000),
            lambda: bot.edit_message_text("Licht im Park?", chat_id=chat, message_id=sent.message_id),
            lambda: bot.send_message(chat, "x"),
            lambda: bot.send_message(chat, "x"),
        ):
            try:
                await call()
            except TelegramAPIError as fault:
                seen["errors"].append(type(fault).__name__)
    print(json.dumps(seen))


def describe(update):
    if update.message:
        return ["message", update.message.content_type, update.message.chat.type]
    if update.edited_message:
        return ["edited", update.edited_message.text]
    if update.callback_query:
        return ["tap", update.callback_query.data]
    change = update.my_chat_member
    return ["member", change.old_chat_member.status, change.new_chat_member.status]


asyncio.run(main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])))
