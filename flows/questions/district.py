"""Ask for the Berlin district (Bezirk)."""

from __future__ import annotations

import json
import operator
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, StringConstraints

from flows.meaning import Meanings, meanings
from flows.questions.base import LocalizedQuestion, Problem, Question, question
from flows.questions.berlin_points import district_of
from flows.questions.choice_matching import ChoiceMatcher
from flows.questions.outcomes import Interpreted, Invalid, ParseResult, Reply
from flows.renderer import Renderer
from flows.understanding.matching import FunctionWords, Matcher, spellings
from flows.values import Value

OUTSIDE: Final = "outside"
_LEFT_TO_RIGHT: Final = "\N{LEFT-TO-RIGHT ISOLATE}"
_AS_BEFORE: Final = "\N{POP DIRECTIONAL ISOLATE}"
_MANY: Final = 3
_WORDS: Final = 12
DistrictKey = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")]
PostalCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{5}$")]
_TABLE: Final = json.loads((files(__package__) / "berlin_districts.json").read_text(encoding="utf-8"))

DISTRICTS: Final[dict[str, str]] = {district["key"]: district["name"] for district in _TABLE["districts"]}
"""The twelve Bezirke by their two-digit key, the first level of the LOR (Amt für Statistik Berlin-Brandenburg)."""


@question
class District(Question):
    """Ask for the Bezirk. The value is its LOR key, "01" (Mitte) to "12" (Reinickendorf), also the number to type.

    Ortsteile, Kieze, abbreviations and spellings in other scripts are understood ("Wedding", "Xberg", "Нойкёльн"), a
    shared location is mapped by the nearest Ortsteil and repeated to the contact; for a name in two Bezirke
    ("Kreuzkölln") the bot asks which one. With `outside` "not in Berlin" is offered and stored as "outside".

    Postal codes are understood if the file lists them by the key of their district: the program brings no table of its
    own. For a code that stands in two districts the bot asks which one.

    ```yaml
    - key: district
      type: district
      text: {de: In welchem Bezirk wohnen Sie?, en: Which district do you live in?}
      postal_codes: {"02": ["10997", "10999"]}
    ```
    """

    type_name: ClassVar[tuple[str, str]] = ("Bezirk", "District")
    paper_layout: ClassVar[Literal["list", "line", "names"]] = "names"
    population: ClassVar[tuple[str, frozenset[str]]] = ("district", frozenset(DISTRICTS))
    meanings: ClassVar[Meanings] = meanings(free="outside postal_codes")

    type: Literal["district"] = "district"
    outside: bool = False
    postal_codes: dict[DistrictKey, tuple[PostalCode, ...]] = Field(default={}, exclude_if=operator.not_)
    """Postal codes of five digits, by district ("01" to "12")."""

    @property
    def paper_lines(self) -> int:
        return 1

    def named_places(self) -> Mapping[str, Sequence[str]]:
        return {
            place["key"]: (*place["ortsteile"], *place["quarters"], *self.postal_codes.get(place["key"], ()))
            for place in _TABLE["districts"]
        }

    def problems(self) -> Iterator[Problem]:
        for key in self.postal_codes.keys() - DISTRICTS.keys():
            yield Problem(("postal_codes", key), f"there is no district {key!r}", 'use the keys "01" to "12"')

    def values(self) -> frozenset[Value]:
        return frozenset((*DISTRICTS, OUTSIDE) if self.outside else DISTRICTS)

    def localize(self, renderer: Renderer) -> LocalizedQuestion:
        return _LocalizedDistrict(self, renderer)


class _LocalizedDistrict(LocalizedQuestion):
    def __init__(self, definition: District, renderer: Renderer) -> None:
        offered: list[tuple[str, str, tuple[str, ...]]] = [
            (key, district_label(key, renderer.language), (name,)) for key, name in DISTRICTS.items()
        ]
        if definition.outside:
            offered.append((OUTSIDE, renderer.text("district.outside"), tuple(renderer.words("words.outside"))))
        self._renderer = renderer
        self._matcher = ChoiceMatcher(definition, renderer, offered, exact=True)
        self._areas = district_areas(renderer.function_words())
        self._codes = _by_code(definition.postal_codes)
        self._hint = renderer.text("hint.district")
        self.prompt = definition.prompt(renderer, self._matcher.quick_replies)

    def parse(self, reply: Reply, draft: Value | None) -> ParseResult:
        if reply.msg and reply.msg.location and (near := district_of(reply.msg.location)):
            return Interpreted(near)
        value = self._matcher.match(reply)
        if value is not None:
            return value
        return Invalid(self._hint) if reply.choice else self._in_words(reply)

    def _in_words(self, reply: Reply) -> ParseResult:
        if found := self._codes.get(reply.folded):
            return self._one_of(found)
        match = self._areas.find_folded(reply.folded)
        # Without a single match there may be several places: "Kreuzberg oder Neukölln".
        named = [match.value] if match else self._named(reply.folded)
        keys = sorted({key for area in named for key in area})
        if len(keys) == 1 and not match:
            return Invalid(self._hint)
        return self._one_of(keys)

    def _one_of(self, keys: Sequence[str]) -> ParseResult:
        """Returns the only district, or asks which of a few it is."""
        if len(keys) == 1:
            return Interpreted(keys[0])
        if not 2 <= len(keys) <= _MANY:
            return Invalid(self._hint)
        names = self._renderer.listed((self._matcher.labels[key] for key in keys), "list.or")
        return Invalid(self._renderer.text("hint.district_which", names=names))

    def _named(self, folded: str) -> list[tuple[str, ...]]:
        """Returns the places named in a reply that is short enough to be an answer."""
        return self._areas.split(folded)[0] if folded.count(" ") < _WORDS else []

    def show(self, value: Value) -> str:
        return self._matcher.labels.get(str(value), str(value))

    def matches_exactly(self, folded: str) -> bool:
        return self._matcher.matches_exactly(folded) or self._areas.matches_exactly(folded)


def _by_code(codes: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Returns the keys of the districts of each postal code."""
    found: dict[str, list[str]] = {}
    for key in sorted(codes):
        for code in dict.fromkeys(codes[key]):
            found.setdefault(code, []).append(key)
    return found


def district_label(key: str, language: str) -> str:
    """Returns the official name of the district, in Arabic also in Arabic script."""
    spelt = _TABLE["districts"][int(key) - 1]["spellings"]["ar"][0] if language == "ar" else ""
    # Isolated, because a line break at the hyphen would put hyphen and bracket on the wrong side.
    return f"{spelt} {_LEFT_TO_RIGHT}({DISTRICTS[key]}){_AS_BEFORE}" if spelt else DISTRICTS[key]


@cache
def district_areas(small: FunctionWords) -> Matcher[tuple[str, ...]]:
    """Returns the matcher of all place names, each with the keys of its districts, for one language."""
    keys: dict[str, set[str]] = {}
    for name, key in _places():
        for spelling in spellings(name):
            keys.setdefault(spelling, set()).add(key)
    # The name of a district has priority over other places with the same name.
    keys |= {spelling: {key} for key, name in DISTRICTS.items() for spelling in spellings(name)}
    names: dict[tuple[str, ...], list[str]] = {}
    for spelling, lies_in in keys.items():
        names.setdefault(tuple(sorted(lies_in)), []).append(spelling)
    return Matcher(names.items(), numbered=False, small=small)


def _places() -> Iterator[tuple[str, str]]:
    for district in _TABLE["districts"]:
        spelt = (word for words in district["spellings"].values() for word in words)
        for name in (*district["ortsteile"], *district["quarters"], *spelt):
            yield name, district["key"]
    for name, keys in _TABLE["several"].items():
        yield from ((name, key) for key in keys)
