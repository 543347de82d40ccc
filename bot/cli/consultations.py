"""Commands for published consultations: list, counts and pushes."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.options import Config, Data, Slug, complain, keep_old_name, load_with_options, say
from bot.common.errors import CommandError

app = typer.Typer()


@app.command("push")
def push_command(
    context: typer.Context,
    slug: Slug,
    segment: Annotated[
        str, typer.Option("--segment", metavar="EXPR", help="Which of the subscribers; see docs/guide/en/push.md.")
    ] = "everybody",
    at: Annotated[
        str, typer.Option("--at", metavar="TIME", help="Not before this time, such as 2026-12-01 18:00.")
    ] = "",
    per_hour: Annotated[
        int | None, typer.Option("--per-hour", metavar="N", min=0, help="Maximum number of messages per hour.")
    ] = None,
    reminder: Annotated[
        bool, typer.Option("--reminder", help="Only contacts who have begun and not finished.")
    ] = False,
    sample: Annotated[
        bool, typer.Option("--sample", help="Push a sample: an invented consultation, to real people.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count the recipients.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask for confirmation if there are many recipients.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show the progress until all is sent.")] = False,
    status: Annotated[bool, typer.Option("--status", help="Show the progress of the last push.")] = False,
    pause: Annotated[bool, typer.Option("--pause", help="Pause the push.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the push.")] = False,
    recall: Annotated[bool, typer.Option("--recall", help="Cancel the messages not sent yet.")] = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Send a consultation to its subscribers. The running service sends the messages."""
    from bot.cli.push import PushOptions, run_push

    actions = [
        name
        for name, wanted in (("pause", pause), ("resume", resume), ("recall", recall), ("status", status))
        if wanted
    ]
    if len(actions) > 1:
        raise CommandError(f"--{' and --'.join(actions)} exclude each other; use one of them")
    order = PushOptions(
        slug,
        segment,
        at=at,
        per_hour=per_hour,
        is_reminder=reminder,
        is_sample=sample,
        dry_run=dry_run,
        yes=yes,
        watch=watch,
        action="".join(actions),
    )
    run_push(load_with_options(context, config, data), order, say, complain)


@app.command("consultations")
def consultations_command(context: typer.Context, config: Config = None, data: Data = None) -> None:
    """List the consultations: name, title, state, revision, languages."""
    from bot.cli.context import print_consultations

    print_consultations(load_with_options(context, config, data), say)


@app.command("entries")
def show_entries(context: typer.Context, slug: Slug, config: Config = None, data: Data = None) -> None:
    """Count participations by entry code and mode; small numbers as "<5"."""
    from bot.cli import entries

    entries.print_entries(load_with_options(context, config, data), slug, say)


keep_old_name(app, "places", "entries", show_entries)


@app.command("top")
def top_command(
    context: typer.Context,
    slug: Slug,
    count: Annotated[int, typer.Option("--count", metavar="N", min=1, help="Number of proposals.")] = 20,
    config: Config = None,
    data: Data = None,
) -> None:
    """List the proposals with most agreement, in the order in which a next wave takes them (take: top)."""
    from bot.cli import lifecycle

    lifecycle.print_top_proposals(load_with_options(context, config, data), slug, say, count)
