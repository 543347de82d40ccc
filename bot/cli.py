"""The command line: parses, calls, prints. What a command does stands in a module of its own."""

from __future__ import annotations

import json
import os
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NoReturn

import structlog
import typer

from bot import logs, play, serving, settings
from bot.consultations import publishing, reading
from bot.house import HouseError, desk, furnish, program
from bot.keys import SecretError
from bot.phrases import PhrasesError
from bot.settings import Settings, SettingsError
from flows.definition import Consultation
from storage.errors import StorageError

INTERNAL_FAULT = 70
"""EX_SOFTWARE of sysexits.h: the fault is in the program, not in how it was called."""
log = structlog.get_logger()

app = typer.Typer(
    help="A chat bot with which a city asks its residents, in the messenger they already use. "
    "Without a command it serves.",
    epilog="`python3 -m bot test` runs all tests. All settings: docs/settings.md",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings. [default: mitsprache.toml]")]
Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Where all data is kept. [default: data]")]
Host = Annotated[str | None, typer.Option("--host", metavar="ADDRESS", help="Where to listen. [default: 127.0.0.1]")]
Port = Annotated[int | None, typer.Option("--port", metavar="N", help="Where to listen; taken: the next free one.")]


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


@app.callback(invoke_without_command=True)
def begin(
    context: typer.Context, config: Config = None, data: Data = None, host: Host = None, port: Port = None
) -> None:
    context.obj = Given(config, data, host, port)
    if context.invoked_subcommand is None:
        serving.serve(load(context, None, None), say)


@app.command()
def serve(
    context: typer.Context, config: Config = None, data: Data = None, host: Host = None, port: Port = None
) -> None:
    """Serve all channels until Ctrl-C; the same as no command at all."""
    serving.serve(load(context, config, data, host=host, port=port), say)


@app.command("play")
def play_(
    context: typer.Context,
    slug: Annotated[str, typer.Argument(help="Which consultation; without it all that are open are offered.")] = "",
    lang: Annotated[str, typer.Option("--lang", metavar="TAG", help="Language, instead of being asked for it.")] = "",
    record: Annotated[
        Path | None, typer.Option("--record", metavar="FILE", help="Write the chat down as a transcript.")
    ] = None,
    address: Annotated[
        str, typer.Option("--address", metavar="NAME", help="Who is chatting; the same again to go on later.")
    ] = "",
    config: Config = None,
    data: Data = None,
) -> None:
    """Chat in the terminal. From a pipe: one message a line."""
    wish = play.Wish(slug, lang, address, record)
    play.play(load(context, config, data), wish, sys.stdin, sys.stdout, complain)


@app.command()
def check(
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE…", help="Consultation files.")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of such files instead.")] = False,
) -> None:
    """Check consultation files: a line per fault, exit code 1 if any is more than a warning."""
    if schema:
        say(json.dumps(Consultation.model_json_schema(), ensure_ascii=False, indent=2))
        return
    if not files:
        raise HouseError(f"which file? Try: {program()} check flows/consultations/mein-kiez.yaml")
    found = [reading.read(file) for file in files]
    for fault in [fault for checked in found for fault in checked.faults]:
        say(str(fault))
    if any(checked.publishable is None for checked in found):
        raise typer.Exit(1)


@app.command()
def publish(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A consultation file.")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Publish a consultation file as the newest revision, unless a fault is found."""
    found = load(context, config, data)
    store, _, _ = furnish(found)
    published = publishing.publish(store, file, desk(found))
    store.dispose()
    for fault in published.faults:
        say(str(fault))
    if published.revision is None:
        raise typer.Exit(1)
    revision = published.revision
    news = "published" if published.new else "unchanged"
    say(f"{revision.slug}: revision {revision.number} {news}; try it: {program()} play {revision.slug}")


@app.command()
def migrate(context: typer.Context, config: Config = None, data: Data = None) -> None:
    """Bring the database up to date. `serve` does so by itself."""
    store, _, _ = furnish(load(context, config, data))
    store.dispose()
    say("The database is up to date.")


def say(text: str) -> None:
    """Prints what was asked for."""
    print(text, flush=True)  # noqa: T201 - this is where the program talks to who runs it


def complain(text: str) -> None:
    """Prints what the person should know beside what was asked for."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def main(words: list[str] | None = None) -> NoReturn:
    """Runs one command and exits. Every fault that can be expected is one sentence; others are named and logged."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # an odd byte, or a terminal without Arabic letters
    logs.configure(level="error")
    try:
        app(sys.argv[1:] if words is None else words, prog_name=program())
    except (HouseError, SettingsError, SecretError, PhrasesError, StorageError) as fault:
        complain(f"{program()}: {fault}")
        if isinstance(fault, StorageError):
            complain(f"What is wrong with the database: {program()} doctor")
        sys.exit(1)
    except Exception as fault:  # noqa: BLE001 - the last line of defence, which keeps people's words out of the terminal
        if os.environ.get("MITSPRACHE_DEBUG") == "1":
            traceback.print_exc()
        log.critical("internal fault", **logs.where(fault))
        complain(
            "{program}: a fault of the program itself: {fault} at {place}. Please report this line; "
            "MITSPRACHE_DEBUG=1 shows more.".format(program=program(), **logs.where(fault))
        )
        sys.exit(INTERNAL_FAULT)
    sys.exit(0)
