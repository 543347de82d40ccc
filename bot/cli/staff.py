"""Commands for staff accounts and API keys."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.options import Config, Data, load_with_options, say

app = typer.Typer(name="staff", help="Manage staff accounts and API keys.", no_args_is_help=True)


@app.command("add")
def add_staff(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the person.")],
    role: Annotated[
        str,
        typer.Option(
            "--role", metavar="ROLE", help="helper, facilitator, kernteam, admin, project, relay, observer or auditor."
        ),
    ],
    config: Config = None,
    data: Data = None,
) -> None:
    """Create a staff account and print its access code."""
    from bot.cli import accounts

    accounts.create_account(load_with_options(context, config, data), name, role, say)


@app.command("link")
def create_staff_link(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the account.")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Print a link that sets up the console account. Its sessions end and its credentials are deleted."""
    from bot.cli import accounts

    accounts.create_link(load_with_options(context, config, data), name, say)


@app.command("list")
def list_staff(context: typer.Context, config: Config = None, data: Data = None) -> None:
    """List the staff accounts, also revoked ones."""
    from bot.cli import accounts

    accounts.list_accounts(load_with_options(context, config, data), say)


@app.command("revoke")
def revoke_staff(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the account.")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Revoke a staff account at once."""
    from bot.cli import accounts

    accounts.revoke_account(load_with_options(context, config, data), name, say)


@app.command("key")
def add_key(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The staff member responsible for the key.")],
    scope: Annotated[list[str], typer.Option("--scope", metavar="read|moderate|publish", help="What the key permits.")],
    consultation: Annotated[
        str,
        typer.Option("--consultation", metavar="SLUG", help="Restrict the key to this consultation. [default: all]"),
    ] = "",
    config: Config = None,
    data: Data = None,
) -> None:
    """Create an API key for another program and print it once."""
    from bot.cli import api_keys

    api_keys.create_api_key(load_with_options(context, config, data), name, scope, consultation, say)


@app.command("keys")
def list_keys(context: typer.Context, config: Config = None, data: Data = None) -> None:
    """List the API keys, also revoked ones."""
    from bot.cli import api_keys

    api_keys.list_api_keys(load_with_options(context, config, data), say)


@app.command("revoke-key")
def revoke_key(
    context: typer.Context,
    label: Annotated[str, typer.Argument(metavar="LABEL", help="The first part of the key, as `staff keys` shows it.")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Revoke an API key at once."""
    from bot.cli import api_keys

    api_keys.revoke_key_by_label(load_with_options(context, config, data), label, say)
