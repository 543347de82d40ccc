"""Texts in several languages, each with its review status."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, RootModel, StringConstraints, model_validator
from pydantic_core import CoreSchema


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
        return self.root[self.shown_in(language, fallbacks)].text

    def shown_in(self, language: str, fallbacks: Mapping[str, str]) -> str:
        """Returns the language in which the text is shown to readers of this one."""
        while language not in self.root:
            language = fallbacks[language]
        return language

    def languages(self) -> frozenset[str]:
        return frozenset(self.root)

    def items(self) -> Iterator[tuple[str, Wording]]:
        yield from self.root.items()
