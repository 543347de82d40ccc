"""Say something, without a question."""

from __future__ import annotations

from typing import ClassVar, Literal

from flows.questions.base import Asked, Node, Parsed, Rejection, Reply, question
from flows.values import Value
from flows.voice import Voice


@question
class Note(Node):
    """Says its text and goes on at once.

    ```yaml
    - key: thanks_so_far
      type: note
      text: {de: Danke! Jetzt geht es um die Wege., en: Thank you! Now about the paths.}
    ```
    """

    type: Literal["note"] = "note"

    waits: ClassVar[bool] = False

    def ask(self, voice: Voice) -> Asked:
        return _AskedNote(self, voice)


class _AskedNote(Asked):
    def __init__(self, definition: Note, voice: Voice) -> None:
        self.prompt = voice.message(voice.text(definition.text))._replace(
            audio=voice.recording(definition.text, definition.audio)
        )

    def parse(self, reply: Reply, draft: Value | None) -> Parsed:
        # Nobody is asked, so nothing is an answer; the engine never comes here.
        return Rejection(self.prompt.text)

    def show(self, value: Value) -> str:
        return str(value)
