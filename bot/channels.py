"""The configured channels, found by the name of their type, made and looked at. Types are the files in `adapters/`."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, cast

from adapters.base import BadSettings, Channel, Finding
from bot.errors import HouseError
from bot.settings import ChannelSettings, Settings


class Adapter(Protocol):
    """What a module in `adapters/` offers, so that `[channels.NAME]` can have its name as `type`."""

    def open_channel(self, name: str, section: ChannelSettings, folder: Path) -> Channel:
        """The channel, not started. `folder` is its own place, which it makes when it needs one. Raises BadSettings."""

    async def examine(self, name: str, section: ChannelSettings, folder: Path) -> Sequence[Finding]:
        """For `doctor`: what there is to say about the channel, without changing anything. Raises BadSettings."""


def open_channels(settings: Settings) -> dict[str, Channel]:
    """The configured channels by name. Raises HouseError."""
    channels = {}
    for name, section in settings.channels.items():
        try:
            channels[name] = _adapter(name, section).open_channel(name, section, _folder(settings, name))
        except BadSettings as fault:
            raise HouseError(f"[channels.{name}]: {fault}") from None
    return channels


def findings(settings: Settings) -> Iterator[Finding]:
    """What `doctor` says about each of them."""
    for name, section in settings.channels.items():
        try:
            found = asyncio.run(_adapter(name, section).examine(name, section, _folder(settings, name)))
        except (BadSettings, HouseError) as fault:
            said = str(fault)
            yield Finding(False, said if said.startswith("[") else f"[channels.{name}]: {said}")
        else:
            yield from (Finding(well, f"[channels.{name}]: {words}") for well, words in found)


def _adapter(name: str, section: ChannelSettings) -> Adapter:
    try:
        module = importlib.import_module(f"adapters.{section.type}")
    except ImportError:
        module = None
    if not hasattr(module, "open_channel"):
        raise HouseError(
            f"[channels.{name}]: there is no channel type {section.type!r} that can be configured; "
            "take the section away, or check the spelling of its type"
        )
    return cast("Adapter", module)


def _folder(settings: Settings, name: str) -> Path:
    return settings.data / "channels" / name
