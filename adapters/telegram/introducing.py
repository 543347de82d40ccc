"""Sets the description and the commands of the bot at Telegram, in every language of the bot."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

import structlog
from telegram import Bot, BotCommand, BotCommandScopeAllGroupChats, BotCommandScopeAllPrivateChats
from telegram.error import BadRequest, NetworkError, RetryAfter, TelegramError

from adapters.base import Introduction
from adapters.telegram.outcomes import seconds_of

log = structlog.get_logger()

DESCRIPTION, SHORT_DESCRIPTION = 512, 120
EVERYBODY: Final = "en"
"""The language for contacts whose own language is not available."""
IN_GROUPS: Final = frozenset({"start", "help", "privacy"})


ATTEMPTS: Final = 5
PAUSE_SECONDS: Final = 30.0
"""The pause after the first failure; each further one is twice as long."""


async def set_bot_profile(bot: Bot, introductions: Sequence[Introduction], pace: float = 1.0) -> None:
    """Sets descriptions and commands. Failures are only logged, because the bot works without them."""
    for one in introductions:
        for tag in _tags(one.language):
            try:
                await _insist(bot, one, tag, pace)
            except TelegramError as error:
                log.warning("telegram_profile_not_set", fault=type(error).__name__)


async def _insist(bot: Bot, one: Introduction, tag: str, pace: float) -> None:
    """Sets one language; waits as long as Telegram demands, because all calls together exceed its rate limit. After
    another failure tries again a few times, unless Telegram refuses what it was given. Raises TelegramError.
    """
    failures = 0
    while True:
        try:
            return await _introduce_in(bot, one, tag)
        except RetryAfter as error:
            await asyncio.sleep(seconds_of(error))
        except NetworkError as error:
            failures += 1
            if isinstance(error, BadRequest) or failures == ATTEMPTS:
                raise
            await asyncio.sleep(PAUSE_SECONDS * 2 ** (failures - 1) * pace)


async def _introduce_in(bot: Bot, one: Introduction, tag: str) -> None:
    private = [BotCommand(name, words) for name, words in one.commands]
    group = [command for command in private if command.command in IN_GROUPS]
    await bot.set_my_commands(private, BotCommandScopeAllPrivateChats(), language_code=tag)
    await bot.set_my_commands(group, BotCommandScopeAllGroupChats(), language_code=tag)
    await bot.set_my_description(one.description[:DESCRIPTION], language_code=tag)
    await bot.set_my_short_description(one.short[:SHORT_DESCRIPTION], language_code=tag)


def _tags(language: str) -> Iterable[str]:
    """Yields Telegram's codes of a language; "" is the default. Telegram does not distinguish varieties (Einfache
    Sprache)."""
    if language == EVERYBODY:
        yield ""
    if "-" not in language:
        yield language
