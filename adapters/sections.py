"""Reads the section of a channel in the settings file as the typed settings of its adapter."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from adapters.base import BadSettings

M = TypeVar("M", bound=BaseModel)
_KINDS: Final = {
    "int": "a whole number, without quotation marks",
    "bool": "true or false, without quotation marks",
    "string": "a text in quotation marks",
    "path": "a path in quotation marks",
    "list": "a list in square brackets",
    "tuple": "a list in square brackets",
    "model": "a section: write [{name}] in a line of its own, and its keys below",
    "dict": "a section: write [{name}] in a line of its own, and its keys below",
}
"""The requirement for a value, by the prefix of pydantic's error type."""


def read_section(model: type[M], section: BaseModel) -> M:
    """Returns the section as the adapter's own model, which forbids unknown keys.

    Raises BadSettings with one sentence per error; values are never repeated, because they may be secrets.
    """
    try:
        return model.model_validate(dict(section))
    except ValidationError as exc:
        known = [name for name in model.model_fields if name != "type"]
        raise BadSettings("; ".join(_in_words(error, known) for error in exc.errors())) from None


def _in_words(error: ErrorDetails, known: list[str]) -> str:
    name = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        near = get_close_matches(name, known, 1)
        return f"unknown setting {name!r}; " + (f"is {near[0]!r} meant?" if near else f"known are {', '.join(known)}")
    if error["type"] == "missing":
        return f"setting {name!r} is missing"
    return describe_setting_error(name, error)


def describe_setting_error(name: str, error: ErrorDetails) -> str:
    """Returns the requirement for a value, for the author of a settings file. The value itself is not repeated."""
    said = error["msg"].removeprefix("Value error, ")
    if not name:
        return said
    kind = _KINDS.get(error["type"].split("_")[0], "") if error["type"].endswith(("_type", "_parsing")) else ""
    wanted = kind.format(name=name) or said.removeprefix("Input should be ")
    return f"setting {name!r} must be {wanted}" if wanted != said else f"setting {name!r}: {said}"
