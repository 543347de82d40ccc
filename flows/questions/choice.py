"""Pick one option."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from flows.question import Asked, Option, Parsed, Picker, Problem, Question, Rejection, Reply, question
from flows.values import Value
from flows.voice import Voice
from flows.wording import Text


@question
class Choice(Question):
    """Pick one option: by number, label, synonym, small typo, emoji digit or button. The value is the option's `value`.

    ```yaml
    - key: lamps
      type: choice
      text: {de: Sollen die Lampen im Park nachts brennen?, en: Should the park lamps stay lit at night?}
      options:
        - {value: "yes", label: {de: Ja, en: "Yes"}}
        - {value: "no", label: {de: Nein, en: "No"}, synonyms: {de: [nö]}}
    ```
    """

    type: Literal["choice"] = "choice"
    options: tuple[Option, ...] = Field(min_length=2, max_length=20)

    def problems(self) -> Iterator[Problem]:
        yield from clashes(self.options)

    def texts(self) -> Iterator[tuple[tuple[str | int, ...], Text]]:
        yield from super().texts()
        for index, option in enumerate(self.options):
            yield ("options", index, "label"), option.label

    def values(self) -> frozenset[Value]:
        return frozenset(option.value for option in self.options)

    def ask(self, voice: Voice) -> Asked:
        return _AskedChoice(self, voice)


class _AskedChoice(Asked):
    def __init__(self, definition: Choice, voice: Voice) -> None:
        self._picker = Picker(definition, voice, named(definition.options, voice))
        self._hint = voice.say("hint.choice")
        self.prompt = voice.prompt(definition, self._picker.quick_replies)

    def parse(self, reply: Reply, draft: Value | None) -> Parsed:
        value = self._picker.pick(reply)
        return Rejection(self._hint) if value is None else value

    def show(self, value: Value) -> str:
        return self._picker.labels.get(str(value), str(value))

    def knows(self, folded: str) -> bool:
        return self._picker.knows(folded)


def named(options: tuple[Option, ...], voice: Voice) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Options as a `Picker` takes them: value, label, synonyms in every language (people mix them)."""
    for option in options:
        synonyms = (word for words in option.synonyms.values() for word in words)
        labels = (wording.text for _, wording in option.label.items())
        yield option.value, voice.text(option.label), (*synonyms, *labels)


def clashes(options: tuple[Option, ...]) -> Iterator[Problem]:
    """Options that share a value, or a label in one language."""
    values: set[str] = set()
    labels: set[tuple[str, str]] = set()
    for index, option in enumerate(options):
        if option.value in values:
            yield Problem(
                ("options", index, "value"), f"the value {option.value!r} stands twice", "give each option its own"
            )
        values.add(option.value)
        for language, wording in option.label.items():
            if (language, wording.text.casefold()) in labels:
                yield Problem(
                    ("options", index, "label", language),
                    f"the label {wording.text!r} stands twice",
                    "tell the options apart",
                )
            labels.add((language, wording.text.casefold()))
