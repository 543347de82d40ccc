"""Ask for the age, in the bands of the official statistics."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import ClassVar, Final, Literal

from flows.phrase_families import AGE_BANDS
from flows.questions.base import LocalizedQuestion, Question, question
from flows.questions.choice_matching import ChoiceMatcher
from flows.questions.outcomes import Interpreted, Invalid, ParseResult, Reply
from flows.renderer import Renderer
from flows.understanding.text import fold
from flows.values import Value

BANDS: Final = {
    "0_6": 0,
    "6_15": 6,
    "15_18": 15,
    "18_27": 18,
    "27_45": 27,
    "45_55": 45,
    "55_65": 55,
    "65_plus": 65,
}
"""The age bands of the Berlin population register (Amt für Statistik Berlin-Brandenburg, report A I 16) with the age
each begins at; "18_27" holds ages from 18 to below 27."""

OLDEST: Final = 120
_KEYS: Final = tuple(BANDS)
_STARTS: Final = tuple(BANDS.values())
_YEAR_DIGITS: Final = 4
_DIGITS: Final = re.compile(r"\d+")


def band_of(age: int) -> str:
    """Returns the band of an age.

    >>> band_of(26), band_of(27), band_of(65)
    ('18_27', '27_45', '65_plus')
    """
    return _KEYS[bisect_right(_STARTS, age) - 1]


@question
class AgeBand(Question):
    """Ask for the age in the eight official bands, so that answers can be compared with the population.

    Digits are ages here, never option numbers: "34", "34 Jahre" and "ich bin 34" are mapped to their band; only
    the band is stored.

    ```yaml
    - key: age
      type: age_band
      text: {de: Wie alt sind Sie?, en: How old are you?}
      refuse: true
      sensitive: true
    ```
    """

    type_name: ClassVar[tuple[str, str]] = ("Alter in Gruppen", "Age in groups")
    about_person: ClassVar[bool] = True
    population: ClassVar[tuple[str, frozenset[str]]] = ("age_band", frozenset(BANDS))

    type: Literal["age_band"] = "age_band"

    def values(self) -> frozenset[Value]:
        return frozenset(BANDS)

    def localize(self, renderer: Renderer) -> LocalizedQuestion:
        return _LocalizedAgeBand(self, renderer)


class _LocalizedAgeBand(LocalizedQuestion):
    def __init__(self, definition: AgeBand, renderer: Renderer) -> None:
        units = frozenset(map(fold, renderer.words("words.age")))
        self._matcher = ChoiceMatcher(definition, renderer, _bands(renderer, units), numbered=False)
        self._fillers = renderer.function_words().fillers | units
        self._hint = renderer.text("hint.age_band")
        self._hint_year = renderer.text("hint.age_year")
        self.prompt = definition.prompt(renderer, self._matcher.quick_replies)

    def parse(self, reply: Reply, draft: Value | None) -> ParseResult:
        if not reply.choice and reply.folded.isdecimal():
            return self._band(reply.folded)
        value = self._matcher.match(reply)
        if value is not None:
            return value
        return Invalid(self._hint) if reply.choice else self._in_sentence(reply.folded)

    def _in_sentence(self, folded: str) -> ParseResult:
        """Reads an age or a band ("I am 34 years old", "18 to 27")."""
        words = [word for word in _DIGITS.sub(r" \g<0> ", folded).split() if word not in self._fillers]
        numbers = [word for word in words if word.isdecimal()]
        if any(len(word) == _YEAR_DIGITS for word in numbers):
            return Invalid(self._hint_year)
        if numbers != words or any(len(word) > _YEAR_DIGITS for word in numbers):
            return Invalid(self._hint)
        bands = {band_of(int(word)) for word in numbers if int(word) <= OLDEST}
        return Interpreted(bands.pop()) if len(bands) == 1 else Invalid(self._hint)

    def show(self, value: Value) -> str:
        return self._matcher.labels.get(str(value), str(value))

    def matches_exactly(self, folded: str) -> bool:
        return self._matcher.matches_exactly(folded) or (
            folded.isdecimal() and len(folded) < 4 and int(folded) <= OLDEST
        )

    def _band(self, digits: str) -> ParseResult:
        age = int(digits) if len(digits) < _YEAR_DIGITS else OLDEST + 1
        if age <= OLDEST:
            return Interpreted(band_of(age))
        return Invalid(self._hint_year if len(digits) == _YEAR_DIGITS else self._hint)


def _bands(renderer: Renderer, units: frozenset[str]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """The bands as options: each also matches its label without "years" and its bare digits ("18-27")."""
    for band in BANDS:
        label = renderer.text(AGE_BANDS[band])
        short = " ".join(word for word in fold(label).split() if word not in units)
        first, last = band.split("_")
        others = (f"{first} {last}",) if last.isdecimal() else renderer.words("words.oldest")
        yield band, label, (short, *others)
