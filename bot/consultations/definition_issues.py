"""Issues of a consultation file, worded so that a facilitator can fix them in a text editor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from flows.questions.base import Where

_PARTS = {"questions": "question", "options": "option", "exits": "exit", "keywords": "keyword", "languages": "language"}


class DefinitionIssue(NamedTuple):
    """An issue with position, reason and remedy. A warning does not prevent publishing.

    >>> str(DefinitionIssue("kiez.yaml", 7, "question 1 (lamps): “text” is missing", "write what is asked"))
    'kiez.yaml:7: question 1 (lamps): “text” is missing; write what is asked'
    """

    file: str
    line: int
    reason: str
    remedy: str
    warning: bool = False
    where: Where = ()
    """Its path in the file; () if it concerns the file as a whole."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {'warning: ' if self.warning else ''}{self.reason}; {self.remedy}"


def line_of_path(where: Where, lines: Mapping[Where, int]) -> int:
    """Returns the line of the innermost known part of a path; skips names missing in the file."""
    known: Where = ()
    for part in where:
        if (*known, part) in lines:
            known = (*known, part)
    return lines.get(known, 1)


def path_in_words(where: Where, data: object) -> str:
    """Describes a path: `("questions", 0, "options", 1)` becomes "question 1 (lamps), option 2".

    >>> path_in_words(("questions", 0, "options", 1), {"questions": [{"key": "lamps", "options": []}]})
    'question 1 (lamps), option 2'
    """
    words: list[str] = []
    before: str | int = ""
    for part in where:
        data = _inside(data, part)
        if isinstance(part, int):
            key = data.get("key") if isinstance(data, dict) else None
            named = f" ({key})" if isinstance(key, str) else ""
            words[-1:] = [f"{_PARTS.get(str(before), str(before))} {part + 1}{named}"]
        else:
            words.append(str(part))
        before = part
    return ", ".join(words)


def _inside(data: object, part: str | int) -> Any:
    if isinstance(data, dict):
        return data.get(part)
    return data[part] if isinstance(data, list) and isinstance(part, int) and part < len(data) else None
