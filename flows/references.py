"""Keys in a consultation file, and markers of the fields that name another question.

`flows.authoring.references` finds the marked fields, and `flows.authoring.reference_checks` checks them.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, NamedTuple

from pydantic import StringConstraints

# Short enough for a token "code.key.value" within 64 bytes, the smallest limit of a channel.
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,23}$")]
"""The key of a question or step, and the stored value of an option."""

Purpose = Literal["condition", "number", "label", "district", "topic", "step"]
"""What a reference is used for. `condition`: any answer. `number`: a number to compare with. `label`: words shown in
another text. `district` and `topic`: the subject of a proposal. `step`: the next node."""


class RefersTo(NamedTuple):
    """Marks a field (in `Annotated`) that holds the key of a question."""

    purpose: Purpose


CONDITION: Final = RefersTo("condition")
NUMBER: Final = RefersTo("number")
DISTRICT: Final = RefersTo("district")
TOPIC: Final = RefersTo("topic")
STEP: Final = RefersTo("step")
