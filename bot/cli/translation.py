"""Commands for translators and programmers: catalogues of phrases."""

from __future__ import annotations

import typer

from bot.cli.options import complain, say

app = typer.Typer()
i18n = typer.Typer(help="Check and update the catalogues of phrases in `flows/locale/`.", no_args_is_help=True)
app.add_typer(i18n, name="i18n")


@i18n.command("update")
def update_command() -> None:
    """Bring templates and catalogues up to date with the code. No text is lost."""
    from bot.cli.maintenance import phrase_update

    phrase_update.update_catalogues(say)


@i18n.command("check")
def check_command() -> None:
    """Name missing, unknown and unused phrases and broken texts, each with its remedy; exit code 1 if there is one."""
    from bot.cli.maintenance import phrase_check

    found = phrase_check.findings()
    for finding in found:
        complain(finding)
    if found:
        raise typer.Exit(1)
    say("The catalogues are sound.")
