"""Schema of a consultation file: metadata, languages, retention and questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_serializer,
    field_validator,
)
from pydantic_core import PydanticCustomError

import flows.questions  # noqa: F401 - registers the question types
from flows.commands.subscriptions import Topic
from flows.days import Day
from flows.languages import LANGUAGES, LEICHTE_SPRACHE
from flows.phrases import FormOfAddress
from flows.questions.base import Node, Where, registry
from flows.questions.district import DISTRICTS
from flows.slugs import Slug
from flows.wording import Review, Text

FORMAT: Final = 1
"""Version of the file format (docs/reference/file-format.md)."""


def _known_format(version: int) -> int:
    if version != FORMAT:
        raise PydanticCustomError(
            "unknown_format", "format {version} is not known", {"version": version, "known": FORMAT}
        )
    return version


ResultsShown = Literal["live", "at_close"]
SMALLEST_CELL: Final = 5


def _known_district(key: str) -> str:
    if key not in DISTRICTS:
        listed = ", ".join(f"{number} {name}" for number, name in DISTRICTS.items())
        raise ValueError(f"there is no district {key!r}; there is {listed}")
    return key


DistrictKey = Annotated[str, AfterValidator(_known_district)]


class Level(StrEnum):
    """Level of participation, with the terms of mein.berlin.de."""

    INFORMATION = "information"
    CONSULTATION = "consultation"
    COOPERATION = "cooperation"
    DECISION = "decision"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LanguageOffer(_Part):
    """One offered language: the review status of its texts, and the language that replaces missing texts."""

    review: Review = Review.UNREVIEWED
    reviewed_by: str = ""
    fallback: str | None = None


class ContactPerson(_Part):
    """The person or office named by the command "human"."""

    name: Text
    hours: Text
    phone: str = ""
    email: str = ""
    web: str = ""


class Retention(_Part):
    """Retention period of answers (days after closing) and the data kept afterwards."""

    days: Annotated[int, Field(ge=1, le=3650)]
    remains: Text


if TYPE_CHECKING:
    AnyNode = Node
else:

    def _type_of(node: Any) -> str | None:
        return node.get("type") if isinstance(node, dict) else getattr(node, "type", None)

    AnyNode = Annotated[
        Union[tuple(Annotated[cls, Tag(name)] for name, cls in registry().items())],  # noqa: UP007 - built at run time
        Discriminator(_type_of),
    ]


def _or_list(schema: dict[str, Any]) -> None:
    """Allows a plain list of tags in the JSON Schema."""
    by_tag = {name: schema.pop(name) for name in ("type", "additionalProperties", "minProperties")}
    schema["anyOf"] = [by_tag, {"type": "array", "items": {"type": "string"}, "minItems": 1}]


class Consultation(_Part):
    """A consultation. A published revision never changes."""

    format: Annotated[int, AfterValidator(_known_format)] = Field(default=FORMAT, exclude=True)
    """In a file: the version of the file format. Not part of the published content."""
    slug: Slug
    revision: Annotated[int, Field(ge=1)] | None = Field(default=None, exclude=True)
    """In a file: the published revision it is based on (written by `show`). Not part of the published content."""
    sample: bool = False
    """Marks a sample consultation; every page and message says so."""
    address: FormOfAddress = "sie"
    languages: dict[str, LanguageOffer] = Field(min_length=1, json_schema_extra=_or_list)
    """Offered languages, the main language first. A file may give a plain list of tags."""
    title: Text
    asks: Text
    """The body that asks."""
    why: Text
    readers: Text
    """The readers of the answers."""
    level: Level
    decides: Text
    """The body that decides, and the subject of its decision."""
    feedback: Text
    """When and where the outcome is published."""
    audience: Text
    retention: Retention
    contact: ContactPerson
    minutes: Annotated[int, Field(ge=1, le=60)]
    opens: Day | None = None
    closes: Day | None = None
    topics: tuple[Topic, ...] = ()
    """Topics of the city's strategy; subscribers to one of them may be notified."""
    districts: tuple[DistrictKey, ...] = ()
    """Two-digit keys of the districts concerned; empty for the whole city."""
    keywords: tuple[str, ...] = ()
    """Words that start the consultation, besides its slug."""
    thanks: Text | None = None
    results: Annotated[ResultsShown, Field(exclude_if=lambda shown: shown == "at_close")] = "at_close"
    """Whether results are published while the consultation is open. `at_close` hides them on every page and channel."""
    smallest_cell: Annotated[int, Field(ge=2, le=100, exclude_if=lambda people: people == SMALLEST_CELL)] = (
        SMALLEST_CELL
    )
    """Smallest group for which a figure is published."""
    four_eyes: Annotated[bool, Field(exclude_if=lambda wanted: not wanted)] = False
    """Whether a proposal needs the approval of two moderators before it is published."""
    questions: tuple[AnyNode, ...] = Field(min_length=1)

    @field_validator("languages", mode="before")
    @classmethod
    def _accept_list(cls, offered: object) -> object:
        if isinstance(offered, str) or not isinstance(offered, Sequence):
            return offered
        by_tag: dict[str, Any] = {}
        for item in offered:
            offer = dict(item) if isinstance(item, Mapping) else {"tag": item}
            tag = offer.pop("tag", None)
            if not isinstance(tag, str):
                raise ValueError("each language needs its tag, e.g. de")
            if tag in by_tag:
                raise ValueError(f"the language {tag!r} is listed twice")
            by_tag[tag] = offer
        return by_tag

    @field_serializer("languages", when_used="json")
    def _keep_order(self, offered: dict[str, LanguageOffer]) -> list[dict[str, Any]]:
        # A list, because sorted or binary JSON loses the order of keys, and the first language is the main one.
        return [{"tag": tag, **offer.model_dump(mode="json")} for tag, offer in offered.items()]

    @property
    def main_language(self) -> str:
        return next(iter(self.languages))

    @property
    def fallbacks(self) -> dict[str, str]:
        """Maps a language to the language that replaces its missing texts."""
        return {tag: offer.fallback for tag, offer in self.languages.items() if offer.fallback}

    def nodes(self) -> tuple[Node, ...]:
        """Returns the nodes of a session: what the entries of the file become (`Node.expanded`)."""
        return tuple(it for _, it in self.placed_nodes())

    def placed_nodes(self) -> Iterator[tuple[int, Node]]:
        """Yields the nodes of a session, each with the index of its entry in the file."""
        for index, node in enumerate(self.questions):
            yield from ((index, it) for it in node.expanded())

    def asked(self) -> tuple[Node, ...]:
        """Returns the nodes of a session that wait for an answer."""
        return tuple(node for node in self.nodes() if node.waits)

    def texts(self) -> Iterator[tuple[Where, Text]]:
        """Yields every text that is shown to people, with its path in the file."""
        for name in ("title", "asks", "why", "readers", "decides", "feedback", "audience", "thanks"):
            if text := getattr(self, name):
                yield (name,), text
        yield ("retention", "remains"), self.retention.remains
        yield ("contact", "name"), self.contact.name
        yield ("contact", "hours"), self.contact.hours
        for index, node in enumerate(self.questions):
            for path, text in node.texts():
                yield ("questions", index, *path), text

    def review_of(self, text: Text, language: str) -> Review:
        """Returns the review status of this text in this language."""
        wording = text.root.get(language)
        return (wording and wording.review) or self.languages[language].review

    def is_leichte_sprache(self) -> bool:
        """Whether target readers checked every de-simple text, as the name Leichte Sprache requires."""
        return "de-simple" in self.languages and all(
            "de-simple" in text.languages() and self.review_of(text, "de-simple") is Review.READERS
            for _, text in self.texts()
        )

    def language_name(self, tag: str) -> str:
        """Returns the name of a language in that language."""
        return LEICHTE_SPRACHE if tag == "de-simple" and self.is_leichte_sprache() else LANGUAGES[tag].name
