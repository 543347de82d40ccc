"""The bot's own phrases, read from the catalogues in `flows/locale/`."""

from __future__ import annotations

import gettext
from functools import cache
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.pofile import PoFileError, read_po

from flows.languages import LANGUAGES
from flows.phrases import Phrases

FOLDER: Final = Path(__file__).parents[3] / "flows" / "locale"


class PhrasesError(LookupError):
    """There is no usable catalogue for a language."""


def catalogue_languages() -> tuple[str, ...]:
    """The languages that have a catalogue, in display order: no consultation can be offered in another."""
    return tuple(tag for tag in LANGUAGES if (FOLDER / f"{tag}.po").exists())


def load_phrases(language: str) -> Phrases:
    """All phrases in one language.

    >>> load_phrases("de").text("missing.dont_know", "sie")
    'Weiß nicht'
    """
    return _known(language)[0]


def unreviewed_phrases(language: str) -> frozenset[str]:
    """Ids of the phrases no speaker of the language has read yet. They are used all the same, and said to be unread."""
    return _known(language)[1]


@cache
def _known(language: str) -> tuple[Phrases, frozenset[str]]:
    """The phrases and which of them are unreviewed: reading a file takes some ten milliseconds, so it is read once."""
    catalogue = read_catalogue(language)
    texts = {
        (message.context or "", _name(message.id)): _forms(message.string)
        for message in catalogue
        if message.id and any(_forms(message.string))
    }
    unread = frozenset(_name(message.id) for message in catalogue if message.id and message.fuzzy)
    return Phrases(language, texts, gettext.c2py(catalogue.plural_expr)), unread


def read_catalogue(language: str) -> Catalog:
    """The catalogue as it stands in the file."""
    if language not in catalogue_languages():
        raise PhrasesError(f"the bot does not speak {language!r} yet; there is {', '.join(catalogue_languages())}")
    try:
        with (FOLDER / f"{language}.po").open("rb") as file:
            return read_po(file, abort_invalid=True)
    except (PoFileError, UnicodeDecodeError) as fault:
        raise PhrasesError(f"the catalogue {language}.po cannot be read: {fault}") from fault


def _name(identifier: str | list[str] | tuple[str, ...]) -> str:
    return identifier if isinstance(identifier, str) else identifier[0]


def _forms(string: str | list[str] | tuple[str, ...] | None) -> tuple[str, ...]:
    return (string,) if isinstance(string, str) else tuple(string or ())
