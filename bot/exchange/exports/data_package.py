"""Makes `datapackage.json`, which describes the CSV files of an export for programs (Frictionless Data Package, v1:
https://specs.frictionlessdata.io/data-package/).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from bot.exchange.exports.metadata import Profile
from bot.exchange.exports.sheets import Sheet
from bot.results.counts.answer_dataset import AnswerDataset

PACKAGE: Final = "datapackage.json"
_NUMBERS: Final = frozenset(
    (
        *("agrees", "disagrees", "passes", "votes", "important", "seen", "people"),
        *("n", "suppressed", "answered", "asked", "rounded", "sensitive", "withheld", "revision"),
    )
)
_PLACES: Final = ("ballots.csv", "place")
"""The place in an order; in other tables a place is a text."""


def data_package(
    subject: AnswerDataset, profile: Profile, sheets: Iterable[Sheet], licence: tuple[str, str] | None = None
) -> str:
    """Returns the description of these sheets; `licence` is its name and address."""
    consultation = subject.flow.consultation
    package: dict[str, Any] = {
        "profile": "tabular-data-package",
        "name": subject.newest.slug,
        "title": consultation.title.in_language(consultation.main_language, {}),
        "description": consultation.why.in_language(consultation.main_language, {}),
        "resources": [resource for sheet in sheets for resource in _resources(sheet, profile)],
    }
    if licence:
        package["licenses"] = [{"name": licence[0], "path": licence[1]}]
    return f"{json.dumps(package, ensure_ascii=False, indent=2)}\n"


def _resources(sheet: Sheet, profile: Profile) -> Iterator[dict[str, Any]]:
    yield _resource(sheet.name, _fields(sheet, profile))
    if sheet.excel:
        # Its numbers have a decimal comma, its texts an apostrophe in front.
        fields = [{"name": name, "type": "string"} for name in sheet.head]
        yield _resource(sheet.excel, fields) | {"dialect": {"delimiter": ";"}}


def _resource(file: str, fields: Sequence[dict[str, str]]) -> dict[str, Any]:
    return {
        "name": file.removesuffix(".csv"),
        "path": file,
        "profile": "tabular-data-resource",
        "encoding": "utf-8",
        "schema": {"fields": fields, "missingValues": [""]},
    }


def _fields(sheet: Sheet, profile: Profile) -> list[dict[str, str]]:
    # A column of a question is called as its author likes, and its cells may be codes like 01, or missing codes.
    types = {} if sheet.excel else {name: _type(sheet.name, name, profile) for name in sheet.head}
    return [{"name": name, "type": types.get(name, "string")} for name in sheet.head]


def _type(file: str, field: str, profile: Profile) -> str:
    if (file, field) == _PLACES:
        return "integer"
    if field in {"latitude", "longitude", "figure", "value"} or field.endswith(("_low", "_high")):
        return "number"
    if field.removesuffix("_by_events") in _NUMBERS:
        return "integer"
    is_time = field == "at" or field.endswith("_at")
    # The profile `analysis` has weeks in place of times.
    return "datetime" if is_time and profile != "analysis" else "string"
