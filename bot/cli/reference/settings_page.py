"""Every setting with its default, from the settings models and the docstrings of their fields."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

import adapters
from bot.cli.reference.markdown import attribute_docs, item, paragraph
from bot.settings import RENAMED, PushSettings, Settings, WebSettings

_INTRODUCTION: Final = """\
Nothing has to be set. Without a settings file, `python3 -m bot` runs on SQLite in `data/`, on port
8080, for this machine only.

The program takes each setting from the first of these places that has it:

1. the command line: `--data`, `--host`, `--port`
2. the environment: `MITSPRACHE_` and the key in capitals, with `__` between levels
   (`MITSPRACHE_CHANNELS__TOWN__TOKEN`); commas separate the values of a list; an empty variable
   counts as not set
3. the settings file: `mitsprache.toml` in the current folder, or the file that `--config` names.
   `mitsprache.example.toml` shows all keys.

An unknown key or a value of the wrong kind is an error. The error names the key and its place.

## Secrets

Each key can be read from a file of its own: `KEY_file` (in the environment `MITSPRACHE_KEY_FILE`)
names a file that holds the value of `KEY`, for example
`database_url_file = "/run/secrets/database-url"`. The program never prints or logs secrets.
"""
_OWN: Final[tuple[tuple[str, str, type[BaseModel]], ...]] = (
    ("Keys without a section", "", Settings),
    ("The section `[web]`", "web.", WebSettings),
    ("The section `[push]`", "push.", PushSettings),
)


def lines() -> Iterator[str]:
    yield from _INTRODUCTION.splitlines()
    channels = [(f'A section `[channels.NAME]` with `type = "{name}"`', "", it) for name, it in channel_settings()]
    for heading, prefix, model in (*_OWN, *channels):
        yield from ("", f"## {heading}", "")
        docs = attribute_docs(model)
        for name, field in model.model_fields.items():
            yield from item(f"`{prefix}{name}` ({default_text(field)}): {docs.get(name, '')}".removesuffix(": "))
    yield from ("", "## Old names", "")
    yield from paragraph(
        "Version 0.1 also reads these names and prints one line with the new name on standard error. "
        "Version 0.2 refuses them."
    )
    for old, new in RENAMED.items():
        yield from item(f"`{'.'.join(old)}` is now `{'.'.join(new)}`")
    yield from ("", "## Find errors", "")
    yield from paragraph(
        "`MITSPRACHE_DEBUG=1` shows the whole traceback of an internal error. A traceback can contain texts of "
        "residents. Use it on a copy of the data, and unset it afterwards."
    )


def channel_settings() -> list[tuple[str, type[BaseModel]]]:
    """Returns the settings model of each type of channel that can be configured, found in `adapters/NAME/options.py`.
    Raises ImportError for a channel without this module, and ValueError if it has no model or several.
    """
    names = [it.name for it in pkgutil.iter_modules(adapters.__path__)]
    opened = [it for it in names if hasattr(importlib.import_module(f"adapters.{it}"), "open_channel")]
    return [(name, _settings_model(name)) for name in opened]


def _settings_model(channel: str) -> type[BaseModel]:
    options = importlib.import_module(f"adapters.{channel}.options")
    own = [it for it in vars(options).values() if isinstance(it, type) and it.__module__ == options.__name__]
    [model] = [it for it in own if issubclass(it, BaseModel) and "type" in it.model_fields]
    return model


def default_text(field: FieldInfo) -> str:
    """Returns the default in words: `required`, `empty`, or the value as the settings file spells it."""
    if field.is_required():
        return "required"
    value = field.default
    if isinstance(value, BaseModel):
        return "a section"
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value in ("", (), {}):
        return "default: none"
    return f"default: `{str(value).lower() if isinstance(value, bool) else value}`"
