"""The languages of the application, with their native names."""

from __future__ import annotations

from collections.abc import Container
from typing import Final, NamedTuple


class Language(NamedTuple):
    """A language with its native name. `tag` is a BCP 47 tag; `de-simple` counts as a language of its own."""

    tag: str
    name: str
    right_to_left: bool = False


LANGUAGES: Final[dict[str, Language]] = {
    language.tag: language
    for language in (
        Language("de", "Deutsch"),
        # Only texts checked by readers with learning difficulties may be called "Leichte Sprache" (DIN SPEC 33429);
        # `flows.definition` uses that name for a consultation whose texts are checked.
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
    """Returns the offered language nearest to a channel's hint (`tr-TR` → `tr`), else the first offered one."""
    return nearest(hint, offered) or offered[0]


def nearest(hint: str, offered: Container[str] = LANGUAGES) -> str:
    """Returns the offered language nearest to a channel's hint; "" if there is none."""
    if not hint:
        return ""
    tag = hint.replace("_", "-").casefold()
    return next((candidate for candidate in (tag, tag.split("-")[0]) if candidate in offered), "")


def language_name(tag: str) -> str:
    """Returns the name of a language in itself; the tag of a language that this program does not have."""
    return LANGUAGES[tag].name if tag in LANGUAGES else tag
