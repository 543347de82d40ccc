"""Commands that change the state of a consultation."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from bot.cli.options import NOT_CONFIRMED, Base, Config, Data, SameMeaning, Slug, Takes, asker, load_with_options, say
from bot.common.errors import CommandError

app = typer.Typer()


@app.command("go-live")
def go_live_command(
    context: typer.Context,
    slug: Slug,
    test: Annotated[bool, typer.Option("--test", help="Use the test revision (default if there is one).")] = False,
    draft: Annotated[bool, typer.Option("--draft", help="Use the draft.")] = False,
    revision: Annotated[
        int | None, typer.Option("--revision", metavar="N", min=1, help="Use the revision of this number.")
    ] = None,
    same_meaning: SameMeaning = None,
    base: Base = None,
    takes: Takes = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Make the test revision, or else the draft, live. Answers to the test are deleted."""
    from bot.authoring.confirmation import Unconfirmed
    from bot.authoring.publish_impact import PublishOptions
    from bot.cli import lifecycle

    if test + draft + (revision is not None) > 1:
        raise CommandError("--test, --draft and --revision exclude each other; use one of them")
    stage: Literal["test", "draft"] | None = "test" if test else "draft" if draft else None
    intent = PublishOptions(base, frozenset(same_meaning or ()))
    try:
        lifecycle.run_go_live(
            load_with_options(context, config, data),
            slug,
            say,
            intent,
            asker(),
            stage=stage,
            number=revision,
            takes=takes,
        )
    except Unconfirmed:
        raise typer.Exit(NOT_CONFIRMED) from None


@app.command("close")
def close_command(context: typer.Context, slug: Slug, config: Config = None, data: Data = None) -> None:
    """Close a consultation now. Stored answers stay."""
    from bot.cli import lifecycle

    lifecycle.run_close(load_with_options(context, config, data), slug, say)


@app.command("reopen")
def reopen_command(
    context: typer.Context,
    slug: Slug,
    until: Annotated[
        str,
        typer.Option(
            "--until", metavar="DATE", help="The last day, such as 2026-12-31; needed if its end date has passed."
        ),
    ] = "",
    config: Config = None,
    data: Data = None,
) -> None:
    """Reopen a closed consultation. Earlier answers are still deleted on the promised date."""
    from bot.cli import lifecycle

    lifecycle.run_reopen(load_with_options(context, config, data), slug, until, say)


@app.command("archive")
def archive_command(
    context: typer.Context,
    slug: Slug,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Archive a closed consultation once no proposal waits for an answer. Explains the consequences and asks for
    confirmation; exit code 2 if there is no terminal to ask at.
    """
    from bot.cli import lifecycle

    if not lifecycle.run_archive(load_with_options(context, config, data), slug, say, yes=yes, ask=asker()):
        raise typer.Exit(NOT_CONFIRMED)


@app.command("archive-samples")
def archive_samples_command(context: typer.Context, config: Config = None, data: Data = None) -> None:
    """Close and archive all sample consultations, so that no page and no chat shows them."""
    from bot.cli import lifecycle

    lifecycle.run_archive_samples(load_with_options(context, config, data), say)


@app.command("unarchive")
def unarchive_command(context: typer.Context, slug: Slug, config: Config = None, data: Data = None) -> None:
    """Restore an archived consultation within 30 days, or for as long as its answers are kept."""
    from bot.cli import lifecycle

    lifecycle.run_unarchive(load_with_options(context, config, data), slug, say)
