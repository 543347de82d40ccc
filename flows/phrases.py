"""The bot's own phrases in one language: a catalogue with plural forms and forms of address."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, get_args

FormOfAddress = Literal["du", "sie"]
FORMS_OF_ADDRESS: Final[tuple[FormOfAddress, ...]] = get_args(FormOfAddress)


class Phrases:
    """The bot's own phrases in one language.

    `texts` holds, for (form of address or "", phrase id), the plural forms of a phrase in the order of the language's
    gettext rule `plural`. A phrase that does not depend on the form of address has the key "". `words` holds the lists
    of words that people may type.
    """

    __slots__ = ("_plural", "_texts", "_words", "language")

    def __init__(
        self,
        language: str,
        texts: Mapping[tuple[str, str], tuple[str, ...]],
        plural: Callable[[int], int],
        words: Mapping[str, Sequence[str]],
    ) -> None:
        self.language = language
        self._texts = texts
        self._plural = plural
        self._words = words

    def text(self, phrase: str, form: FormOfAddress, /, **values: object) -> str:
        """Returns the phrase with its {placeholders} filled in; a value called `n` selects the plural form.

        Raises KeyError for an unknown phrase, which is a bug; the tests check all catalogues.
        """
        text = self._template(phrase, form, values)
        return text.format_map(values) if values else text

    def text_around(self, phrase: str, form: FormOfAddress, gap: str, /, **values: object) -> tuple[str, str]:
        """Returns the text before and the text after the placeholder `gap` of the phrase."""
        before, _, after = self._template(phrase, form, values).partition(f"{{{gap}}}")
        return _filled(before, values), _filled(after, values)

    def _template(self, phrase: str, form: FormOfAddress, values: Mapping[str, object]) -> str:
        forms = self._texts.get((form, phrase)) or self._texts.get(("", phrase))
        if forms is None:
            raise KeyError(
                f"flows/locale/{self.language}/*.po have no phrase {phrase!r}: run `python3 -m bot i18n update`, "
                "then write its text"
            )
        number = values.get("n")
        return forms[self._plural(number)] if isinstance(number, int) and len(forms) > 1 else forms[0]

    def words(self, phrase: str) -> list[str]:
        """Returns a list of accepted words. Raises KeyError if there is no such list, which is a bug."""
        if phrase not in self._words:
            raise KeyError(f"flows/locale/{self.language}/words.toml has no list {phrase.removeprefix('words.')!r}")
        return list(self._words[phrase])


def _filled(piece: str, values: Mapping[str, object]) -> str:
    return piece.format_map(values) if "{" in piece or "}" in piece else piece
