"""Which revisions of a question ask for the same thing: only answers to those are counted together.

Pure. A key promises that its meaning stays, and `publish` holds people to it; but older programs took any change. So
figures look at what was asked, by the rule of publishing itself (`bot.consultations.comparison`): what it would refuse
is a variable of its own, what it lets pass is counted together, and what a person has to confirm as well: a correction
looks like that, and `bot.results.counts.answer_dataset` names both. Two things differ, and publishing says the second
one:

* who picked one option picked several, of which there is one: `choice` and `choices` are counted together;
* where the text on which all values rest has other words (a unit, an end of a scale), answers are told apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from bot.consultations.changes import ChangeLevel
from bot.consultations.comparison import changes_of_meaning
from bot.consultations.facets import question_facets
from flows.questions.base import Question
from flows.understanding.text import words_only
from flows.wording import Text

Labels = Mapping[str, Mapping[str, str]]
"""Code → language → label, as the definition has it: without fallbacks."""
COUNTED_AS: Final[Mapping[str, str]] = {"choice": "choices"}
"""Types whose answers are counted as those of another one."""


class AskedQuestion(NamedTuple):
    """A question as it was asked: in these languages, whatever else it is worded in."""

    question: Question
    languages: tuple[str, ...]


def group_by_meaning(questions: Sequence[AskedQuestion]) -> list[list[int]]:
    """The places of the questions that ask for the same thing, the group of the last question first.

    `questions` are the revisions of one key, oldest first. A question belongs to a group only if it agrees with all of
    it: two that swapped labels do not come together through a third one.
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
    """Whether answers to one question may be counted with answers to the other, whichever came first.

    What only one of them says (a new option, a new language) is no contradiction.
    """
    if one == other:
        return True
    kinds = {COUNTED_AS.get(it.question.type, it.question.type) for it in (one, other)}
    if len(kinds) > 1:
        return False
    was, will = question_facets(*one), question_facets(*other)
    changes = (*changes_of_meaning(other.question, was, will), *changes_of_meaning(one.question, will, was))
    return not any(it.level is ChangeLevel.REFUSED or it.kind == "measure" for it in changes)


def own_labels(question: Question) -> Iterator[tuple[str, Text]]:
    """What the answers are called in the definition, where the definition names them."""
    languages = dict.fromkeys(language for _, text in question.texts() for language in text.root)
    yield from ((value, label) for value, label in question.labels(list(languages)) if label)


def comparable_label(text: str) -> str:
    """A text as it is compared with an older one: without case, spacing and punctuation; signs and numbers count.

    >>> [comparable_label(one) == comparable_label(other)
    ...  for one, other in [(" Ja,  gern! ", "ja gern"), ("< 5 km", "> 5 km"), ("-5 °C", "5 °C")]]
    [True, False, False]
    """
    return words_only(text)
