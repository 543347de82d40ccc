"""How the bot introduces itself on channels that show it before anybody writes, in every language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from adapters.base import Channel, Introducing, Introduction
from bot.common.i18n import phrase_catalogues
from flows.commands.words import Command

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
"""The chat words worth a place in a menu; all others are offered as buttons where they mean something."""


def introduce_bot(channels: Iterable[Channel]) -> None:
    """Tells those channels that want to know; before they start."""
    for channel in channels:
        if isinstance(channel, Introducing):
            channel.introduce([introduction(language) for language in phrase_catalogues.catalogue_languages()])


def introduction(language: str) -> Introduction:
    """The introduction in one language."""
    said = phrase_catalogues.load_phrases(language)
    commands = tuple((command.value, said.text(f"command.{command}", "sie")) for command in SHOWN)
    return Introduction(language, said.text("bot.description", "sie"), said.text("bot.short", "sie"), commands)
