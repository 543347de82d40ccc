"""Send a text without a question."""

from __future__ import annotations

from typing import ClassVar, Literal

from flows.questions.base import Invalid, LocalizedQuestion, Node, ParseResult, Reply, question
from flows.renderer import Renderer
from flows.values import Value


@question
class Note(Node):
    """Sends its text and continues at once.

    ```yaml
    - key: thanks_so_far
      type: note
      text: {de: Danke! Jetzt geht es um die Wege., en: Thank you! Now about the paths.}
    ```
    """

    type: Literal["note"] = "note"

    waits: ClassVar[bool] = False

    def localize(self, renderer: Renderer) -> LocalizedQuestion:
        return _LocalizedNote(self, renderer)


class _LocalizedNote(LocalizedQuestion):
    def __init__(self, definition: Note, renderer: Renderer) -> None:
        self.prompt = renderer.message(renderer.localized(definition.text))._replace(
            audio=renderer.recording(definition.text, definition.audio)
        )

    def parse(self, reply: Reply, draft: Value | None) -> ParseResult:
        # Never called by the engine: a note has no answer.
        return Invalid(self.prompt.text)

    def show(self, value: Value) -> str:
        return str(value)
