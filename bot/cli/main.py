"""Command line: assembles the commands, runs one, reports its errors.

Each command module of `bot/cli/` holds one group of commands. A command parses options, calls a function and prints.
The function lives in another module, which the command imports when it runs: `--help` must not load a web server.
"""

from __future__ import annotations

import os
import platform
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Annotated, NoReturn

import structlog
import typer

from bot.cli import answers, consultations, maintenance_commands, publishing, serve, staff, states, translation
from bot.cli.options import Config, Data, Fresh, GlobalOptions, Host, Port, complain, say
from bot.common import logs
from bot.common.errors import CommandError, program_call, program_name
from bot.common.i18n.phrase_catalogues import PhrasesError
from bot.common.keys import SecretError
from bot.common.remedies import remedy
from bot.common.version import version
from bot.settings import SettingsError
from storage.core.errors import StorageError

INTERNAL_FAULT = 70
"""EX_SOFTWARE of sysexits.h: an error in the program, not in its invocation."""
log = structlog.get_logger()

app = typer.Typer(
    help="A chat bot by which a city asks its residents, in the messenger they already use. "
    "Without a command it runs the service.",
    epilog="`python3 -m bot test` runs all tests. All settings: docs/reference/settings.md",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (
    serve,
    publishing,
    answers,
    consultations,
    states,
    maintenance_commands,
    staff,
    translation,
):  # in the order of --help
    app.add_typer(group.app)


def _tell_version(wanted: bool) -> None:
    if wanted:
        from storage import migrate

        say(f"Mitsprache {version()}, Python {platform.python_version()}, tables of {migrate.head_revision()}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def begin(
    context: typer.Context,
    config: Config = None,
    data: Data = None,
    host: Host = None,
    port: Port = None,
    fresh: Fresh = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_tell_version, help="Print the version.")
    ] = False,
) -> None:
    context.obj = GlobalOptions(config, data, host, port, fresh)
    if context.invoked_subcommand is None:
        serve.serve_command(context)


def run_cli(words: list[str] | None = None) -> NoReturn:
    """Runs one command and exits. Expected errors are printed as one sentence; all others are also logged."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # invalid bytes, or a terminal without Arabic letters
    logs.configure_logs(level="error")
    is_debugging = os.environ.get("MITSPRACHE_DEBUG") == "1"
    if not is_debugging:
        logs.log_uncaught_exceptions()
    try:
        app(sys.argv[1:] if words is None else words, prog_name=program_name())
    except (CommandError, SettingsError, SecretError, PhrasesError, StorageError) as error:
        complain(f"{program_name()}: {error}")
        if isinstance(error, StorageError):
            complain(f"What to do: {remedy(error)}. More: {program_call()} doctor")
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the last handler: no personal data may reach the terminal
        if is_debugging:
            traceback.print_exc()
        log.critical("internal_error", **logs.error_place(error))
        complain(
            "{program}: internal error: {fault} at {place}. Please report this line; "
            "MITSPRACHE_DEBUG=1 shows more.".format(program=program_name(), **logs.error_place(error))
        )
        sys.exit(INTERNAL_FAULT)
    finally:
        _flush_output()
    sys.exit(0)


def _flush_output() -> None:
    """Discards output that cannot be written (`| head`, a full disk): else Python would exit with status 120."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
