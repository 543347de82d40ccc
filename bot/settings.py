"""Settings: one typed tree from one file and the environment. An unknown key is an error that names it."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, tzinfo
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from adapters.sections import describe_setting_error
from bot.common.setting_sections import WEEKDAYS, OidcSettings, PushSettings, SettingsSection, WebSettings
from bot.common.setting_types import ChannelType

__all__ = [
    "RENAMED",
    "WEEKDAYS",
    "ChannelSettings",
    "OidcSettings",
    "PushSettings",
    "Settings",
    "SettingsError",
    "WebSettings",
    "load_settings",
    "settings_file",
]

PREFIX: Final = "MITSPRACHE_"
FILE: Final = Path("mitsprache.toml")
RENAMED: Final = {
    ("samples",): ("publish_samples",),
    ("push", "most"): ("push", "max_pushes"),
    ("push", "days"): ("push", "period_days"),
}
"""Old and new names of settings. Version 0.1 accepts both; 0.2 accepts the new names only."""
_NOT_SETTINGS: Final = ("MITSPRACHE_TEST_", "MITSPRACHE_DEBUG")  # for tests, and for tracebacks


class SettingsError(Exception):
    """A setting is invalid; the text names the setting, its location and the remedy."""


@cache
def _zones() -> frozenset[str]:
    """The time zones of this machine: finding them reads hundreds of files."""
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    zones = _zones()
    if zones and name not in zones:
        near = get_close_matches(name, zones, 1)
        raise PydanticCustomError("zone", "there is no such time zone{hint}", {"hint": f"; {near[0]}?" if near else ""})
    return name


def _plain_name(name: str) -> str:
    if name == "web":
        raise PydanticCustomError("name", "is the name of the built-in channel of the web pages; choose another name")
    if not re.fullmatch("[A-Za-z][A-Za-z0-9_-]*", name):  # it is also the name of a folder in the data folder
        raise PydanticCustomError("name", "is not a valid channel name; use letters a to z, digits, - and _")
    return name


class ChannelSettings(BaseModel):
    """One configured channel. The module of the channel type checks all other keys."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: ChannelType
    """Name of the module in `adapters/` that implements this channel, e.g. `telegram`."""

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        # Tokens and passwords are among the other keys: only the names are shown.
        yield "type", self.type
        yield from ((name, "**********") for name in self.model_extra or ())


class Settings(SettingsSection):
    """Everything an operator can set. Each key is set in `mitsprache.toml`, or in the environment as `MITSPRACHE_KEY`,
    with `__` between levels; `key_file` names a file that holds the value of `key`.
    """

    data: Annotated[Path, AfterValidator(Path.expanduser)] = Path("data")
    """Folder for the database and the secret key."""
    database_url: SecretStr = SecretStr("")
    """`sqlite:///…` or `postgresql://…`; empty: `mitsprache.db` in the data folder."""
    host: str = "127.0.0.1"
    """Address on which the web page listens."""
    port: int = Field(default=8080, ge=0, le=65535)
    """Port on which the web page listens; 0 selects a free one."""
    timezone: Annotated[str, AfterValidator(_known_zone)] = "Europe/Berlin"
    """The city's time zone, which determines its days: a name of the IANA database."""
    publish_samples: bool = True
    """Whether the sample consultations are published into an empty database."""
    log_format: Literal["auto", "console", "json"] = "auto"
    """`auto`: readable in a terminal, JSON in a service."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The lowest level of log lines."""
    attachment_megabytes: int = Field(default=20, ge=1, le=20)
    """The maximum size in megabytes of a voice message or picture that is stored; channels deliver at most 20."""
    backup_days: int = Field(default=90, ge=14, le=3650)
    """The maximum number of days backups are stored; erasures are logged for the same time, to repeat them after a
    restore.
    """
    backup_folder: Annotated[Path, AfterValidator(Path.expanduser)] = Path("backups")
    """The folder to which `backup` and the console write backups, unless `--to` names another one."""
    raw_needs_purpose: bool = False
    """Whether `export --profile raw` and `attachments` are refused without `--purpose`."""
    web: WebSettings = WebSettings()
    """Appearance and addresses of the web pages, the section `[web]`."""
    push: PushSettings = PushSettings()
    """Time and frequency of pushes, the section `[push]`."""
    oidc: OidcSettings = OidcSettings()
    """Sign-in to the console at an identity provider, the section `[oidc]`."""
    channels: dict[Annotated[str, AfterValidator(_plain_name)], ChannelSettings] = {}  # noqa: RUF012 - pydantic copies it
    """The channels, each a section `[channels.NAME]` with its `type`."""
    _is_fresh: bool = PrivateAttr(default=False)
    _notices: tuple[str, ...] = PrivateAttr(default=())
    _file: Path | None = PrivateAttr(default=None)

    @property
    def is_fresh(self) -> bool:
        """Whether this call may start with a new or another database. Set at the command line only: in a file it would
        apply to every start.
        """
        return self._is_fresh

    def begun_afresh(self) -> Settings:
        """Returns the settings with `is_fresh` set."""
        fresh = self.model_copy()
        fresh._is_fresh = True
        return fresh

    @property
    def file(self) -> Path | None:
        """The file that was read, if any."""
        return self._file

    @property
    def notices(self) -> tuple[str, ...]:
        """One sentence per setting that was given under its old name."""
        return self._notices

    def zone(self) -> tzinfo:
        """The city's time zone; UTC if this machine has no time zone data (reported by `doctor`)."""
        return ZoneInfo(self.timezone) if _zones() else UTC

    def database(self) -> str:
        """Returns the URL of the database, with the default if none is set."""
        url = self.database_url.get_secret_value()
        return url or f"sqlite:///{(self.data / 'mitsprache.db').absolute()}"


class _Given(NamedTuple):
    value: Any
    place: str
    """Returns where a setting was set, in readable form."""


_Flat = dict[tuple[str, ...], _Given]


def load_settings(path: Path | None = None, **given: Any) -> Settings:
    """Returns the settings. Precedence: `given` (from the command line), environment, file, defaults.

    `path` None means `mitsprache.toml` if it exists. Raises SettingsError.
    """
    command = {(key,): _Given(value, f"--{key}") for key, value in given.items() if value is not None}
    notices: list[str] = []
    file, environment = (_renamed(_secrets(source), notices) for source in (_from_file(path), _from_environment()))
    flat = file | environment | command
    try:
        found = Settings.model_validate(_tree(flat))
        found._notices = tuple(notices)
        found._file = settings_file(path)
        return found
    except ValidationError as invalid:
        # Without a cause: pydantic's own text quotes the values, and one of them may be a password.
        raise SettingsError("\n".join(_in_words(error, flat) for error in invalid.errors())) from None


def settings_file(path: Path | None) -> Path | None:
    """Returns the settings file that is read: the given one, or the default one if it exists."""
    return path or (FILE if FILE.exists() else None)


def _from_file(path: Path | None) -> _Flat:
    found = settings_file(path)
    if found is None:
        return {}
    try:
        text = found.read_text(encoding="utf-8-sig")
        tree = tomllib.loads(text)
    except OSError as error:
        raise SettingsError(f"{found}: cannot be read ({error.strerror}); check --config") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{found}: is not a text file in UTF-8; save it as one") from error
    except tomllib.TOMLDecodeError as error:
        twice = "overwrite" in str(error) or "twice" in str(error)
        remedy = "define each key and section once" if twice else "texts need quotation marks"
        raise SettingsError(f"{found}: is not valid TOML: {error}; {remedy}") from error
    lines = _lines(text)
    return {key: _Given(value, f"{found}:{lines[key]}" if key in lines else str(found)) for key, value in _leaves(tree)}


def _leaves(tree: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key), value


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """Returns the line of each plainly written key, which the parser does not report."""
    lines: dict[tuple[str, ...], int] = {}
    section: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if head := re.match(r"\s*\[([\w.-]+)\]", line):
            section = tuple(head[1].split("."))
            lines.setdefault(section, number)
        elif key := re.match(r"\s*([\w.-]+)\s*=", line):
            lines.setdefault((*section, *key[1].split(".")), number)
    return lines


def _from_environment() -> _Flat:
    """Returns every non-empty variable MITSPRACHE_…."""
    return {
        tuple(name.removeprefix(PREFIX).lower().split("__")): _Given(value, name)
        for name, value in os.environ.items()
        if name.startswith(PREFIX) and not name.startswith(_NOT_SETTINGS) and value
    }


def _secrets(flat: _Flat) -> _Flat:
    """Replaces `key_file = path` by `key = content of the file`: settings need not contain secrets."""
    result: _Flat = {}
    for key, given in flat.items():
        if not key[-1].endswith("_file"):
            result[key] = given
            continue
        wanted = (*key[:-1], key[-1].removesuffix("_file"))
        if wanted in flat:
            raise SettingsError(f"{given.place}: both {wanted[-1]} and {key[-1]} are set; keep one of them")
        try:
            result[wanted] = _Given(Path(given.value).expanduser().read_text(encoding="utf-8").strip(), given.place)
        except (OSError, UnicodeDecodeError, TypeError) as error:
            raise SettingsError(
                f"{given.place}: {key[-1]} names {given.value!r}, which cannot be read; check its path and rights"
            ) from error
    return result


def _renamed(flat: _Flat, notices: list[str]) -> _Flat:
    """Returns the settings of one source under their new names; adds a notice for each old name."""
    for old in flat.keys() & RENAMED.keys():
        new, given = RENAMED[old], flat[old]
        if new in flat:
            raise SettingsError(f"{given.place}: both {old[-1]} and {new[-1]} are set; keep {new[-1]}")
        notices.append(f"{given.place}: {'.'.join(old)} is now called {'.'.join(new)}; the old name works until 0.2")
    return {RENAMED.get(key, key): given for key, given in flat.items()}


def _tree(flat: _Flat) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, given in flat.items():
        place = tree
        for level in key[:-1]:
            place = place.setdefault(level, {})
            if not isinstance(place, dict):
                raise SettingsError(f"{given.place}: {level!r} is a single value without keys")
        if isinstance(place.get(key[-1]), dict):
            raise SettingsError(f"{given.place}: {key[-1]!r} is a section; set one of its keys")
        place[key[-1]] = given.value
    return tree


def _place_of(where: tuple[str, ...], flat: _Flat) -> str:
    """Returns where a key was set; for a missing key, where its neighbours are."""
    for wanted in (where, where[:-1]):
        for key, given in flat.items():
            if wanted and (key[: len(wanted)] == wanted or wanted[: len(key)] == key):
                return f"{given.place}: "
    return ""


def _in_words(error: ErrorDetails, flat: _Flat) -> str:
    """Returns an error as one sentence: location, key and remedy. The value is not repeated, because it may be a
    secret.
    """
    where = tuple(str(part) for part in error["loc"] if part != "[key]")
    name = ".".join(where)
    place = _place_of(where, flat)
    if error["type"] == "extra_forbidden":
        return f"{place}unknown setting {name!r}; {_hint(where)}"
    if error["type"] == "missing":
        return f"{place}setting {name!r} is missing; see docs/reference/settings.md"
    return f"{place}{describe_setting_error(name, error)}"


def _hint(where: tuple[str, ...]) -> str:
    """Suggests an existing key for an unknown one, in the same section or another one."""
    sections = {"web": WebSettings.model_fields, "push": PushSettings.model_fields}
    known = sections.get(where[0], {}) if len(where) > 1 else Settings.model_fields
    if near := get_close_matches(where[-1], known, 1):
        return f"is {near[0]!r} meant?"
    homes = [f"[{name}]" for name, keys in sections.items() if where[-1] in keys]
    if homes:
        return f"it belongs to the section {homes[0]}"
    more = "" if len(where) > 1 else "; the settings of a channel are in its section [channels.NAME]"
    return f"known are {', '.join(known)}{more}"
