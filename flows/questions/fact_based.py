"""The interface of question types that need stored data."""

from __future__ import annotations

from abc import abstractmethod

from flows.facts import DEFAULT_FACTS, Facts
from flows.questions.base import LocalizedQuestion
from flows.questions.outcomes import ParseResult, PartialAnswer, Reply
from flows.values import Value


class FactBasedQuestion(LocalizedQuestion):
    """A question that needs stored data, which it looks up as facts (`flows.facts`)."""

    @abstractmethod
    def respond(self, reply: Reply, draft: Value | None, facts: Facts) -> ParseResult:
        """As `parse`, with facts. Raises MissingFacts if a fact is not loaded."""

    def begin(self, facts: Facts, rated: int = 0) -> PartialAnswer | None:
        """Returns the initial partial answer, sent after the prompt. Raises MissingFacts.

        `rated` is the proposal that the previous answer rated in this turn, 0 if none. The draft is stored in the
        session, so that the question can be repeated without loading facts again.
        """
        return None

    def parse(self, reply: Reply, draft: Value | None) -> ParseResult:
        return self.respond(reply, draft, DEFAULT_FACTS)
