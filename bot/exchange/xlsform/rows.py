"""Turns one row of an XLSForm into a question of a consultation file. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

from bot.authoring.question_forms import free_key
from bot.exchange.xlsform.expressions import Unmapped
from bot.exchange.xlsform.logic import TakenQuestion, limits_of
from bot.exchange.xlsform.notes import FormNotes
from bot.exchange.xlsform.sheets import CHOICES, SURVEY, FormRow, FormSheets

KINDS: Final = {
    "text": "text",
    "integer": "number",
    "int": "number",
    "decimal": "number",
    "date": "date",
    "note": "note",
    "select_one": "choice",
    "select_multiple": "choices",
    "rank": "rank",
}
"""The types that map one to one."""
UNRECORDED: Final = frozenset(
    {"start", "end", "today", "deviceid", "phonenumber", "username", "email", "simserial", "subscriberid", "audit"}
    | {"start-geopoint", "background-audio", "background-geopoint"}
)
COMPUTED: Final = frozenset({"calculate", "hidden", "csv-external", "xml-external", "entity"})
_LISTED: Final = frozenset({"choice", "choices", "rank"})
MOST_OPTIONS: Final = {"choice": 20, "choices": 20, "rank": 14}
DECIMALS: Final = 2
LONGEST_KEY: Final = 24
_WITH_OTHER: Final = frozenset({"select_one", "select_multiple"})
_OTHERS: Final = (" or_other", " or specify other")
_SPELLINGS: Final = {
    "select_one": "select_one",
    "select one from": "select_one",
    "select one": "select_one",
    "select_multiple": "select_multiple",
    "select multiple from": "select_multiple",
    "select multiple": "select_multiple",
    "select all that apply from": "select_multiple",
    "rank": "rank",
}
"""Beginnings of a type cell that names a list."""
_REFERENCE: Final = re.compile(r"\$\{\s*([^{}\s]+)\s*\}")
_MARKUP: Final = re.compile(r"</?[A-Za-z][^<>]*>|\*\*[^*]+\*\*|\[[^\]]+\]\([^)]+\)")


class RowType(NamedTuple):
    """The type cell of a row: the type, the name of its list, and whether "other" is added."""

    name: str
    list_name: str = ""
    has_other: bool = False


def row_type(said: str) -> RowType:
    """Returns the parts of a type cell: "select_one colours or_other".

    >>> row_type("select one from colours or specify other")
    RowType(name='select_one', list_name='colours', has_other=True)
    """
    plain = " ".join(said.split())
    has_other = plain.endswith(_OTHERS)
    for ending in _OTHERS:
        plain = plain.removesuffix(ending)
    for spelling, name in _SPELLINGS.items():
        if plain.casefold().startswith(f"{spelling} "):
            return RowType(name, plain[len(spelling) + 1 :], has_other)
    return RowType(plain.casefold().replace(" ", "_"))


def short_name(said: str, taken: set[Any], instead: str) -> str:
    """Returns a name as this program has them: small letters, digits and underscores, at most 24, not taken.

    >>> short_name("Alter (Jahre)", {"alter_jahre"}, "question"), short_name("1", set(), "option")
    ('alter_jahre_2', 'v1')
    """
    plain = re.sub(r"[^a-z0-9]+", "_", said.casefold()).strip("_")
    plain = f"v{plain}" if plain[:1].isdecimal() else plain
    return free_key(plain[:LONGEST_KEY] or instead, taken)


class RowReader:
    """Makes questions of rows, and knows those that were made before."""

    def __init__(self, sheets: FormSheets, notes: FormNotes) -> None:
        self._sheets = sheets
        self._notes = notes
        self.taken: dict[str, TakenQuestion] = {}
        self._values: dict[str, dict[str, str]] = {}

    def question(self, row: FormRow, kind: RowType) -> tuple[dict[str, Any], TakenQuestion]:
        """Returns a question without its condition, and how later rows refer to it."""
        name, type_name = row.said("name"), KINDS[kind.name]
        keys = {it.key for it in self.taken.values()}
        key = short_name(name, keys, type_name)
        if key != name:
            self._notes.add(SURVEY, row.number, "renamed", name, key)
        question: dict[str, Any] = {"key": key, "type": type_name}
        question |= self._texts(row, with_hint=type_name != "note")
        if type_name == "note":
            return question, TakenQuestion(key, type_name)
        question |= {"skip": False} if row.is_yes("required") else {}
        question["dont_know"] = False
        if kind.name == "decimal":
            question["decimals"] = DECIMALS
            self._notes.add(SURVEY, row.number, "decimals", name)
        values = self._options(row, kind, question) if type_name in _LISTED else {}
        taken = TakenQuestion(key, type_name, values, is_whole=kind.name != "decimal")
        return question | self._limits(row, taken), taken

    def take(self, row: FormRow, taken: TakenQuestion) -> None:
        """Lets later rows refer to a question."""
        self.taken[row.said("name") or taken.key] = taken

    def heading(self, row: FormRow) -> tuple[dict[str, Any], TakenQuestion] | None:
        """Returns the title of a group as a text between the questions; None without a title."""
        if not row.texts.get("label"):
            return None
        key = short_name(row.said("name"), {it.key for it in self.taken.values()}, "note")
        return {"key": key, "type": "note"} | self._texts(row, with_hint=False), TakenQuestion(key, "note")

    def _texts(self, row: FormRow, *, with_hint: bool) -> dict[str, Any]:
        label = self._wordings(row, row.texts.get("label", {}))
        hint = self._wordings(row, row.texts.get("hint", {}))
        if hint and not with_hint:
            label = {tag: "\n".join(filter(None, (label.get(tag), hint.get(tag)))) for tag in {**label, **hint}}
        return ({"text": label} if label else {}) | ({"hint": hint} if hint and with_hint else {})

    def _wordings(self, row: FormRow, texts: Mapping[str, str], sheet: str = SURVEY) -> dict[str, str]:
        return {tag: self._wording(sheet, row, texts[tag]) for tag in self._sheets.languages if tag in texts}

    def _wording(self, sheet: str, row: FormRow, text: str) -> str:
        """Returns a text with references and braces as this program writes them."""
        if _MARKUP.search(text):
            self._notes.add(sheet, row.number, "markup", text)
        pieces, at = [], 0
        for found in _REFERENCE.finditer(text):
            pieces.append(_braced(text[at : found.start()]))
            pieces.append(self._reference(sheet, row, found[1]))
            at = found.end()
        return "".join((*pieces, _braced(text[at:])))

    def _reference(self, sheet: str, row: FormRow, name: str) -> str:
        taken = self.taken.get(name)
        if taken is None or taken.kind == "note" or sheet == CHOICES:
            self._notes.add(sheet, row.number, "reference", f"${{{name}}}")
            return "…"
        return f"{{answer:{taken.key}|…}}"

    def _options(self, row: FormRow, kind: RowType, question: dict[str, Any]) -> dict[str, str]:
        """Adds the options of the list to a question. Returns their values by their names in the form."""
        listed, most = self._sheets.choices.get(kind.list_name, []), MOST_OPTIONS[str(question["type"])]
        if not listed:
            self._notes.add(SURVEY, row.number, "no_list", kind.list_name)
        if len(listed) > most:
            self._notes.add(SURVEY, row.number, "long_list", kind.list_name, f"{len(listed)} / {most}")
        if row.said("choice_filter"):
            self._notes.add(SURVEY, row.number, "filter", row.said("choice_filter"))
        values = self._values_of(kind.list_name)
        question["options"] = [
            {"value": value, "label": self._wordings(it, it.texts.get("label", {}), CHOICES)}
            for it, value in islice(zip(listed, values.values(), strict=False), most)
        ]
        if kind.has_other and kind.name in _WITH_OTHER:
            question["other"] = True
        return dict(islice(values.items(), most)) | ({"other": "other"} if kind.has_other else {})

    def _values_of(self, list_name: str) -> dict[str, str]:
        """Returns the values of a list; notes once which names had to change."""
        if list_name not in self._values:
            listed = self._sheets.choices.get(list_name, [])
            values: dict[str, str] = {}
            for row in islice(listed, max(MOST_OPTIONS.values())):
                name = row.said("name")
                values[name if name not in values else f"{name} {row.number}"] = short_name(
                    name, set(values.values()), "option"
                )
            changed = [f"{name} → {value}" for name, value in values.items() if name != value]
            if changed:
                self._notes.add(CHOICES, listed[0].number, "values_renamed", list_name, ", ".join(changed))
            self._values[list_name] = values
        return self._values[list_name]

    def _limits(self, row: FormRow, taken: TakenQuestion) -> dict[str, Any]:
        said = row.said("constraint")
        if not said:
            return {}
        try:
            return limits_of(said, taken)
        except Unmapped:
            self._notes.add(SURVEY, row.number, "constraint", said)
            return {}


def _braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
