"""`check`: consultation files looked at before anybody meets them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from bot.consultations import reading
from flows.definition import Consultation


def check(files: Sequence[Path], say: Callable[[str], None]) -> bool:
    """Says every fault in a line of its own; True where nothing worse than a warning was found."""
    found = [reading.read(file) for file in files]
    for checked in found:
        for fault in checked.faults:
            say(str(fault))
    return all(checked.publishable is not None for checked in found)


def schema() -> str:
    """The JSON Schema of a consultation file, for editors that help while typing."""
    return json.dumps(Consultation.model_json_schema(), ensure_ascii=False, indent=2)
