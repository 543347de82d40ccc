"""Ask for the sectors of the quintuple helix to which a contact belongs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, Literal

from flows.phrase_families import SECTOR_ANSWERS
from flows.questions.base import question
from flows.questions.self_identification import SelfIdentification

SECTORS: Final = ("administration", "business", "science", "civil_society", "residents")
"""The five of the quintuple helix: administration and politics, business, science, civil society, residents."""


@question
class Sectors(SelfIdentification):
    """Ask to which of the five sectors a contact belongs; several can apply. The value is the list of sectors in the
    order of `SECTORS`, so that results can say what all sectors agree upon.

    Needs a consent of its own before it, to which `ask_if` refers. Stored like every
    answer, as JSON (`["science", "residents"]`), under the pseudonym of this consultation; a missing answer
    is `refused`, `skipped` or `not_asked`. It is never used to select recipients: segments do not contain answers.

    ```yaml
    - key: sector
      type: sectors
      text: {de: Zu welcher Gruppe gehören Sie?, en: Which group do you belong to?}
      ask_if: {equal: {question: sector_ok, value: true}}
    ```
    """

    type_name: ClassVar[tuple[str, str]] = ("Gruppe der Gesellschaft", "Sector of society")
    answers: ClassVar[tuple[str, ...]] = SECTORS
    declares_sectors: ClassVar[bool] = True
    answer_phrases: ClassVar[Mapping[str, str]] = SECTOR_ANSWERS

    type: Literal["sectors"] = "sectors"
    exclusive: None = None
