"""Where people place themselves: what the types that ask for it have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

from flows.questions.choices import MultiChoice
from flows.renderer import Renderer
from flows.values import Value


class SelfIdentification(MultiChoice):
    """Several of a fixed list, with labels of the bot's own. Only of those who agreed to being asked, and nobody has to
    say it; sensitive like any answer by which people could be sorted.
    """

    needs_own_consent: ClassVar[bool] = True
    answers: ClassVar[tuple[str, ...]]
    """What can be said, in the order in which it is offered and stored."""

    min: Literal[1] = 1
    max: None = None
    skip: Literal[True] = True
    dont_know: Literal[False] = False
    refuse: Literal[True] = True
    sensitive: Literal[True] = True

    def values(self) -> frozenset[Value]:
        return frozenset(self.answers)

    def offered(self, renderer: Renderer) -> Iterable[tuple[str, str, Iterable[str]]]:
        """Each is also called by what stands before the example in its label."""
        for value in self.answers:
            label = renderer.text(f"{self.type}.{value}")
            yield value, label, (label.partition(" (")[0], value.replace("_", " "))
