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
"""The channel that is always there."""
FOLDER: Final = "channels"
"""The folder in the data folder with one folder per channel."""


class Adapter(Protocol):
    """Interface of the modules in `adapters/` that `[channels.NAME]` can name as `type`."""

    def open_channel(self, name: str, section: ChannelSettings, folder: Path, cipher: TextCipher) -> Channel:
        """Returns the channel, not started. `folder` is its own folder, which it creates on demand; it encrypts secrets
        in it with `cipher` after the start. Raises BadSettings.
        """

    async def examine(self, name: str, section: ChannelSettings, folder: Path, cipher: TextCipher) -> Sequence[Finding]:
        """Returns findings for `doctor`. Changes nothing. Raises BadSettings."""


class ReEncrypting(Protocol):
    """Interface of modules whose channels store encrypted data."""

    def reencrypt(self, section: ChannelSettings | None, folder: Path, cipher: TextCipher) -> None:
        """Re-encrypts the data with `cipher`, which has a new key; `section` is None for a channel that is no longer
        configured. Raises OSError and CipherError.
        """


class _LazyCipher(NamedTuple):
    """Encrypts with the secret key, which is read on demand: channels are opened before the store, and `doctor` also
    checks an installation without a key.
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
        except BadSettings as error:
            raise CommandError(f"[channels.{name}]: {error}") from None
    return channels


def channel_findings(settings: Settings) -> Iterator[Finding]:
    """Yields the findings for `doctor` on each channel."""
    for name, section in settings.channels.items():
        try:
            found = asyncio.run(_adapter(name, section).examine(name, section, *channel_resources(settings, name)))
        except (BadSettings, CommandError) as error:
            said = str(error)
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
    issues = []
    for kind in (it.name for it in pkgutil.iter_modules(adapters.__path__) if it.ispkg):
        module = importlib.import_module(f"adapters.{kind}")
        if hasattr(module, "reencrypt"):
            try:
                cast("ReEncrypting", module).reencrypt(None, folder, app_keys.cipher(_purpose(kind)))
            except CipherError as error:
                issues.append(error)
            else:
                return
    if issues:
        raise issues[0]
