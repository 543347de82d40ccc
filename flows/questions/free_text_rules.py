"""Rules for free-text answers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from flows.questions.base import Problem
from flows.questions.outcomes import Reply
from flows.renderer import Renderer
from flows.understanding.text import length_as_seen

PAPER_LINES: Final = 7


class FreeTextRules:
    """Requires at least one word (emoji alone cannot be analysed) and a length in visible characters.

    `done` are folded words that only mean "done": they belong to the previous question, which was already complete.
    """

    __slots__ = ("_done", "_least", "_most", "_renderer")

    def __init__(self, renderer: Renderer, least: int, most: int, done: Collection[str]) -> None:
        self._renderer, self._least, self._most, self._done = renderer, least, most, done

    def error_text(self, reply: Reply) -> str:
        """Returns the reason for refusing the reply, in the language of the contact; "" if it is accepted."""
        phrase, text = self._renderer.text, reply.text.strip()
        if not reply.folded or reply.choice or not text:
            return phrase("hint.text_words" if text else "hint.text")
        if reply.folded in self._done:
            return phrase("hint.text")
        return self.too_long(text) or self._too_short(text)

    def too_long(self, text: str) -> str:
        """Returns the same for the length only, for captions, which may be empty."""
        # There are never more visible characters than code points, so counting them is rarely needed.
        if len(text) > self._most and (over := length_as_seen(text) - self._most) > 0:
            return self._renderer.text("hint.text_long", n=over, max=self._most)
        return ""

    def _too_short(self, text: str) -> str:
        if self._least > 1 and (short := self._least - length_as_seen(text)) > 0:
            return self._renderer.text("hint.text_short", n=short, min=self._least)
        return ""


def length_problems(min_length: int, max_length: int) -> Iterator[Problem]:
    """Yields a problem if `min_length` exceeds `max_length`."""
    if min_length > max_length:
        reason = f"`max_length` {max_length} is below `min_length` {min_length}"
        yield Problem(("max_length",), reason, "swap or correct them")
