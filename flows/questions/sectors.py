"""Ask in which sectors of the quintuple helix somebody sees themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final, Literal

from flows.question import question
from flows.questions.choices import Several
from flows.values import Value
from flows.voice import Voice

SECTORS: Final = ("administration", "business", "science", "civil_society", "residents")
"""The five of the quintuple helix: administration and politics, business, science, civil society, residents."""


@question
class Sectors(Several):
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

    needs_own_consent: ClassVar[bool] = True

    type: Literal["sectors"] = "sectors"
    min: Literal[1] = 1
    max: None = None
    exclusive: None = None
    skip: Literal[True] = True
    dont_know: Literal[False] = False
    refuse: Literal[True] = True
    sensitive: Literal[True] = True

    def values(self) -> frozenset[Value]:
        return frozenset(SECTORS)

    def offered(self, voice: Voice) -> Iterable[tuple[str, str, Iterable[str]]]:
        return own_words(voice, "sectors", SECTORS)


def own_words(voice: Voice, kind: str, values: Iterable[str]) -> Iterable[tuple[str, str, Iterable[str]]]:
    """Answers with labels of the bot's own; they are also called by what stands before the example."""
    for value in values:
        label = voice.say(f"{kind}.{value}")
        yield value, label, (label.partition(" (")[0], value.replace("_", " "))
