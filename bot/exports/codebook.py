"""The codebook: every column, every code, in every language of the consultation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from bot.counting.subject import RESPONSE, TIMES, Subject, Variable
from bot.exports.tables import Row
from flows.values import Missing

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
        "unterbrochen: die Person kam (noch) nicht bis zu dieser Frage",
        "interrupted: the person did not come to this question (yet)",
    ),
}
"""What the five missing codes mean, in German and English."""
_VALUES: Final = {
    "proposal": (
        "proposed: es gab einen Vorschlag; nur im Profil raw steht hier seine Kennung in proposals.csv",
        "proposed: there was a proposal; in the profile raw only its code in proposals.csv",
    ),
    "statements": (
        "Zahl der bewerteten Vorschläge; jede Bewertung steht in ratings_long.csv",
        "How many proposals were rated; each rating stands in ratings_long.csv",
    ),
}
"""What stands in the column of questions whose answers stand in a file of their own."""

_FIXED: Final = {
    "response_id": "Kennung der Teilnahme, gilt nur in dieser Befragung|Id of the participation, valid in here only",
    "consultation": "Kurzname der Befragung|Short name of the consultation",
    "revision": "Nummer der Fassung, die beantwortet wurde|Number of the revision that was answered",
    "status": "completed = abgesendet, interrupted = verlassen, waiting = noch offen"
    "|completed = submitted, interrupted = left, waiting = still open",
    "channel": "Kanal|Channel",
    "language": "Sprache (BCP 47)|Language (BCP 47)",
    "mode": "self = selbst, assisted = mit Hilfe, paper = von Papier übertragen"
    "|self = by the person, assisted = with help, paper = copied from paper",
    "place_code": "Kennung des Plakats oder der Stelle, nie einer Person|Code of a poster or place, never of a person",
    "started_at": "Beginn (ISO 8601)|Begin (ISO 8601)",
    "ended_at": "Ende (ISO 8601)|End (ISO 8601)",
}


def head(subject: Subject) -> tuple[str, ...]:
    return (*HEAD, *(f"label_{language}" for language in subject.flow.languages))


def rows(subject: Subject) -> Iterator[Row]:
    """All entries: columns that every export has, then question by question, then the missing codes."""
    for name in (*RESPONSE, *TIMES):
        german, _, english = _FIXED[name].partition("|")
        yield (name, "", "", "column", "", "", "", "", *_in_both(subject, german, english))
    for variable in subject.variables:
        yield from _variable_rows(subject, variable)
    for code, (german, english) in MISSING.items():
        yield ("", "", "", "missing", code.value, "", "", "", *_in_both(subject, german, english))


def _variable_rows(subject: Subject, variable: Variable) -> Iterator[Row]:
    question = variable.question
    condition = question.ask_if.model_dump(mode="json") if question.ask_if else None
    about = (
        " ".join(map(str, variable.revisions)),
        json.dumps(condition, ensure_ascii=False) if condition else "",
        int(question.sensitive),
    )
    languages = subject.flow.languages
    wordings = question.text.root
    texts = [wordings[language].text if language in wordings else "" for language in languages]
    yield (variable.name, variable.key, question.type, "question", "", *about, *texts)
    if question.type in _VALUES:
        texts = _in_both(subject, *_VALUES[question.type])
        yield (variable.name, variable.key, question.type, "value", "", *about, *texts)
    for code in variable.codes:
        labels = [variable.labels[code].get(language, "") for language in languages]
        yield (variable.name, variable.key, question.type, "code", code, *about, *labels)
        if variable.is_several:
            yield (f"{variable.name}.{code}", variable.key, question.type, "column", code, *about, *labels)
    if variable.kind == "text":
        for name, german, english in (
            ("missing", "Grund, warum es keinen Text gibt", "Why there is no text"),
            ("withheld", "1: Text ist noch nicht freigegeben", "1: the text is not released yet"),
        ):
            labels = _in_both(subject, german, english)
            yield (f"{variable.name}.{name}", variable.key, question.type, "column", "", *about, *labels)


def _in_both(subject: Subject, german: str, english: str) -> list[str]:
    """Words of ours in the columns of the languages: German in German ones, English in all others."""
    return [german if language.startswith("de") else english for language in subject.flow.languages]
