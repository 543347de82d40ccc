"""What commands share: the options of all, the settings they lead to, and how a command speaks."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from bot import logs, settings
from bot.settings import Settings

Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", readable=False, help="Settings. [default: mitsprache.toml]")
]
Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", readable=False, help="Where all data is kept. [default: data]")
]
Host = Annotated[str | None, typer.Option("--host", metavar="ADDRESS", help="Where to listen. [default: 127.0.0.1]")]
Port = Annotated[int | None, typer.Option("--port", metavar="N", help="Where to listen; taken: the next free one.")]
Slug = Annotated[str, typer.Argument(help="Which consultation.")]


@dataclass(frozen=True, slots=True)
class Given:
    """Options before the command; those after it are stronger."""

    config: Path | None = None
    data: Path | None = None
    host: str | None = None
    port: int | None = None


def load(
    context: typer.Context, config: Path | None, data: Path | None, host: str | None = None, port: int | None = None
) -> Settings:
    """The settings for a command, and logs that follow them. Raises SettingsError."""
    before: Given = context.obj
    found = settings.load(
        config or before.config,
        data=data or before.data,
        host=host or before.host,
        port=before.port if port is None else port,
    )
    level = found.log_level if context.info_name in {"serve", context.find_root().info_name} else "error"
    logs.configure(found.log_format, level)
    return found


def say(text: str) -> None:
    """Prints what was asked for."""
    print(text, flush=True)  # noqa: T201 - this is where the program talks to who runs it


def complain(text: str) -> None:
    """Prints what the person should know beside what was asked for."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201
