"""Options shared by all commands, the settings resulting from them, and terminal output."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from bot import settings
from bot.common import logs
from bot.settings import Settings

Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", readable=False, help="Settings file. [default: mitsprache.toml]"),
]
Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", readable=False, help="Folder of all data. [default: data]")
]
Host = Annotated[
    str | None, typer.Option("--host", metavar="ADDRESS", help="Address to listen on. [default: 127.0.0.1]")
]
Port = Annotated[
    int | None, typer.Option("--port", metavar="N", help="Port to listen on; if it is taken, the next free one.")
]
Fresh = Annotated[
    bool, typer.Option("--fresh", help="Start with a new database although this data folder already had one.")
]
Slug = Annotated[str, typer.Argument(help="Name of the consultation.")]


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    """Options given before the command; options after it take precedence."""

    config: Path | None = None
    data: Path | None = None
    host: str | None = None
    port: int | None = None
    fresh: bool = False


def load_with_options(
    context: typer.Context,
    config: Path | None,
    data: Path | None,
    host: str | None = None,
    port: int | None = None,
    *,
    fresh: bool = False,
) -> Settings:
    """Loads the settings for a command and configures the logs. Raises SettingsError."""
    before: GlobalOptions = context.obj
    found = settings.load_settings(
        config or before.config,
        data=data or before.data,
        host=host or before.host,
        port=before.port if port is None else port,
    )
    for notice in found.notices:
        complain(notice)
    level = found.log_level if context.info_name in {"serve", context.find_root().info_name} else "error"
    logs.configure_logs(found.log_format, level)
    return found.begun_afresh() if fresh or before.fresh else found


NOT_CONFIRMED: Final = 2
SET_ASIDE: Final = 3
"""Exit codes: a confirmation is missing; rows were skipped."""
SameMeaning = Annotated[
    list[str] | None,
    typer.Option(
        "--same-meaning", metavar="KEY", help="The question KEY was reworded but keeps its meaning. Repeatable."
    ),
]
Takes = Annotated[
    bool, typer.Option("--yes", help="Adopt the listed proposals of an earlier wave (take: top) without confirmation.")
]
Base = Annotated[
    int | None,
    typer.Option("--base", metavar="N", min=1, help="Replace revision N; refused if another one is live by now."),
]


OLD_NAMES: Final[dict[str, str]] = {}
"""Old and new names of commands, filled by `keep_old_name`."""


def keep_old_name(app: typer.Typer, old: str, new: str, command: Callable[..., None]) -> None:
    """Keeps the old name of a command for one release: it works, is not listed, and names the new one."""
    OLD_NAMES[old] = new

    @app.command(old, hidden=True)
    @wraps(command)
    def called_by_old_name(*args: Any, **options: Any) -> None:
        complain(f"{old} is now called {new}; the old name works until 0.2")
        command(*args, **options)


def asker() -> Callable[[str], bool] | None:
    """Returns a function that prompts for yes or no at the terminal; None without a terminal."""
    return partial(typer.confirm, default=False) if sys.stdin.isatty() else None


def say(text: str) -> None:
    """Prints a result to standard output."""
    print(text, flush=True)  # noqa: T201 - the output of commands


def ask(question: str) -> str:
    """Prompts at the terminal and returns the answer; "" without a terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return ""
    print(question, end="", file=sys.stderr, flush=True)  # noqa: T201 - the output of commands
    return sys.stdin.readline().strip()


def complain(text: str) -> None:
    """Prints a notice to standard error."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - the output of commands
