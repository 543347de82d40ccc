"""The bot's profile in every language, for channels that show it before the first message."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from adapters.base import Channel, Introducing, Introduction
from bot.common.i18n import phrase_catalogues
from flows.commands.words import Command
from flows.phrase_families import COMMAND_DESCRIPTIONS

SHOWN: Final = (
    Command.START,
    Command.HELP,
    Command.LANGUAGE,
    Command.BACK,
    Command.STATUS,
    Command.PRIVACY,
    Command.MYDATA,
    Command.DELETE,
    Command.HUMAN,
    Command.STOP,
)
"""The commands for the menu of a channel; all others are offered as buttons in context."""


def introduce_to_channels(channels: Iterable[Channel]) -> None:
    """Passes the profiles to the channels that support them; before they start."""
    for channel in channels:
        if isinstance(channel, Introducing):
            channel.introduce([introduction(language) for language in phrase_catalogues.catalogue_languages()])


def introduction(language: str) -> Introduction:
    """Returns the profile in one language."""
    said = phrase_catalogues.load_phrases(language)
    commands = tuple((command.value, said.text(COMMAND_DESCRIPTIONS[command], "sie")) for command in SHOWN)
    return Introduction(language, said.text("bot.description", "sie"), said.text("bot.short", "sie"), commands)
