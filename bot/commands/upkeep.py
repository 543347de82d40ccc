"""Keeping the house well."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot import settings
from bot.commands.common import Config, Data, complain, load, say

app = typer.Typer()


@app.command()
def bench(
    runs: Annotated[int, typer.Option("--runs", metavar="N", min=1, help="How often each figure is measured.")] = 5,
    postgres: Annotated[
        str, typer.Option("--postgres", metavar="URL", help="A server on which test databases may be made.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One flat object of the medians.")] = False,
) -> None:
    """Measure engine, live path and start-up on this machine, in temporary databases. Takes some minutes."""
    from bot.bench import run

    run.report(runs, postgres, say, complain, as_json=as_json)


@app.command()
def migrate(context: typer.Context, config: Config = None, data: Data = None) -> None:
    """Bring the database up to date. `serve` does so by itself."""
    from bot import house

    house.migrate(load(context, config, data), say)


@app.command()
def doctor(context: typer.Context, config: Config = None, data: Data = None) -> None:
    """Say in words whether all is well; exit code 1 if not. Changes nothing."""
    from bot import doctor

    if not doctor.examine(load(context, config, data), say):
        raise typer.Exit(1)


@app.command()
def unhandled(
    context: typer.Context,
    done: Annotated[bool, typer.Option("--done", help="They were looked at: delete those that are shown.")] = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Show messages of residents that could not be handled, for somebody to look at."""
    from bot import unhandled

    unhandled.show(load(context, config, data), say, done=done)


@app.command()
def backup(
    context: typer.Context,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where backups are kept.")] = Path("backups"),
    config: Config = None,
    data: Data = None,
) -> None:
    """Copy database, secret key, files and settings into a new folder, also while the service runs."""
    from bot import backup, ledger

    found = load(context, config, data)
    say(str(backup.back_up(found, settings.file_of(config or context.obj.config), to)))
    complain(f"What is erased from now on is noted in {found.data / ledger.FOLDER} only: copy that often, too.")


@app.command()
def restore(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(metavar="BACKUP", help="A folder that `backup` made; none: only erase again.")
    ] = None,
    erased: Annotated[
        list[Path] | None,
        typer.Option(
            "--erased", metavar="DIR", help="A data folder that knows what was erased since. May be repeated."
        ),
    ] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Put a backup into an empty data folder, after checking it, and erase again what was erased since."""
    from bot import backup

    found = load(context, config, data)
    if folder:
        backup.restore(found, folder, say, erased or ())
    else:
        backup.erase(found, say, erased or ())
