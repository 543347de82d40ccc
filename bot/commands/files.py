"""What is read from a file: consultations and recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.commands.common import Config, Data, complain, load, say
from bot.errors import HouseError, program

app = typer.Typer()


@app.command()
def check(
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE…", help="Consultation files.")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of such files instead.")] = False,
) -> None:
    """Check consultation files: a line per fault, exit code 1 if any is more than a warning."""
    from bot import checking

    if schema:
        say(checking.schema())
    elif not files:
        raise HouseError(f"which file? Try: {program()} check flows/consultations/mein-kiez.yaml")
    elif not checking.check(files, say):
        raise typer.Exit(1)


@app.command()
def publish(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A consultation file.")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Publish a consultation file as the newest revision, unless a fault is found."""
    from bot import house

    if not house.publish(load(context, config, data), file, say):
        raise typer.Exit(1)


@app.command()
def replay(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="One message a line, as JSON.")],
    skip_bad_lines: Annotated[
        bool, typer.Option("--skip-bad-lines", help="Feed the good lines of a recording with bad ones.")
    ] = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Feed recorded messages as if they came in now; exit code 1 if a line or a message was bad."""
    from bot import replay

    if not replay.replay(load(context, config, data), file, say, complain, skip_bad_lines=skip_bad_lines):
        raise typer.Exit(1)
