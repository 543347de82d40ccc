"""Settings: one typed tree from one file and the environment. What does not belong there is an error that names it."""

from __future__ import annotations

import os
import tomllib
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

PREFIX = "MITSPRACHE_"
_NOT_SETTINGS = ("MITSPRACHE_TEST_",)  # read by the tests only


class SettingsError(Exception):
    """A setting is wrong; the text says which, where and what to do."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ChannelSettings(BaseModel):
    """One configured way to reach people. What else belongs there is the business of the channel's own file."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str
    """Name of the file in `adapters/` that speaks this channel, e.g. `telegram`."""


class Settings(_Section):
    """Everything an operator can set. Each key stands in `mitsprache.toml`, or in the environment as `MITSPRACHE_KEY`,
    with `__` between levels; `key_file` names a file that holds the value of `key`."""

    data: Path = Path("data")
    """Folder for the database, the secret key and attachments."""
    database_url: SecretStr = SecretStr("")
    """`sqlite:///…` or `postgresql://…`; empty: `mitsprache.db` in the data folder."""
    host: str = "127.0.0.1"
    """Address on which the web page listens."""
    port: int = Field(default=8080, ge=0, le=65535)
    """Port on which the web page listens; 0 takes a free one."""
    timezone: str = "Europe/Berlin"
    """Where the city's days begin and end: a name of the IANA database."""
    samples: bool = True
    """Whether the sample consultations are published."""
    log_format: Literal["auto", "console", "json"] = "auto"
    """`auto`: readable in a terminal, JSON in a service."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    channels: dict[str, ChannelSettings] = {}

    def zone(self) -> tzinfo:
        """The city's time zone; UTC where this machine has no time zones at all."""
        return ZoneInfo(self.timezone) if available_timezones() else UTC

    def database(self) -> str:
        """The URL of the database, also where none was set."""
        url = self.database_url.get_secret_value()
        return url or f"sqlite:///{(self.data / 'mitsprache.db').absolute()}"


def load(path: Path | None = None, **given: Any) -> Settings:
    """The settings: `given` (from the command line) before the environment before the file before defaults.

    `path` None means `mitsprache.toml` if it is there. Raises SettingsError.
    """
    tree = _from_file(path)
    _merge(tree, _from_environment(), "the environment")
    _merge(tree, {key: value for key, value in given.items() if value is not None}, "the command line")
    try:
        return Settings.model_validate(_read_files(tree))
    except ValidationError as fault:
        raise SettingsError("\n".join(_in_words(error) for error in fault.errors())) from fault


def _from_file(path: Path | None) -> dict[str, Any]:
    wanted = path or Path("mitsprache.toml")
    if path is None and not wanted.exists():
        return {}
    try:
        return tomllib.loads(wanted.read_text(encoding="utf-8"))
    except OSError as fault:
        raise SettingsError(f"{wanted}: cannot be read ({fault.strerror}); check --config") from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise SettingsError(f"{wanted}: is not valid TOML: {fault}") from fault


def _from_environment() -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in os.environ.items():
        if name.startswith(PREFIX) and not name.startswith(_NOT_SETTINGS):
            *levels, last = name.removeprefix(PREFIX).lower().split("__")
            place = tree
            for level in levels:
                place = place.setdefault(level, {})
            place[last] = value
    return tree


def _merge(tree: dict[str, Any], stronger: dict[str, Any], source: str) -> None:
    for key, value in stronger.items():
        if isinstance(value, dict) and isinstance(tree.get(key), dict):
            _merge(tree[key], value, source)
        else:
            tree[key] = value


def _read_files(tree: dict[str, Any]) -> dict[str, Any]:
    """Replaces `key_file = path` by `key = what stands in the file`, so that secrets need not stand among settings."""
    result: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            result[key] = _read_files(value)
        elif key.endswith("_file"):
            try:
                result[key.removesuffix("_file")] = Path(value).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError, TypeError) as fault:
                raise SettingsError(f"{key}: the file {value!r} cannot be read; check its path and rights") from fault
        else:
            result[key] = value
    return result


def _in_words(error: Any) -> str:
    name = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        known = ", ".join(Settings.model_fields)
        return f"unknown setting {name!r}; check the spelling. Known settings: {known}"
    return f"setting {name!r}: {error['msg'].lower()}"
