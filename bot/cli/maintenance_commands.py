"""Commands for operators: benchmark, migration, checks, backup and keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot import settings
from bot.cli.options import Config, Data, Fresh, complain, keep_old_name, load_with_options, say

app = typer.Typer()


@app.command("bench")
def bench_command(
    runs: Annotated[int, typer.Option("--runs", metavar="N", min=1, help="Measurements per figure.")] = 5,
    postgres: Annotated[
        str, typer.Option("--postgres", metavar="URL", help="A server on which test databases can be created.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One flat object of the medians.")] = False,
    with_peers: Annotated[
        bool, typer.Option("--peers", help="Compare with other chat bot libraries, as a table (needs the repository).")
    ] = False,
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="N", min=0.1, help="With --peers: duration of each run.")
    ] = 3.0,
    folder: Annotated[
        Path | None, typer.Option("--folder", metavar="DIR", help="With --peers: the folder to write to.")
    ] = None,
) -> None:
    """Measure engine, message path and start-up on this machine, in temporary databases. Takes some minutes."""
    from bot.cli.bench import peers, run

    if with_peers:
        raise typer.Exit(peers.run_peers(peers.PeerBenchOptions(runs, seconds, folder, as_json)))
    run.print_report(runs, postgres, say, complain, as_json=as_json)


@app.command("migrate")
def migrate_command(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="[new NAME]", help="For programmers: write the next revision.")] = "",
    name: Annotated[str, typer.Argument(hidden=True)] = "",
    config: Config = None,
    data: Data = None,
    fresh: Fresh = False,
) -> None:
    """Upgrade the database to this version. `serve` does so by itself.

    `migrate new NAME` opens no database: it writes the next revision from what differs between models and migrations.
    """
    from bot.cli.context import migrate_database
    from bot.cli.maintenance.new_revision import print_new_revision

    if what:
        print_new_revision(what, name, say)
    else:
        migrate_database(load_with_options(context, config, data, fresh=fresh), say)


@app.command("doctor")
def doctor_command(context: typer.Context, config: Config = None, data: Data = None) -> None:
    """Check the installation and explain each problem; exit code 1 if there is one. Changes nothing."""
    from bot.cli.maintenance import doctor

    if not doctor.examine_installation(load_with_options(context, config, data), say):
        raise typer.Exit(1)


@app.command("audit")
def audit_command(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="[SLUG|verify]", help="Only entries of this consultation; verify: check that the log is complete."
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the entries as one JSON list.")] = False,
    since: Annotated[str, typer.Option("--since", metavar="DATE", help="From this day on, such as 2026-11-30.")] = "",
    config: Config = None,
    data: Data = None,
) -> None:
    """Show the actions of staff and operators, newest last; `audit verify` checks the log, exit code 1 if damaged."""
    from bot.cli.audit import AuditListOptions, print_audit_log, verify_audit_log

    found = load_with_options(context, config, data)
    if what != "verify":
        print_audit_log(found, AuditListOptions(what, since, as_json), say, complain)
    elif not verify_audit_log(found, say, complain):
        raise typer.Exit(1)


@app.command("dead-letters")
def show_dead_letters(
    context: typer.Context,
    done: Annotated[bool, typer.Option("--done", help="Delete the messages that are shown.")] = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Show the dead letters: messages of residents that could not be handled, or were written to the team."""
    from bot.cli import dead_letters

    dead_letters.print_dead_letters(load_with_options(context, config, data), say, done=done)


keep_old_name(app, "unhandled", "dead-letters", show_dead_letters)


@app.command("scrub")
def scrub_command(context: typer.Context, config: Config = None, data: Data = None) -> None:
    """Remove erased data from the database files now instead of at night; exit code 1 if some is left."""
    from bot.cli.maintenance import scrub

    if not scrub.scrub_now(load_with_options(context, config, data), say):
        raise typer.Exit(1)


@app.command("backup")
def backup_command(
    context: typer.Context,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="The folder for backups.  [default: backup_folder]")
    ] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Copy database, secret key, files and settings into a new folder. The service may run meanwhile."""
    from bot.cli.maintenance import backup
    from bot.common import erasure_log

    found = load_with_options(context, config, data)
    folder = backup.back_up(found, settings.settings_file(config or context.obj.config), to or found.backup_folder)
    say(str(folder))
    if reason := backup.record_backup(found, folder):
        complain(f"This backup is not recorded in the audit log: {reason}")
    complain(f"What is erased from now on is noted in {found.data / erasure_log.FOLDER} only: copy that often, too.")


@app.command("restore")
def restore_command(
    context: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="BACKUP", help="A folder created by `backup`; without it only the erasures are repeated."
        ),
    ] = None,
    erased: Annotated[
        list[Path] | None,
        typer.Option("--erased", metavar="DIR", help="A data folder with the erasures since the backup. Repeatable."),
    ] = None,
    config: Config = None,
    data: Data = None,
    fresh: Fresh = False,
) -> None:
    """Check a backup, restore it into an empty data folder, and repeat the erasures made since."""
    from bot.cli.maintenance import backup

    found = load_with_options(context, config, data, fresh=fresh)
    if folder:
        backup.restore_backup(found, folder, say, erased or ())
    else:
        backup.erase_logged(found, say, erased or ())


@app.command("rotate-key")
def rotate_key_command(
    context: typer.Context,
    sealed: Annotated[
        bool,
        typer.Option(
            "--sealed", help="Also renew the encryption keys and re-encrypt all data. The service must be stopped."
        ),
    ] = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Replace the secret key. The service may run meanwhile; contacts keep their identity."""
    from bot.cli.maintenance.rotate_key import rotate_encryption_keys, rotate_secret

    found = load_with_options(context, config, data)
    (rotate_encryption_keys if sealed else rotate_secret)(found, say, complain)


@app.command("sbom")
def sbom_command() -> None:
    """Print the bill of materials: every package with version, licence and checksums, as CycloneDX JSON."""
    from bot.cli.maintenance.supply import sbom_text

    say(sbom_text())


@app.command("notice")
def notice_command() -> None:
    """Print the licences of all installed packages, for those who pass the program on with them."""
    from bot.cli.maintenance.supply import notice_lines

    for line in notice_lines():
        say(line)
