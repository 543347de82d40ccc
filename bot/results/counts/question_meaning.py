"""Finds the revisions of a question with the same meaning: only their answers are counted together.

Pure. A key must not change its meaning, and `publish` enforces this; but older versions accepted any change. So figures
compare the questions by the rule of publishing (`bot.consultations.comparison`): a change that it refuses makes a new
variable; a change that it accepts is counted together, and so is a change that needs confirmation, because a correction
looks like that, and `bot.results.counts.answer_dataset` lists both labels. Two rules differ; publishing reports the
second one:

* some types are counted together (`Question.counted_with`): one picked option is a list of one;
* if the text that defines all values changes (a unit, an end of a scale), answers are counted separately.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from bot.consultations.changes import ChangeLevel
from bot.consultations.comparison import changes_of_meaning
from bot.consultations.facets import question_facets
from flows.questions.base import Question
from flows.understanding.text import words_only
from flows.wording import Text

Labels = Mapping[str, Mapping[str, str]]
"""Code → language → label, as in the definition: without fallbacks."""


class AskedQuestion(NamedTuple):
    """A question in the languages in which it was asked; other translations are ignored."""

    question: Question
    languages: tuple[str, ...]


def group_by_meaning(questions: Sequence[AskedQuestion]) -> list[list[int]]:
    """Groups the indices of questions with the same meaning, the group of the last question first.

    `questions` are the revisions of one key, oldest first. A question belongs to a group only if it agrees with all
    members: two questions with swapped labels are not joined through a third one.
    """
    found: list[tuple[list[AskedQuestion], list[int]]] = []
    for place, question in enumerate(questions):
        fitting = next((it for it in reversed(found) if all(have_same_meaning(old, question) for old in it[0])), None)
        if fitting is None:
            found.append(fitting := ([], []))
        if question not in fitting[0]:
            fitting[0].append(question)
        fitting[1].append(place)
    return sorted((places for _, places in found), key=lambda places: -places[-1])


def have_same_meaning(one: AskedQuestion, other: AskedQuestion) -> bool:
    """Whether answers to the two questions may be counted together, in either order.

    A part that only one of them has (a new option, a new language) is no contradiction.
    """
    if one == other:
        return True
    if len({it.question.counted_with or it.question.type for it in (one, other)}) > 1:
        return False
    was, will = question_facets(*one), question_facets(*other)
    changes = (*changes_of_meaning(other.question, was, will), *changes_of_meaning(one.question, will, was))
    return not any(it.level is ChangeLevel.REFUSED or it.kind == "measure" for it in changes)


def own_labels(question: Question) -> Iterator[tuple[str, Text]]:
    """Yields the labels of answers that the definition contains."""
    languages = dict.fromkeys(language for _, text in question.texts() for language in text.root)
    yield from ((value, label) for value, label in question.labels(list(languages)) if label)


def comparable_label(text: str) -> str:
    """Normalises a text for comparison with an older one: drops case, spacing and punctuation, keeps signs and numbers.

    >>> [comparable_label(one) == comparable_label(other)
    ...  for one, other in [(" Ja,  gern! ", "ja gern"), ("< 5 km", "> 5 km"), ("-5 °C", "5 °C")]]
    [True, False, False]
    """
    return words_only(text)
