"""Matrix, with end-to-end encryption: `[channels.NAME] type = "matrix"`."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from adapters.base import Finding
from adapters.matrix import examining
from adapters.matrix.channel import MatrixChannel
from adapters.matrix.options import MatrixSettings
from adapters.sections import read_section


def open_channel(name: str, section: BaseModel, folder: Path) -> MatrixChannel:
    """The channel, not started; its keys and login lie in `folder` unless `store` is set. Raises BadSettings."""
    return MatrixChannel(name, read_section(MatrixSettings, section), folder)


async def examine(name: str, section: BaseModel, folder: Path) -> list[Finding]:
    """For `doctor`: homeserver, login, trust, limits, clock. Changes nothing. Raises BadSettings."""
    options = read_section(MatrixSettings, section)
    return [finding async for finding in examining.findings(options, options.store or folder)]
