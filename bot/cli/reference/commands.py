"""Every command with its options, from the texts of `--help`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import typer

from bot.cli import main
from bot.cli.options import OLD_NAMES
from bot.cli.reference.markdown import item, one_line, paragraph

_EVERYWHERE: Final = {"config", "data", "help"}
"""Options of every command that opens the database; the introduction names them."""


def lines() -> Iterator[str]:
    yield from paragraph(
        "`python3 -m bot COMMAND --help` prints these texts. Installed as a package, the program is called "
        "`mitsprache`. Without a command it runs the service."
    )
    yield from paragraph(
        "Every command that opens the database takes `--config FILE` (the settings file) and `--data DIR` "
        "(the folder of all data), before or after its name. `--version` prints the version."
    )
    yield from paragraph(
        "Exit codes: 0, the command is done. 1, it could not be done; a sentence says why. 2, it was typed wrongly, "
        "or a person must confirm and there is no terminal. 70, an internal error; report the line it prints."
    )
    group = typer.main.get_command(main.app)
    for name, command in getattr(group, "commands", {}).items():
        if not command.hidden:
            yield from _command(name, command)
    yield from ("## Old names", "")
    yield from paragraph("Version 0.1 also takes these names. Version 0.2 refuses them.")
    for old, new in OLD_NAMES.items():
        yield from item(f"`{old}` is now `{new}`")


def _command(name: str, command: Any) -> Iterator[str]:
    """Yields the section of a command, and those of its subcommands."""
    yield from (f"## {name}", "")
    yield from paragraph(command.help or "")
    parameters = [parameter for parameter in command.params if parameter.name not in _EVERYWHERE]
    for parameter in parameters:
        is_argument = parameter.param_type_name == "argument"
        help_text = one_line(getattr(parameter, "help", None) or "")
        yield from item(f"`{_spelling(parameter, is_argument)}`: {help_text}".removesuffix(": "))
    if parameters:
        yield ""
    for sub_name, sub_command in getattr(command, "commands", {}).items():
        yield from _command(f"{name} {sub_name}", sub_command)


def _spelling(parameter: Any, is_argument: bool) -> str:
    metavar = parameter.metavar or ("" if getattr(parameter, "is_flag", False) else parameter.name.upper())
    if is_argument:
        return str(metavar)
    return f"{', '.join([*parameter.opts, *parameter.secondary_opts])} {metavar}".rstrip()
