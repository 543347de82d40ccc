"""Ask for a proposal, which others can rate after it is released."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from flows.events import Proposed, Rated
from flows.fact_queries import IsOwnProposal, NewProposalCode, SimilarTo, Statement
from flows.facts import Facts
from flows.meaning import Meanings, meanings
from flows.messages import Expects, MsgOut, QuickReply
from flows.parts import BLANK, LINE, ProposalCard, TitlePart, noticed
from flows.questions.base import LocalizedQuestion, Problem, Question, ValueType, question
from flows.questions.choice_matching import ChoiceMatcher
from flows.questions.fact_based import FactBasedQuestion
from flows.questions.free_text_rules import PAPER_LINES, FreeTextRules, length_problems
from flows.questions.outcomes import Accepted, Invalid, ParseResult, PartialAnswer, Reply
from flows.questions.proposal_confirm import Choice, ConfirmStep, WrittenProposal
from flows.references import DISTRICT, TOPIC, Key
from flows.renderer import Renderer
from flows.tally import Tally
from flows.understanding.matching import Matcher
from flows.understanding.text import fold, length_as_seen
from flows.values import Missing, Value

_LABEL: Final = 60
TITLE_LENGTH: Final = 80


@question
class Proposal(Question):
    """Ask for a proposal as free text. It is stored in the shared proposal database and published after a moderator
    released it. The value is the public code of the proposal, which shows its status to anyone.

    If similar proposals exist, the contact can support one of them instead. `title` makes the first of several lines
    the title. `district_from` and `topic_from` name earlier questions whose answers are the district and the topic.

    ```yaml
    - key: idea
      type: proposal
      text: {de: Was schlagen Sie vor?, en: What do you propose?}
      max_length: 500
    ```
    """

    type_name: ClassVar[tuple[str, str]] = ("Eigene Idee", "Own idea")
    expects: ClassVar[Expects] = "text"
    tally: ClassVar[Tally] = "code"
    carries: ClassVar[Literal["", "proposal", "votes"]] = "proposal"
    value_note: ClassVar[tuple[str, str]] = (
        "proposed: es gab einen Vorschlag; nur im Profil raw steht hier seine Kennung in proposals.csv",
        "proposed: there was a proposal; in the profile raw only its code in proposals.csv",
    )

    meanings: ClassVar[Meanings] = meanings(free="min_length max_length title district_from topic_from similar")

    type: Literal["proposal"] = "proposal"
    min_length: int = Field(default=5, ge=1, le=500)
    max_length: int = Field(default=1000, ge=20, le=2500)
    title: bool = False
    district_from: Annotated[Key | None, DISTRICT] = None
    topic_from: Annotated[Key | None, TOPIC] = None
    similar: bool = True
    """Whether similar proposals are shown before it is submitted."""

    @property
    def paper_lines(self) -> int:
        return PAPER_LINES

    @property
    def most_characters(self) -> int:
        return self.max_length

    def problems(self) -> Iterator[Problem]:
        yield from length_problems(self.min_length, self.max_length)

    def values(self) -> ValueType:
        return str

    def place_keys(self) -> tuple[str | None, str | None]:
        return self.district_from, self.topic_from

    def localize(self, renderer: Renderer) -> LocalizedQuestion:
        return _LocalizedProposal(self, renderer)


class _LocalizedProposal(FactBasedQuestion):
    def __init__(self, definition: Proposal, renderer: Renderer) -> None:
        self._key, self._renderer = definition.key, renderer
        self._rules = FreeTextRules(renderer, definition.min_length, definition.max_length, renderer.done_words())
        self._has_title, self._compares = definition.title, definition.similar
        self._matcher = ChoiceMatcher(definition, renderer, (), numbered=False, exact=True)
        self._differs = renderer.text("proposal.differs")
        self._confirm = ConfirmStep(definition.key, renderer)
        self._no_idea = renderer.sentences("words.no_idea")
        self._without_idea = Missing.DONT_KNOW if definition.dont_know else Missing.SKIPPED if definition.skip else None
        lines = [
            renderer.text("hint.leave_names_out"),
            renderer.text("proposal.title_line") if definition.title else "",
        ]
        self.prompt = definition.prompt(renderer, self._matcher.quick_replies, "\n".join(filter(None, lines)))

    def respond(self, reply: Reply, draft: Value | None, facts: Facts) -> ParseResult:
        match draft:
            case ["similar", text, *rest] if rest and len(rest) % 3 == 0:
                return self._compared(reply, text, _statements(rest, self._renderer.language), facts)
        written = WrittenProposal.of(draft)
        if written and (choice := self._confirm.choice(reply, written)):
            return self._chosen(choice, written, facts)
        if written and not written.is_edited and not reply.text and reply.msg is None:
            return Invalid(self._renderer.text("hint.choice"))
        missing = self._matcher.match(reply)
        if isinstance(missing, Missing):
            return missing
        if self._without_idea and not reply.choice and self._no_idea.matches(reply.folded):
            return self._without_idea
        if error := self._rules.error_text(reply):
            return Invalid(error)
        return self._written(reply, written.code if written else draft, facts)

    def _written(self, reply: Reply, code: Value | None, facts: Facts) -> ParseResult:
        """Takes a text: shows similar proposals, or asks whether it is submitted as it is."""
        text = reply.text.strip()
        if isinstance(code, str) and code and facts.get(IsOwnProposal(code)):
            return self._ask_to_confirm(WrittenProposal(text, code))
        if reply.msg is not None and reply.msg.mode == "paper":
            return self._given(text, facts.get(NewProposalCode()), "proposal.thanks")
        if self._compares and (similar := facts.get(SimilarTo(text, self._renderer.language))):
            return self._compare(text, similar)
        return self._ask_to_confirm(WrittenProposal(text))

    def _ask_to_confirm(self, written: WrittenProposal) -> PartialAnswer:
        return PartialAnswer(written.draft(), self._confirm.message(written))

    def _chosen(self, choice: Choice, written: WrittenProposal, facts: Facts) -> ParseResult:
        match choice:
            case "edit":
                return self._ask_to_confirm(written._replace(is_edited=True))
            case "withdraw":
                notice = noticed(self._renderer.text("proposal.dropped"))
                return PartialAnswer(written.code or None, self.prompt.preceded_by(notice))
        if written.code:
            return self._given(written.text, written.code, "proposal.changed")
        return self._given(written.text, facts.get(NewProposalCode()), "proposal.thanks")

    def prompt_for(self, draft: Value | None) -> MsgOut:
        match draft:
            case ["similar", text, *rest] if rest and len(rest) % 3 == 0:
                return self._compare(text, _statements(rest, self._renderer.language)).msg
        written = WrittenProposal.of(draft)
        return self._confirm.message(written) if written else self.prompt

    def draft_for(self, value: Value | None, seed: str = "") -> Value | None:
        return value

    def show(self, value: Value) -> str:
        return self._renderer.text("proposal.code", code=value)

    def matches_exactly(self, folded: str) -> bool:
        return self._matcher.matches_exactly(folded)

    def offers(self, folded: str, draft: Value | None) -> bool:
        written = WrittenProposal.of(draft)
        return self._confirm.offers(folded, written) if written else self.matches_exactly(folded)

    def _given(self, text: str, code: str, phrase: str) -> Accepted:
        title, body = _split_off_title(text) if self._has_title else ("", text)
        # Plain German is stored as German.
        language = self._renderer.language.removesuffix("-simple")
        event = Proposed(self._key, code, title, body, language)
        return Accepted(code, (event,), words=text, echo=self._renderer.text(phrase, code=code))

    def _compare(self, text: str, similar: Sequence[Statement]) -> PartialAnswer:
        renderer = self._renderer
        title = TitlePart(renderer.text("proposal.similar"))
        cards = [
            ProposalCard(one.text, one.code, one.language, number, BLANK if number == 1 else LINE)
            for number, one in enumerate(similar, start=1)
        ]
        replies = [
            QuickReply(renderer.token(self._key, f"same-{number}"), _short(one.text), number)
            for number, one in enumerate(similar, start=1)
        ]
        replies.append(QuickReply(renderer.token(self._key, "differs"), self._differs, len(similar) + 1))
        msg = renderer.message([title, *cards], replies)._replace(expects="one", title=title.text)
        return PartialAnswer(
            ["similar", text, *(part for one in similar for part in (str(one.id), one.code, one.text))], msg
        )

    def _compared(self, reply: Reply, text: str, similar: Sequence[Statement], facts: Facts) -> ParseResult:
        names = [(f"same-{number}", [one.text]) for number, one in enumerate(similar, start=1)]
        names.append(("differs", [self._differs, *self._renderer.words("words.differs")]))
        match = Matcher(names, small=self._renderer.function_words()).find_folded(reply.folded)
        chosen = reply.choice or (match.value if match else "")
        if chosen == "differs":
            return self._ask_to_confirm(WrittenProposal(text))
        for (name, _), one in zip(names, similar, strict=False):
            if chosen == name:
                echo = self._renderer.text("proposal.supported")
                return Accepted(one.code, (Rated(one.id, 1, key=self._key),), words=one.text, echo=echo)
        return Invalid(self._renderer.text("hint.proposal_similar", label=self._differs))


def _statements(kept: Sequence[str], language: str) -> list[Statement]:
    return [
        Statement(int(kept[at]), kept[at + 1], kept[at + 2], language)
        for at in range(0, len(kept), 3)
        if kept[at].isdecimal()
    ]


def _split_off_title(text: str) -> tuple[str, str]:
    """Returns a short first line as the title, and the rest."""
    first, _, rest = text.partition("\n")
    if rest.strip() and length_as_seen(first) <= TITLE_LENGTH and fold(first):
        return first.strip(), rest.strip()
    return "", text


def _short(text: str) -> str:
    return text if len(text) <= _LABEL else text[: _LABEL - 1].rsplit(" ", 1)[0] + "…"
