"""The words of residents and of the team in a chat, in all languages, from the catalogues."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bot.cli.reference.markdown import item, paragraph
from bot.common.i18n.phrase_catalogues import catalogue_languages, load_phrases
from bot.staff.chat.registry import staff_commands
from bot.staff.policy import may
from flows.commands.words import Command
from flows.phrases import Phrases
from storage.tables.staff import ROLES

_MAIN: Final = "de"


def lines() -> Iterator[str]:
    catalogues = {language: load_phrases(language) for language in catalogue_languages()}
    yield from paragraph(
        "The bot understands these words in every language at once, in capitals or small letters, and with or "
        "without a slash or an exclamation mark in front (`/hilfe`, `!hilfe`, `hilfe`). The page lists all German "
        "words, and the first word in each other language. The catalogues in `flows/locale` have the others."
    )
    yield from ("## Residents", "")
    yield from paragraph("These words work at any step of a consultation.")
    for command in Command:
        yield from _words(f"`{command.value}`", f"words.{command.value}", catalogues)
    yield from ("", "## The team", "")
    yield from paragraph(
        "These words work in a chat that a member of the team has bound with `/team CODE`. The roles in brackets "
        "may use them."
    )
    for name, staff_command in staff_commands().items():
        roles = ", ".join(role for role in ROLES if may(role, staff_command.action))
        yield from _words(f"`{name}` ({roles})", f"words.desk.{name}", catalogues)


def _words(title: str, phrase: str, catalogues: dict[str, Phrases]) -> Iterator[str]:
    """Yields all German words of a phrase and the first one of each other language."""
    yield from item(f"{title}: {', '.join(catalogues[_MAIN].words(phrase))}")
    others = {language: phrases.words(phrase)[:1] for language, phrases in catalogues.items() if language != _MAIN}
    shown = [f"{language}: {word}" for language, words in others.items() for word in words]
    if shown:
        yield from item(", ".join(shown), level=1)
