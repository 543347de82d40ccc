"""Checks of the braces in the texts of a consultation file."""

from __future__ import annotations

from collections.abc import Iterator

from flows.braces import AnswerReference, StrayBraces, has_braces, split_braces
from flows.definition import Consultation
from flows.questions.base import Problem, Where

_REMEDY = "write {answer:KEY|other words} to name an earlier answer, or {{ and }} for braces"


def brace_problems(consultation: Consultation) -> Iterator[Problem]:
    """Yields braces without a meaning, references where no answer is known, and recordings of texts with references."""
    for path, text in consultation.texts():
        for tag, wording in text.items():
            if has_braces(wording.text):
                yield from _in_wording(consultation, path, tag, wording.text)
    yield from _recorded_references(consultation)


def _in_wording(consultation: Consultation, path: Where, tag: str, text: str) -> Iterator[Problem]:
    for piece in split_braces(text):
        if isinstance(piece, StrayBraces):
            yield Problem((*path, tag), f"“{piece.text}” has no meaning here", _REMEDY)
        elif isinstance(piece, AnswerReference) and not may_refer(consultation, path):
            yield Problem((*path, tag), *_why_not(consultation, path))


def _recorded_references(consultation: Consultation) -> Iterator[Problem]:
    for index, node in enumerate(consultation.questions):
        for tag in node.audio:
            # A recording reads out the text, the hint and the options.
            if any(any(text.references_in(tag)) for _, text in node.texts() if tag in text.languages()):
                reason = "a recording cannot name the answer that the text names"
                yield Problem(("questions", index, "audio", tag), reason, "leave out the recording or the reference")


def may_refer(consultation: Consultation, path: Where) -> bool:
    """Whether the text at this path may refer to answers: it is only shown to a contact who answers."""
    if path[0] != "questions":
        return path[0] == "thanks"
    is_place = path[2] in {"text", "hint"} or (path[2] == "options" and path[4] == "label")
    return is_place and not _is_consent(consultation, path)


def _why_not(consultation: Consultation, path: Where) -> tuple[str, str]:
    if _is_consent(consultation, path):
        return "a consent reads the same for everybody", "leave out the reference"
    reason = "no answer is known where this text is shown"
    return reason, "refer to answers in questions, hints, options, notes and thanks only"


def _is_consent(consultation: Consultation, path: Where) -> bool:
    index = path[1] if path[0] == "questions" else None
    return isinstance(index, int) and consultation.questions[index].asks_consent
