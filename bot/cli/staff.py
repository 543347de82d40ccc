"""Who is let in: people who work here, and other programs."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.options import Config, Data, load_with_options, say

app = typer.Typer(name="staff", help="Let people in who help, ask, read or run: personal codes.", no_args_is_help=True)


@app.command("add")
def add_staff(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whom to let in.")],
    role: Annotated[str, typer.Option("--role", metavar="helper|facilitator|kernteam|admin", help="What for.")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Let somebody in; prints the personal code once."""
    from bot.cli import accounts

    accounts.create_account(load_with_options(context, config, data), name, role, say)


@app.command("list")
def list_staff(context: typer.Context, config: Config = None, data: Data = None) -> None:
    """List who is let in, and who no more."""
    from bot.cli import accounts

    accounts.list_accounts(load_with_options(context, config, data), say)


@app.command("revoke")
def revoke_staff(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whom to let in no more.")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Let somebody in no more, at once."""
    from bot.cli import accounts

    accounts.revoke_account(load_with_options(context, config, data), name, say)


@app.command("key")
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
    from bot.cli import api_keys

    api_keys.create_api_key(load_with_options(context, config, data), name, scope, consultation, say)


@app.command("keys")
def list_keys(context: typer.Context, config: Config = None, data: Data = None) -> None:
    """List the keys of other programs, and those that are revoked."""
    from bot.cli import api_keys

    api_keys.list_api_keys(load_with_options(context, config, data), say)


@app.command("revoke-key")
def revoke_key(
    context: typer.Context,
    label: Annotated[str, typer.Argument(metavar="LABEL", help="The first part of the key, as `staff keys` shows it.")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Let a key in no more, at once."""
    from bot.cli import api_keys

    api_keys.revoke_key_by_label(load_with_options(context, config, data), label, say)
