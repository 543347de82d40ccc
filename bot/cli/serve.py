"""Commands that run the bot: the service, and a chat in the terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.options import Config, Data, Fresh, Host, Port, complain, load_with_options, say

app = typer.Typer()


@app.command("serve")
def serve_command(
    context: typer.Context,
    config: Config = None,
    data: Data = None,
    host: Host = None,
    port: Port = None,
    fresh: Fresh = False,
) -> None:
    """Serve all channels until Ctrl-C. This is the default command."""
    from bot.cli import serving

    serving.run_service(load_with_options(context, config, data, host=host, port=port, fresh=fresh), say)


@app.command("play")
def play_command(
    context: typer.Context,
    slug: Annotated[str, typer.Argument(help="The consultation; without it all open ones are offered.")] = "",
    lang: Annotated[str, typer.Option("--lang", metavar="TAG", help="The language; without it the bot asks.")] = "",
    record: Annotated[
        Path | None, typer.Option("--record", metavar="FILE", help="Write the chat to this file as a transcript.")
    ] = None,
    address: Annotated[
        str, typer.Option("--address", metavar="NAME", help="Name of the contact; use the same name to continue later.")
    ] = "",
    config: Config = None,
    data: Data = None,
) -> None:
    """Chat in the terminal. Piped input: one message per line."""
    from bot.cli import play

    wish = play.PlayOptions(slug, lang, address, record)
    play.run_play(load_with_options(context, config, data), wish, sys.stdin, sys.stdout, complain)
