"""Pick one option."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import ClassVar, Final, Literal

from pydantic import Field

from flows.braces import references_in
from flows.meaning import Meanings, meanings
from flows.questions.base import LocalizedQuestion, Problem, Question, Where, question
from flows.questions.choice_matching import ChoiceMatcher
from flows.questions.option import Option
from flows.questions.other import OTHER, OtherText, follow_up_of, other_name, other_problems
from flows.questions.outcomes import Invalid, ParseResult, Reply
from flows.renderer import Renderer
from flows.understanding.text import fold
from flows.values import Missing, Value

LABEL_LENGTH: Final = 64
_RESERVED: Final = frozenset(code.value for code in Missing)


@question
class Choice(Question):
    """Pick one option: by number, label, synonym, small typo, emoji digit or button. The value is the option's `value`.

    With `other`, "something else" is offered last (value "other"), followed by a question for what is meant.

    ```yaml
    - key: lamps
      type: choice
      text: {de: Sollen die Lampen im Park nachts brennen?, en: Should the lamps stay lit at night?}
      options:
        - {value: "yes", label: {de: Ja, en: "Yes"}}
        - {value: "no", label: {de: Nein, en: "No"}, synonyms: {de: [nö]}}
    ```
    """

    type_name: ClassVar[tuple[str, str]] = ("Eins auswählen", "Pick one")
    meanings: ClassVar[Meanings] = meanings(labels="options", free="other")
    # One picked option is a list of one.
    counted_with: ClassVar[str] = "choices"

    type: Literal["choice"] = "choice"
    options: tuple[Option, ...] = Field(min_length=2, max_length=20)
    other: bool = Field(default=False, exclude_if=operator.not_)
    """Whether "something else" is offered, followed by a question for free text."""

    def problems(self) -> Iterator[Problem]:
        yield from option_clashes(self.options)
        if self.other:
            yield from other_problems([option.value for option in self.options])

    def follow_up(self) -> OtherText | None:
        return follow_up_of(self) if self.other else None

    def listed_options(self) -> Sequence[Option]:
        return self.options

    def values(self) -> frozenset[Value]:
        return frozenset((*(option.value for option in self.options), *((OTHER,) if self.other else ())))

    def localize(self, renderer: Renderer) -> LocalizedQuestion:
        return _LocalizedChoice(self, renderer)


class _LocalizedChoice(LocalizedQuestion):
    def __init__(self, definition: Choice, renderer: Renderer) -> None:
        more = (other_name(renderer),) if definition.other else ()
        self._matcher = ChoiceMatcher(definition, renderer, (*option_names(definition.options, renderer), *more))
        self._hint = renderer.text("hint.choice")
        self.prompt = definition.prompt(renderer, self._matcher.quick_replies)

    def parse(self, reply: Reply, draft: Value | None) -> ParseResult:
        value = self._matcher.match(reply)
        return Invalid(self._hint) if value is None else value

    def show(self, value: Value) -> str:
        return self._matcher.labels.get(str(value), str(value))

    def matches_exactly(self, folded: str) -> bool:
        return self._matcher.matches_exactly(folded)


def option_names(options: tuple[Option, ...], renderer: Renderer) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yields options for a `ChoiceMatcher`: value, label, synonyms in every language (people mix them)."""
    for option in options:
        synonyms = (word for words in option.synonyms.values() for word in words)
        # A label that names an answer is known in the language of the contact only.
        labels = (wording.plain for _, wording in option.label.items() if not any(references_in(wording.text)))
        yield option.value, renderer.localized(option.label), (*synonyms, *labels)


def option_clashes(options: tuple[Option, ...]) -> Iterator[Problem]:
    """Yields problems of options with the same value, or with the same name in one language."""
    values: set[str] = set()
    names: dict[tuple[str, str], int] = {}
    for index, option in enumerate(options):
        yield from _value_problems(index, option.value, values)
        values.add(option.value)
        for path, language, name in _names(index, option):
            where = ("options", index, *path)
            folded = fold(name)
            if names.setdefault((language, folded), index) != index:
                yield Problem(where, f"the name {name!r} stands twice", "tell the options apart")
            if folded.isdecimal() and 1 <= int(folded) <= len(options) and int(folded) != index + 1:
                yield Problem(
                    where,
                    f"the name {name!r} is also the number of another option",
                    "write it out, or use the type scale or number",
                )
        yield from _label_problems(index, option)


def _names(index: int, option: Option) -> Iterator[tuple[Where, str, str]]:
    for language, wording in option.label.items():
        yield ("label", language), language, wording.text
    for language, words in option.synonyms.items():
        for number, word in enumerate(words):
            yield ("synonyms", language, number), language, word


def _value_problems(index: int, value: str, before: set[str]) -> Iterator[Problem]:
    where = ("options", index, "value")
    if value in before:
        yield Problem(where, f"the value {value!r} stands twice", "give each option its own")
    if value in _RESERVED:
        yield Problem(
            where,
            f"{value!r} is how a missing answer is recorded",
            "choose another value, or leave the option to `dont_know` and `refuse`",
        )


def _label_problems(index: int, option: Option) -> Iterator[Problem]:
    for language, wording in option.label.items():
        where = ("options", index, "label", language)
        if len(wording.text) > LABEL_LENGTH:
            yield Problem(
                where,
                f"the label has {len(wording.text)} characters; buttons show about {LABEL_LENGTH}",
                "shorten it, and explain in the question",
                warning=True,
            )
        if not fold(wording.text):
            yield Problem(where, "the label has no word that could be typed", "add a word", warning=True)
