"""Rate on a scale with labelled ends."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from flows.meaning import Meanings, meanings
from flows.messages import QuickReply
from flows.questions.base import AnswerBound, LocalizedQuestion, Problem, Question, Where, question
from flows.questions.choice import LABEL_LENGTH
from flows.questions.choice_matching import ChoiceMatcher
from flows.questions.outcomes import Interpreted, Invalid, ParseResult, Reply
from flows.renderer import Renderer
from flows.tally import Tally
from flows.understanding.text import fold, plain_digits
from flows.values import Missing, Value
from flows.wording import Text

# "4/5", "4 von 5", "4 out of 5": the second number is only the length of the scale.
_OUT_OF = re.compile(r"(\d{1,2}) ?(/|\D+) ?(\d{1,2})")


@question
class Scale(Question):
    """Rate from `min` to `max`, by digit of any script, emoji digit, number word or the words of an end. The value is
    the number.

    ```yaml
    - key: safety
      type: scale
      text: {de: Wie sicher fühlen Sie sich im Park?, en: How safe do you feel in the park?}
      min: 1
      max: 5
      min_label: {de: gar nicht sicher, en: not safe at all}
      max_label: {de: sehr sicher, en: very safe}
      middle_label: {de: teils, en: so-so}
    ```
    """

    type_name: ClassVar[tuple[str, str]] = ("Skala", "Scale")
    tally: ClassVar[Tally] = "number"
    paper_layout: ClassVar[Literal["list", "line", "names"]] = "line"
    meanings: ClassVar[Meanings] = meanings(fixed="min max", measure="min_label max_label", labels="middle_label")

    type: Literal["scale"] = "scale"
    min: int = Field(default=1, ge=0, le=10)
    max: int = Field(default=5, ge=1, le=10)
    min_label: Text
    max_label: Text
    middle_label: Text | None = None

    def problems(self) -> Iterator[Problem]:
        if self.min >= self.max:
            yield Problem(("max",), f"`max` {self.max} is not above `min` {self.min}", "swap or correct them")
        elif self.middle_label and (self.min + self.max) % 2:
            yield Problem(
                ("middle_label",),
                f"a scale from {self.min} to {self.max} has no middle",
                "leave the label out, or make the number of steps odd",
            )
        seen: dict[tuple[str, str], str] = {}
        for name, label in self._labels():
            for language, wording in label.items():
                if seen.setdefault((language, fold(wording.text)), name) != name:
                    yield Problem((name, language), f"{wording.text!r} stands at two places", "give each its own words")
                if len(wording.text) > LABEL_LENGTH:
                    yield Problem(
                        (name, language),
                        f"the label has {len(wording.text)} characters; buttons show about {LABEL_LENGTH}",
                        "shorten it",
                        warning=True,
                    )

    def texts(self) -> Iterator[tuple[Where, Text]]:
        yield from super().texts()
        for name, label in self._labels():
            yield (name,), label

    def labels(self, languages: Sequence[str]) -> Iterator[tuple[str, Text | None]]:
        middle = (self.min + self.max) // 2 if (self.min + self.max) % 2 == 0 else None
        for step in (self.min, middle, self.max):
            if step is not None:
                yield str(step), self.label_at(step)

    def values(self) -> frozenset[Value]:
        return frozenset(range(self.min, self.max + 1))

    def bounds(self) -> tuple[AnswerBound, AnswerBound]:
        return self.min, self.max

    def localize(self, renderer: Renderer) -> LocalizedQuestion:
        return _LocalizedScale(self, renderer)

    def label_at(self, step: int) -> Text | None:
        """Returns the label of a step: the ends, and the middle if it has one."""
        if 2 * step == self.min + self.max:
            return self.middle_label
        return {self.min: self.min_label, self.max: self.max_label}.get(step)

    def _labels(self) -> Iterator[tuple[str, Text]]:
        yield "min_label", self.min_label
        if self.middle_label:
            yield "middle_label", self.middle_label
        yield "max_label", self.max_label


class _LocalizedScale(LocalizedQuestion):
    def __init__(self, definition: Scale, renderer: Renderer) -> None:
        self._max = definition.max
        self._labels = {step: _shown(definition, step, renderer) for step in range(definition.min, definition.max + 1)}
        self._matcher = ChoiceMatcher(definition, renderer, _steps(definition, renderer), numbered=False)
        self._out_of = frozenset(map(fold, renderer.words("words.out_of")))
        self._hint = renderer.text("hint.scale", min=definition.min, max=definition.max)
        self.prompt = definition.prompt(renderer, self._matcher.quick_replies, self._ends(definition, renderer))

    def parse(self, reply: Reply, draft: Value | None) -> ParseResult:
        value = self._matcher.match(reply)
        if isinstance(value, Missing):
            return value
        if isinstance(value, str):
            return int(value)
        if value is not None:
            return Interpreted(int(str(value.value)))
        if rated := _OUT_OF.fullmatch(plain_digits(reply.text.strip())):
            step, out_of = int(rated[1]), int(rated[3])
            if out_of == self._max and step in self._labels and (rated[2] == "/" or fold(rated[2]) in self._out_of):
                return Interpreted(step)
        return Invalid(self._hint)

    def show(self, value: Value) -> str:
        return self._labels.get(value, str(value)) if isinstance(value, int) else str(value)

    def spoken(self, reply: QuickReply) -> str:
        """Returns the number alone: the line above the steps has already said what the ends mean."""
        return reply.parsed.value if reply.role == "answer" else ""

    def matches_exactly(self, folded: str) -> bool:
        return self._matcher.matches_exactly(folded)

    def _ends(self, definition: Scale, renderer: Renderer) -> str:
        """Returns the labelled steps, for channels without buttons."""
        return renderer.text("list.comma").join(
            f"{step} = {renderer.localized(label)}" for step in self._labels if (label := definition.label_at(step))
        )


def _shown(definition: Scale, step: int, renderer: Renderer) -> str:
    label = definition.label_at(step)
    return f"{step} – {renderer.localized(label)}" if label else str(step)


def _steps(definition: Scale, renderer: Renderer) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """The steps as options, matched by digit, number word and, at the ends, by label in every language."""
    numerals = renderer.function_words().numerals
    for step in range(definition.min, definition.max + 1):
        label = definition.label_at(step)
        labels = (renderer.localized(label), *(wording.text for _, wording in label.items())) if label else ()
        numeral = numerals[step][:1] if step < len(numerals) else ()
        yield str(step), _shown(definition, step, renderer), (str(step), *numeral, *labels)
