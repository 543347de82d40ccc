"""Telegram: `[channels.NAME] type = "telegram"`. docs/telegram.md says how a bot is set up."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from adapters.base import Finding, TextCipher
from adapters.sections import read_section
from adapters.telegram.channel import TelegramChannel
from adapters.telegram.checks import bot_findings
from adapters.telegram.options import TelegramSettings

# The library will give times as timedelta one day and asks whether it may already; else it warns with each of them.
os.environ.setdefault("PTB_TIMEDELTA", "true")


def open_channel(name: str, section: BaseModel, folder: Path, cipher: TextCipher) -> TelegramChannel:
    """The channel, not started; it keeps nothing in its folder. Raises BadSettings."""
    return TelegramChannel(name, read_section(TelegramSettings, section))


async def examine(name: str, section: BaseModel, folder: Path, cipher: TextCipher) -> Sequence[Finding]:
    """For `doctor`. Raises BadSettings."""
    return [finding async for finding in bot_findings(read_section(TelegramSettings, section))]
