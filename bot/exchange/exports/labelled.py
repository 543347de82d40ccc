"""Answers with labels instead of codes, for spreadsheets: one column per question or option.

Pure. Computed from a row of `answers_wide.csv`, so that both agree.
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
    """A column: its heading, its column in the wide file, and its formatting."""

    head: str
    source: str
    say: Callable[[Cells], str]


def labelled_columns(subject: AnswerDataset) -> list[LabelledColumn]:
    """Returns all columns, in the main language of the consultation (texts of the program: German or English)."""
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
    text, language = variable.question.text, subject.language
    if language in text.root:
        title = subject.flow.localized[language].renderer.localized(text)
    else:
        title = next(iter(text.root.values())).plain
    head = f"{variable.name}: {title}"
    missing = {code.value: f"({words[which].partition(':')[0]})" for code, words in MISSING.items()}
    labels = {code: _label(subject, variable, code) for code in variable.codes}
    if variable.tally == "text":
        yield LabelledColumn(head, variable.name, _words(variable.name, missing, f"({_WITHHELD[which]})"))
    elif variable.tally in {"many", "order"}:
        yield LabelledColumn(head, variable.name, _listed(variable.name, labels | missing))
    else:
        # Numbers stay numbers, to be calculated with; amounts stand beside each option.
        known = missing if variable.tally in {"number", "votes", "amounts"} else labels | missing
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
    """Free text: a text that equals a missing code is not replaced."""

    def say(cells: Cells) -> str:
        if cells[f"{name}.withheld"] == "1":
            return withheld
        return missing.get(cells[f"{name}.missing"], cells[name])

    return say
