"""Put options in order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from flows.meaning import Meanings, meanings
from flows.messages import Expects, MsgOut, QuickReply
from flows.parts import ErrorPart, HintPart, MessagePart, NoticePart, Parts, SelectionPart
from flows.questions.base import LocalizedQuestion, Problem, Question, question
from flows.questions.choice import option_clashes, option_names
from flows.questions.choice_matching import ChoiceMatcher
from flows.questions.option import Option
from flows.questions.option_lists import OptionListParser
from flows.questions.outcomes import Invalid, ParseResult, PartialAnswer, Reply
from flows.renderer import Renderer
from flows.tally import Tally
from flows.tokens import DONE
from flows.understanding.text import plain_digits
from flows.values import Missing, Value

_ECHO = 60
_PLACE = re.compile(r"(?:^|[\s,;])(\d{1,2})[.):]\s*(?=\D)")


@question
class Rank(Question):
    """Put options in order, at once ("3 1 2") or one after another, and say "done". The value is the list of the
    options' values, the best first.

    `min` and `max` limit how many options are ranked; by default all. A reply that ranks the maximum completes the
    answer; any other reply changes the order and shows it again.

    ```yaml
    - key: first
      type: rank
      text: {de: Was soll zuerst gebaut werden?, en: What should be built first?}
      min: 1
      options:
        - {value: park, label: {de: Der Park, en: The park}}
        - {value: school, label: {de: Die Schule, en: The school}}
        - {value: bridge, label: {de: Die Brücke, en: The bridge}}
    ```
    """

    type_name: ClassVar[tuple[str, str]] = ("Reihenfolge", "Put in order")
    expects: ClassVar[Expects] = "order"
    tally: ClassVar[Tally] = "order"

    meanings: ClassVar[Meanings] = meanings(labels="options", free="min max")

    type: Literal["rank"] = "rank"
    options: tuple[Option, ...] = Field(min_length=2, max_length=14)
    min: int | None = Field(default=None, ge=1)
    max: int | None = Field(default=None, ge=1)

    @property
    def paper_lines(self) -> int:
        return 1

    @property
    def most(self) -> int:
        """Maximum number of ranked options."""
        return min(self.max or len(self.options), len(self.options))

    @property
    def least(self) -> int:
        """Minimum number of ranked options."""
        return self.min or self.most

    def problems(self) -> Iterator[Problem]:
        yield from option_clashes(self.options)
        for name, number in (("min", self.min), ("max", self.max)):
            if number is not None and number > len(self.options):
                reason = f"`{name}` {number} is more than the {len(self.options)} offered"
                yield Problem((name,), reason, "lower it or add options")
        if self.min is not None and self.most < self.min <= len(self.options):
            yield Problem(("max",), f"`max` {self.max} is below `min` {self.min}", "swap or correct them")

    def listed_options(self) -> Sequence[Option]:
        return self.options

    def values(self) -> frozenset[Value]:
        return frozenset(option.value for option in self.options)

    def localize(self, renderer: Renderer) -> LocalizedQuestion:
        return _LocalizedRank(self, renderer)


class _LocalizedRank(LocalizedQuestion):
    def __init__(self, definition: Rank, renderer: Renderer) -> None:
        self._renderer = renderer
        self._matcher = ChoiceMatcher(definition, renderer, option_names(definition.options, renderer))
        self._list_parser = OptionListParser(self._matcher, renderer)
        self._least, self._most = definition.least, definition.most
        self._hint = renderer.text("hint.rank")
        self._done = QuickReply(renderer.token(definition.key, DONE), renderer.text("button.done"), role="done")
        self.prompt = definition.prompt(renderer, self._matcher.quick_replies, self._how(len(definition.options)))
        self._other_ends = tuple(it for it in self.prompt.quick_replies if it.role in {"missing", "navigation"})

    def parse(self, reply: Reply, draft: Value | None) -> ParseResult:
        before = self._ranked(draft)
        if self._list_parser.says_done(reply):
            return self._finish(before)
        value = self._matcher.match(reply)
        if isinstance(value, Missing):
            return value
        if isinstance(value, str):
            return self._toggled(before, value)
        if reply.choice:
            return Invalid(self._hint)
        values, unknown, done = self._list_parser.find(reply._replace(text=_without_places(reply.text)))
        if not values and value is not None:
            return self._toggled(before, str(value.value))
        if not values or len(unknown) > len(values) + 1:
            return Invalid(self._hint)
        return self._ordered(values, unknown, done)

    def prompt_for(self, draft: Value | None) -> MsgOut:
        ranked = self._ranked(draft)
        return self._draft(ranked).msg if ranked else self.prompt

    def show(self, value: Value) -> str:
        values = value if isinstance(value, list) else [str(value)]
        labels = (f"{place}. {self._matcher.labels.get(one, one)}" for place, one in enumerate(values, start=1))
        return self._renderer.text("list.comma").join(labels)

    def label(self, value: Value) -> str:
        return self._matcher.labels.get(str(value), str(value))

    def matches_exactly(self, folded: str) -> bool:
        return self._matcher.matches_exactly(folded) or folded in self._list_parser.done_words

    def _how(self, offered: int) -> Parts:
        hint = HintPart(self._hint, is_typing=True)
        if self._least == self._most == offered:
            return (hint,)
        return (hint, HintPart(self._renderer.text("rank.how_some", min=self._least, max=self._most)))

    def _ranked(self, draft: Value | None) -> list[str]:
        """Returns the ranked options so far, best first, without duplicates."""
        before = draft if isinstance(draft, list) else []
        return [value for value in dict.fromkeys(before) if value in self._matcher.labels][: self._most]

    def _toggled(self, before: list[str], value: str) -> PartialAnswer:
        if value in before:
            return self._draft([one for one in before if one != value])
        return self._shortened([*before, value])

    def _ordered(self, values: list[str], unknown: list[str], done: bool) -> ParseResult:
        """Handles a new order in one reply: accepts it at once if it is complete and unambiguous."""
        order = list(dict.fromkeys(values))
        is_plain = len(order) == len(values) and not unknown and len(order) <= self._most
        if is_plain and (len(order) == self._most or (done and len(order) >= self._least)):
            return order
        lines = [self._renderer.text("hint.not_understood", words=" ".join(unknown)[:_ECHO])] if unknown else []
        return self._shortened(order, *lines)

    def _shortened(self, order: list[str], *lines: str) -> PartialAnswer:
        if len(order) > self._most:
            lines = (*lines, self._renderer.text("rank.many", max=self._most))
        return self._draft(order[: self._most], *lines)

    def _finish(self, ranked: list[str]) -> ParseResult:
        if len(ranked) >= self._least:
            return ranked
        return self._draft(ranked) if ranked else Invalid(self._hint)

    def _draft(self, ranked: list[str], *lines: str) -> PartialAnswer:
        """Returns the order as a partial answer; options keep their numbers, ranked ones show their rank."""
        phrase, notices = self._renderer.text, map(NoticePart, lines)
        if not ranked:
            return PartialAnswer([], self.prompt._replace(parts=(*notices, *self.prompt.parts)))
        missing = self._least - len(ranked)
        then: MessagePart = HintPart(phrase("rank.next", done=self._done.label), is_typing=True)
        if missing > 0:
            then = ErrorPart(phrase("rank.missing", n=missing))
        places = {value: place for place, value in enumerate(ranked, start=1)}
        replies = [
            reply._replace(label=phrase("rank.placed", label=label, place=place), chosen=True, amount=place, name=label)
            if (place := places.get(value, 0))
            else reply
            for reply, (value, label) in zip(self._matcher.quick_replies, self._matcher.labels.items(), strict=False)
        ]
        ends = self._other_ends if missing > 0 else (self._done,)
        selection = SelectionPart(phrase("rank.so_far", labels=self.show(list(ranked))))
        msg = self._renderer.message((*notices, selection, then), (*replies, *ends))
        return PartialAnswer(list(ranked), msg._replace(expects="order", title=self.prompt.title))


def _without_places(text: str) -> str:
    """Removes ranks written before names: they count from one and are not option numbers.

    >>> _without_places("1. Brücke, 2. Park"), _without_places("2. Park"), _without_places("1 2")
    ('Brücke\\nPark', '2. Park', '1 2')
    """
    before, *found = _PLACE.split(plain_digits(text))
    places, names = found[::2], [name.strip(" ,;") for name in found[1::2]]
    if not found or before.strip() or places != [str(place) for place in range(1, len(places) + 1)] or "" in names:
        return text
    return "\n".join(names)
