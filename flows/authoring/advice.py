"""Warnings about valid consultations that could be better; they do not prevent publishing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from flows.authoring.readability import sentences, simple_hints, words
from flows.definition import Consultation
from flows.questions.base import Problem, Question, Where
from flows.wording import Text

MOST_QUESTIONS: Final = 7
MOST_SENTENCES: Final = 2


def advice(consultation: Consultation) -> Iterator[Problem]:
    """Yields warnings: too many questions, personal questions first, an implausible duration, hard words."""
    asked = consultation.asked()
    if len(asked) > MOST_QUESTIONS:
        reason = f"{len(asked)} questions are many; after {MOST_QUESTIONS} many participants stop"
        yield Problem(("questions",), reason, "leave out questions without consequences", True)
    if asked and (asked[0].about_person or (isinstance(asked[0], Question) and asked[0].sensitive)):
        index = next(place for place, node in consultation.placed_nodes() if node.waits)
        reason = "the first question is about the person"
        yield Problem(("questions", index), reason, "ask questions about the person last", True)
    shortest, longest = _minutes(consultation)
    if not shortest <= consultation.minutes <= longest:
        reason = f"{consultation.minutes} minutes for {len(asked)} questions is implausible"
        yield Problem(("minutes",), reason, f"measure it; {shortest} to {longest} minutes are usual", True)
    for path, text in consultation.texts():
        yield from _hard_to_read(path, text)


def _hard_to_read(path: Where, text: Text) -> Iterator[Problem]:
    """Yields long messages, and hard words in simple German."""
    for tag, wording in text.items():
        if path[-1] in {"text", "hint"} and (count := len(sentences(wording.text))) > MOST_SENTENCES:
            yield Problem((*path, tag), f"{count} sentences in one message are hard to follow", "use at most two", True)
        if tag == "de-simple":
            yield from (Problem((*path, tag), reason, remedy, True) for reason, remedy in simple_hints(wording.text))


def _minutes(consultation: Consultation) -> tuple[int, int]:
    """Estimates the duration: 120 to 240 words per minute, 5 to 60 seconds per answer, 3 minutes per open text."""
    tag = consultation.main_language
    read = sum(len(words(text.root[tag].text)) for _, text in consultation.texts() if tag in text.root)
    answers = consultation.asked()
    slow = sum(node.longest_seconds for node in answers) + read / 2
    quick = 5 * len(answers) + read / 4
    return max(1, int(quick // 60)), max(2, -int(-slow // 60))
