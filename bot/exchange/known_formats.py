"""Finds the file formats of other programs: a module in `bot/exchange/formats/` with a `FileFormat` named `FORMAT`.

There is no other list of formats.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from bot.common.errors import CommandError
from bot.exchange import formats
from bot.exchange.file_format import FileFormat


def format_names() -> list[str]:
    """Returns the formats that can be imported and exported."""
    return [module.name for module in pkgutil.iter_modules(formats.__path__)]


def format_called(name: str) -> FileFormat:
    """Returns the format with this name. Raises CommandError for an unknown one."""
    if name not in format_names():
        raise CommandError(f"{name!r} is not a format; use one of {', '.join(format_names())}")
    found: FileFormat = import_module(f"{formats.__name__}.{name}").FORMAT
    return found
