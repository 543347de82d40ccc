"""What lists show of a consultation. Read for every published one, so its questions are passed over."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from flows.definition import ContactPerson, LanguageOffer, ResultsShown, Slug
from flows.languages import LANGUAGES
from flows.wording import Review, Text


class OfferedLanguage(LanguageOffer):
    """An offered language, with its tag: as it stands in stored content, where names have no order."""

    tag: str


class Listing(BaseModel):
    """A part of `flows.definition.Consultation`, read from its stored content.

    It takes a quarter of a millisecond where the whole takes one, and compiling it thirty. That it can be read says
    nothing about the questions: whether those can be compiled is found out when somebody needs them.
    """

    model_config = ConfigDict(frozen=True)

    slug: Slug
    languages: Annotated[tuple[OfferedLanguage, ...], Field(min_length=1)]
    """The first is the one it was written in."""
    title: Text
    asks: Text
    why: Text
    contact: ContactPerson
    minutes: int
    keywords: tuple[str, ...] = ()
    results: ResultsShown = "at_close"

    @model_validator(mode="after")
    def _can_be_shown(self) -> Self:
        """Whoever looks for a text in a language ends at the main one."""
        if unknown := [tag for tag in self.tags if tag not in LANGUAGES]:
            raise ValueError(f"there is no language {unknown[0]!r}")
        if any(self.main_language not in text.languages() for text in (self.title, self.asks, self.why)):
            raise ValueError("a text is missing in the main language")
        return self

    @property
    def main_language(self) -> str:
        """The language it was written in."""
        return self.languages[0].tag

    @property
    def tags(self) -> tuple[str, ...]:
        """The offered languages, in their order."""
        return tuple(offer.tag for offer in self.languages)

    @property
    def fallbacks(self) -> dict[str, str]:
        """Language → the language its missing texts are taken from."""
        return {offer.tag: offer.fallback for offer in self.languages if offer.fallback}

    @property
    def may_be_leichte_sprache(self) -> bool:
        """Whether all its de-simple texts may have been checked by readers: that of its title was."""
        offered = next((offer for offer in self.languages if offer.tag == "de-simple"), None)
        wording = self.title.root.get("de-simple")
        return offered is not None and wording is not None and (wording.review or offered.review) is Review.READERS
