"""The command line: parses, calls, prints. What a command does stands in a module of its own.

Each command imports its module when it is called: nobody waits for a web server in order to read `--help`.
"""

from __future__ import annotations

import os
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NoReturn

import structlog
import typer

from bot import logs, settings
from bot.errors import HouseError, program
from bot.keys import SecretError
from bot.phrases import PhrasesError
from bot.settings import Settings, SettingsError
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
        serve(context)


@app.command()
def serve(
    context: typer.Context, config: Config = None, data: Data = None, host: Host = None, port: Port = None
) -> None:
    """Serve all channels until Ctrl-C; the same as no command at all."""
    from bot import serving

    serving.serve(load(context, config, data, host=host, port=port), say)


@app.command("play")
def chat(
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
    from bot import play

    wish = play.Wish(slug, lang, address, record)
    play.play(load(context, config, data), wish, sys.stdin, sys.stdout, complain)


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


@app.command()
def export(
    context: typer.Context,
    slug: Annotated[str, typer.Argument(help="Which consultation.")],
    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="A new folder, or a new file ending in .zip.")],
    profile: Annotated[
        str, typer.Option("--profile", metavar="public|analysis|raw", help="How much of people is in it.")
    ] = "analysis",
    format_: Annotated[
        str, typer.Option("--format", metavar="csv|polis|…", help="Answers as csv, or proposals as others read them.")
    ] = "csv",
    config: Config = None,
    data: Data = None,
) -> None:
    """Write the answers of a consultation to files for spreadsheets and statistics, or proposals for other tools."""
    if format_ != "csv":
        from bot.exchange import command

        command.export(load(context, config, data), slug, format_, out, say, complain)
        return
    from bot.exports import package

    package.export(load(context, config, data), package.Wish(slug, out, profile), say, complain)


@app.command()
def attachments(
    context: typer.Context,
    slug: Annotated[str, typer.Argument(help="Which consultation.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="A new folder.")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Write the voice messages and pictures people answered with to a folder, decrypted, with a list."""
    from bot.attachments import command

    command.write_out(load(context, config, data), slug, out, say, complain)


@app.command("import")
def import_(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="polis, …: which program wrote it.")],
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A file, a folder or a ZIP file.")],
    as_: Annotated[
        str, typer.Option("--as", metavar="SLUG", help="Into this consultation; made if it is not there.")
    ] = "",
    lang: Annotated[str, typer.Option("--lang", metavar="TAG", help="The language the contributions are in.")] = "de",
    open_: Annotated[bool, typer.Option("--open", help="Let residents rate what comes in, if it is made now.")] = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Take over proposals and votes of another program, all or nothing; a second time changes nothing."""
    from bot.exchange import command
    from bot.exchange.taking import Wish

    command.import_(load(context, config, data), kind, path, Wish(as_, lang, open_), say, complain)


@app.command()
def results(
    context: typer.Context,
    slug: Annotated[str, typer.Argument(help="Which consultation.")],
    as_json: Annotated[bool, typer.Option("--json", help="Every figure as one JSON object.")] = False,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", help="Of the opinion groups; the same again, the same.")
    ] = 0,
    config: Config = None,
    data: Data = None,
) -> None:
    """Counts, balance and consensus in plain words, with how many people stand behind each figure."""
    from bot.results import command

    command.show(load(context, config, data), slug, say, seed=seed, as_json=as_json)


@app.command()
def push(
    context: typer.Context,
    slug: Annotated[str, typer.Argument(help="Which consultation.")],
    segment: Annotated[
        str, typer.Option("--segment", metavar="EXPR", help="Who of those who asked for it; see docs/push.md.")
    ] = "everybody",
    at: Annotated[str, typer.Option("--at", metavar="TIME", help="Not before: 2026-12-01 18:00.")] = "",
    per_hour: Annotated[int | None, typer.Option("--per-hour", metavar="N", min=0, help="How many in an hour.")] = None,
    reminder: Annotated[bool, typer.Option("--reminder", help="Only who began and did not finish.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Also where many are reached.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it until it is over.")] = False,
    status: Annotated[bool, typer.Option("--status", help="Say how far the last push of it is.")] = False,
    pause: Annotated[bool, typer.Option("--pause", help="Stop sending for now.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on sending.")] = False,
    recall: Annotated[bool, typer.Option("--recall", help="Take back what is not sent yet.")] = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Send a consultation to those who asked for it; the house that runs does the sending."""
    from bot.broadcasts import command

    actions = [
        name
        for name, wanted in (("pause", pause), ("resume", resume), ("recall", recall), ("status", status))
        if wanted
    ]
    if len(actions) > 1:
        raise HouseError(f"--{' and --'.join(actions)} do not go together; take one of them")
    order = command.Order(slug, segment, at, per_hour, reminder, dry_run, yes, watch, "".join(actions))
    command.push(load(context, config, data), order, say, complain)


@app.command()
def consultations(context: typer.Context, config: Config = None, data: Data = None) -> None:
    """List what is published: name, title, state, revision, languages."""
    from bot import house

    house.list_consultations(load(context, config, data), say)


@app.command()
def places(
    context: typer.Context,
    slug: Annotated[str, typer.Argument(help="Which consultation.")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Count where people came from, by place code and way of entry; small numbers as "<5"."""
    from bot import places

    places.show(load(context, config, data), slug, say)


staff_app = typer.Typer(help="Let people in who help, ask, read or run: personal codes.", no_args_is_help=True)
app.add_typer(staff_app, name="staff")


@staff_app.command("add")
def add_staff(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whom to let in.")],
    role: Annotated[str, typer.Option("--role", metavar="helper|facilitator|kernteam|admin", help="What for.")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Let somebody in; prints the personal code once."""
    from bot import staff

    staff.add(load(context, config, data), name, role, say)


@staff_app.command("list")
def list_staff(context: typer.Context, config: Config = None, data: Data = None) -> None:
    """List who is let in, and who no more."""
    from bot import staff

    staff.list_all(load(context, config, data), say)


@staff_app.command("revoke")
def revoke_staff(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whom to let in no more.")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Let somebody in no more, at once."""
    from bot import staff

    staff.revoke(load(context, config, data), name, say)


@staff_app.command("key")
def add_key(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who answers for it; somebody who works here.")],
    scope: Annotated[list[str], typer.Option("--scope", metavar="read|moderate|publish", help="What for.")],
    consultation: Annotated[
        str, typer.Option("--consultation", metavar="SLUG", help="The only one it is good for. [default: all]")
    ] = "",
    config: Config = None,
    data: Data = None,
) -> None:
    """Make a key with which another program uses the API; prints it once."""
    from bot.api import keyring

    keyring.add(load(context, config, data), name, scope, consultation, say)


@staff_app.command("keys")
def list_keys(context: typer.Context, config: Config = None, data: Data = None) -> None:
    """List the keys of other programs, and those that are revoked."""
    from bot.api import keyring

    keyring.list_all(load(context, config, data), say)


@staff_app.command("revoke-key")
def revoke_key(
    context: typer.Context,
    label: Annotated[str, typer.Argument(metavar="LABEL", help="The first part of the key, as `staff keys` shows it.")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Let a key in no more, at once."""
    from bot.api import keyring

    keyring.revoke(load(context, config, data), label, say)


@app.command()
def archive(
    context: typer.Context,
    slug: Annotated[str, typer.Argument(help="Which consultation.")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Put a consultation away; exit code 1, and a list, while somebody still waits for an answer."""
    from bot.proposals import archiving

    if not archiving.archive(load(context, config, data), slug, say):
        raise typer.Exit(1)


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
def backup(
    context: typer.Context,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where backups are kept.")] = Path("backups"),
    config: Config = None,
    data: Data = None,
) -> None:
    """Copy database, secret key, files and settings into a new folder, also while the service runs."""
    from bot import backup

    found = load(context, config, data)
    say(str(backup.back_up(found, settings.file_of(config or context.obj.config), to)))


@app.command()
def restore(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="BACKUP", help="A folder that `backup` made.")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Put a backup into an empty data folder, after checking it."""
    from bot import backup

    backup.restore(load(context, config, data), folder, say)


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
    is_debugging = os.environ.get("MITSPRACHE_DEBUG") == "1"
    if not is_debugging:
        logs.watch_over_what_nobody_catches()
    try:
        app(sys.argv[1:] if words is None else words, prog_name=program())
    except (HouseError, SettingsError, SecretError, PhrasesError, StorageError) as fault:
        complain(f"{program()}: {fault}")
        if isinstance(fault, StorageError):
            complain(f"What is wrong with the database: {program()} doctor")
        sys.exit(1)
    except Exception as fault:  # noqa: BLE001 - the last line of defence, which keeps people's words out of the terminal
        if is_debugging:
            traceback.print_exc()
        log.critical("internal fault", **logs.where(fault))
        complain(
            "{program}: a fault of the program itself: {fault} at {place}. Please report this line; "
            "MITSPRACHE_DEBUG=1 shows more.".format(program=program(), **logs.where(fault))
        )
        sys.exit(INTERNAL_FAULT)
    sys.exit(0)
