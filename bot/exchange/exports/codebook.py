"""The codebook: every column and every code in every language of the consultation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from bot.exchange.exports.sheets import Row, Sheet, static_sheet
from bot.results.counts.answer_dataset import (
    COUNTED_COLUMN,
    RESPONSE_COLUMNS,
    TIME_COLUMNS,
    AnswerDataset,
    QuestionWording,
    Variable,
)
from flows.flow import Flow
from flows.values import Missing
from flows.wording import Text

HEAD: Final = ("variable", "question_key", "question_type", "entry", "code", "revisions", "condition", "sensitive")

MISSING: Final = {
    Missing.NOT_ASKED: (
        "nicht gefragt: die Frage lag nicht auf dem Weg dieser Person",
        "not asked: the question was not on this person's way",
    ),
    Missing.SKIPPED: ("übersprungen", "skipped"),
    Missing.REFUSED: ("möchte es nicht sagen", "prefers not to say"),
    Missing.DONT_KNOW: ("weiß nicht", "does not know"),
    Missing.INTERRUPTED: (
        "nicht erreicht: die Person hat vorher aufgehört, oder ist noch nicht so weit",
        "not reached: the person stopped before, or is not there yet",
    ),
}
"""What the five missing codes mean, in German and English."""
_FIXED: Final = {
    "response_id": "Kennung der Teilnahme, gilt nur in dieser Befragung|Id of the participation, valid in here only",
    "consultation": "Kurzname der Befragung|Short name of the consultation",
    "revision": "Nummer der Fassung, die beantwortet wurde|Number of the revision that was answered",
    "status": "completed = fertig, interrupted = aufgehört oder bis zum Schluss nicht fertig, waiting = unterwegs"
    "|completed = finished, interrupted = left, or not finished when it ended, waiting = still under way",
    "channel": "Kanal|Channel",
    "language": "Sprache (BCP 47)|Language (BCP 47)",
    "mode": "self = selbst, assisted = mit Hilfe, paper = von Papier übertragen"
    "|self = by the person, assisted = with help, paper = copied from paper",
    "place_code": "Kennung des Plakats oder der Stelle, nie einer Person|Code of a poster or place, never of a person",
    "started_at": "Beginn (ISO 8601)|Begin (ISO 8601)",
    "ended_at": "Ende (ISO 8601)|End (ISO 8601)",
    COUNTED_COLUMN: "1 = mindestens eine Antwort oder Bewertung (Einwilligungen zählen nicht): Nur diese werden gezählt"
    "|1 = at least one answer or rating (consents are none): only these participations are counted",
}


def codebook_sheet(subject: AnswerDataset) -> Sheet:
    """Returns the codebook as a sheet of an export."""
    return static_sheet("codebook.csv", codebook_head(subject), codebook_rows(subject))


def codebook_head(subject: AnswerDataset) -> tuple[str, ...]:
    return (*HEAD, *(f"label_{language}" for language in subject.flow.languages))


def codebook_rows(subject: AnswerDataset) -> Iterator[Row]:
    """Returns all entries: columns of every export, then question by question, then the missing codes."""
    for name in (*RESPONSE_COLUMNS, *TIME_COLUMNS):
        german, _, english = _FIXED[name].partition("|")
        yield (name, "", "", "column", "", "", "", "", *_in_both(subject, german, english))
    for variable in subject.variables:
        yield from _variable_rows(subject, variable)
    german, _, english = _FIXED[COUNTED_COLUMN].partition("|")
    yield (COUNTED_COLUMN, "", "", "column", "", "", "", "", *_in_both(subject, german, english))
    for code, (german, english) in MISSING.items():
        yield ("", "", "", "missing", code.value, "", "", "", *_in_both(subject, german, english))


def _variable_rows(subject: AnswerDataset, variable: Variable) -> Iterator[Row]:
    """Returns each wording of the question and of each code, the newest first, with its revisions."""
    languages = subject.flow.languages
    for about, texts in _questions(subject, variable):
        yield (variable.name, variable.key, about.type, "question", "", *about.columns(), *texts)
    about = _about(variable.wordings[0], variable.revisions)
    if any(variable.question.value_note):
        texts = _in_both(subject, *variable.question.value_note)
        yield (variable.name, variable.key, about.type, "value", "", *about.columns(), *texts)
    for code in variable.codes:
        for about, labels in _codes(variable, code, languages):
            yield (variable.name, variable.key, about.type, "code", code, *about.columns(), *labels)
        if variable.is_several:
            labels = [variable.labels[code].get(language, "") for language in languages]
            yield (f"{variable.name}.{code}", variable.key, about.type, "column", code, *about.columns(), *labels)
    if variable.tally == "text":
        for name, german, english in (
            ("missing", "Grund, warum es keinen Text gibt", "Why there is no text"),
            ("withheld", "1: Text ist noch nicht freigegeben", "1: the text is not released yet"),
        ):
            labels = _in_both(subject, german, english)
            yield (f"{variable.name}.{name}", variable.key, about.type, "column", "", *about.columns(), *labels)


class _About(NamedTuple):
    """The columns of an entry beside its text."""

    type: str
    condition: str
    sensitive: int
    revisions: tuple[int, ...] = ()

    def columns(self) -> Row:
        return " ".join(map(str, sorted(self.revisions))), self.condition, self.sensitive


def _about(wording: QuestionWording, revisions: tuple[int, ...] = ()) -> _About:
    question = wording.question
    condition = question.ask_if.model_dump(mode="json") if question.ask_if else None
    said = json.dumps(condition, ensure_ascii=False) if condition else ""
    return _About(question.type, said, int(question.sensitive), revisions)


def _questions(subject: AnswerDataset, variable: Variable) -> Iterator[tuple[_About, Sequence[str]]]:
    """The different texts and circumstances of a question."""
    return _merged((_about(it), _in_languages(it.question.text, subject.flow), it) for it in variable.wordings)


def _codes(variable: Variable, code: str, languages: Sequence[str]) -> Iterator[tuple[_About, Sequence[str]]]:
    """Returns the different labels of a code."""
    about = _about(variable.wordings[0])
    return _merged(
        (about, tuple(it.labels[code].get(tag, "") for tag in languages), it)
        for it in variable.wordings
        if code in it.labels
    )


def _merged(
    entries: Iterable[tuple[_About, tuple[str, ...], QuestionWording]],
) -> Iterator[tuple[_About, Sequence[str]]]:
    """Merges equal entries; each gets the revisions of all."""
    found: dict[tuple[_About, tuple[str, ...]], tuple[int, ...]] = {}
    for about, texts, wording in entries:
        found[about, texts] = (*found.get((about, texts), ()), *wording.revisions)
    for (about, texts), revisions in found.items():
        yield about._replace(revisions=revisions), texts


def _in_languages(text: Text, flow: Flow) -> tuple[str, ...]:
    """The text by language, without fallbacks; references to answers are neutral placeholders."""
    return tuple(
        localized.renderer.localized(text) if tag in text.root else "" for tag, localized in flow.localized.items()
    )


def _in_both(subject: AnswerDataset, german: str, english: str) -> list[str]:
    """Returns a text of the program in the columns of the languages: German in German ones, English in all others."""
    return [german if language.startswith("de") else english for language in subject.flow.languages]
