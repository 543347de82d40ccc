"""Matrix, with end-to-end encryption: `[channels.NAME] type = "matrix"`."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from adapters.base import Finding, TextCipher
from adapters.matrix.channel import MatrixChannel
from adapters.matrix.checks import account_findings
from adapters.matrix.files import SecretFolder
from adapters.matrix.options import MatrixSettings
from adapters.sections import read_section


def open_channel(name: str, section: BaseModel, folder: Path, cipher: TextCipher) -> MatrixChannel:
    """Returns the channel, not started; its keys and login are in `folder` unless `store` is set. Raises
    BadSettings.
    """
    options = read_section(MatrixSettings, section)
    return MatrixChannel(name, options, SecretFolder(options.store or folder, cipher))


async def examine(name: str, section: BaseModel, folder: Path, cipher: TextCipher) -> list[Finding]:
    """Checks homeserver, login, trust, limits and clock for `doctor`. Changes nothing. Raises BadSettings."""
    options = read_section(MatrixSettings, section)
    return [finding async for finding in account_findings(options, SecretFolder(options.store or folder, cipher))]


def reencrypt(section: BaseModel | None, folder: Path, cipher: TextCipher) -> None:
    """Re-encrypts login and keys. Raises BadSettings, OSError and CipherError."""
    store = read_section(MatrixSettings, section).store if section else None
    SecretFolder(store or folder, cipher).reencrypt()
