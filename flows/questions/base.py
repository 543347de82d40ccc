"""The contract of a question type, and the registry in which each type enters itself.

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

# Short enough that a token "code.key.value" fits into 64 bytes, the least any channel gives to a button.
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,23}$")]

Recording = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]

ValueType = type[str] | type[int] | type[float] | type[bool]

END = "end"
LEAVE = "leave"


class Reply(NamedTuple):
    """What a resident sent, as a question type sees it."""

    text: str = ""
    folded: str = ""
    choice: str = ""
    """Value of a tapped quick reply of this question."""
    msg: MsgIn | None = None
    """The whole message, for types that accept media or places."""


class Interpreted(NamedTuple):
    """A value which was understood from a typo, an alias or a place; the person is told what was understood."""

    value: Value


class Accepted(NamedTuple):
    """A value with what it causes besides, and with words of its own where the value is only a reference."""

    value: Value
    events: tuple[Event, ...] = ()
    words: str = ""
    echo: str = ""
    """A line said before whatever comes next."""


class PartialAnswer(NamedTuple):
    """An answer in the making (several choices, a ranking): keep it, say this, wait on."""

    value: Value
    msg: MsgOut
    events: tuple[Event, ...] = ()
    """What happened on the way, e.g. one of several statements was rated."""


class Invalid(NamedTuple):
    """The reply is no answer; `hint` says in the person's language what would be one."""

    hint: str
    is_whole: bool = False
    """The hint also says what about a picture, a recording or a file was not understood."""


ParseResult = Value | Missing | Interpreted | Accepted | PartialAnswer | Invalid


Where = tuple[str | int, ...]
"""A path inside a consultation file: names, and places counted from 0."""


class Problem(NamedTuple):
    """A fault in a definition: what is wrong and what to do, and where (path inside the node)."""

    where: Where
    reason: str
    remedy: str
    warning: bool = False


class Exit(BaseModel):
    """Where to go on after a node when `if` holds; without one the next node follows.

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
    """The text read aloud, by language: in a file the path of a recording, in a published revision its media name.

    Left out where it is empty, so that what was published before there were recordings is still the same content.
    """
    ask_if: Condition | None = None
    exits: tuple[Exit, ...] = ()

    meanings: ClassVar[Meanings] = meanings(fixed="key type", words="text", path="ask_if exits", free="audio")
    """What a change of each field of this class means for answers given before (`flows.meaning`)."""
    waits: ClassVar[bool] = True
    free_text: ClassVar[bool] = False
    """Whether answers are words of a person, which leave the house only after another person released them."""
    needs_own_consent: ClassVar[bool] = False
    """Whether only those may be asked who agreed to this very question."""

    @property
    def on_paper(self) -> bool:
        """Whether it can be asked on a sheet of paper, where everybody is asked the same."""
        return True

    def problems(self) -> Iterator[Problem]:
        """Faults the model alone cannot see (clashing labels, impossible limits)."""
        yield from ()

    def texts(self) -> Iterator[tuple[Where, Text]]:
        """Every text people will read, with its path inside the node."""
        yield ("text",), self.text

    def labels(self, languages: Sequence[str]) -> Iterator[tuple[str, Text | None]]:
        """What the stored values are called, value by value, where the consultation says so; None: nothing.

        `languages` are those of the consultation, the main one first.
        """
        yield from ()

    def leaving(self) -> tuple[Exit, ...]:
        """The exits, with those the type itself adds."""
        return self.exits

    @abstractmethod
    def localize(self, renderer: Renderer) -> LocalizedQuestion:
        """What this node becomes in one language."""


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
    """Asked only with consent; with `web_only` not where others can read along."""
    web_only: bool = Field(default=False, exclude_if=operator.not_)
    """Not asked on channels which others can read: people are told so, with the way to the web page."""

    def texts(self) -> Iterator[tuple[Where, Text]]:
        yield from super().texts()
        if self.hint:
            yield ("hint",), self.hint

    def missing(self, renderer: Renderer) -> Iterator[tuple[Missing, str, tuple[str, ...]]]:
        """The missing codes the question offers, each with its label and what else people say for it."""
        for code, offered in ((Missing.DONT_KNOW, self.dont_know), (Missing.REFUSED, self.refuse)):
            if offered:
                yield code, renderer.text(f"missing.{code}"), tuple(renderer.words(f"words.{code}"))

    def prompt(self, renderer: Renderer, quick_replies: Iterable[QuickReply] = (), line: str | Parts = "") -> MsgOut:
        """The usual shape of a question: text, hint, the answers offered, and "skip" where it may be skipped.

        `line` is what the type itself has to say (what the ends of a scale mean), between text and hint.
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
        """What conditions may compare with: the possible values, a type (int, float, bool, str), or None for any."""
        return None


class LocalizedQuestion(ABC):
    """A question in one language, ready to be asked as often as needed. Immutable."""

    prompt: MsgOut

    @abstractmethod
    def parse(self, reply: Reply, draft: Value | None) -> ParseResult:
        """The reply as a value, a missing code, a draft or a rejection; never raises for anything a person can send."""

    def respond(self, reply: Reply, draft: Value | None, facts: Facts) -> ParseResult:
        """Parses a reply; a `FactBasedQuestion` looks up stored data here."""
        return self.parse(reply, draft)

    def prompt_for(self, draft: Value | None) -> MsgOut:
        """The question as it stands now: with the answer in the making, where there is one."""
        return self.prompt

    def draft_for(self, value: Value | None, seed: str = "") -> Value | None:
        """The draft with which the question is asked where it has this answer, None at first: several choices, orders
        and amounts are there to be corrected, everything else is answered anew.

        `seed` is another one in every session, for what differs from person to person.
        """
        return value if self.prompt.expects in {"many", "order", "amounts"} else None

    def value_if_skipped(self, draft: Value | None) -> Value | Missing:
        """What it counts as when somebody skips the question with this answer in the making."""
        return Missing.SKIPPED

    @abstractmethod
    def show(self, value: Value) -> str:
        """The value as a person reads it (in the summary, in an echo)."""

    def label(self, value: Value) -> str:
        """One of the possible values by itself, as a person reads it: where several can be given, one of these."""
        return self.show(value)

    def paper_rows(self) -> Sequence[Sequence[tuple[str, str]]]:
        """The rows of a question that asks the same again and again, for paper: what can be ticked in each, as it is
        typed in (several with a space between them, `mode` paper) and as a person reads it."""
        return ()

    def matches_exactly(self, folded: str) -> bool:
        """Whether these very words are an answer offered, so that they win over a chat word of the same name."""
        return False


class FactBasedQuestion(LocalizedQuestion):
    """A question that must know something from the store. It looks up its needs in what is known (`flows.facts`)."""

    @abstractmethod
    def respond(self, reply: Reply, draft: Value | None, facts: Facts) -> ParseResult:
        """As `parse`, knowing. Raises Lacking where something is not known yet."""

    def begin(self, facts: Facts, rated: int = 0) -> PartialAnswer | None:
        """The answer in the making which the question is asked with, said after its prompt. Raises Lacking.

        `rated` is a proposal that was rated in this very turn, by the answer before, 0 if none. The draft is kept in
        the session, so that the question can be repeated without looking anything up again.
        """
        return None

    def parse(self, reply: Reply, draft: Value | None) -> ParseResult:
        return self.respond(reply, draft, DEFAULT_FACTS)


class Option(BaseModel):
    """One option: what is stored, what is shown, and what else people call it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    meanings: ClassVar[Meanings] = meanings(fixed="value", labels="label", free="synonyms")

    value: Key
    label: Text
    synonyms: dict[str, tuple[str, ...]] = {}


N = TypeVar("N", bound=Node)
_registry: dict[str, type[Node]] = {}


def question(cls: type[N]) -> type[N]:
    """Enters a node type into the registry under the default of its `type` field.

    Raises TypeError where the type does not say what a change of one of its fields means.
    """
    if unsaid := cls.model_fields.keys() - meanings_of(cls).keys():
        raise TypeError(f"{cls.__name__} does not say what a change of {', '.join(sorted(unsaid))} means")
    _registry[cls.model_fields["type"].default] = cls
    return cls


def registry() -> Mapping[str, type[Node]]:
    """All node types by name. Import `flows.questions` first: that is where they enter themselves."""
    return _registry
