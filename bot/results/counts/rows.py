"""The published table of counts, one row per cell: the content of `counts.csv`, of pages and of `results`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from bot.results.counts.answer_dataset import AnswerDataset
from bot.results.counts.counts import ANSWERED, CONTEXTS, MERGED, OTHER, ParticipationCounts, is_single_choice
from bot.results.counts.disclosure import Reason
from bot.results.counts.one_way import PARTICIPATIONS, QuestionTable, question_tables
from flows.values import Missing

TOTALS: Final = (PARTICIPATIONS, "begun", "finished")
NO_ANSWER: Final = "no_answer"
"""The code of the cell that merges all reasons for no answer."""


class CountRow(NamedTuple):
    """A cell of the published table. The names are those of counts.csv; `question_key` is the id of the variable."""

    table: str
    question_key: str
    question_type: str
    kind: str
    code: str
    label: str
    n: int | None
    """None if suppressed."""
    suppressed: int
    """1 or 0."""
    revisions: str = ""
    """For questions, the numbers of the revisions that contain it."""
    reason: Reason = ""
    """The reason for suppression."""
    answered: int | None = None
    """The number that answered the question: the base of shares."""
    asked: int | None = None
    """The number that were asked the question."""
    rounded: int = 0
    """1 if all numbers of the question are rounded (`bot.results.counts.disclosure.ROUNDING_BASE`), else 0."""


def published_rows(counts: ParticipationCounts, labels: Mapping[str, str]) -> Iterator[CountRow]:
    """Yields the published table. `labels` are the labels of `NO_ANSWER`, `not_asked` and `MERGED`."""
    totals = (counts.responses, counts.begun, counts.finished)
    for name, n in zip(TOTALS, totals, strict=True):
        is_few = 0 < n < counts.subject.min_cell_size
        yield _context_row(name, "", None if is_few else n, "few" if is_few else "")
    for name in CONTEXTS:
        sizes = counts.sizes(name)
        for code, why in sorted(sizes.reasons.items()):
            yield _context_row(name, code, sizes.published.get(code), why)
        if sizes.other:
            yield _context_row(name, MERGED, sizes.other, "", labels.get(MERGED, ""))
    for table in question_tables(counts):
        yield from _question_rows(counts.subject, table, labels)


def _question_rows(subject: AnswerDataset, table: QuestionTable, labels: Mapping[str, str]) -> Iterator[CountRow]:
    variable = table.variable
    texts = {code: by_language.get(subject.language, "") for code, by_language in variable.labels.items()}
    revisions = " ".join(map(str, variable.revisions))

    def row(kind: str, code: str, label: str, n: int | None) -> CountRow:
        why: Reason = table.reason or "protected" if n is None else ""
        asked = (table.answered, table.asked, int(table.is_rounded))
        head = ("question", variable.id, variable.question.type, kind, code, label)
        return CountRow(*head, n, int(n is None), revisions, why, *asked)

    if is_single_choice(variable):
        for code, n in table.answers.items():
            yield row("option", code, texts.get(code, ""), n)
    else:
        yield row(ANSWERED.rstrip("."), "", "", table.answered)
    yield row("missing", NO_ANSWER, labels.get(NO_ANSWER, ""), table.unanswered)
    not_asked = Missing.NOT_ASKED.value
    yield row("missing", not_asked, labels.get(not_asked, ""), table.not_asked)
    if table.other:
        yield row(OTHER.rstrip("."), "", "", table.other)
    if not is_single_choice(variable):
        for code, n in table.answers.items():
            yield row("chosen", code, texts.get(code, ""), n)


def _context_row(table: str, code: str, n: int | None, why: Reason, label: str = "") -> CountRow:
    kind = "total" if table in TOTALS else table
    return CountRow(
        table=table,
        question_key="",
        question_type="",
        kind=kind,
        code=code,
        label=label,
        n=n,
        suppressed=int(n is None),
        revisions="",
        reason=why,
    )
