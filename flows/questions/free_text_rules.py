"""What counts as an answer in own words."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from flows.questions.base import Problem, Reply
from flows.renderer import Renderer
from flows.understanding.text import length_as_seen


class FreeTextRules:
    """At least one word, because a row of emoji tells an analyst nothing; its length counted as people see it.

    `done` are words, folded, that say "that is all" and nothing else: they are meant for the question before, which was
    over already.
    """

    __slots__ = ("_done", "_least", "_most", "_renderer")

    def __init__(self, renderer: Renderer, least: int, most: int, done: Collection[str]) -> None:
        self._renderer, self._least, self._most, self._done = renderer, least, most, done

    def error_text(self, reply: Reply) -> str:
        """Why the reply is no such answer, in the person's language; "" where it is one."""
        phrase, text = self._renderer.text, reply.text.strip()
        if not reply.folded or reply.choice or not text:
            return phrase("hint.text_words" if text else "hint.text")
        if reply.folded in self._done:
            return phrase("hint.text")
        return self.too_long(text) or self._too_short(text)

    def too_long(self, text: str) -> str:
        """The same of the length alone: of a caption, which need not be there at all."""
        # Nobody sees more characters than there are code points, so counting them is rarely needed.
        if len(text) > self._most and (over := length_as_seen(text) - self._most) > 0:
            return self._renderer.text("hint.text_long", n=over, max=self._most)
        return ""

    def _too_short(self, text: str) -> str:
        if self._least > 1 and (short := self._least - length_as_seen(text)) > 0:
            return self._renderer.text("hint.text_short", n=short, min=self._least)
        return ""


def length_problems(min_length: int, max_length: int) -> Iterator[Problem]:
    """The problem of lengths nothing can have."""
    if min_length > max_length:
        reason = f"`max_length` {max_length} is below `min_length` {min_length}"
        yield Problem(("max_length",), reason, "swap or correct them")
