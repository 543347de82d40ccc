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
from datetime import date
from typing import Annotated, ClassVar, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from flows.conditions import Condition
from flows.earlier_wave import EarlierWave
from flows.events import Event
from flows.facts import Facts
from flows.image import Image, image_parts
from flows.meaning import Meanings, meanings, meanings_of
from flows.messages import IN_PLACE, Expects, MsgOut, QuickReply
from flows.parts import BodyPart, HintPart, Parts, TitlePart
from flows.phrase_families import MISSING
from flows.questions.option import Option
from flows.questions.outcomes import ParseResult, Reply
from flows.references import STEP, Key
from flows.renderer import Renderer
from flows.tally import BudgetTerms, Tally
from flows.values import Missing, Value
from flows.wording import Text

Recording = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
ValueType = type[str] | type[int] | type[float] | type[bool] | type[date]
AnswerBound = float | date | None
END = "end"
LEAVE = "leave"
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
    to: Annotated[str, STEP]


class Node(BaseModel, ABC):
    """One step of a flow."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Key
    """Short name in exports. It never changes its meaning."""
    type: str
    """Name of the question type."""
    text: Text
    """The question, or what a note says."""
    audio: dict[str, Recording] = Field(default={}, exclude_if=operator.not_)
    """Recordings of the text by language: a path in a file, a media name in a published revision. Left out if empty, so
    that the content of older revisions does not change."""
    image: Image | None = Field(default=None, exclude_if=operator.not_)
    """An image beside the text."""
    ask_if: Condition | None = None
    """A condition on earlier answers; without it every contact is asked."""
    exits: tuple[Exit, ...] = ()
    """Other ways than to the next step; the first one whose condition holds is taken."""

    meanings: ClassVar[Meanings] = meanings(fixed="key type", words="text image", path="ask_if exits", free="audio")
    """What a change of each field of this class means for stored answers (`flows.meaning`)."""
    type_name: ClassVar[tuple[str, str]] = ("", "")  # for those who write questions: German, English
    waits: ClassVar[bool] = True
    free_text: ClassVar[bool] = False
    """Whether answers are free text, which is published only after a moderator released it."""
    needs_own_consent: ClassVar[bool] = False
    """Whether the question needs a consent of its own."""
    asks_consent: ClassVar[bool] = False
    """Whether the answer true is a consent, which later sensitive questions need."""
    about_person: ClassVar[bool] = False
    """Whether the question concerns the contact, so that it is better asked last."""
    population: ClassVar[tuple[str, frozenset[str]]] = ("", frozenset())  # kind and values that official figures count
    carries: ClassVar[Literal["", "proposal", "votes"]] = ""
    """What an answer adds to other tables, which must be taken back with it."""
    longest_seconds: ClassVar[int] = 60
    """How long a slow answer takes; `check` compares `minutes` with it."""
    paper_layout: ClassVar[Literal["list", "line", "names"]] = "list"
    """Arrangement of the boxes on paper: below each other, side by side, or names whose hyphens do not break."""

    @property
    def paper_lines(self) -> int:
        """Number of lines to write on, on paper."""
        return 0

    @property
    def table(self) -> str:
        """Key of the matrix of which this is a row; "" for other questions."""
        return ""

    @property
    def row_text(self) -> Text | None:
        """What a row of a matrix rates; None for other questions."""
        return None

    @property
    def on_paper(self) -> bool:
        """Whether it can be printed on paper, where all contacts get the same question."""
        return True

    def problems(self) -> Iterator[Problem]:
        """Yields problems that validation of the model does not find (clashing labels, impossible limits)."""
        yield from ()

    def listed_options(self) -> Sequence[Option]:
        """Returns the options that the consultation lists; none for most types."""
        return ()

    def images(self) -> Iterator[tuple[Where, Image]]:
        """Yields its images, with their paths inside the node."""
        if self.image:
            yield ("image",), self.image
        for index, option in enumerate(self.listed_options()):
            if option.image:
                yield ("options", index, "image"), option.image

    def texts(self) -> Iterator[tuple[Where, Text]]:
        """Yields every text that is shown to people, with its path inside the node."""
        yield ("text",), self.text
        for index, option in enumerate(self.listed_options()):
            yield ("options", index, "label"), option.label
        for path, image in self.images():
            yield (*path, "alt"), image.alt

    def labels(self, languages: Sequence[str]) -> Iterator[tuple[str, Text | None]]:
        """Yields the label of each stored value, if the consultation defines one; else None.

        `languages` are those of the consultation, the main one first.
        """
        yield from ((option.value, option.label) for option in self.listed_options())

    def title_in(self, renderer: Renderer) -> str:
        """Returns the wording of the question in one language."""
        return renderer.localized(self.text)

    def follow_up(self) -> Node | None:
        """Returns a question that the type adds after this one, which then takes over its exits; None for most."""
        return None

    def expanded(self) -> tuple[Node, ...]:
        """Returns the nodes of a session that this one becomes: itself, and what its type adds."""
        follow_up = self.follow_up()
        return (self,) if follow_up is None else (self, follow_up)

    def seed_statements(self) -> Sequence[Text]:
        """Returns the statements that are published with the definition, to be rated."""
        return ()

    def earlier_wave(self) -> EarlierWave | None:
        """Returns the earlier consultation whose proposals are rated as well, if any."""
        return None

    def leaving(self) -> tuple[Exit, ...]:
        """Returns the exits, including those that the type adds."""
        return self.exits

    @abstractmethod
    def localize(self, renderer: Renderer) -> LocalizedQuestion:
        """Builds this node in one language."""


class Question(Node):
    """A node that waits for an answer."""

    expects: ClassVar[Expects] = "one"
    tally: ClassVar[Tally] = "option"
    counted_with: ClassVar[str] = ""
    """Another type whose answers are counted together with these, as its own are."""
    declares_sectors: ClassVar[bool] = False
    """Whether the answer says to which sectors the contact belongs, between which results compare agreement."""
    value_note: ClassVar[tuple[str, str]] = ("", "")
    """What the exported column contains, in German and in English, where codes and labels do not say it."""
    meanings: ClassVar[Meanings] = meanings(words="hint", free="skip dont_know refuse sensitive web_only")

    hint: Text | None = None
    """A second line: how to answer, what to leave out."""
    skip: bool = True
    """Whether the question can be skipped."""
    dont_know: bool = True
    """Whether "don't know" is offered."""
    refuse: bool = False
    """Whether "prefer not to say" is offered."""
    sensitive: bool = False
    """Asked only after consent; with `web_only` only on confidential channels."""
    web_only: bool = Field(default=False, exclude_if=operator.not_)
    """Not asked on channels that are not confidential; the bot sends the link to the web page."""

    @property
    def is_optional_consent(self) -> bool:
        """Whether it asks for a consent that may be refused without leaving the consultation."""
        return False

    @property
    def most_characters(self) -> int:
        """The longest accepted text in visible characters; 0 for types without free text."""
        return 0

    @property
    def accepts_media(self) -> bool:
        """Whether a voice message or a picture is an answer."""
        return False

    @property
    def may_be_empty(self) -> bool:
        """Whether a list without any value is an answer."""
        return False

    @property
    def exclusive_value(self) -> str | None:
        """Value of the option that cannot be combined with others; None if there is none."""
        return None

    def named_places(self) -> Mapping[str, Sequence[str]]:
        """Returns names that may be typed instead of an option, by the value they stand for; none for most types."""
        return {}

    def bounds(self) -> tuple[AnswerBound, AnswerBound]:
        """Returns the smallest and the largest value, for types whose values have an order."""
        return None, None

    def place_keys(self) -> tuple[str | None, str | None]:
        """Returns the keys of the questions that name district and topic of what an answer proposes."""
        return None, None

    def budget_terms(self) -> BudgetTerms | None:
        """Returns what answers distribute; None for types without a budget."""
        return None

    def texts(self) -> Iterator[tuple[Where, Text]]:
        yield from super().texts()
        if self.hint:
            yield ("hint",), self.hint

    def missing(self, renderer: Renderer) -> Iterator[tuple[Missing, str, tuple[str, ...]]]:
        """Yields the offered missing codes, each with its label and other accepted words."""
        for code, offered in ((Missing.DONT_KNOW, self.dont_know), (Missing.REFUSED, self.refuse)):
            if offered:
                yield code, renderer.text(MISSING[code]), tuple(renderer.words(f"words.{code}"))

    def prompt(
        self,
        renderer: Renderer,
        quick_replies: Iterable[QuickReply] = (),
        line: str | Parts = "",
        offered: Sequence[Option] | None = None,
    ) -> MsgOut:
        """Builds the prompt: text, images, hint, the offered answers, and "skip" if the question can be skipped.

        `line` is a text of the type itself (the ends of a scale) between text and hint. `offered` are the options that
        it numbers from 1, if these are not all that are listed.
        """
        title = self.title_in(renderer)
        between: Parts = line if isinstance(line, tuple) else (BodyPart(line),) if line else ()
        hint = renderer.localized(self.hint) if self.hint else ""
        options = enumerate(self.listed_options() if offered is None else offered, start=1)
        images = image_parts(self.image, ((n, it.image) for n, it in options if it.image), renderer)
        parts: Parts = (TitlePart(title), *images, *between, *((HintPart(hint),) if hint else ()))
        replies = (*quick_replies, renderer.command("skip")) if self.skip else tuple(quick_replies)
        return renderer.message(parts, replies)._replace(
            expects=self.expects,
            title=title,
            audio=renderer.recording(self.text, self.audio),
            sensitive=self.sensitive,
        )

    def values(self) -> frozenset[Value] | builtins.type | None:
        """Returns what conditions may compare with: possible values, a type (int, date, …), or None for any. A day is
        stored as text (ISO 8601).
        """
        return None

    def cell(self, value: Value) -> Value:
        """Returns the value under which this one is counted: by default itself."""
        return value


class LocalizedQuestion(ABC):
    """A question in one language. Immutable; shared by all sessions."""

    prompt: MsgOut
    takes_any_words: ClassVar[bool] = False
    """Whether "hello" or "thank you" is an answer like any other words."""

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
        return value if self.prompt.expects in IN_PLACE else None

    def value_if_skipped(self, draft: Value | None) -> Value | Missing:
        """Returns the answer or missing code if the question is skipped with this partial answer."""
        return Missing.SKIPPED

    @abstractmethod
    def show(self, value: Value) -> str:
        """Returns the value as text (for the summary and for notices)."""

    def label(self, value: Value) -> str:
        """Returns the label of a single possible value, also if an answer can have several."""
        return self.show(value)

    def after(self, value: Value) -> tuple[Event, ...]:
        """Returns the events that follow an accepted answer."""
        return ()

    def after_drop(self, value: Value) -> tuple[Event, ...]:
        """Returns the events that follow when this answer is dropped, because it is no longer on the path."""
        return ()

    def spoken(self, reply: QuickReply) -> str:
        """Returns what is read aloud instead of the label of one of its quick replies, whose number is read before it;
        "" if the label can be read as it is. Signs that only the eye understands (a box, a plus) are put in words here.
        """
        return ""

    def aloud(self, msg: MsgOut) -> MsgOut:
        """Returns one of its messages with what is read aloud for each quick reply (`spoken`)."""
        said = [self.spoken(reply) for reply in msg.quick_replies]
        if not any(said):
            return msg
        pairs = zip(msg.quick_replies, said, strict=True)
        return msg._replace(quick_replies=tuple(reply._replace(spoken=words) for reply, words in pairs))

    def paper_hint(self) -> str:
        """Returns how to answer with a pen."""
        return self.prompt.without_images().text.removeprefix(self.prompt.title).strip()

    def paper_rows(self) -> Sequence[Sequence[tuple[str, str]]]:
        """Returns the rows of a repeating question on paper: the boxes of each row, as entered (`mode` paper, separated
        by spaces) and as printed."""
        return ()

    def matches_exactly(self, folded: str) -> bool:
        """Whether the folded text is exactly an offered answer, which then has priority over a command."""
        return False

    def offers(self, folded: str, draft: Value | None) -> bool:
        """Whether the folded text is exactly an answer that is offered with this partial answer."""
        return self.matches_exactly(folded)


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
