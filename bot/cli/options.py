"""What commands share: the options of all, the settings they lead to, and how a command speaks."""

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
    Path | None, typer.Option("--config", metavar="FILE", readable=False, help="Settings. [default: mitsprache.toml]")
]
Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", readable=False, help="Where all data is kept. [default: data]")
]
Host = Annotated[str | None, typer.Option("--host", metavar="ADDRESS", help="Where to listen. [default: 127.0.0.1]")]
Port = Annotated[int | None, typer.Option("--port", metavar="N", help="Where to listen; taken: the next free one.")]
Fresh = Annotated[
    bool, typer.Option("--fresh", help="Begin with a new database, although one was made for this data folder.")
]
Slug = Annotated[str, typer.Argument(help="Which consultation.")]


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    """Options before the command; those after it are stronger."""

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
    """The settings for a command, and logs that follow them. Raises SettingsError."""
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
"""The exit code where a person has to confirm something and did not."""
SameMeaning = Annotated[
    list[str] | None,
    typer.Option(
        "--same-meaning", metavar="KEY", help="This question still means the same, in other words. Repeatable."
    ),
]
Takes = Annotated[
    bool, typer.Option("--yes", help="Take over what is listed of an earlier wave (take: top) without a question.")
]
Base = Annotated[
    int | None, typer.Option("--base", metavar="N", min=1, help="You have seen revision N and mean to replace it.")
]


def keep_old_name(app: typer.Typer, old: str, new: str, command: Callable[..., None]) -> None:
    """Keeps the old name of a command for one release: it works, is not listed, and names the new one."""

    @app.command(old, hidden=True)
    @wraps(command)
    def called_by_old_name(*args: Any, **options: Any) -> None:
        complain(f"{old} is now called {new}; the old name works until 0.2")
        command(*args, **options)


def asker() -> Callable[[str], bool] | None:
    """Asks for yes or no at the terminal; None where there is none, so that nobody can be asked."""
    return partial(typer.confirm, default=False) if sys.stdin.isatty() else None


def say(text: str) -> None:
    """Prints what was asked for."""
    print(text, flush=True)  # noqa: T201 - this is where the program talks to who runs it


def ask(question: str) -> str:
    """What the person at the terminal answers; "" where nobody sits there."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return ""
    print(question, end="", file=sys.stderr, flush=True)  # noqa: T201
    return sys.stdin.readline().strip()


def complain(text: str) -> None:
    """Prints what the person should know beside what was asked for."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201
