"""Exports a published revision as YAML that `check` accepts and that publishes as the same content."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import RoundTripRepresenter

from flows.definition import Consultation

_WIDTH: Final = 1_000_000
"""Lines are not wrapped, so that a search finds the whole text."""
_PLAIN: Final = re.compile(r"[^\W\d_]([\w ,.;!?()/…–-]*[\w,.;!?()/…–-])?")
"""A text that is itself also without quotes."""
_OTHERS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
"""Values here, or for programs that read YAML 1.1."""
_HEAD: Final = "# As it was published. Change it and publish it; “revision” says which one you have seen.\n"


def consultation_to_yaml(consultation: Consultation, number: int) -> str:
    """Returns the YAML of a revision with its number, which lets publishing detect concurrent changes."""
    data = consultation.model_dump(mode="json", exclude_defaults=True)
    data["languages"] = [_brief(offer) for offer in data["languages"]]
    data["questions"] = [
        {"key": node.key, "type": node.type} | asked
        for node, asked in zip(consultation.questions, data["questions"], strict=True)
    ]
    ordered = {"slug": data.pop("slug"), "revision": number} | _plain(data)
    written = StringIO()
    _yaml().dump(ordered, written)
    return _HEAD + written.getvalue()


def _brief(offer: dict[str, Any]) -> Any:
    """A language with what differs from what holds anyway; the bare tag where nothing does."""
    said = {name: value for name, value in offer.items() if value not in (None, "", "unreviewed")}
    return said["tag"] if said.keys() == {"tag"} else said


def _plain(data: Any) -> Any:
    """Returns texts without a review status as plain strings."""
    if isinstance(data, dict):
        if data.keys() == {"text"} and isinstance(data["text"], str):
            return data["text"]
        return {name: _plain(value) for name, value in data.items()}
    return [_plain(item) for item in data] if isinstance(data, list) else data


def _yaml() -> YAML:
    yaml = YAML()
    yaml.width = _WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.Representer = _Representer
    return yaml


class _Representer(RoundTripRepresenter):
    """Puts every text in quotes that would be read as something else."""

    def represent_text(self, text: str) -> ScalarNode:
        is_lines = "\n" in text and text[0].isalnum() and text.replace("\n", "").isprintable()
        is_plain = _PLAIN.fullmatch(text) and text.lower() not in _OTHERS
        style = "|" if is_lines else None if is_plain else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Representer.add_representer(str, _Representer.represent_text)
