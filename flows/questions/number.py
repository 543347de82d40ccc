"""Ask for a number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import ClassVar, Final, Literal

from pydantic import Field

from flows.meaning import Meanings, meanings
from flows.messages import Expects
from flows.questions.base import AnswerBound, LocalizedQuestion, Problem, Question, ValueType, Where, question
from flows.questions.choice_matching import ChoiceMatcher
from flows.questions.outcomes import Interpreted, Invalid, ParseResult, Reply
from flows.renderer import Renderer
from flows.tally import Tally
from flows.understanding.text import fold, plain_digits
from flows.values import Missing, Value
from flows.wording import Text

# A larger number is a typing error, and some analysis tools lose digits.
LARGEST: Final = 10**12

_NUMBER = re.compile(r"(?<!\d)[-+−]? ?\d+(?:[.,٫٬'’ \u00a0\u202f]\d+)*")
_SEPARATOR = re.compile(r"\D")
_ALWAYS_THOUSANDS: Final = frozenset("٬'’ \u00a0\u202f")
_STRANGE_WORDS: Final = 4


@question
class Number(Question):
    """Ask for a number, whole or with `decimals`, within `min` and `max`. The value is an int, or a float.

    Accepts digits of every script, number words up to twelve, and a unit beside the number. "1.000" is a thousand or
    one, depending on the convention: if both are possible, the bot asks which.

    ```yaml
    - key: distance
      type: number
      text: {de: Wie weit ist es bis zum nächsten Park?, en: How far is it to the nearest park?}
      min: 0
      max: 20
      decimals: 1
      unit: {de: km, en: km}
    ```
    """

    type_name: ClassVar[tuple[str, str]] = ("Zahl", "Number")
    expects: ClassVar[Expects] = "number"
    tally: ClassVar[Tally] = "number"

    meanings: ClassVar[Meanings] = meanings(fixed="min max decimals", measure="unit")

    type: Literal["number"] = "number"
    min: int | float | None = Field(default=None, ge=-LARGEST, le=LARGEST)
    max: int | float | None = Field(default=None, ge=-LARGEST, le=LARGEST)
    decimals: int = Field(default=0, ge=0, le=6)
    unit: Text | None = None

    @property
    def paper_lines(self) -> int:
        return 1

    def problems(self) -> Iterator[Problem]:
        if self.min is not None and self.max is not None and self.min >= self.max:
            yield Problem(("max",), f"`max` {self.max} is not above `min` {self.min}", "swap or correct them")
        for name, bound in (("min", self.min), ("max", self.max)):
            if bound is not None and not self.decimals and bound != int(bound):
                yield Problem((name,), f"{bound} cannot be reached by whole numbers", "round it, or set `decimals`")

    def texts(self) -> Iterator[tuple[Where, Text]]:
        yield from super().texts()
        if self.unit:
            yield ("unit",), self.unit

    def values(self) -> ValueType:
        return float if self.decimals else int

    def bounds(self) -> tuple[AnswerBound, AnswerBound]:
        return self.min, self.max

    def localize(self, renderer: Renderer) -> LocalizedQuestion:
        return _LocalizedNumber(self, renderer)


class _LocalizedNumber(LocalizedQuestion):
    def __init__(self, definition: Number, renderer: Renderer) -> None:
        self._renderer = renderer
        self._decimals = definition.decimals
        self._step = Decimal(1).scaleb(-definition.decimals)
        self._sign = renderer.text("number.decimal")
        self._unit = renderer.localized(definition.unit) if definition.unit else ""
        self._min = Decimal(str(-LARGEST if definition.min is None else definition.min))
        self._max = Decimal(str(LARGEST if definition.max is None else definition.max))
        self._matcher = ChoiceMatcher(definition, renderer, (), numbered=False)
        small = renderer.function_words()
        units = (fold(wording.text) for _, wording in definition.unit.items()) if definition.unit else ()
        self._harmless = small.fillers | {word for unit in units for word in unit.split()}
        self._negations = small.negations
        self._numerals = {word: number for number, words in enumerate(small.numerals) for word in words}
        self._wanted = self._range(definition)
        self.prompt = definition.prompt(renderer, self._matcher.quick_replies, "" if definition.hint else self._wanted)

    def parse(self, reply: Reply, draft: Value | None) -> ParseResult:
        text = reply.text
        if text.isdecimal() and len(text) <= 12 and not reply.choice:
            return self._accept([Decimal(int(text))], sure=True)
        text = plain_digits(text)
        written = [] if reply.choice else _NUMBER.findall(text)
        return self._in_digits(text, written) if written else self._without_digits(reply)

    def _without_digits(self, reply: Reply) -> ParseResult:
        missing = None if reply.folded in self._numerals else self._matcher.match(reply)
        if isinstance(missing, Missing):
            return missing
        return Invalid(self._wanted) if reply.choice else self._in_words(reply.folded)

    def _in_digits(self, text: str, written: list[str]) -> ParseResult:
        around = fold(_NUMBER.sub(" ", text)).split()
        readings = read_number(written[0]) if len(written) == 1 and not any(char.isdecimal() for char in around) else []
        if not readings or not self._negations.isdisjoint(around) or len(around) > _STRANGE_WORDS:
            return Invalid(self._not_one())
        return self._accept(readings, sure=self._harmless.issuperset(around))

    def show(self, value: Value) -> str:
        plain = format(Decimal(str(value)).normalize(), "f") if isinstance(value, int | float) else str(value)
        return f"{plain.replace('.', self._sign)} {self._unit}".strip()

    def matches_exactly(self, folded: str) -> bool:
        return (
            self._matcher.matches_exactly(folded)
            or folded in self._numerals
            or (folded.isdecimal() and len(folded) <= 12)
        )

    def _in_words(self, folded: str) -> ParseResult:
        numbers, others = self._numerals_in(folded.split())
        if len(numbers) != 1 or len(others) > _STRANGE_WORDS or not self._negations.isdisjoint(others):
            return Invalid(self._not_one() if numbers else self._wanted)
        return self._accept([Decimal(numbers[0])], sure=self._harmless.issuperset(others))

    def _numerals_in(self, words: list[str]) -> tuple[list[int], list[str]]:
        """Returns spelt-out numbers, also of two words ("on iki", "أحد عشر"), and the other words."""
        numbers: list[int] = []
        others: list[str] = []
        at = 0
        while at < len(words):
            pair = " ".join(words[at : at + 2])
            word = pair if pair in self._numerals else words[at]
            if word in self._numerals:
                numbers.append(self._numerals[word])
            else:
                others.append(word)
            at += 1 + word.count(" ")
        return numbers, others

    def _accept(self, readings: list[Decimal], *, sure: bool) -> ParseResult:
        """Returns the reading that is within the limits; asks which one if there are two."""
        possible = readings if self._decimals else self._whole(readings)
        if not possible:
            return Invalid(self._renderer.text("hint.number_whole"))
        fitting = [one for one in possible if self._min <= one <= self._max]
        if len(fitting) > 1:
            first, second = (self.show(float(one)) for one in fitting)
            return Invalid(self._renderer.text("hint.number_ambiguous", first=first, second=second))
        if not fitting:
            return Invalid(self._wanted)
        value = fitting[0].quantize(self._step, ROUND_HALF_UP)
        # Adding zero turns "-0" into "0".
        number = float(value) + 0.0 if self._decimals else int(value)
        return number if sure and len(readings) == 1 and value == fitting[0] else Interpreted(number)

    @staticmethod
    def _whole(readings: list[Decimal]) -> list[Decimal]:
        """Returns the first reading if it is whole: whole numbers are not written with three decimal zeros."""
        return [one for one in readings[:1] if one == one.to_integral_value()]

    def _not_one(self) -> str:
        return f"{self._renderer.text('hint.number_one')} {self._wanted}"

    def _range(self, definition: Number) -> str:
        phrase, least, most = self._renderer.text, definition.min, definition.max
        if least is not None and most is not None:
            return phrase("number.between", min=self._bare(least), max=self.show(most))
        if least is not None:
            return phrase("number.from", min=self.show(least))
        if most is not None:
            return phrase("number.to", max=self.show(most))
        return phrase("number.in", unit=self._unit) if self._unit else phrase("number.any")

    def _bare(self, value: int | float) -> str:
        return self.show(value).removesuffix(self._unit).strip()


def read_number(written: str) -> list[Decimal]:
    """Returns the readings of digits with separators: as thousands first, as decimals second; empty if invalid.

    >>> [str(reading) for reading in read_number("1.000")], [str(reading) for reading in read_number("1.000,5")]
    (['1000', '1.000'], ['1000.5'])
    """
    body = written.lstrip("+-− ")
    minus = "-" if written[:1] in "-−" else ""
    parts = _SEPARATOR.split(body)
    signs = _SEPARATOR.findall(body)
    readings = []
    if _is_grouped(parts, signs):
        readings.append(Decimal(minus + "".join(parts)))
    decimal = signs[-1:] and signs[-1] not in _ALWAYS_THOUSANDS and signs[-1] not in signs[:-1]
    if decimal and _is_grouped(parts[:-1], signs[:-1]):
        readings.append(Decimal(f"{minus}{''.join(parts[:-1])}.{parts[-1]}"))
    return readings


def _is_grouped(parts: list[str], signs: list[str]) -> bool:
    """Whether the parts are groups of thousands with a single kind of separator (or one part without any)."""
    if not signs:
        return len(parts) == 1
    groups = len(parts[0]) <= 3 and parts[0][0] != "0" and all(len(part) == 3 for part in parts[1:])
    return groups and len(set(signs)) == 1 and signs[0] != "٫"
