"""Makes the published one-way table of each question. Pure: counts in, tables out.

Shares refer to the participations that answered; the number asked is a separate column. All reasons for no answer are
one cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from bot.results.counts import disclosure
from bot.results.counts.answer_dataset import AnswerDataset, Variable
from bot.results.counts.counts import ANSWERED, OTHER, ParticipationCounts, is_single_choice
from bot.results.counts.disclosure import DisclosureRule, FrequencyRow, FrequencyTable, Reason
from flows.values import Missing

PARTICIPATIONS: Final = "participations"
ASKED: Final = "asked:"
_OPTION: Final = "option."
_NOT_ASKED: Final = f"missing.{Missing.NOT_ASKED.value}"


class QuestionTable(NamedTuple):
    """The table of one question. Suppressed numbers are None."""

    variable: Variable
    reason: Reason
    """Why the answers are suppressed."""
    is_rounded: bool
    """Whether all its numbers are multiples of `disclosure.ROUNDING_BASE`: the question is sensitive, or is a condition
    of a sensitive one.
    """
    asked: int | None
    """The participations that reached it: answered it or declined to."""
    not_asked: int | None
    """The participations to which the question did not apply."""
    answered: int | None
    """The participations with a valid answer: the base of shares."""
    unanswered: int | None
    """All other participations without an answer, for any reason; including those that stopped earlier."""
    other: int | None
    """Values that are no valid answer to the question; this cell contains nothing else."""
    answers: Mapping[str, int | None]
    """By code; with several options a participation may be counted in several."""


def question_tables(counts: ParticipationCounts) -> list[QuestionTable]:
    """Returns the tables of all questions, in their order."""
    found: list[QuestionTable] = []
    withheld: set[str] = set()
    sensitive: set[str] = set()
    for variable in counts.subject.variables:
        leads = condition_questions(counts.subject, variable.key)
        is_sensitive = _is_sensitive(variable) or not leads.isdisjoint(sensitive)
        table = _table(counts, variable, is_sensitive=is_sensitive, is_led_by_withheld=not leads.isdisjoint(withheld))
        if is_sensitive:
            sensitive.add(variable.key)
        if table.reason:
            withheld.add(variable.key)
        found.append(table)
    return found


def _reason(row: FrequencyRow, rule: DisclosureRule, *, is_kept_back: bool) -> Reason:
    return "protected" if is_kept_back else disclosure.suppression_reason(row, rule)


def _table(
    counts: ParticipationCounts, variable: Variable, *, is_sensitive: bool, is_led_by_withheld: bool
) -> QuestionTable:
    """Returns one table. The number asked discloses the count of the answers that led there, so it is suppressed with
    that count.
    """
    rule, row = DisclosureRule(counts.subject.min_cell_size, is_sensitive), row_of(counts, variable)
    is_kept_back = is_led_by_withheld or variable.id in counts.apart
    is_few = 0 < counts.responses < counts.subject.min_cell_size
    why = "few" if is_few else _reason(row, rule, is_kept_back=is_kept_back)
    is_rounded = is_sensitive and rule.min_cell_size != disclosure.UNPROTECTED
    not_asked, other = counts.cells[variable.id][_NOT_ASKED], counts.cells[variable.id][OTHER]
    silent = counts.responses - not_asked - row.base - other
    is_base_told = why != "few" and not is_kept_back
    is_asked_told = not is_led_by_withheld and not is_few

    def told(number: int, is_told: bool) -> int | None:
        if not is_told:
            return None
        return disclosure.rounded_count(number) if is_rounded else number

    return QuestionTable(
        variable=variable,
        reason=why,
        is_rounded=is_rounded,
        asked=told(counts.asked(variable.id), is_asked_told),
        not_asked=told(not_asked, is_asked_told),
        answered=told(row.base, is_base_told),
        unanswered=told(silent, is_base_told),
        other=told(other, not why),
        answers={code: told(n, not why) for code, n in row.n.items()},
    )


def row_of(counts: ParticipationCounts, variable: Variable) -> FrequencyRow:
    """Returns the number of valid answers to the question, and the number of each."""
    cells = counts.cells[variable.id]
    if not is_single_choice(variable):
        return FrequencyRow(cells[ANSWERED], counts.options.get(variable.id, {}))
    n = {name.removeprefix(_OPTION): number for name, number in cells.items() if name.startswith(_OPTION)}
    if variable.tally == "date":  # the cells are those that occur
        n = dict(sorted(n.items()))
    return FrequencyRow(sum(n.values()), n)


def tables_by_name(counts: ParticipationCounts) -> dict[str, FrequencyTable]:
    """Returns the tables for comparison with the previous edition (`differencing`), by name of the row. The number
    asked a conditional question is a separate row, if it is published (`ASKED`).
    """
    found = {PARTICIPATIONS: disclosure.ungrouped_table(counts.responses, {})}
    for table in question_tables(counts):
        variable = table.variable
        row = row_of(counts, variable)
        found[variable.id] = disclosure.ungrouped_table(row.base, row.n)
        if table.asked is not None and condition_questions(counts.subject, variable.key):
            led = counts.responses - counts.cells[variable.id][_NOT_ASKED]
            n = {"asked": counts.asked(variable.id), "led": led}
            found[f"{ASKED}{variable.id}"] = disclosure.ungrouped_table(counts.responses, n)
    return found


def rules_by_name(subject: AnswerDataset) -> dict[str, DisclosureRule]:
    """Returns the disclosure rule of each of these tables."""
    sensitive: set[str] = set()
    found = {PARTICIPATIONS: DisclosureRule(subject.min_cell_size)}
    for variable in subject.variables:
        leads = condition_questions(subject, variable.key)
        is_sensitive = _is_sensitive(variable) or not leads.isdisjoint(sensitive)
        if is_sensitive:
            sensitive.add(variable.key)
        found[variable.id] = found[f"{ASKED}{variable.id}"] = DisclosureRule(subject.min_cell_size, is_sensitive)
    return found


def visible_share(counts: ParticipationCounts) -> float | None:
    """Returns the published share of all answers to questions that are not sensitive, 0 to 1; None without any."""
    both = [(it.reason, row_of(counts, it.variable)) for it in question_tables(counts) if not it.is_rounded]
    bases = [(why, row.base) for why, row in both if row.n]
    everything = sum(base for _, base in bases)
    return sum(base for why, base in bases if not why) / everything if everything else None


def _is_sensitive(variable: Variable) -> bool:
    return any(wording.question.sensitive for wording in variable.wordings)


def condition_questions(subject: AnswerDataset, key: str) -> set[str]:
    """Returns the questions whose answers decide whether this one is asked, in any revision."""
    return {lead for flow in subject.flows.values() for lead in flow.condition_questions.get(key, ())}
