"""Exports a published revision as YAML that `check` accepts and that publishes as the same content."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import RoundTripRepresenter

from flows.definition import FORMAT, Consultation

WIDTH: Final = 1_000_000
"""Lines are not wrapped, so that a search finds the whole text."""
_PLAIN: Final = re.compile(r"[^\W\d_]([\w ,.;!?()/…–-]*[\w,.;!?()/…–-])?")
"""A text that needs no quotes."""
_OTHERS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
"""Words that are other values here, or for programs that read YAML 1.1."""
_HEAD: Final = "# As it was published. Change it and publish it; “revision” says which one you have seen.\n"


def consultation_to_yaml(consultation: Consultation, number: int | None) -> str:
    """Returns the YAML of a revision with its number, which lets publishing detect concurrent changes; None: of a
    consultation that was never live.
    """
    data = consultation.model_dump(mode="json", exclude_defaults=True)
    data["languages"] = [_brief(offer) for offer in data["languages"]]
    data["questions"] = [
        {"key": node.key, "type": node.type} | asked
        for node, asked in zip(consultation.questions, data["questions"], strict=True)
    ]
    content = _plain(data, list(consultation.languages))
    ordered = {"format": FORMAT, "slug": content.pop("slug"), "revision": number} | content
    if number is None:
        del ordered["revision"]
    return (_HEAD if number else "") + data_to_yaml(ordered)


def data_to_yaml(data: Mapping[str, Any]) -> str:
    """Returns plain data as YAML; texts have quotes where another type could be read."""
    written = StringIO()
    _yaml().dump(data, written)
    return written.getvalue()


def is_plain_text(text: str) -> bool:
    """Whether a text needs no quotes."""
    return bool(_PLAIN.fullmatch(text)) and text.lower() not in _OTHERS


def _brief(offer: dict[str, Any]) -> Any:
    """Returns a language without its defaults; only its tag if all values are defaults."""
    said = {name: value for name, value in offer.items() if value not in (None, "", "unreviewed")}
    return said["tag"] if said.keys() == {"tag"} else said


def _plain(data: Any, languages: Sequence[str]) -> Any:
    """Returns texts without a review status as plain strings, the main language first."""
    if isinstance(data, dict):
        if data.keys() == {"text"} and isinstance(data["text"], str):
            return data["text"]
        names = [it for it in languages if it in data] if data.keys() <= set(languages) else data
        return {name: _plain(data[name], languages) for name in names}
    return [_plain(item, languages) for item in data] if isinstance(data, list) else data


def _yaml() -> YAML:
    yaml = YAML()
    yaml.width = WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.Representer = _Representer
    return yaml


class _Representer(RoundTripRepresenter):
    """Quotes every text that would be read as another type, and repeats equal parts: files have no references."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_text(self, text: str) -> ScalarNode:
        is_lines = "\n" in text and text[0].isalnum() and text.replace("\n", "").isprintable()
        style = "|" if is_lines else None if is_plain_text(text) else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Representer.add_representer(str, _Representer.represent_text)
