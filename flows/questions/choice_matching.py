"""The answers a question offers, and what a reply is taken for."""

from __future__ import annotations

from collections.abc import Iterable

from flows.messages import QuickReply, Role
from flows.questions.base import Interpreted, Question, Reply
from flows.renderer import Renderer
from flows.understanding.matching import Matcher
from flows.values import Missing


class ChoiceMatcher:
    """The offered answers of a question in one language: its quick replies and what a reply is taken for.

    Real options come first, then "don't know" and "prefer not to say" where the question allows them. Each option is
    its value, its label and what else it is called. Not `numbered`: typed digits mean something else here. `exact`:
    nothing is guessed, so that no free text is mistaken for "don't know" and nobody consents by a typo.
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
        """The value meant, `Interpreted` where a typo was forgiven or the answer stood in a sentence, or None."""
        if reply.choice:
            return self._values.get(reply.choice)
        match = self._matcher.find_folded(reply.folded)
        if match is None:
            return None
        return match.value if match.sure or isinstance(match.value, Missing) else Interpreted(match.value)

    def split(self, folded: str) -> tuple[list[str | Missing], list[str]]:
        """All values named in a reply, and the words that name none."""
        return self._matcher.split(folded)

    def matches_exactly(self, folded: str) -> bool:
        return self._matcher.matches_exactly(folded)
