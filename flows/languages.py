"""The languages the house speaks, each named in its own words and script."""

from __future__ import annotations

from collections.abc import Container
from typing import Final, NamedTuple


class Language(NamedTuple):
    """A language as people meet it. `tag` is BCP 47; `de-simple` is a language of its own here."""

    tag: str
    name: str
    right_to_left: bool = False


LANGUAGES: Final[dict[str, Language]] = {
    language.tag: language
    for language in (
        Language("de", "Deutsch"),
        # "Leichte Sprache" may only be said of texts checked by readers with learning difficulties (DIN SPEC 33429);
        # `flows.definition` puts that name there when a consultation proves it.
        Language("de-simple", "Deutsch (Einfache Sprache)"),
        Language("en", "English"),
        Language("tr", "Türkçe"),
        Language("ar", "العربية", right_to_left=True),
        Language("ru", "Русский"),
        Language("uk", "Українська"),
        Language("pl", "Polski"),
    )
}

LEICHTE_SPRACHE: Final = "Deutsch (Leichte Sprache)"


def best_guess(hint: str, offered: tuple[str, ...]) -> str:
    """The offered language nearest to a channel's hint (`tr-TR` → `tr`), else the first one offered."""
    return nearest(hint, offered) or offered[0]


def nearest(hint: str, offered: Container[str] = LANGUAGES) -> str:
    """The offered language nearest to a channel's hint, "" where there is none."""
    if not hint:
        return ""
    tag = hint.replace("_", "-").casefold()
    return next((candidate for candidate in (tag, tag.split("-")[0]) if candidate in offered), "")
