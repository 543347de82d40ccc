"""Matches a reply against the offered answers of a question."""

from __future__ import annotations

from collections.abc import Iterable

from flows.messages import QuickReply, Role
from flows.questions.base import Question
from flows.questions.outcomes import Interpreted, Reply
from flows.renderer import Renderer
from flows.understanding.matching import Matcher
from flows.values import Missing


class ChoiceMatcher:
    """The offered answers of a question in one language: its quick replies and the matching of replies.

    Options come first, then "don't know" and "prefer not to say" if the question allows them. Each option is a value, a
    label and synonyms. Not `numbered`: typed digits have another meaning. `exact`: no typos and no partial matches, so
    that free text does not match "don't know" and a typo is no consent.
    """

    __slots__ = ("_matcher", "_values", "labels", "quick_replies")

    def __init__(
        self,
        question: Question,
        renderer: Renderer,
        options: Iterable[tuple[str, str, Iterable[str]]],
        *,
        numbered: bool = True,
        exact: bool = False,
    ) -> None:
        offered = [(value, label, tuple(names)) for value, label, names in options]
        self.labels = {value: label for value, label, _ in offered}
        self._values: dict[str, str | Missing] = {value: value for value in self.labels}
        for code, label, words in question.missing(renderer):
            offered.append((code.value, label, words))
            self._values[code.value] = code
        self.quick_replies = tuple(
            QuickReply(renderer.token(question.key, value), label, number if numbered else 0, role=self._role(value))
            for number, (value, label, _) in enumerate(offered, start=1)
        )
        self._matcher = Matcher(
            [(self._values[value], (label, *names)) for value, label, names in offered],
            numbered=numbered,
            exact=exact,
            small=renderer.function_words(),
        )

    def _role(self, value: str) -> Role:
        return "missing" if isinstance(self._values[value], Missing) else "answer"

    def match(self, reply: Reply) -> str | Missing | Interpreted | None:
        """Returns the matching value, `Interpreted` for a typo or an answer within a sentence, or None."""
        if reply.choice:
            return self._values.get(reply.choice)
        match = self._matcher.find_folded(reply.folded)
        if match is None:
            return None
        return match.value if match.sure or isinstance(match.value, Missing) else Interpreted(match.value)

    def split(self, folded: str) -> tuple[list[str | Missing], list[str]]:
        """Returns all values named in a reply, and the words that match none."""
        return self._matcher.split(folded)

    def matches_exactly(self, folded: str) -> bool:
        return self._matcher.matches_exactly(folded)
