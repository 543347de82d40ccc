"""The interface of question types, and their registry.

A type is one file in `flows/questions/` with two classes: the *definition* (a pydantic model of the entry in a
consultation file, in all languages) and its `LocalizedQuestion` in one language, built once when a revision is
compiled. Pure: no clock, no I/O.
"""

from __future__ import annotations

import builtins
import operator
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from flows.conditions import Condition
from flows.events import Event
from flows.facts import DEFAULT_FACTS, Facts
from flows.meaning import Meanings, meanings, meanings_of
from flows.messages import Expects, MsgIn, MsgOut, QuickReply
from flows.parts import BodyPart, HintPart, Parts, TitlePart
from flows.renderer import Renderer
from flows.values import Missing, Value
from flows.wording import Text

# Short enough for a token "code.key.value" within 64 bytes, the smallest limit of a channel.
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,23}$")]

Recording = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]

ValueType = type[str] | type[int] | type[float] | type[bool]

END = "end"
LEAVE = "leave"


class Reply(NamedTuple):
    """A reply of a contact, as passed to a question type."""

    text: str = ""
    folded: str = ""
    choice: str = ""
    """Value of a tapped quick reply of this question."""
    msg: MsgIn | None = None
    """The whole message, for types that accept media or locations."""


class Interpreted(NamedTuple):
    """A value interpreted from a typo, an alias or a location; the bot repeats it to the contact."""

    value: Value


class Accepted(NamedTuple):
    """A value with further events, and with a text if the value is only a reference."""

    value: Value
    events: tuple[Event, ...] = ()
    words: str = ""
    echo: str = ""
    """A line that is sent before the next message."""


class PartialAnswer(NamedTuple):
    """A partial answer (several choices, a ranking): stored in the session, with a message that shows it."""

    value: Value
    msg: MsgOut
    events: tuple[Event, ...] = ()
    """Events of the partial answer, e.g. the rating of one of several statements."""


class Invalid(NamedTuple):
    """The reply is no answer; `hint` explains in the language of the contact how to answer."""

    hint: str
    is_whole: bool = False
    """Whether the hint already explains why an attachment was not accepted."""


ParseResult = Value | Missing | Interpreted | Accepted | PartialAnswer | Invalid


Where = tuple[str | int, ...]
"""A path inside a consultation file: names, and indexes from 0."""


class Problem(NamedTuple):
    """A problem in a definition: its path inside the node, the reason and the remedy."""

    where: Where
    reason: str
    remedy: str
    warning: bool = False


class Exit(BaseModel):
    """The next node if `if` holds; without an exit the following node is next.

    `to` is the key of a later node, `end` (to the summary) or `leave` (end without submitting).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_alias=True, serialize_by_alias=True)

    condition: Condition | None = Field(default=None, alias="if")
    to: str


class Node(BaseModel, ABC):
    """One step of a flow."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Key
    type: str
    text: Text
    audio: dict[str, Recording] = Field(default={}, exclude_if=operator.not_)
    """Recordings of the text by language: a path in a file, a media name in a published revision.

    Left out if empty, so that the content of older revisions does not change.
    """
    ask_if: Condition | None = None
    exits: tuple[Exit, ...] = ()

    meanings: ClassVar[Meanings] = meanings(fixed="key type", words="text", path="ask_if exits", free="audio")
    """What a change of each field of this class means for stored answers (`flows.meaning`)."""
    waits: ClassVar[bool] = True
    free_text: ClassVar[bool] = False
    """Whether answers are free text, which is published only after a moderator released it."""
    needs_own_consent: ClassVar[bool] = False
    """Whether the question needs a consent of its own."""

    @property
    def on_paper(self) -> bool:
        """Whether it can be printed on paper, where all contacts get the same question."""
        return True

    def problems(self) -> Iterator[Problem]:
        """Yields problems that validation of the model does not find (clashing labels, impossible limits)."""
        yield from ()

    def texts(self) -> Iterator[tuple[Where, Text]]:
        """Yields every text that is shown to people, with its path inside the node."""
        yield ("text",), self.text

    def labels(self, languages: Sequence[str]) -> Iterator[tuple[str, Text | None]]:
        """Yields the label of each stored value, if the consultation defines one; else None.

        `languages` are those of the consultation, the main one first.
        """
        yield from ()

    def leaving(self) -> tuple[Exit, ...]:
        """Returns the exits, including those that the type adds."""
        return self.exits

    @abstractmethod
    def localize(self, renderer: Renderer) -> LocalizedQuestion:
        """Builds this node in one language."""


class Question(Node):
    """A node that waits for an answer."""

    expects: ClassVar[Expects] = "one"
    meanings: ClassVar[Meanings] = meanings(words="hint", free="skip dont_know refuse sensitive web_only")

    hint: Text | None = None
    """A second line: how to answer, what to leave out."""
    skip: bool = True
    dont_know: bool = True
    refuse: bool = False
    """Whether "prefer not to say" is offered."""
    sensitive: bool = False
    """Asked only after consent; with `web_only` only on confidential channels."""
    web_only: bool = Field(default=False, exclude_if=operator.not_)
    """Not asked on channels that are not confidential; the bot sends the link to the web page."""

    def texts(self) -> Iterator[tuple[Where, Text]]:
        yield from super().texts()
        if self.hint:
            yield ("hint",), self.hint

    def missing(self, renderer: Renderer) -> Iterator[tuple[Missing, str, tuple[str, ...]]]:
        """Yields the offered missing codes, each with its label and other accepted words."""
        for code, offered in ((Missing.DONT_KNOW, self.dont_know), (Missing.REFUSED, self.refuse)):
            if offered:
                yield code, renderer.text(f"missing.{code}"), tuple(renderer.words(f"words.{code}"))

    def prompt(self, renderer: Renderer, quick_replies: Iterable[QuickReply] = (), line: str | Parts = "") -> MsgOut:
        """Builds the prompt: text, hint, the offered answers, and "skip" if the question can be skipped.

        `line` is a text of the type itself (the ends of a scale) between text and hint.
        """
        title = renderer.localized(self.text)
        between: Parts = line if isinstance(line, tuple) else (BodyPart(line),) if line else ()
        hint = renderer.localized(self.hint) if self.hint else ""
        parts: Parts = (TitlePart(title), *between, *((HintPart(hint),) if hint else ()))
        replies = (*quick_replies, renderer.command("skip")) if self.skip else tuple(quick_replies)
        return renderer.message(parts, replies)._replace(
            expects=self.expects,
            title=title,
            audio=renderer.recording(self.text, self.audio),
            sensitive=self.sensitive,
        )

    def values(self) -> frozenset[Value] | builtins.type | None:
        """Returns what conditions may compare with: possible values, a type (int, float, …), or None for any."""
        return None


class LocalizedQuestion(ABC):
    """A question in one language. Immutable; shared by all sessions."""

    prompt: MsgOut

    @abstractmethod
    def parse(self, reply: Reply, draft: Value | None) -> ParseResult:
        """Parses a reply as a value, a missing code, a partial answer or an invalid reply. Never raises."""

    def respond(self, reply: Reply, draft: Value | None, facts: Facts) -> ParseResult:
        """Parses a reply; a `FactBasedQuestion` looks up stored data here."""
        return self.parse(reply, draft)

    def prompt_for(self, draft: Value | None) -> MsgOut:
        """Returns the prompt with the partial answer, if there is one."""
        return self.prompt

    def draft_for(self, value: Value | None, seed: str = "") -> Value | None:
        """Returns the draft for asking the question with this answer, None for the first time. Lists of choices,
        rankings and amounts can be edited; other answers are given again.

        `seed` differs between sessions, for content that differs between contacts.
        """
        return value if self.prompt.expects in {"many", "order", "amounts"} else None

    def value_if_skipped(self, draft: Value | None) -> Value | Missing:
        """Returns the answer or missing code if the question is skipped with this partial answer."""
        return Missing.SKIPPED

    @abstractmethod
    def show(self, value: Value) -> str:
        """Returns the value as text (for the summary and for notices)."""

    def label(self, value: Value) -> str:
        """Returns the label of a single possible value, also if an answer can have several."""
        return self.show(value)

    def paper_rows(self) -> Sequence[Sequence[tuple[str, str]]]:
        """Returns the rows of a repeating question on paper: the boxes of each row, as entered (`mode` paper, separated
        by spaces) and as printed."""
        return ()

    def matches_exactly(self, folded: str) -> bool:
        """Whether the folded text is exactly an offered answer, which then has priority over a command."""
        return False


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


class Option(BaseModel):
    """One option: its stored value, its label and synonyms."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    meanings: ClassVar[Meanings] = meanings(fixed="value", labels="label", free="synonyms")

    value: Key
    label: Text
    synonyms: dict[str, tuple[str, ...]] = {}


N = TypeVar("N", bound=Node)
_registry: dict[str, type[Node]] = {}


def question(cls: type[N]) -> type[N]:
    """Registers a node type under the default of its `type` field.

    Raises TypeError if the type does not declare the meaning of one of its fields.
    """
    if unsaid := cls.model_fields.keys() - meanings_of(cls).keys():
        raise TypeError(f"{cls.__name__} does not say what a change of {', '.join(sorted(unsaid))} means")
    _registry[cls.model_fields["type"].default] = cls
    return cls


def registry() -> Mapping[str, type[Node]]:
    """Returns all node types by name. Import `flows.questions` first, which registers them."""
    return _registry
