"""Telegram: `[channels.NAME] type = "telegram"`. docs/operate/telegram.md describes the setup of a bot."""

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

# A later version of the library returns durations as timedelta. Opting in now avoids a warning with each of them.
os.environ.setdefault("PTB_TIMEDELTA", "true")


def open_channel(name: str, section: BaseModel, folder: Path, cipher: TextCipher) -> TelegramChannel:
    """Returns the channel, not started; it stores nothing in its folder. Raises BadSettings."""
    return TelegramChannel(name, read_section(TelegramSettings, section))


async def examine(name: str, section: BaseModel, folder: Path, cipher: TextCipher) -> Sequence[Finding]:
    """Returns the findings for `doctor`. Raises BadSettings."""
    return [finding async for finding in bot_findings(read_section(TelegramSettings, section))]
