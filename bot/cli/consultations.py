"""What is done with a consultation once it is published."""

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
    from bot.cli.push import PushOptions, run_push

    actions = [
        name
        for name, wanted in (("pause", pause), ("resume", resume), ("recall", recall), ("status", status))
        if wanted
    ]
    if len(actions) > 1:
        raise CommandError(f"--{' and --'.join(actions)} do not go together; take one of them")
    order = PushOptions(slug, segment, at, per_hour, reminder, dry_run, yes, watch, "".join(actions))
    run_push(load_with_options(context, config, data), order, say, complain)


@app.command("consultations")
def consultations_command(context: typer.Context, config: Config = None, data: Data = None) -> None:
    """List what is published: name, title, state, revision, languages."""
    from bot.cli.context import print_consultations

    print_consultations(load_with_options(context, config, data), say)


@app.command("entries")
def show_entries(context: typer.Context, slug: Slug, config: Config = None, data: Data = None) -> None:
    """Count where people came from, by place code and way of entry; small numbers as "<5"."""
    from bot.cli import entries

    entries.print_entries(load_with_options(context, config, data), slug, say)


keep_old_name(app, "places", "entries", show_entries)


@app.command("top")
def top_command(
    context: typer.Context,
    slug: Slug,
    count: Annotated[int, typer.Option("--count", metavar="N", min=1, help="How many.")] = 20,
    config: Config = None,
    data: Data = None,
) -> None:
    """List the proposals most agreed with, in the order in which a next wave takes them (take: top)."""
    from bot.cli import lifecycle

    lifecycle.print_top_proposals(load_with_options(context, config, data), slug, say, count)
