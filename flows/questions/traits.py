"""Ask for traits of groups that are seldom heard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, Literal

from flows.phrase_families import TRAIT_ANSWERS
from flows.questions.base import question
from flows.questions.self_identification import SelfIdentification

NONE: Final = "none"
TRAITS: Final = ("other_language", "care", "disability", "offline", "little_money", "young", "old", NONE)
"""Coarse on purpose: groups that are seldom heard, as the city names them, and no more than eight answers. "young" is
below 27, "old" 65 or more; "offline": no internet or no device of one's own at home."""


@question
class Traits(SelfIdentification):
    """Ask which items of a short, fixed list apply, to see which groups are missing. The value is the list of
    `TRAITS`, or `["none"]`.

    Needs a consent of its own before it, to which `ask_if` refers. "Prefer not to say" is
    always offered. Stored like every answer, as JSON (`["care", "offline"]`), under the pseudonym of this consultation.
    It is never used to select recipients, and small numbers are never published.

    ```yaml
    - key: about_me
      type: traits
      text: {de: Was trifft auf Sie zu?, en: What is true of you?}
      ask_if: {equal: {question: about_me_ok, value: true}}
    ```
    """

    type_name: ClassVar[tuple[str, str]] = ("Angaben zur Person", "About the person")
    answers: ClassVar[tuple[str, ...]] = TRAITS
    answer_phrases: ClassVar[Mapping[str, str]] = TRAIT_ANSWERS

    type: Literal["traits"] = "traits"
    exclusive: Literal["none"] = NONE
