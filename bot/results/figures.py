"""Formats the published figures of each question, for the result page and for the command.

Pure: a published result and a language in, rows out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import Final, NamedTuple

from bot.common.i18n.locale import Locale
from bot.results.ballots import BudgetOutcome, PairwiseOutcome, RankingOutcome
from bot.results.counts import disclosure
from bot.results.counts.answer_dataset import Variable
from bot.results.counts.counts import BALLOTS, MERGED
from bot.results.counts.disclosure import Reason
from bot.results.counts.rows import NO_ANSWER, CountRow
from bot.results.methods.intervals import Interval, wilson
from bot.results.published import PublishedResults
from bot.results.released_answers import Quote
from flows.languages import LANGUAGES
from flows.phrase_families import BUDGET_METHODS, MODE_NAMES, RANKING_METHODS, SUPPRESSED, WITHHELD
from flows.values import Missing

MODES: Final = ("self", "assisted", "paper")
"""How answers were given; their phrases are `MODE_NAMES`."""


class Bar(NamedTuple):
    """One row. `number` is None where it is suppressed; `share` is between 0 and 1."""

    label: str
    number: int | None
    share: float | None = None
    chance: Interval | None = None
    """The 95 % interval of the share."""
    reason: Reason = ""
    """Why the number is suppressed."""

    @property
    def percent(self) -> int | None:
        """Returns the share in per cent, None where it is suppressed."""
        return None if self.share is None else round(100 * self.share)


class QuotedAnswer(NamedTuple):
    """One released free-text answer, in the language of the reader where there is a translation."""

    text: str
    language: str
    direction: str
    translator: str
    """The translator; "" for the original."""
    is_reviewed: bool


class ShareBase(NamedTuple):
    """The number of people that the shares of a question refer to. Suppressed numbers are None."""

    answered: int | None
    asked: int | None
    """The number of participants that answered the question or declined to."""
    is_conditional: bool
    """Whether it was put to some participants only; then shares refer to those, else to all that answered it."""

    @property
    def whole(self) -> int | None:
        return self.asked if self.is_conditional else self.answered


class QuestionFigures(NamedTuple):
    """One question with its figures."""

    title: str
    rows: list[Bar]
    missing: list[Bar]
    is_several: bool
    is_free: bool
    base: str = ""
    """The number that answered; for a conditional question also the number asked. "" where suppressed."""
    texts: tuple[QuotedAnswer, ...] = ()
    """Released free-text answers."""
    notes: tuple[str, ...] = ()
    """The numbers that were asked and answered, or why there are no rows."""
    variable: str = ""
    """The id of its variable (`bot.results.counts.answer_dataset`)."""


class OutcomeFigures(NamedTuple):
    """A question whose options were put in order, compared, or given a budget."""

    title: str
    kind: str
    """`order`, `comparison` or `spread`."""
    notes: list[str]
    """The method, the number of people, and the uncertainty of the figures."""
    rows: list[Bar]
    bought: list[tuple[str, str]]
    """Pairs of a rule and the projects that a budget pays for by it."""


def edition_line(found: PublishedResults, locale: Locale, zone: tzinfo) -> str:
    """Returns the number and the time of the edition; a preview has no number."""
    it = found.edition
    return locale.text("results.edition", moment=locale.moment(it.made_at.astimezone(zone)), number=it.number or "–")


def share_range(locale: Locale, share: Interval) -> str:
    """Formats a share, or its range: "57 – 67 %"."""
    low, high = (round(100 * end) for end in share)
    if low == high:
        return locale.text("results.percent", n=low)
    return locale.text("results.percent", n=f"{low} – {high}")


def suppression_text(locale: Locale, reason: Reason, min_cell_size: int) -> str:
    """Returns the text in place of a number: "weniger als 5 Personen", "zusammengefasst" or "zum Schutz anderer …"."""
    return locale.text(SUPPRESSED[reason or "protected"], n=min_cell_size)


def participation_contexts(found: PublishedResults, locale: Locale) -> list[tuple[str, list[Bar]]]:
    """Returns the participations by channel, by language and by mode, each with its heading."""
    names = {
        "channel": (locale.text("results.channel"), {}),
        "language": (locale.text("web.language"), {tag: known.name for tag, known in LANGUAGES.items()}),
        "mode": (locale.text("results.mode"), {mode: locale.text(MODE_NAMES[mode]) for mode in MODES}),
    }
    total = found.participations
    contexts = []
    for name, (heading, labels) in names.items():
        named = {MERGED: locale.text("results.other_groups"), **labels}
        mine = sorted((row for row in found.rows if row.table == name), key=lambda row: -(row.n or 0))
        contexts.append((heading, [_bar(row.code, row.n, total, named, row.reason) for row in mine]))
    return [(heading, rows) for heading, rows in contexts if rows]


def participation_totals(found: PublishedResults, locale: Locale) -> tuple[str, str]:
    """Returns the number of participations, and a line with the numbers begun and finished."""
    answered, begun, finished = (
        locale.text("results.fewer", n=found.subject.min_cell_size) if n is None else str(n)
        for n in (found.participations, found.begun, found.finished)
    )
    return answered, locale.text("results.beside", begun=begun, finished=finished)


def burst_line(found: PublishedResults, locale: Locale) -> str:
    """Returns a sentence about participations that began in bursts; "" where there were few."""
    percent = found.edition.document.burst_percent
    return locale.text("results.bursts", share=locale.text("results.percent", n=percent)) if percent else ""


def question_figures(found: PublishedResults, locale: Locale) -> Iterator[QuestionFigures]:
    """Yields all questions with countable answers. Shares refer to the participants that answered the question; for a
    conditional question, to those that were asked.
    """
    for variable in found.subject.variables:
        if variable.tally == "text":
            yield _texts_of(found, variable, locale)
        elif variable.tally not in BALLOTS and (counted := _counted(found, variable, locale)):
            yield counted


def _texts_of(found: PublishedResults, variable: Variable, locale: Locale) -> QuestionFigures:
    texts = tuple(_said(quote, locale) for quote in found.texts_of_questions.get(variable.id, ()))
    title = _title(found, variable, locale)
    return QuestionFigures(title, [], [], is_several=False, is_free=True, texts=texts, variable=variable.id)


def _labels_of(
    found: PublishedResults, variable: Variable, shown: Sequence[CountRow], locale: Locale
) -> Mapping[str, str]:
    """Returns the labels of the options; the codes of dates are periods, which need none."""
    if variable.tally == "date":
        return {row.code: locale.period(row.code) for row in shown}
    return _labels(found, variable, locale)


def _counted(found: PublishedResults, variable: Variable, locale: Locale) -> QuestionFigures | None:
    """Returns the bars of a question, or why they are withheld; None if nothing was counted."""
    is_several = variable.tally == "many"
    kind = "chosen" if is_several else "option"
    mine = [row for row in found.rows if row.table == "question" and row.question_key == variable.id]
    shown = [row for row in mine if row.kind == kind]
    if not shown:
        return None
    title = _title(found, variable, locale)
    if shown[0].reason:
        note = locale.text(WITHHELD[shown[0].reason], n=_threshold(found, shown[0]))
        return QuestionFigures(title, [], [], is_several, is_free=False, notes=(note,), variable=variable.id)
    labels, base = _labels_of(found, variable, shown, locale), _base(found, variable, shown[0])
    rows = [_bar(row.code, row.n, base.whole, labels) for row in shown]
    notes = (locale.text("results.rounded", n=disclosure.ROUNDING_BASE),) if shown[0].rounded else ()
    missing = _others(mine, locale)
    return QuestionFigures(
        title,
        rows,
        missing,
        is_several,
        is_free=False,
        base=_of_whom(base, locale),
        notes=notes,
        variable=variable.id,
    )


def visible_share_line(found: PublishedResults, locale: Locale) -> str:
    """Returns the published share of all answers as text, rounded down; "" where suppressed."""
    share = found.visible_share
    if share is None:
        return ""
    return locale.text("results.visible", share=locale.text("results.percent", n=int(100 * share)))


def _threshold(found: PublishedResults, row: CountRow) -> int:
    return disclosure.DisclosureRule(found.subject.min_cell_size, bool(row.rounded)).threshold


def _base(found: PublishedResults, variable: Variable, row: CountRow) -> ShareBase:
    flows = [found.subject.flows[number] for number in found.subject.revisions_of(variable)]
    return ShareBase(row.answered, row.asked, any(flow.is_conditional(variable.key) for flow in flows))


def _of_whom(base: ShareBase, locale: Locale) -> str:
    if base.answered is None:
        return ""
    if not base.is_conditional:
        return locale.text("results.base", answered=base.answered)
    return "" if base.asked is None else locale.text("results.base_asked", asked=base.asked, answered=base.answered)


def _others(rows: Sequence[CountRow], locale: Locale) -> list[Bar]:
    """Returns the rows for no answer, not asked, and other values."""
    names = {
        ("missing", NO_ANSWER): "results.no_answer",
        ("missing", Missing.NOT_ASKED.value): "results.missing.not_asked",
        ("other", ""): "results.other_values",
    }
    known = [(names[row.kind, row.code], row) for row in rows if (row.kind, row.code) in names]
    return [Bar(locale.text(name), row.n, reason=row.reason) for name, row in known if row.n != 0]


def _said(quote: Quote, locale: Locale) -> QuotedAnswer:
    is_own = locale.tag.partition("-")[0] == quote.language
    text = quote.texts.get(locale.tag) or (None if is_own else quote.texts.get(locale.tag.partition("-")[0]))
    language = text.language if text else quote.language
    direction = "rtl" if language in LANGUAGES and LANGUAGES[language].right_to_left else "ltr"
    if text is None:
        return QuotedAnswer(quote.text, language, direction, "", is_reviewed=True)
    return QuotedAnswer(text.text, language, direction, text.translator, text.reviewed)


def outcome_figures(found: PublishedResults, locale: Locale) -> Iterator[OutcomeFigures]:
    """Yields the figures of rankings, comparisons and budgets, each with its method."""
    by_id = {variable.id: variable for variable in found.subject.variables}
    for id_, outcome in found.outcomes.items():
        title, labels = _title(found, by_id[id_], locale), _labels(found, by_id[id_], locale)
        match outcome:
            case RankingOutcome():
                yield _order(title, labels, by_id[id_].options, outcome, locale)
            case PairwiseOutcome(options, strengths, people):
                rows = [Bar(labels[options[it.option]], it.wins, it.score, it.chance) for it in strengths]
                yield OutcomeFigures(title, "comparison", [locale.text("results.pairwise", n=people)], rows, [])
            case BudgetOutcome():
                yield _spread(title, labels, outcome, locale)


def _order(
    title: str, labels: Mapping[str, str], offered: Sequence[str], outcome: RankingOutcome, locale: Locale
) -> OutcomeFigures:
    ranking = outcome.ranking
    notes = [locale.text(RANKING_METHODS[ranking.method], n=ranking.ballots)]
    if ranking.comparisons:
        fits = locale.text("results.percent", n=round(100 * ranking.agreements / ranking.comparisons))
        notes.append(locale.text("results.fits", share=fits))
    if ranking.equally_good > 1:
        notes.append(locale.text("results.as_good", number=ranking.equally_good))
    most = max(ranking.points, default=1.0) or 1.0
    places = {option: place for place, option in enumerate(offered)}
    rows = [
        Bar(f"{place}. {labels[option]}", None, ranking.points[places[option]] / most)
        for place, option in enumerate(outcome.options, start=1)
    ]
    return OutcomeFigures(title, "order", notes, rows, [])


def _spread(title: str, labels: Mapping[str, str], outcome: BudgetOutcome, locale: Locale) -> OutcomeFigures:
    rows = [
        Bar(
            labels[share.option],
            share.people,
            None if share.mean is None else share.mean / outcome.budget,
            share.chance and Interval(*(end / outcome.budget for end in share.chance)),
        )
        for share in outcome.shares
    ]
    bought = [
        (locale.text(BUDGET_METHODS[it.method]), ", ".join(labels[one] for one in it.projects))
        for it in outcome.spendings
    ]
    return OutcomeFigures(title, "spread", [locale.text("results.spread", n=outcome.people)], rows, bought)


def _labels(found: PublishedResults, variable: Variable, locale: Locale) -> dict[str, str]:
    """Returns the label of each code."""
    main = found.subject.language
    return {code: texts.get(locale.tag) or texts.get(main, code) for code, texts in variable.labels.items()}


def _bar(code: str, n: int | None, total: int | None, labels: Mapping[str, str], reason: Reason = "") -> Bar:
    label = labels.get(code, code)
    if n is None or not total:
        return Bar(label, n, reason=reason)
    share = min(1.0, n / total)  # both may be rounded
    return Bar(label, n, share, wilson(min(n, total), total), reason)


def _title(found: PublishedResults, variable: Variable, locale: Locale) -> str:
    """Returns the newest wording of a question; an earlier meaning is given with its revisions."""
    numbers = variable.revisions
    flow = next(found.subject.flows[it.id] for it in found.subject.revisions if it.number == numbers[-1])
    title = flow.localized[locale.tag if locale.tag in flow.localized else flow.languages[0]].titles[variable.key]
    if not variable.is_earlier:
        return title
    return locale.text("results.earlier_question", title=title, revisions=", ".join(map(str, numbers)))


def question_titles(found: PublishedResults, locale: Locale) -> list[str]:
    """Returns the wordings of all questions, in the order of the consultation."""
    return [_title(found, variable, locale) for variable in found.subject.variables]
