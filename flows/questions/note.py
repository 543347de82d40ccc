"""Send a text without a question."""

from __future__ import annotations

from typing import ClassVar, Literal

from flows.image import image_parts
from flows.parts import BodyPart
from flows.questions.base import LocalizedQuestion, Node, question
from flows.questions.outcomes import Invalid, ParseResult, Reply
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

    type_name: ClassVar[tuple[str, str]] = ("Nur ein Text, keine Frage", "Only a text, no question")
    type: Literal["note"] = "note"

    waits: ClassVar[bool] = False

    def localize(self, renderer: Renderer) -> LocalizedQuestion:
        return _LocalizedNote(self, renderer)


class _LocalizedNote(LocalizedQuestion):
    def __init__(self, definition: Note, renderer: Renderer) -> None:
        parts = (BodyPart(renderer.localized(definition.text)), *image_parts(definition.image, (), renderer))
        self.prompt = renderer.message(parts)._replace(audio=renderer.recording(definition.text, definition.audio))

    def parse(self, reply: Reply, draft: Value | None) -> ParseResult:
        # Never called by the engine: a note has no answer.
        return Invalid(self.prompt.text)

    def show(self, value: Value) -> str:
        return str(value)
