"""Pick several options."""

from __future__ import annotations

import operator
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, Final, Literal

from pydantic import Field

from flows.meaning import Meanings, meanings
from flows.messages import Expects, MsgOut, QuickReply
from flows.parts import ErrorPart, HintPart, MessagePart, NoticePart, SelectionPart
from flows.questions.base import LocalizedQuestion, Problem, Question, question
from flows.questions.choice import option_clashes, option_names
from flows.questions.choice_matching import ChoiceMatcher
from flows.questions.option import Option
from flows.questions.option_lists import OptionListParser
from flows.questions.other import OTHER, OtherText, follow_up_of, other_name, other_problems
from flows.questions.outcomes import Interpreted, Invalid, ParseResult, PartialAnswer, Reply
from flows.references import Key
from flows.renderer import Renderer
from flows.tally import Tally
from flows.tokens import DONE
from flows.values import Missing, Value

CHECKED: Final = "☑ "
UNCHECKED: Final = "☐ "
_ECHO = 60
# More words than twenty labels have; a longer text is no answer.
_WORDS = 160


class MultiChoice(Question):
    """Base of the types that take several options: `choices` and the types with a fixed list."""

    expects: ClassVar[Expects] = "many"
    tally: ClassVar[Tally] = "many"
    meanings: ClassVar[Meanings] = meanings(free="min max exclusive")

    min: int = Field(default=1, ge=0)
    max: int | None = Field(default=None, ge=1)
    exclusive: Key | None = None

    @property
    def may_be_empty(self) -> bool:
        return self.min == 0

    @property
    def exclusive_value(self) -> str | None:
        return self.exclusive

    @abstractmethod
    def offered(self, renderer: Renderer) -> Iterable[tuple[str, str, Iterable[str]]]:
        """Returns the options: value, label, synonyms."""

    def localize(self, renderer: Renderer) -> LocalizedQuestion:
        return _LocalizedChoices(self, renderer)


@question
class Choices(MultiChoice):
    """Pick several options, one after another or at once ("1, 3 und 5"), and say "done". The value is the list of the
    options' values in the order of the definition.

    With `other`, "something else" is offered last (value "other"), followed by a question for what is meant.

    Until "done" every reply changes the selection and shows it again; `exclusive` names the option which stands alone
    ("none of these").

    ```yaml
    - key: wishes
      type: choices
      text: {de: Was fehlt auf dem Platz?, en: What is missing in the square?}
      max: 3
      exclusive: nothing
      options:
        - {value: trees, label: {de: Bäume, en: Trees}}
        - {value: benches, label: {de: Bänke, en: Benches}}
        - {value: water, label: {de: Trinkwasser, en: Drinking water}}
        - {value: nothing, label: {de: Nichts davon, en: None of these}}
    ```
    """

    type_name: ClassVar[tuple[str, str]] = ("Mehrere auswählen", "Pick several")
    meanings: ClassVar[Meanings] = meanings(labels="options", free="other")

    type: Literal["choices"] = "choices"
    options: tuple[Option, ...] = Field(min_length=2, max_length=20)
    other: bool = Field(default=False, exclude_if=operator.not_)
    """Whether "something else" is offered, followed by a question for free text."""

    def problems(self) -> Iterator[Problem]:
        yield from option_clashes(self.options)
        values = [option.value for option in self.options]
        if self.other:
            yield from other_problems(values)
        choosable = len(values) + self.other - (self.exclusive in values)
        if self.exclusive and self.exclusive not in values:
            yield Problem(("exclusive",), f"there is no option {self.exclusive!r}", "name the value of an option")
        if self.min > choosable:
            yield Problem(("min",), f"{self.min} are required, but {choosable} offered", "lower `min` or add options")
        if self.max is not None and self.max < self.min:
            yield Problem(("max",), f"`max` {self.max} is below `min` {self.min}", "swap or correct them")
        elif self.max is not None and self.max > choosable:
            yield Problem(
                ("max",), f"`max` {self.max} is more than the {choosable} offered", "leave it out", warning=True
            )
        elif self.max == 1:
            yield Problem(("max",), "only one may be chosen", "use the type choice", warning=True)

    def listed_options(self) -> Sequence[Option]:
        return self.options

    def values(self) -> frozenset[Value]:
        return frozenset((*(option.value for option in self.options), *((OTHER,) if self.other else ())))

    def follow_up(self) -> OtherText | None:
        return follow_up_of(self) if self.other else None

    def offered(self, renderer: Renderer) -> Iterable[tuple[str, str, Iterable[str]]]:
        return (*option_names(self.options, renderer), *((other_name(renderer),) if self.other else ()))


class _LocalizedChoices(LocalizedQuestion):
    def __init__(self, definition: MultiChoice, renderer: Renderer) -> None:
        self._renderer = renderer
        self._matcher = ChoiceMatcher(definition, renderer, definition.offered(renderer))
        self._exclusive = definition.exclusive
        self._min = definition.min
        self._max = min(definition.max or len(self._matcher.labels), len(self._matcher.labels))
        self._hint = renderer.text("hint.choices")
        self._list_parser = OptionListParser(self._matcher, renderer)
        self._done = QuickReply(renderer.token(definition.key, DONE), renderer.text("button.done"), role="done")
        replies = self._matcher.quick_replies[: len(self._matcher.labels)]
        # Each option unchecked and checked.
        self._open = tuple(reply._replace(label=UNCHECKED + reply.label, name=reply.label) for reply in replies)
        self._ticked = tuple(
            reply._replace(label=CHECKED + reply.label, name=reply.label, chosen=True) for reply in replies
        )
        done = (self._done,) if self._min == 0 else ()
        offered = (*self._open, *self._matcher.quick_replies[len(replies) :], *done)
        self.prompt = definition.prompt(renderer, offered, _how_many(definition, renderer))
        self._other_ends = tuple(it for it in self.prompt.quick_replies if it.role in {"missing", "navigation"})

    def parse(self, reply: Reply, draft: Value | None) -> ParseResult:
        chosen = self._chosen(draft)
        if self._list_parser.says_done(reply):
            return self._finish(chosen)
        value = self._matcher.match(reply)
        if isinstance(value, Missing):
            return value
        if isinstance(value, str):
            return self._draft(self._toggled(chosen, value))
        if reply.choice or reply.folded.count(" ") > _WORDS:
            return Invalid(self._hint)
        return self._several(reply, chosen, value)

    def prompt_for(self, draft: Value | None) -> MsgOut:
        chosen = self._chosen(draft)
        return self._draft(chosen).msg if chosen else self.prompt

    def show(self, value: Value) -> str:
        labels = [self._matcher.labels.get(str(one), str(one)) for one in value] if isinstance(value, list) else []
        return self._renderer.text("list.comma").join(labels) if labels else self._renderer.text("choices.nothing")

    def label(self, value: Value) -> str:
        return self._matcher.labels.get(str(value), str(value))

    def spoken(self, reply: QuickReply) -> str:
        return self._renderer.text("aloud.chosen", label=reply.name) if reply.chosen else reply.name

    def matches_exactly(self, folded: str) -> bool:
        return self._matcher.matches_exactly(folded) or folded in self._list_parser.done_words

    def _chosen(self, draft: Value | None) -> list[str]:
        """Returns the chosen values in the order of the options."""
        before = draft if isinstance(draft, list) else ()
        return [value for value in self._matcher.labels if value in before]

    def _toggled(self, chosen: list[str], value: str) -> list[str]:
        if value in chosen:
            return [one for one in chosen if one != value]
        if value == self._exclusive:
            return [value]
        return self._chosen([*(one for one in chosen if one != self._exclusive), value])

    def _several(self, reply: Reply, chosen: list[str], guess: Interpreted | None) -> ParseResult:
        """Adds several options of one reply; reports the words that match none."""
        values, unknown, done = self._list_parser.find(reply)
        if not values and guess is not None:
            return self._draft(self._toggled(chosen, str(guess.value)))
        if not values or len(unknown) > len(values) + 1:
            return Invalid(self._hint)
        wanted = {*values, *(one for one in chosen if one != self._exclusive)}
        lines: list[str] = []
        if self._exclusive in wanted and len(wanted) > 1:
            wanted.discard(self._exclusive)
            lines.append(self._renderer.text("hint.choices_exclusive", label=self._matcher.labels[self._exclusive]))
        if unknown:
            lines.append(self._renderer.text("hint.not_understood", words=" ".join(unknown)[:_ECHO]))
        selected = self._chosen([*wanted])
        if done and not lines and self._min <= len(selected) <= self._max:
            return selected
        return self._draft(selected, *lines)

    def _finish(self, chosen: list[str]) -> ParseResult:
        alone = chosen == [self._exclusive]
        if self._min <= len(chosen) <= self._max or alone:
            return list(chosen)
        return self._draft(chosen) if chosen else Invalid(self._renderer.text("choices.missing", n=self._min))

    def _draft(self, chosen: list[str], *lines: str) -> PartialAnswer:
        """Returns the selection as a partial answer, readable without the box symbols."""
        phrase, notices = self._renderer.text, map(NoticePart, lines)
        if not chosen:
            return PartialAnswer([], self.prompt._replace(parts=(*notices, *self.prompt.parts)))
        missing, many = self._min - len(chosen), len(chosen) - self._max
        alone = chosen == [self._exclusive]
        selection = SelectionPart(phrase("choices.chosen", labels=self.show(list(chosen)), n=len(chosen)), is_list=True)
        then: MessagePart = HintPart(phrase("choices.next", done=self._done.label), is_typing=True)
        if many > 0:
            then = ErrorPart(phrase("choices.many", n=many, max=self._max), self._max)
        elif missing > 0 and not alone:
            then = ErrorPart(phrase("choices.missing", n=missing))
        replies = [
            ticked if value in chosen else empty
            for value, ticked, empty in zip(self._matcher.labels, self._ticked, self._open, strict=True)
        ]
        ends = (self._done,) if many <= 0 and (missing <= 0 or alone) else self._other_ends
        msg = self._renderer.message((*notices, selection, then), (*replies, *ends))
        return PartialAnswer(
            list(chosen), msg._replace(expects="many", title=self.prompt.title, sensitive=self.prompt.sensitive)
        )


def _how_many(definition: MultiChoice, renderer: Renderer) -> str:
    least, most = definition.min, definition.max
    if most is None:
        return renderer.text("choices.how_from", min=least) if least > 1 else renderer.text("choices.how")
    if least == most:
        return renderer.text("choices.how_exactly", max=most)
    return (
        renderer.text("choices.how_between", min=least, max=most)
        if least > 1
        else renderer.text("choices.how_to", max=most)
    )
