"""Spread a budget over options."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final, Literal

from pydantic import Field

from flows.meaning import Meanings, meanings
from flows.messages import Expects, MsgOut, QuickReply, Step
from flows.parts import BodyPart, HintPart, NoticePart, Parts, SelectionPart
from flows.questions.base import LocalizedQuestion, Problem, Question, Where, question
from flows.questions.choice import option_clashes, option_names
from flows.questions.choice_matching import ChoiceMatcher
from flows.questions.choices import CHECKED, UNCHECKED
from flows.questions.option import Option
from flows.questions.option_lists import OptionListParser
from flows.questions.outcomes import Invalid, ParseResult, PartialAnswer, Reply
from flows.renderer import Renderer
from flows.tally import BudgetTerms, Tally
from flows.tokens import DONE
from flows.understanding.amounts import AmountChange, AmountParser
from flows.understanding.text import fold
from flows.values import Missing, Value
from flows.wording import Text

LESS, LEAP, REST = "-", ">", "="
"""Signs before the value of an option, which no value contains: one step less, several steps more, all that is left."""
_FEW_STEPS: Final = 5
_MANY_STEPS: Final = 50
MOST: Final = 200
"""Options of a vote that was held elsewhere. A question that is asked has fewer (`flows.authoring.sizes`)."""
_ECHO = 60


class PricedOption(Option):
    """An option with its cost, if it can only be taken as a whole."""

    meanings: ClassVar[Meanings] = meanings(fixed="cost")

    cost: int | None = Field(default=None, ge=1, le=1_000_000_000)


@question
class Points(Question):
    """Spread a budget: points over options, or money over options that cost something. The value says for each option
    that gets something how much (`{"park": 3, "trees": 2}`), in the order of the options.

    By text ("Park 3, Bäume 2", "1: 3"), or by taps that add or remove a `step`, add several, or all that is left;
    options with a `cost` are taken or not. Every message shows the rest of the budget, which cannot be exceeded and
    need not be used up.

    ```yaml
    - key: fund
      type: points
      budget: 10
      text: {de: Wie viele Punkte geben Sie wem?, en: How many points do you give to whom?}
      options:
        - {value: park, label: {de: Park, en: Park}}
        - {value: trees, label: {de: Straßenbäume, en: Street trees}}
    ```
    """

    type_name: ClassVar[tuple[str, str]] = ("Punkte oder Geld verteilen", "Spread points or money")
    expects: ClassVar[Expects] = "amounts"
    tally: ClassVar[Tally] = "amounts"

    meanings: ClassVar[Meanings] = meanings(fixed="budget", measure="unit", labels="options", free="step")

    type: Literal["points"] = "points"
    budget: int = Field(ge=1, le=1_000_000_000)
    step: int = Field(default=1, ge=1)
    unit: Text | None = None
    """Unit of the budget ("Euro"); points by default."""
    options: tuple[PricedOption, ...] = Field(min_length=2, max_length=MOST)

    @property
    def paper_lines(self) -> int:
        return 0 if self.is_priced else 1

    @property
    def is_priced(self) -> bool:
        """Whether options are taken as a whole, at their cost."""
        return self.options[0].cost is not None

    def budget_terms(self) -> BudgetTerms:
        costs = {option.value: option.cost for option in self.options if option.cost}
        return BudgetTerms(self.budget, costs, self.step, self.unit)

    def problems(self) -> Iterator[Problem]:
        yield from option_clashes(self.options)
        if self.step > self.budget:
            yield Problem(("step",), f"a step of {self.step} is more than the budget of {self.budget}", "lower `step`")
        for index, option in enumerate(self.options):
            where = ("options", index, "cost")
            if (option.cost is None) == self.is_priced:
                yield Problem(where, "some options have a cost and some have none", "give each a cost, or none")
            elif option.cost and option.cost > self.budget:
                reason = f"it costs {option.cost}, more than the budget of {self.budget}"
                yield Problem(where, reason, "raise the budget, or leave the option out")
        costs = [option.cost for option in self.options if option.cost]
        if len(costs) == len(self.options) and sum(costs) <= self.budget:
            yield Problem(("budget",), "the budget is enough for everything", "lower it, or there is no choice", True)

    def texts(self) -> Iterator[tuple[Where, Text]]:
        yield from super().texts()
        if self.unit:
            yield ("unit",), self.unit

    def listed_options(self) -> Sequence[PricedOption]:
        return self.options

    def values(self) -> frozenset[Value]:
        return frozenset(option.value for option in self.options)

    def localize(self, renderer: Renderer) -> LocalizedQuestion:
        return _LocalizedPoints(self, renderer)


class _LocalizedPoints(LocalizedQuestion):
    def __init__(self, definition: Points, renderer: Renderer) -> None:
        self._definition = definition
        self._renderer = renderer
        self._priced = definition.is_priced
        self._cost = {option.value: option.cost or 0 for option in definition.options}
        self._leap = definition.step * _steps_at_once(definition.budget // definition.step)
        self._unit = renderer.localized(definition.unit) if definition.unit else ""
        self._matcher = ChoiceMatcher(
            definition, renderer, option_names(definition.options, renderer), numbered=self._priced
        )
        self._list_parser = OptionListParser(self._matcher, renderer)
        self._amounts = AmountParser(
            ((value, names) for value, _, names in option_names(definition.options, renderer)),
            renderer.function_words().numerals,
            renderer.function_words().fillers | self._unit_words(),
            frozenset(map(fold, renderer.words("words.and"))),
        )
        self._hint = renderer.text("hint.points_cost" if self._priced else "hint.points")
        self._done = QuickReply(renderer.token(definition.key, DONE), renderer.text("button.done"), role="done")
        budget = BodyPart(renderer.text("points.budget", amount=self._said(definition.budget)))
        others = self._matcher.quick_replies[len(definition.options) :]
        self.prompt = definition.prompt(
            renderer, (*self._replies({}), *others), (budget, HintPart(self._hint, is_typing=True))
        )
        self._labels = frozenset(fold(reply.label) for reply in self._replies({}))
        if self._priced:
            self.prompt = self.prompt._replace(expects="many")

    def parse(self, reply: Reply, draft: Value | None) -> ParseResult:
        spent = self._spent(draft)
        if self._list_parser.says_done(reply):
            return spent if spent else Invalid(self._hint)
        value = self._matcher.match(reply)
        if isinstance(value, Missing):
            return value
        return self._parse_choice(reply.choice, spent) if reply.choice else self._parse_text(reply.text, spent)

    def _parse_choice(self, choice: str, spent: dict[str, int]) -> ParseResult:
        """Changes an amount as the button says: by a step, by several, or by all that is left."""
        sign = choice[:1] if choice[:1] in (LESS, LEAP, REST) else ""
        value = choice.removeprefix(sign)
        if value not in self._cost:
            return Invalid(self._hint)
        more = {LEAP: self._leap, REST: self._left(spent)}.get(sign)
        change = AmountChange(value, None, sign) if more is None else AmountChange(value, more, "+")
        return self._checked(spent, self._wanted(spent, [change]))

    def _parse_text(self, text: str, spent: dict[str, int]) -> ParseResult:
        """Reads amounts with names; a bare name is a step."""
        changes, unknown = self._amounts.find(text)
        done = not self._list_parser.done_words.isdisjoint(unknown)
        unknown = [word for word in unknown if word not in self._list_parser.done_words]
        if not changes or len(unknown) > len(changes) + 1:
            return Invalid(self._hint)
        lines = [self._renderer.text("hint.not_understood", words=" ".join(unknown)[:_ECHO])] if unknown else []
        after = self._wanted(spent, changes)
        is_whole = done or (len(changes) > 1 and self._left(after) == 0)
        if is_whole and after and self._left(after) >= 0 and not lines:
            return after
        return self._checked(spent, after, *lines)

    def prompt_for(self, draft: Value | None) -> MsgOut:
        spent = self._spent(draft)
        return self._draft(spent).msg if spent else self.prompt

    def show(self, value: Value) -> str:
        spent = value if isinstance(value, dict) else {}
        parts = [f"{self.label(one)}: {self._said(amount)}" for one, amount in spent.items()]
        return self._renderer.text("list.comma").join(parts) if parts else self._renderer.text("points.nothing")

    def label(self, value: Value) -> str:
        return self._matcher.labels.get(str(value), str(value))

    def spoken(self, reply: QuickReply) -> str:
        if reply.role not in {"answer", "less"}:
            return ""
        if self._priced:
            return self._renderer.text("aloud.chosen", label=reply.name) if reply.chosen else reply.name
        amount = self._said(self._definition.step)
        if reply.role == "less":
            return self._renderer.text("aloud.less", label=reply.name, amount=amount)
        return self._renderer.text("aloud.more", label=reply.name, amount=amount)

    def matches_exactly(self, folded: str) -> bool:
        return self._matcher.matches_exactly(folded) or folded in self._list_parser.done_words or folded in self._labels

    def _unit_words(self) -> frozenset[str]:
        said = [self._unit, *(self._renderer.text("points.unit", n=n) for n in (1, 2, 3, 5, 20))]
        return frozenset(word for text in said for word in fold(text).split() if not word.isdecimal())

    def _said(self, amount: int) -> str:
        """Returns an amount with its unit; a thin space separates thousands in every language."""
        if not self._unit:
            return self._renderer.text("points.unit", n=amount)
        return f"{_grouped(amount)} {self._unit}"

    def _spent(self, draft: Value | None) -> dict[str, int]:
        """Returns the amounts so far, in the order of the options."""
        before = draft if isinstance(draft, dict) else {}
        return {value: before[value] for value in self._cost if before.get(value, 0) > 0}

    def _left(self, spent: dict[str, int]) -> int:
        return self._definition.budget - sum(spent.values())

    def _wanted(self, spent: dict[str, int], changes: list[AmountChange]) -> dict[str, int]:
        """Returns the amounts after the changes, even beyond the budget."""
        after = dict(spent)
        for value, amount, sign in changes:
            before = after.get(value, 0)
            if self._priced:
                # A list selects its options; a single name toggles, as a tap does.
                keeps = len(changes) > 1 or not before if amount is None else amount > 0
                after[value] = self._cost[value] if keeps and sign != LESS else 0
            elif amount is None or sign:
                step = self._definition.step if amount is None else amount
                after[value] = max(before - step if sign == LESS else before + step, 0)
            else:
                after[value] = amount
        return self._spent(after)

    def _checked(self, spent: dict[str, int], after: dict[str, int], *lines: str) -> PartialAnswer:
        """Returns the new amounts, or the old ones with the excess if the budget is exceeded."""
        lacking = -self._left(after)
        if lacking > 0:
            return self._draft(spent, *lines, self._renderer.text("points.too_much", amount=self._said(lacking)))
        return self._draft(after, *lines)

    def _draft(self, spent: dict[str, int], *lines: str) -> PartialAnswer:
        """Returns the amounts and the rest of the budget as a partial answer."""
        phrase, notices = self._renderer.text, map(NoticePart, lines)
        if not spent:
            return PartialAnswer({}, self.prompt._replace(parts=(*notices, *self.prompt.parts)))
        parts: Parts = (
            *notices,
            SelectionPart(phrase("points.so_far", labels=self.show(dict(spent)))),
            NoticePart(phrase("points.left", amount=self._said(self._left(spent)))),
            HintPart(phrase("points.next", done=self._done.label), is_typing=True),
        )
        msg = self._renderer.message(parts, (*self._replies(spent), self._done))
        return PartialAnswer(dict(spent), msg._replace(expects=self.prompt.expects, title=self.prompt.title))

    def _steps(self, value: str) -> Iterator[Step]:
        """Yields the buttons of an option, always the same: the place of a button never means something else."""
        step, leap = self._definition.step, self._leap
        signs = [(LESS, f"−{_grouped(step)}"), ("", f"+{_grouped(step)}"), (LEAP, f"+{_grouped(leap)}")]
        for sign, label in signs if leap > step else signs[:-1]:
            yield Step(self._renderer.token(self._definition.key, f"{sign}{value}"), label)
        rest = self._renderer.token(self._definition.key, f"{REST}{value}")
        yield Step(rest, self._renderer.text("points.rest_here"))

    def _replies(self, spent: dict[str, int]) -> Iterator[QuickReply]:
        """Yields a button per option to add a step, and one to remove it from options with an amount."""
        key, step, token = self._definition.key, self._definition.step, self._renderer.token
        for number, value in enumerate(self._cost, start=1):
            has = spent.get(value, 0)
            label = self.label(value)
            if self._priced:
                name = f"{label} ({self._said(self._cost[value])})"
                shown = f"{CHECKED if has else UNCHECKED}{name}"
                yield QuickReply(token(key, value), shown, number, chosen=has > 0, name=name)
                continue
            # Also if nothing is left: options keep their numbers, and forms show a field for each.
            more = QuickReply(token(key, value), f"+{step} {label}", number, chosen=has > 0, amount=has, name=label)
            yield more._replace(steps=tuple(self._steps(value)))
            if has:
                yield QuickReply(token(key, f"{LESS}{value}"), f"−{step} {label}", role="less", name=label)


def _steps_at_once(steps: int) -> int:
    """Returns how many steps a larger button takes; 1 for a budget of few steps, which needs none."""
    return 1 if steps <= _FEW_STEPS else 5 if steps < _MANY_STEPS else 10


def _grouped(amount: int) -> str:
    """Returns an amount with a thin space between thousands."""
    return f"{amount:,}".replace(",", "\u202f")
