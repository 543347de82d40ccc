"""Where a new consultation begins: a template, a copy of another one, or a file. Each is a text in the file format."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from bot.authoring.draft_fields import main_language
from bot.authoring.file_check import read_consultation_file
from bot.authoring.yaml_edit import plain_data, set_values
from flows.questions.base import Where

TEMPLATES: Final = Path(__file__).parents[2] / "flows" / "consultations" / "templates"
"""One file each: `01-park.yaml`. The number is the order in which they are offered."""
LONGEST_SLUG: Final = 40
RESERVED: Final = frozenset({"new"})
"""Slugs that are addresses of the console."""
_GERMAN: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


class Template(NamedTuple):
    """A template: its name, its title and first sentence by language, its number of questions and minutes."""

    name: str
    title: dict[str, str]
    about: dict[str, str]
    questions: int
    minutes: int


@cache
def templates() -> tuple[Template, ...]:
    """Returns the templates in the order in which they are offered."""
    found = []
    for path in sorted(TEMPLATES.glob("*.yaml")):
        definition = read_consultation_file(path, {}).consultation
        if definition is not None:
            title = {tag: it.plain for tag, it in definition.title.items()}
            about = {tag: it.plain for tag, it in definition.why.items()}
            questions = len(definition.questions)
            found.append(Template(_name(path), title, about, questions=questions, minutes=definition.minutes))
    return tuple(found)


def template_text(name: str) -> str | None:
    """Returns the file of a template; None for an unknown name."""
    path = next((it for it in TEMPLATES.glob("*.yaml") if _name(it) == name), None)
    return path.read_text("utf-8") if path else None


def slug_of_title(title: str, instead: str) -> str:
    """Returns the short name of a title in links; `instead` for one without Latin letters.

    >>> slug_of_title("Ein Park für alle!", "park")
    'ein-park-fuer-alle'
    """
    plain = unicodedata.normalize("NFKD", title.casefold().translate(_GERMAN)).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    words = re.sub(r"^[0-9-]+", "", words)[:LONGEST_SLUG].strip("-")
    return words if len(words) > 1 and words not in RESERVED else instead


class City(NamedTuple):
    """What a template is filled in with: who asks, their web page, and a first guess of the last day."""

    name: str
    web: str
    closes: date


def begin_with(text: str, slug: str, title: str = "", city: City | None = None) -> str:
    """Returns a file for a new consultation: with this slug and title, without the dates and the revision of the one
    that it is copied from. `city`: for a template. Raises EditRefused.
    """
    data = plain_data(text)
    changes: dict[Where, object] = {("slug",): slug}
    for name in ("revision", "sample", "opens", "closes", "keywords"):
        if name in data:
            changes[name,] = None
    if city is not None:
        changes["closes",] = city.closes.isoformat()
        changes["contact", "web"] = city.web or None
        for tag in data["languages"]:
            changes["asks", tag] = f"{city.name}."
            changes["contact", "name", tag] = city.name
    titles = data.get("title")
    if title and isinstance(titles, dict) and titles:
        changes["title", main_language(data)] = title
    return set_values(text, changes)


def _name(path: Path) -> str:
    return re.sub(r"^\d+-", "", path.stem)
