"""Ask for free text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from flows.messages import Expects
from flows.question import Asked, Parsed, Picker, Problem, Question, Rejection, Reply, ValueType, question
from flows.text import length_as_seen
from flows.values import Missing, Value
from flows.voice import Voice


@question
class FreeText(Question):
    """Ask for free text. The value is the text as written; its length is counted as people see it.

    A text needs at least one word: a row of emoji tells an analyst nothing. `leave_names_out` (on, unless the answer is
    no matter for others) asks people not to write names, addresses or telephone numbers.

    ```yaml
    - key: wish
      type: text
      text: {de: Was wünschen Sie sich für den Park?, en: What do you wish for the park?}
      max_length: 500
    ```
    """

    free_text: ClassVar[bool] = True
    expects: ClassVar[Expects] = "text"

    type: Literal["text"] = "text"
    min_length: int = Field(default=1, ge=1, le=1000)
    max_length: int = Field(default=1000, ge=1, le=5000)
    leave_names_out: bool = True

    def problems(self) -> Iterator[Problem]:
        if self.min_length > self.max_length:
            yield Problem(
                ("max_length",),
                f"`max_length` {self.max_length} is below `min_length` {self.min_length}",
                "swap or correct them",
            )

    def values(self) -> ValueType:
        return str

    def ask(self, voice: Voice) -> Asked:
        return _AskedText(self, voice)


class _AskedText(Asked):
    def __init__(self, definition: FreeText, voice: Voice) -> None:
        self._voice = voice
        self._picker = Picker(definition, voice, (), numbered=False, exact=True)
        self._min, self._max = definition.min_length, definition.max_length
        line = voice.say("hint.leave_names_out") if definition.leave_names_out else ""
        self.prompt = definition.prompt(voice, self._picker.quick_replies, line)

    def parse(self, reply: Reply, draft: Value | None) -> Parsed:
        missing = self._picker.pick(reply)
        if isinstance(missing, Missing):
            return missing
        text = reply.text.strip()
        if not reply.folded or reply.choice or not text:
            return Rejection(self._voice.say("hint.text_words" if text else "hint.text"))
        # Nobody sees more characters than there are code points, so counting them is rarely needed.
        if len(text) > self._max and (over := length_as_seen(text) - self._max) > 0:
            return Rejection(self._voice.say("hint.text_long", n=over, max=self._max))
        if self._min > 1 and (short := self._min - length_as_seen(text)) > 0:
            return Rejection(self._voice.say("hint.text_short", n=short, min=self._min))
        return text

    def show(self, value: Value) -> str:
        return str(value)

    def knows(self, folded: str) -> bool:
        return self._picker.knows(folded)
