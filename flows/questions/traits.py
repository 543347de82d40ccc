"""Ask for what makes it hard to be heard."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final, Literal

from flows.question import question
from flows.questions.choices import Several
from flows.questions.sectors import own_words
from flows.values import Value
from flows.voice import Voice

NONE: Final = "none"
TRAITS: Final = ("other_language", "care", "disability", "offline", "little_money", "young", "old", NONE)
"""Coarse on purpose: groups that are seldom heard, as the city names them, and no more than eight answers. "young" is
below 27, "old" 65 or more; "offline": no internet or no device of one's own at home."""


@question
class Traits(Several):
    """Ask what of a short, fixed list is true of somebody, to see whose voices are missing. The value is the list of
    `TRAITS`, or `["none"]`.

    Only of those who agreed to it: a consent of its own comes before, and `ask_if` looks at it. "Prefer not to say" is
    always offered. Stored like every answer, as JSON (`["care", "offline"]`), under the pseudonym of this consultation.
    Nobody is written to because of it, and small numbers are never published.

    ```yaml
    - key: about_me
      type: traits
      text: {de: Was trifft auf Sie zu?, en: What is true of you?}
      ask_if: {equal: {question: about_me_ok, value: true}}
    ```
    """

    needs_own_consent: ClassVar[bool] = True

    type: Literal["traits"] = "traits"
    min: Literal[1] = 1
    max: None = None
    exclusive: Literal["none"] = NONE
    skip: Literal[True] = True
    dont_know: Literal[False] = False
    refuse: Literal[True] = True
    sensitive: Literal[True] = True

    def values(self) -> frozenset[Value]:
        return frozenset(TRAITS)

    def offered(self, voice: Voice) -> Iterable[tuple[str, str, Iterable[str]]]:
        return own_words(voice, "traits", TRAITS)
