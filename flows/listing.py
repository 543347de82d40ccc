"""The fields of a consultation that lists show. Loaded for every published one, so the questions are not parsed."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from flows.definition import ContactPerson, LanguageOffer, ResultsShown
from flows.languages import LANGUAGES
from flows.slugs import Slug
from flows.wording import Review, Text


class ListedLanguage(LanguageOffer):
    """An offered language with its tag, as in stored content, where keys have no order."""

    tag: str


class Listing(BaseModel):
    """A part of `flows.definition.Consultation`, read from its stored content.

    Parsing it takes 0.25 ms, parsing the whole content 1 ms, compiling it 30 ms. A valid listing says nothing about the
    questions; errors in those appear when the flow is compiled.
    """

    model_config = ConfigDict(frozen=True)

    slug: Slug
    languages: Annotated[tuple[ListedLanguage, ...], Field(min_length=1)]
    """The first one is the main language."""
    title: Text
    asks: Text
    why: Text
    contact: ContactPerson
    minutes: int
    keywords: tuple[str, ...] = ()
    results: ResultsShown = "at_close"

    @model_validator(mode="after")
    def _can_be_shown(self) -> Self:
        """Checks that every text has the main language, the last fallback."""
        if unknown := [tag for tag in self.tags if tag not in LANGUAGES]:
            raise ValueError(f"there is no language {unknown[0]!r}")
        if any(self.main_language not in text.languages() for text in (self.title, self.asks, self.why)):
            raise ValueError("a text is missing in the main language")
        return self

    @property
    def main_language(self) -> str:
        """The language in which the consultation was written."""
        return self.languages[0].tag

    @property
    def tags(self) -> tuple[str, ...]:
        """The offered languages in order."""
        return tuple(offer.tag for offer in self.languages)

    @property
    def fallbacks(self) -> dict[str, str]:
        """Maps a language to the language that replaces its missing texts."""
        return {offer.tag: offer.fallback for offer in self.languages if offer.fallback}

    @property
    def may_be_leichte_sprache(self) -> bool:
        """Whether target readers may have checked all de-simple texts, judged by the title."""
        offered = next((offer for offer in self.languages if offer.tag == "de-simple"), None)
        wording = self.title.root.get("de-simple")
        return offered is not None and wording is not None and (wording.review or offered.review) is Review.READERS
