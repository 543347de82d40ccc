"""The bot's own phrases and the words it understands, read from `flows/locale/`.

A language is a folder with one catalogue per domain (`dialogue.po`, `pages.po`, `staff.po`; `console.po` in
the languages of the console) and `words.toml`.
`msgid` is the id of a phrase. An entry with two forms of address stands twice, with `msgctxt` "sie" and "du".
"""

from __future__ import annotations

import gettext
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import PoFileError, read_po

from flows.languages import LANGUAGES
from flows.phrases import Phrases

FOLDER: Final = Path(__file__).parents[3] / "flows" / "locale"
DOMAINS: Final = ("dialogue", "pages", "staff", "console")
CONSOLE_LANGUAGES: Final = ("de", "en")
"""The languages of the console; it has no catalogue in others."""
UNREVIEWED: Final = "review: none"
"""The translator comment of an entry that no speaker of the language has reviewed."""


class PhrasesError(LookupError):
    """There is no usable catalogue for a language."""


def catalogue_languages() -> tuple[str, ...]:
    """Returns the languages that have catalogues, in display order; a consultation can be offered in these only."""
    return tuple(tag for tag in LANGUAGES if (FOLDER / tag).is_dir())


def domains_of(language: str) -> tuple[str, ...]:
    """Returns the domains that have a catalogue in this language."""
    return DOMAINS if language in CONSOLE_LANGUAGES else tuple(it for it in DOMAINS if it != "console")


def load_phrases(language: str) -> Phrases:
    """Returns all phrases in one language. Raises PhrasesError if its catalogues are missing or damaged.

    >>> load_phrases("de").text("missing.dont_know", "sie")
    'Weiß nicht'
    """
    return _loaded(language)[0]


def unreviewed_phrases(language: str) -> frozenset[str]:
    """Returns the ids of the phrases no speaker of the language has reviewed. They are shown, and marked as such."""
    return _loaded(language)[1]


@cache
def _loaded(language: str) -> tuple[Phrases, frozenset[str]]:
    catalogues = [read_catalogue(language, domain) for domain in domains_of(language)]
    messages = [message for catalogue in catalogues for message in entries(catalogue)]
    texts = {
        ("du" if message.context == "du" else "", phrase_id(message)): plural_forms(message)
        for message in messages
        if any(plural_forms(message))
    }
    unreviewed = frozenset(phrase_id(message) for message in messages if is_unreviewed(message))
    return Phrases(language, texts, gettext.c2py(catalogues[0].plural_expr), read_words(language)), unreviewed


def read_catalogue(language: str, domain: str) -> Catalog:
    """Returns one catalogue as it stands in the file. Raises PhrasesError if it is missing or damaged."""
    path = catalogue_path(language, domain)
    try:
        with path.open("rb") as file:
            return read_po(file, abort_invalid=True)
    except (PoFileError, UnicodeDecodeError, OSError) as error:
        raise PhrasesError(f"the catalogue {language}/{domain}.po cannot be read: {error}") from error


def read_words(language: str) -> dict[str, tuple[str, ...]]:
    """Returns the word lists of a language, each with its id "words.…". Raises PhrasesError if they are damaged."""
    path = catalogue_path(language, "words", ".toml")
    try:
        return {f"words.{name}": tuple(words) for name, words in tomllib.loads(path.read_text("utf-8")).items()}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise PhrasesError(f"the word lists {language}/words.toml cannot be read: {error}") from error


def catalogue_path(language: str, domain: str, suffix: str = ".po") -> Path:
    """Returns the path of a file of a language. Raises PhrasesError for a language without catalogues."""
    if language not in catalogue_languages():
        raise PhrasesError(f"the bot does not speak {language!r} yet; there is {', '.join(catalogue_languages())}")
    return FOLDER / language / f"{domain}{suffix}"


def entries(catalogue: Catalog) -> Iterator[Message]:
    """Yields the messages of a catalogue without its header."""
    return (message for message in catalogue if message.id)


def phrase_id(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def plural_forms(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def is_unreviewed(message: Message) -> bool:
    """Whether no speaker has reviewed the text; `fuzzy` says that the text must change, so it counts too."""
    return UNREVIEWED in message.user_comments or message.fuzzy
