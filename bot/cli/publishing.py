"""Commands that read files: consultations and recorded messages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bot.cli.options import (
    NOT_CONFIRMED,
    Base,
    Config,
    Data,
    SameMeaning,
    Slug,
    Takes,
    asker,
    complain,
    load_with_options,
    say,
)
from bot.common.errors import CommandError, program_call

app = typer.Typer()


@app.command("check")
def check_command(
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE…", help="Consultation files.")] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of consultation files instead.")
    ] = False,
) -> None:
    """Check consultation files: one line per problem, exit code 1 if one is more than a warning."""
    from bot.authoring import check as checks

    if schema:
        say(checks.json_schema())
    elif not files:
        raise CommandError(f"which file? Try: {program_call()} check flows/consultations/mein-kiez.yaml")
    elif not checks.check_files(files, say):
        raise typer.Exit(1)


@app.command("publish")
def publish_command(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A consultation file; with --back its name is enough.")],
    draft: Annotated[bool, typer.Option("--draft", help="Only store it as a draft; `go-live` makes it live.")] = False,
    test: Annotated[bool, typer.Option("--test", help="Publish it as a test; answers do not count.")] = False,
    back: Annotated[
        bool,
        typer.Option("--back", help="Restore the previous live revision; with --draft or --test: withdraw it."),
    ] = False,
    same_meaning: SameMeaning = None,
    base: Base = None,
    takes: Takes = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Publish a consultation file as the live revision, if the check finds no error."""
    from bot.authoring.confirmation import Unconfirmed
    from bot.authoring.publish_impact import PublishOptions
    from bot.cli import lifecycle
    from bot.cli.context import run_publish

    if draft and test:
        raise CommandError("--draft and --test exclude each other; use one of them")
    stage: Literal["live", "test", "draft"] = "draft" if draft else "test" if test else "live"
    intent = PublishOptions(base, frozenset(same_meaning or ()))
    try:
        if back:
            lifecycle.restore_previous_revision(
                load_with_options(context, config, data),
                lifecycle.slug_in_file(file),
                say=say,
                stage=stage,
                intent=intent,
                ask=asker(),
                takes=takes,
            )
            return
        published = run_publish(
            load_with_options(context, config, data),
            file,
            say=say,
            intent=intent,
            ask=asker(),
            stage=stage,
            takes=takes,
        )
    except Unconfirmed:
        raise typer.Exit(NOT_CONFIRMED) from None
    if not published:
        raise typer.Exit(1)


@app.command("show")
def show_command(context: typer.Context, slug: Slug, config: Config = None, data: Data = None) -> None:
    """Print the live revision of a consultation as a file to edit and publish."""
    from bot.cli.context import print_consultation

    print_consultation(load_with_options(context, config, data), slug, say, complain)


@app.command("xlsform")
def xlsform_command(
    file: Annotated[Path, typer.Argument(metavar="FILE.xlsx", help="An XLSForm, for example of Kobo or ODK.")],
    language: Annotated[str, typer.Option(help="The language of texts whose column names none.")] = "de",
) -> None:
    """Print an XLSForm as a consultation file to complete and publish; what is not taken over is named."""
    from bot.common.i18n.locale import Locale
    from bot.exchange.xlsform.convert import convert_form
    from bot.exchange.xlsform.notes import UNUSABLE_PHRASES, UnusableForm, note_lines
    from flows.languages import LANGUAGES

    english = Locale.of("en")
    if language not in LANGUAGES:
        raise CommandError(f"there is no language {language!r}; there is {', '.join(LANGUAGES)}")
    try:
        form = convert_form(file.read_bytes(), file.name, language)
    except OSError as error:
        raise CommandError(f"{file} cannot be read ({type(error).__name__}); check the name") from None
    except UnusableForm as unusable:
        raise CommandError(english.text(UNUSABLE_PHRASES[unusable.code])) from None
    for line in note_lines(form.notes, english):
        complain(line)
    say(form.text)


@app.command("replay")
def replay_command(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="A file with one JSON message per line.")],
    skip_bad_lines: Annotated[
        bool, typer.Option("--skip-bad-lines", hidden=True, help="What happens anyway; taken for older scripts.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Process nothing if a line is not a message.")] = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Process recorded messages as if they arrived now; exit code 1 if a line or a message was invalid.

    Lines that are not messages are skipped and listed; all others are processed.
    """
    from bot.cli import replay

    found = load_with_options(context, config, data)
    if not replay.replay_file(found, file, say, complain, strict=strict, skip_bad_lines=skip_bad_lines):
        raise typer.Exit(1)
