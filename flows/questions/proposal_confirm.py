"""The step between writing a proposal and submitting it: the text as it will be read, and three ways on."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from flows.messages import MsgOut, QuickReply
from flows.parts import BLANK, EarlierAnswerPart, MessagePart, ProposalCard, TitlePart, WarningPart
from flows.phrase_families import PERSONAL_DETAILS
from flows.questions.outcomes import Reply
from flows.renderer import Renderer
from flows.tokens import Token
from flows.understanding.flags import personal_flags
from flows.understanding.matching import Matcher
from flows.values import Value

Choice = Literal["submit", "edit", "withdraw"]
_CONFIRM: Final = "confirm"
_EDIT: Final = "edit"


class WrittenProposal(NamedTuple):
    """A proposal that is not submitted yet."""

    text: str
    code: str = ""
    """Code of the submitted proposal that it replaces; "" for a new one."""
    is_edited: bool = False
    """Whether the contact is about to write it again."""

    @staticmethod
    def of(draft: Value | None) -> WrittenProposal | None:
        """Reads a draft; None if it is another one."""
        match draft:
            case ["confirm" | "edit" as state, str(text), str(code)]:
                return WrittenProposal(text, code, state == _EDIT)
        return None

    def draft(self) -> list[str]:
        """Returns the draft to store in the session."""
        return [_EDIT if self.is_edited else _CONFIRM, self.text, self.code]


class ConfirmStep:
    """Asks whether a proposal is submitted as it is. Immutable; shared by all sessions."""

    def __init__(self, key: str, renderer: Renderer) -> None:
        self._renderer = renderer
        more = (("submit", "yes", "done", "submit"), ("edit", "change"), ("withdraw", "mine.withdraw", "no"))
        labels = {
            "submit": renderer.text("proposal.submit"),
            "edit": renderer.text("button.change"),
            "withdraw": renderer.text("proposal.withdraw"),
        }
        self._matcher = Matcher(
            (
                (choice, (labels[choice], *(word for name in names for word in renderer.words(f"words.{name}"))))
                for choice, *names in more
            ),
            exact=True,
        )
        self._replies = tuple(
            QuickReply(Token(renderer.code, key, choice).format(), label, number)
            for number, (choice, label) in enumerate(labels.items(), start=1)
        )

    def message(self, written: WrittenProposal) -> MsgOut:
        """Returns the card with the text, a hint if it seems to contain personal details, and the ways on."""
        if written.is_edited:
            return self._edit_message(written)
        renderer = self._renderer
        title = TitlePart(renderer.text("proposal.confirm"))
        found = personal_flags(written.text, renderer.language)
        parts: list[MessagePart] = [title, ProposalCard(written.text, gap=BLANK)]
        if found:
            what = renderer.listed(renderer.text(PERSONAL_DETAILS[flag]) for flag in found)
            parts.append(WarningPart(renderer.text("proposal.personal", what=what), gap=BLANK))
        return renderer.message(parts, self._replies)._replace(expects="one", title=title.text)

    def _edit_message(self, written: WrittenProposal) -> MsgOut:
        renderer = self._renderer
        title = TitlePart(renderer.text("proposal.edit"))
        before, after = renderer.text_around("proposal.so_far", "text")
        parts: list[MessagePart] = [title, EarlierAnswerPart(before, written.text, after, gap=BLANK)]
        return renderer.message(parts, [self._replies[-1]._replace(number=0)])._replace(
            expects="text", title=title.text
        )

    def choice(self, reply: Reply, written: WrittenProposal) -> Choice | None:
        """Returns what the contact chose; None for a text, which replaces the proposal."""
        if reply.choice:
            return _named(reply.choice)
        match = None if written.is_edited else self._matcher.find_folded(reply.folded)
        return _named(match.value) if match else None

    def offers(self, folded: str, written: WrittenProposal) -> bool:
        """Whether the folded text is one of the ways on, which then has priority over a command."""
        return not written.is_edited and self._matcher.matches_exactly(folded)


def _named(value: str) -> Choice | None:
    match value:
        case "submit" | "edit" | "withdraw":
            return value
    return None
