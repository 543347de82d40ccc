"""What people said: taken out, taken over, counted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.commands.common import Config, Data, Slug, complain, load, say

app = typer.Typer()


@app.command()
def export(
    context: typer.Context,
    slug: Slug,
    out: Annotated[
        Path, typer.Option("--out", metavar="PATH", help="A new folder, or a new file ending in .zip (.xlsx).")
    ],
    profile: Annotated[
        str, typer.Option("--profile", metavar="public|analysis|raw", help="How much of people is in it.")
    ] = "analysis",
    format_: Annotated[
        str,
        typer.Option(
            "--format", metavar="csv|xlsx|polis|…", help="Answers as csv or xlsx, or proposals as others read them."
        ),
    ] = "csv",
    config: Config = None,
    data: Data = None,
) -> None:
    """Write the answers of a consultation to files for spreadsheets and statistics, or proposals for other tools."""
    if format_ not in {"csv", "xlsx"}:
        from bot.exchange import command

        command.export(load(context, config, data), slug, format_, out, say, complain)
        return
    from bot.exports import package

    wish = package.Wish(slug, out, profile, is_workbook=format_ == "xlsx")
    package.export(load(context, config, data), wish, say, complain)


@app.command()
def attachments(
    context: typer.Context,
    slug: Slug,
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
    slug: Slug,
    as_json: Annotated[bool, typer.Option("--json", help="Every figure as one JSON object.")] = False,
    lang: Annotated[
        str, typer.Option("--lang", metavar="TAG", help="In which language. [default: the consultation's main one]")
    ] = "",
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", help="Of the opinion groups; the same again, the same.")
    ] = 0,
    config: Config = None,
    data: Data = None,
) -> None:
    """Counts, balance and consensus in the words of the result page, with how many people stand behind each figure."""
    from bot.results import command

    command.show(load(context, config, data), slug, say, seed=seed, as_json=as_json, language=lang)
