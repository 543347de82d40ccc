"""Ask in which sectors of the quintuple helix somebody sees themselves."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from flows.questions.base import question
from flows.questions.self_identification import SelfIdentification

SECTORS: Final = ("administration", "business", "science", "civil_society", "residents")
"""The five of the quintuple helix: administration and politics, business, science, civil society, residents."""


@question
class Sectors(SelfIdentification):
    """Ask in which of the five sectors people see themselves; several fit. The value is the list of sectors in the
    order of `SECTORS`, so that results can say what all sectors agree upon.

    Only of those who agreed to it: a consent of its own comes before, and `ask_if` looks at it. Stored like every
    answer, as JSON (`["science", "residents"]`), under the pseudonym of this consultation; who does not say it stands
    there as `refused`, `skipped` or `not_asked`. Nobody is written to because of it: segments do not know answers.

    ```yaml
    - key: sector
      type: sectors
      text: {de: Wo sehen Sie sich selbst?, en: Where do you see yourself?}
      ask_if: {equal: {question: sector_ok, value: true}}
    ```
    """

    answers: ClassVar[tuple[str, ...]] = SECTORS

    type: Literal["sectors"] = "sectors"
    exclusive: None = None
