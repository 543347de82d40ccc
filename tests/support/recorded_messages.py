"""Stored payloads of messages, as each version wrote them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parents[1] / "payloads" / "messages"


def recorded_messages(version: int) -> list[dict[str, Any]]:
    """Returns the payloads that this version wrote."""
    payloads: list[dict[str, Any]] = json.loads((FOLDER / f"version_{version}.json").read_text(encoding="utf-8"))
    return payloads
