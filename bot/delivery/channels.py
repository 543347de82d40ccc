"""Opens and checks the configured channels. Their types are the modules in `adapters/`."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Final, NamedTuple, Protocol, cast

import adapters
from adapters.base import BadSettings, Channel, CipherError, Finding, TextCipher
from bot.common import keys
from bot.common.errors import CommandError
from bot.common.keys import Keys
from bot.settings import ChannelSettings, Settings

WEB: Final = "web"
"""The channel that always exists."""
FOLDER: Final = "channels"
"""Folder in the data folder that holds one folder per channel."""


class Adapter(Protocol):
    """Interface of the modules in `adapters/` that `[channels.NAME]` can name as `type`."""

    def open_channel(self, name: str, section: ChannelSettings, folder: Path, cipher: TextCipher) -> Channel:
        """The channel, not started. `folder` is its own place, which it makes when it needs one; what must not be read
        there it seals with `vault`, once it is started. Raises BadSettings.
        """

    async def examine(self, name: str, section: ChannelSettings, folder: Path, cipher: TextCipher) -> Sequence[Finding]:
        """Returns findings for `doctor`. Changes nothing. Raises BadSettings."""


class ReEncrypting(Protocol):
    """Additional interface of modules whose channels store encrypted data."""

    def reencrypt(self, section: ChannelSettings | None, folder: Path, cipher: TextCipher) -> None:
        """Seals all of it anew with the same vault, whose key is another one by now; `section` None: of a channel that
        is not configured any more. Raises OSError and CipherError.
        """


class _LazyCipher(NamedTuple):
    """Encrypts with the secret key, which is read only when needed: channels are opened before the store is, and
    `doctor` looks at one that has no key yet.
    """

    secret: Path
    purpose: str

    def encrypt(self, text: str) -> str:
        return keys.load_keys(self.secret).cipher(self.purpose).encrypt(text)

    def decrypt(self, sealed: str) -> str:
        return keys.load_keys(self.secret).cipher(self.purpose).decrypt(sealed)


def open_channels(settings: Settings) -> dict[str, Channel]:
    """Opens the configured channels, by name. Raises CommandError."""
    channels = {}
    for name, section in settings.channels.items():
        try:
            channels[name] = _adapter(name, section).open_channel(name, section, *channel_resources(settings, name))
        except BadSettings as fault:
            raise CommandError(f"[channels.{name}]: {fault}") from None
    return channels


def channel_findings(settings: Settings) -> Iterator[Finding]:
    """Yields the findings for `doctor` on each channel."""
    for name, section in settings.channels.items():
        try:
            found = asyncio.run(_adapter(name, section).examine(name, section, *channel_resources(settings, name)))
        except (BadSettings, CommandError) as fault:
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
        near = get_close_matches(section.type, [it.name for it in pkgutil.iter_modules(adapters.__path__)], 1)
        remedy = f"is {near[0]!r} meant?" if near and near[0] != section.type else "take the section away"
        raise CommandError(
            f"[channels.{name}]: there is no channel type {section.type!r} that can be configured; {remedy}"
        )
    return cast("Adapter", module)


def channel_resources(settings: Settings, name: str) -> tuple[Path, TextCipher]:
    """Returns the folder and cipher of a channel. All channels of a type share a key, so that one can be renamed."""
    purpose = _purpose(settings.channels[name].type)
    return settings.data / FOLDER / name, _LazyCipher(settings.data / keys.FILE, purpose)


def _purpose(kind: str) -> str:
    return f"channel {kind}"


def reencrypt_channels(settings: Settings, app_keys: Keys) -> None:
    """Re-encrypts the data of channels while the service is stopped. Raises CommandError, OSError and CipherError."""
    for name, section in settings.channels.items():
        module = _adapter(name, section)
        if hasattr(module, "reencrypt"):
            folder = settings.data / FOLDER / name
            cast("ReEncrypting", module).reencrypt(section, folder, app_keys.cipher(_purpose(section.type)))
    for folder in sorted((settings.data / FOLDER).glob("*")):
        if folder.is_dir() and folder.name not in settings.channels:
            _reencrypt_leftover(folder, app_keys)


def _reencrypt_leftover(folder: Path, app_keys: Keys) -> None:
    """Re-encrypts the folder of a channel that is no longer configured; its type is unknown."""
    faults = []
    for kind in (it.name for it in pkgutil.iter_modules(adapters.__path__) if it.ispkg):
        module = importlib.import_module(f"adapters.{kind}")
        if hasattr(module, "reencrypt"):
            try:
                cast("ReEncrypting", module).reencrypt(None, folder, app_keys.cipher(_purpose(kind)))
            except CipherError as fault:
                faults.append(fault)
            else:
                return
    if faults:
        raise faults[0]
