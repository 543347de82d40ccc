"""Ask for a date."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import ClassVar, Final, Literal

from flows.days import Day, parse_day
from flows.meaning import Meanings, meanings
from flows.messages import Expects
from flows.questions.base import AnswerBound, LocalizedQuestion, Problem, Question, ValueType, question
from flows.questions.choice_matching import ChoiceMatcher
from flows.questions.outcomes import Interpreted, Invalid, ParseResult, Reply
from flows.renderer import Renderer
from flows.tally import Tally
from flows.understanding.dates import DateReader, WrittenDate
from flows.values import Missing, Value

_EXAMPLE: Final = datetime.date(2027, 3, 31)
_LENGTHS: Final = {"month": 7, "year": 4}
_MOST_YEARS: Final = 200


@question
class Date(Question):
    """Ask for a date, from `min` to `max`. The value is the date in ISO 8601 ("2027-03-31"). Results count by month,
    or by year (`count_by`).

    Accepts dates as people write them in every language: "31.3.2027", "31. März 2027", "2027-03-31". Without the
    century, or without the year, the limits must leave one possible date; the bot repeats it.

    ```yaml
    - key: moved_in
      type: date
      text: {de: Wann sind Sie eingezogen?, en: When did you move in?}
      min: 1950-01-01
      max: 2027-12-31
      count_by: year
    ```
    """

    type_name: ClassVar[tuple[str, str]] = ("Datum", "Date")
    expects: ClassVar[Expects] = "date"
    tally: ClassVar[Tally] = "date"
    value_note: ClassVar[tuple[str, str]] = ("Datum nach ISO 8601: JJJJ-MM-TT", "Date by ISO 8601: YYYY-MM-DD")
    meanings: ClassVar[Meanings] = meanings(free="min max count_by")

    type: Literal["date"] = "date"
    min: Day | None = None
    max: Day | None = None
    count_by: Literal["month", "year"] = "month"

    @property
    def paper_lines(self) -> int:
        return 1

    def problems(self) -> Iterator[Problem]:
        if self.min is not None and self.max is not None and self.min >= self.max:
            yield Problem(("max",), f"`max` {self.max} is not after `min` {self.min}", "swap or correct them")

    def values(self) -> ValueType:
        return datetime.date

    def cell(self, value: Value) -> Value:
        return str(value)[: _LENGTHS[self.count_by]]

    def bounds(self) -> tuple[AnswerBound, AnswerBound]:
        return self.min, self.max

    def localize(self, renderer: Renderer) -> LocalizedQuestion:
        return _LocalizedDate(self, renderer)


class _LocalizedDate(LocalizedQuestion):
    def __init__(self, definition: Date, renderer: Renderer) -> None:
        self._renderer = renderer
        self._min, self._max = definition.min or datetime.date.min, definition.max or datetime.date.max
        self._is_bounded = definition.min is not None and definition.max is not None
        self._months = [month.strip() for month in renderer.text("date.months").replace("،", ",").split(",")]
        self._matcher = ChoiceMatcher(definition, renderer, (), numbered=False)
        small = renderer.function_words()
        names = zip(self._months, renderer.words("words.months"), strict=True)
        self._reader = DateReader(
            ((shown, *shown.split("/"), *others.split("/")) for shown, others in names), small.fillers, small.negations
        )
        self._example = self.show(min(max(_EXAMPLE, self._min), self._max).isoformat())
        self._wanted = self._range(definition)
        self.prompt = definition.prompt(renderer, self._matcher.quick_replies, "" if definition.hint else self._wanted)

    def parse(self, reply: Reply, draft: Value | None) -> ParseResult:
        if not reply.choice and (written := self._reader.find(reply.folded)):
            return self._accept(written)
        missing = self._matcher.match(reply)
        return missing if isinstance(missing, Missing) else Invalid(self._wanted)

    def show(self, value: Value) -> str:
        day = parse_day(value)
        if day is None:
            return str(value)
        return self._renderer.text("date.long", day=day.day, month=self._months[day.month - 1], year=day.year)

    def matches_exactly(self, folded: str) -> bool:
        return self._matcher.matches_exactly(folded)

    def _accept(self, written: WrittenDate) -> ParseResult:
        days = [day for year in self._years(written) if (day := _day(year, written.month, written.day))]
        fitting = [day for day in days if self._min <= day <= self._max]
        if len(fitting) == 1:
            value = fitting[0].isoformat()
            return value if written.is_sure else Interpreted(value)
        is_day = _day(2000, written.month, written.day) is not None
        if not written.is_year_whole and (fitting or (is_day and not self._is_bounded)):
            return Invalid(self._renderer.text("hint.date_year", example=self._example))
        return Invalid(self._wanted)

    def _years(self, written: WrittenDate) -> range | tuple[int, ...]:
        """Returns the years that may be meant."""
        if written.year is None:
            first, last = self._min.year, self._max.year
            return range(first, last + 1) if last - first < _MOST_YEARS else ()
        return (written.year,) if written.is_year_whole else (1900 + written.year, 2000 + written.year)

    def _range(self, definition: Date) -> str:
        phrase = self._renderer.text
        least, most = (self.show(bound.isoformat()) if bound else "" for bound in (definition.min, definition.max))
        if least and most:
            return phrase("hint.date_between", min=least, max=most)
        if least:
            return phrase("hint.date_from", min=least)
        return phrase("hint.date_to", max=most) if most else phrase("hint.date", example=self._example)


def _day(year: int, month: int, day: int) -> datetime.date | None:
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None
