"""Answers with labels instead of codes, for spreadsheets: one column per question or option.

Pure. Made from a row of `answers_wide.csv`, so both can never disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from bot.exchange.exports.codebook import MISSING
from bot.results.counts.answer_dataset import COUNTED_COLUMN, RESPONSE_COLUMNS, TIME_COLUMNS, AnswerDataset, Variable

Cells = Mapping[str, str]
"""A row of `answers_wide.csv`, by column."""
_WITHHELD: Final = ("noch nicht freigegeben", "not released yet")
_FIXED: Final = {
    "response_id": ("Kennung", "Id"),
    "consultation": ("Befragung", "Consultation"),
    "revision": ("Fassung", "Revision"),
    "status": ("Stand", "State"),
    "channel": ("Kanal", "Channel"),
    "language": ("Sprache", "Language"),
    "mode": ("Art", "Mode"),
    "place_code": ("Ort-Kennung", "Place code"),
    "started_at": ("Begonnen", "Begun"),
    "ended_at": ("Beendet", "Ended"),
    COUNTED_COLUMN: ("Zählt (1 = hat etwas beantwortet)", "Counts (1 = answered something)"),
}
_CODES: Final = {
    "status": {
        "completed": ("fertig", "finished"),
        "interrupted": ("nicht fertig", "not finished"),
        "waiting": ("noch unterwegs", "still under way"),
    },
    "mode": {"self": ("selbst", "by the person"), "assisted": ("mit Hilfe", "with help"), "paper": ("Papier", "paper")},
}


class LabelledColumn(NamedTuple):
    """A column: what stands above it, which column of the wide file it is, and how a cell is said."""

    head: str
    source: str
    say: Callable[[Cells], str]


def labelled_columns(subject: AnswerDataset) -> list[LabelledColumn]:
    """All columns, in the main language of the consultation (words of ours: German or English)."""
    which = 0 if subject.language.startswith("de") else 1
    fixed = [
        LabelledColumn(
            _FIXED[name][which], name, _said(name, {code: it[which] for code, it in _CODES.get(name, {}).items()})
        )
        for name in (*RESPONSE_COLUMNS, *TIME_COLUMNS, COUNTED_COLUMN)
    ]
    questions = [column for variable in subject.variables for column in _of_question(subject, variable, which)]
    return [*fixed[:-1], *questions, fixed[-1]]


def _of_question(subject: AnswerDataset, variable: Variable, which: int) -> Iterator[LabelledColumn]:
    wordings = variable.question.text.root
    text = wordings.get(subject.language) or next(iter(wordings.values()))
    head = f"{variable.name}: {text.text}"
    missing = {code.value: f"({words[which].partition(':')[0]})" for code, words in MISSING.items()}
    labels = {code: _label(subject, variable, code) for code in variable.codes}
    if variable.kind == "text":
        yield LabelledColumn(head, variable.name, _words(variable.name, missing, f"({_WITHHELD[which]})"))
    elif variable.kind in {"several", "order"}:
        yield LabelledColumn(head, variable.name, _listed(variable.name, labels | missing))
    else:
        # Numbers stay numbers, to be calculated with; amounts stand beside each option.
        known = missing if variable.kind in {"number", "amounts"} else labels | missing
        yield LabelledColumn(head, variable.name, _said(variable.name, known))
    if variable.is_several:
        for code in variable.codes:
            source = f"{variable.name}.{code}"
            yield LabelledColumn(f"{variable.name}: {labels[code]}", source, _said(source, {}))


def _label(subject: AnswerDataset, variable: Variable, code: str) -> str:
    by_language = variable.labels[code]
    return by_language.get(subject.language) or next(iter(by_language.values()), code)


def _said(name: str, labels: Mapping[str, str]) -> Callable[[Cells], str]:
    return lambda cells: labels.get(cells[name], cells[name])


def _listed(name: str, labels: Mapping[str, str]) -> Callable[[Cells], str]:
    return lambda cells: ", ".join(labels.get(code, code) for code in cells[name].split())


def _words(name: str, missing: Mapping[str, str], withheld: str) -> Callable[[Cells], str]:
    """Free text: a text that reads like a missing code stays what the person wrote."""

    def say(cells: Cells) -> str:
        if cells[f"{name}.withheld"] == "1":
            return withheld
        return missing.get(cells[f"{name}.missing"], cells[name])

    return say
