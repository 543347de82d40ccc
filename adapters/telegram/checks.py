"""The checks of a Telegram bot for `doctor`. They change nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from telegram import WebhookInfo
from telegram.error import TelegramError

from adapters.base import Finding
from adapters.telegram.line import Line
from adapters.telegram.options import TelegramSettings
from adapters.telegram.outcomes import describe_error

MOST_SECONDS_OFF: Final = 30.0
RECENT: Final = timedelta(hours=1)


async def bot_findings(settings: TelegramSettings) -> AsyncIterator[Finding]:
    """Yields whether the token works, how updates are delivered, how many wait, and whether the clock is right."""
    line = Line(settings, read_seconds=10.0)
    await line.open()
    try:
        await line.bot.initialize()
        yield Finding(is_well=True, words=f"the token belongs to @{line.bot.username}")
        if line.bot.can_read_all_group_messages:
            words = "privacy mode is off, so the bot gets to read everything in groups: /setprivacy at BotFather"
            yield Finding(is_well=False, words=words)
        yield _way(settings, await line.bot.get_webhook_info())
        yield _clock(line.transport.date, datetime.now(UTC))
    except TelegramError as error:
        yield Finding(is_well=False, words=describe_error(error))
    finally:
        await line.close()


def _way(settings: TelegramSettings, info: WebhookInfo) -> Finding:
    waiting = f"{info.pending_update_count} updates wait"
    failed_at = info.last_error_date
    if settings.mode == "webhook" and info.url == settings.webhook_url:
        if failed_at and datetime.now(UTC) - failed_at < RECENT:
            failed = f"Telegram could not call {info.url} ({info.last_error_message}); {waiting}"
            return Finding(is_well=False, words=f"{failed}: check proxy and certificate")
        return Finding(is_well=True, words=f"Telegram calls {info.url}; {waiting}")
    if settings.mode == "webhook":
        return Finding(is_well=True, words=f"the webhook will be set at the next start; {waiting}")
    if info.url:
        return Finding(is_well=True, words=f"a webhook is set and will be taken away at the next start; {waiting}")
    return Finding(is_well=True, words=f"polling; {waiting}")


def _clock(date: str, now: datetime) -> Finding:
    """Compares the clock of this machine with that of the server, which writes the time into every answer."""
    try:
        off = abs((now - parsedate_to_datetime(date)).total_seconds())
    except (TypeError, ValueError):
        return Finding(is_well=True, words="the server tells no time")
    words = f"this clock and Telegram's are {off:.0f} seconds apart"
    if off > MOST_SECONDS_OFF:
        return Finding(is_well=False, words=f"{words}: let the machine set its clock (NTP)")
    return Finding(is_well=True, words=words)
