"""Base of the types that ask contacts about themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal

from flows.questions.choices import MultiChoice
from flows.renderer import Renderer
from flows.values import Value


class SelfIdentification(MultiChoice):
    """Several options of a fixed list, with the bot's own labels. Sensitive: needs a consent of its own, and "prefer
    not to say" is always offered.
    """

    needs_own_consent: ClassVar[bool] = True
    about_person: ClassVar[bool] = True
    answers: ClassVar[tuple[str, ...]]
    """The possible values, in the order in which they are offered and stored."""
    answer_phrases: ClassVar[Mapping[str, str]]
    """The phrase of each value."""

    min: Literal[1] = 1
    max: None = None
    skip: Literal[True] = True
    dont_know: Literal[False] = False
    refuse: Literal[True] = True
    sensitive: Literal[True] = True

    def values(self) -> frozenset[Value]:
        return frozenset(self.answers)

    def offered(self, renderer: Renderer) -> Iterable[tuple[str, str, Iterable[str]]]:
        """Each option also matches its label without the example in brackets."""
        for value in self.answers:
            label = renderer.text(self.answer_phrases[value])
            yield value, label, (label.partition(" (")[0], value.replace("_", " "))
