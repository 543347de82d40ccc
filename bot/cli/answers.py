"""Commands for data: export, import and results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.options import SET_ASIDE, Config, Data, Slug, ask, complain, load_with_options, say
from bot.common.errors import CommandError

app = typer.Typer()
Purpose = Annotated[
    str, typer.Option("--purpose", metavar="TEXT", help="Why raw data is read; recorded in the audit log.")
]


@app.command("export")
def export_command(
    context: typer.Context,
    slug: Slug,
    out: Annotated[
        Path, typer.Option("--out", metavar="PATH", help="A new folder, or a new file ending in .zip (.xlsx).")
    ],
    profile: Annotated[
        str, typer.Option("--profile", metavar="public|analysis|raw", help="How much personal data it contains.")
    ] = "analysis",
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="csv|xlsx|polis|…",
            help="Answers as csv or xlsx, or proposals in the format of another tool.",
        ),
    ] = "csv",
    purpose: Purpose = "",
    config: Config = None,
    data: Data = None,
) -> None:
    """Export the answers of a consultation for spreadsheets and statistics, or its proposals for other tools."""
    from bot.cli import exporting
    from bot.cli.purpose import ask_purpose
    from bot.exchange.exports import package

    found = load_with_options(context, config, data)
    if format_ not in {"csv", "xlsx"}:
        from bot.cli import exchange
        from bot.exchange.known_formats import format_called, format_names

        if format_ not in format_names():
            offered = ", ".join(("csv", "xlsx", *format_names()))
            raise CommandError(f"{format_!r} is not a format; use one of {offered}")
        if profile == "raw" or (format_called(format_).has_single_votes and profile != "public"):
            purpose = ask_purpose(found, purpose, ask, complain)
        exchange.run_export(
            found, slug, kind=format_, out=out, say=say, complain=complain, profile=profile, purpose=purpose
        )
        return
    if profile == "raw":
        purpose = ask_purpose(found, purpose, ask, complain)
    wish = package.ExportRequest(slug, out, profile, is_workbook=format_ == "xlsx", purpose=purpose)
    exporting.export_answers(found, wish, say, complain)


@app.command("attachments")
def attachments_command(
    context: typer.Context,
    slug: Slug,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="A new folder.")],
    purpose: Purpose = "",
    config: Config = None,
    data: Data = None,
) -> None:
    """Export the voice messages and pictures among the answers, decrypted, with a list."""
    from bot.cli.attachments import write_attachments
    from bot.cli.purpose import ask_purpose

    found = load_with_options(context, config, data)
    stated = ask_purpose(found, purpose, ask, complain)
    write_attachments(found, slug, out=out, say=say, complain=complain, purpose=stated)


@app.command("import")
def import_command(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="The format, such as polis.")],
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A file, a folder or a ZIP file.")],
    as_: Annotated[
        str, typer.Option("--as", metavar="SLUG", help="Import into this consultation; created if missing.")
    ] = "",
    lang: Annotated[str, typer.Option("--lang", metavar="TAG", help="The language of the contributions.")] = "de",
    open_: Annotated[
        bool,
        typer.Option("--open", help="Open a newly created consultation, so that residents can rate the proposals."),
    ] = False,
    until: Annotated[
        str, typer.Option("--until", metavar="DATE", help="The last day of a newly created consultation.")
    ] = "",
    strict: Annotated[bool, typer.Option("--strict", help="Import nothing if a row cannot be read.")] = False,
    trust_votes: Annotated[
        bool, typer.Option("--trust-votes", help="Import votes although the sums in the file contradict them.")
    ] = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Import proposals and votes of another program; importing them again changes nothing.

    Rows that cannot be read are skipped and listed; exit code 3 if there are any.
    """
    from bot.cli import exchange
    from bot.exchange.importer import ImportOptions

    wish = ImportOptions(as_, lang, open_, strict, trust_votes, exchange.last_day(until))
    settings = load_with_options(context, config, data)
    if not exchange.run_import(settings, kind, path=path, wish=wish, say=say, complain=complain):
        raise typer.Exit(SET_ASIDE)


@app.command("results")
def results_command(
    context: typer.Context,
    slug: Slug,
    as_json: Annotated[bool, typer.Option("--json", help="Print every figure as one JSON object.")] = False,
    lang: Annotated[
        str,
        typer.Option(
            "--lang", metavar="TAG", help="Language of the output. [default: the main language of the consultation]"
        ),
    ] = "",
    seed: Annotated[
        int,
        typer.Option(
            "--seed", metavar="N", help="Random seed of the opinion groups; the same seed gives the same groups."
        ),
    ] = 0,
    inner: Annotated[
        bool, typer.Option("--inner", help="Also show small numbers, for the core team; recorded in the audit log.")
    ] = False,
    purpose: Annotated[
        str,
        typer.Option(
            "--purpose", metavar="TEXT", help="With --inner: why the figures are read; recorded in the audit log."
        ),
    ] = "",
    config: Config = None,
    data: Data = None,
) -> None:
    """Print counts, balance and consensus as on the result page, with the number of people behind each figure."""
    from bot.cli.results import print_results

    if inner:
        from bot.cli.inner_results import print_inner_results
        from bot.cli.purpose import ask_purpose

        found = load_with_options(context, config, data)
        why = ask_purpose(found, purpose, ask, complain)
        print_inner_results(found, slug, say, complain, why, seed=seed, as_json=as_json, language=lang)
        return
    print_results(load_with_options(context, config, data), slug, say, seed=seed, as_json=as_json, language=lang)
