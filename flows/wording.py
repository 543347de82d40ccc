"""Texts in several languages, each with its review status."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, RootModel, StringConstraints, model_validator
from pydantic_core import CoreSchema

from flows.braces import AnswerReference, fill_in, references_in, unknown_answer


class Review(StrEnum):
    """Review status of a text. `readers`: checked by readers with learning difficulties (DIN SPEC 33429)."""

    UNREVIEWED = "unreviewed"
    REVIEWED = "reviewed"
    READERS = "readers"


class Wording(BaseModel):
    """One text in one language; without `review` it has the status of the whole language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    review: Review | None = None

    @property
    def plain(self) -> str:
        """The text as it is shown where no answers are known."""
        return fill_in(self.text, unknown_answer)


class Text(RootModel[dict[str, Wording]]):
    """A text by language tag. In a file a plain string is a wording without its own review status.

    >>> Text.model_validate({"de": "Ja", "tr": {"text": "Evet", "review": "reviewed"}}).in_language("tr", {})
    'Evet'
    """

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _accept_strings(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        return {tag: {"text": text} if isinstance(text, str) else text for tag, text in data.items()}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Allows a plain string in the JSON Schema."""
        described = handler.resolve_ref_schema(handler(schema))
        described["additionalProperties"] = {"anyOf": [{"type": "string"}, described["additionalProperties"]]}
        return described

    def in_language(self, language: str, fallbacks: Mapping[str, str]) -> str:
        """Returns the text in a language or its fallbacks. Raises KeyError if there is none (prevented by `check`)."""
        return self.root[self.shown_in(language, fallbacks)].plain

    def shown_in(self, language: str, fallbacks: Mapping[str, str]) -> str:
        """Returns the language in which the text is shown to readers of this one."""
        while language not in self.root:
            language = fallbacks[language]
        return language

    def first_language(self, languages: Sequence[str]) -> str:
        """Returns the first of these languages that the text has; without any, some language that it has."""
        return next((tag for tag in languages if tag in self.root), next(iter(self.root)))

    def references(self) -> Iterator[AnswerReference]:
        """Yields the references to answers in all languages."""
        for tag in self.root:
            yield from self.references_in(tag)

    def references_in(self, language: str) -> Iterator[AnswerReference]:
        """Yields the references to answers in one of its languages."""
        yield from references_in(self.root[language].text)

    def languages(self) -> frozenset[str]:
        return frozenset(self.root)

    def items(self) -> Iterator[tuple[str, Wording]]:
        yield from self.root.items()
