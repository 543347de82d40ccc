"""Tells Telegram what the bot is and which commands it knows, in every language it speaks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

import structlog
from telegram import Bot, BotCommand, BotCommandScopeAllGroupChats, BotCommandScopeAllPrivateChats
from telegram.error import RetryAfter, TelegramError

from adapters.base import Introduction
from adapters.telegram.outcomes import seconds_of

log = structlog.get_logger()

DESCRIPTION, SHORT_DESCRIPTION = 512, 120
EVERYBODY: Final = "en"
"""The language for people whose own the bot does not speak."""
IN_GROUPS: Final = frozenset({"start", "help", "privacy"})


async def introduce_bot(bot: Bot, introductions: Sequence[Introduction]) -> None:
    """Sets descriptions and commands. What fails is logged: people can write to the bot all the same."""
    for one in introductions:
        for tag in _tags(one.language):
            try:
                await _insist(bot, one, tag)
            except TelegramError as error:
                log.warning("telegram_profile_not_set", fault=type(error).__name__)


async def _insist(bot: Bot, one: Introduction, tag: str) -> None:
    """Waits as long as Telegram wants: so many calls at once are too many for it, and no language shall be left out."""
    while True:
        try:
            return await _introduce_in(bot, one, tag)
        except RetryAfter as error:
            await asyncio.sleep(seconds_of(error))


async def _introduce_in(bot: Bot, one: Introduction, tag: str) -> None:
    private = [BotCommand(name, words) for name, words in one.commands]
    group = [command for command in private if command.command in IN_GROUPS]
    await bot.set_my_commands(private, BotCommandScopeAllPrivateChats(), language_code=tag)
    await bot.set_my_commands(group, BotCommandScopeAllGroupChats(), language_code=tag)
    await bot.set_my_description(one.description[:DESCRIPTION], language_code=tag)
    await bot.set_my_short_description(one.short[:SHORT_DESCRIPTION], language_code=tag)


def _tags(language: str) -> Iterable[str]:
    """What Telegram calls a language; "" is everybody else. Varieties (Einfache Sprache) it cannot tell apart."""
    if language == EVERYBODY:
        yield ""
    if "-" not in language:
        yield language
