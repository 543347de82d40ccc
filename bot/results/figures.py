"""What was answered to each question, in words and numbers: the same for the result page and for the command.

Pure: a published result and a language in, rows out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from bot.results.ballots import Comparison, Order, Spread
from bot.results.intervals import Interval, wilson
from bot.results.published import Published
from bot.tongues import Tongue
from flows.languages import LANGUAGES
from flows.values import Missing

MODES: Final = ("self", "assisted", "paper")
"""How answers came to us; each has a phrase `results.mode.…`."""


class Bar(NamedTuple):
    """One row. `number` is None where too few people stand behind it; `share` is between 0 and 1."""

    label: str
    number: int | None
    share: float | None = None
    chance: Interval | None = None
    """How far chance alone may carry the share (95 %)."""

    @property
    def percent(self) -> int | None:
        """The share as people read it, None where it is hidden."""
        return None if self.share is None else round(100 * self.share)


class Question(NamedTuple):
    """One question with what was answered to it."""

    title: str
    rows: list[Bar]
    missing: list[Bar]
    is_several: bool
    is_free: bool


class Weighed(NamedTuple):
    """A question whose options were put in order, compared, or given a budget."""

    title: str
    kind: str
    """`order`, `comparison` or `spread`."""
    notes: list[str]
    """How the figures were worked out, from how many people, and how sure they are."""
    rows: list[Bar]
    bought: list[tuple[str, str]]
    """By which rule, and what a budget would then pay for."""


def between(tongue: Tongue, share: Interval) -> str:
    """A share, or from where to where it lies: "57 – 67 %"."""
    low, high = (round(100 * end) for end in share)
    if low == high:
        return tongue.say("results.percent", n=low)
    return tongue.say("results.percent", n=f"{low} – {high}")


def came(found: Published, tongue: Tongue) -> list[tuple[str, list[Bar]]]:
    """By which channel people came, in which language they answered, and how; each with its heading."""
    names = {
        "channel": (tongue.say("results.channel"), {}),
        "language": (tongue.say("web.language"), {tag: known.name for tag, known in LANGUAGES.items()}),
        "mode": (tongue.say("results.mode"), {mode: tongue.say(f"results.mode.{mode}") for mode in MODES}),
    }
    total = found.participations
    told = [
        (
            heading,
            [
                _bar(code, n, total, labels)
                for code, n in sorted(found.counts.published(name).items(), key=lambda cell: -(cell[1] or 0))
            ],
        )
        for name, (heading, labels) in names.items()
    ]
    return [(heading, rows) for heading, rows in told if rows]


def questions(found: Published, tongue: Tongue) -> Iterator[Question]:
    """All questions whose answers can be counted, with the shares of all who took part."""
    total = found.participations
    for variable in found.subject.variables:
        if variable.key in found.counts.ballots:
            continue
        if variable.kind == "text" and not variable.codes:
            if variable.question.type == "text":
                yield Question(_title(found, variable.key, tongue.tag), [], [], is_several=False, is_free=True)
            continue
        mine = [row for row in found.rows if row.table == "question" and row.question_key == variable.key]
        kinds = ("chosen",) if variable.kind == "several" else ("option",)
        labels = {
            code: texts.get(tongue.tag) or texts.get(found.subject.language, code)
            for code, texts in variable.labels.items()
        }
        rows = [_bar(row.code, row.n, total, labels) for row in mine if row.kind in kinds]
        reasons = {code.value: tongue.say(f"summary.{code.value}") for code in Missing}
        missing = [_bar(row.code, row.n, total, reasons) for row in mine if row.kind == "missing" and row.n != 0]
        if rows:
            yield Question(
                _title(found, variable.key, tongue.tag), rows, missing, variable.kind == "several", is_free=False
            )


def weighed(found: Published, tongue: Tongue) -> Iterator[Weighed]:
    """What came out of orders, comparisons and budgets; each figure says how it was worked out."""
    for key, outcome in found.outcomes.items():
        title, labels = _title(found, key, tongue.tag), _labels(found, key, tongue.tag)
        match outcome:
            case Order():
                yield _order(title, labels, outcome, tongue)
            case Comparison(options, strengths, people):
                least = found.subject.least
                rows = [
                    Bar(labels[options[it.option]], _large(it.wins, least), it.score, it.chance) for it in strengths
                ]
                yield Weighed(title, "comparison", [tongue.say("results.pairwise", n=people)], rows, [])
            case Spread():
                yield _spread(title, labels, outcome, tongue)


def _large(n: int, least: int) -> int | None:
    return None if 0 < n < least else n


def _order(title: str, labels: Mapping[str, str], outcome: Order, tongue: Tongue) -> Weighed:
    ranking = outcome.ranking
    notes = [tongue.say(f"results.{ranking.method}", n=ranking.ballots)]
    if ranking.comparisons:
        fits = tongue.say("results.percent", n=round(100 * ranking.agreements / ranking.comparisons))
        notes.append(tongue.say("results.fits", share=fits))
    if ranking.equally_good > 1:
        notes.append(tongue.say("results.as_good", number=ranking.equally_good))
    most = max(ranking.points, default=1.0) or 1.0
    places = {option: place for place, option in enumerate(labels)}
    rows = [
        Bar(f"{place}. {labels[option]}", None, ranking.points[places[option]] / most)
        for place, option in enumerate(outcome.options, start=1)
    ]
    return Weighed(title, "order", notes, rows, [])


def _spread(title: str, labels: Mapping[str, str], outcome: Spread, tongue: Tongue) -> Weighed:
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
        (tongue.say(f"results.{it.method.replace(' ', '_')}"), ", ".join(labels[one] for one in it.projects))
        for it in outcome.spendings
    ]
    return Weighed(title, "spread", [tongue.say("results.spread", n=outcome.people)], rows, bought)


def _labels(found: Published, key: str, language: str) -> dict[str, str]:
    """What the options of a question are called, in the order of its definition."""
    question = next(variable.question for variable in found.subject.variables if variable.key == key)
    fallbacks = found.subject.flow.consultation.fallbacks
    tag = language if language in found.subject.flow.consultation.languages else found.subject.language
    return {option.value: option.label.in_language(tag, fallbacks) for option in getattr(question, "options", ())}


def _bar(code: str, n: int | None, total: int | None, labels: Mapping[str, str]) -> Bar:
    label = labels.get(code, code)
    return Bar(label, n) if n is None or not total else Bar(label, n, n / total, wilson(n, total))


def _title(found: Published, key: str, language: str) -> str:
    """A question in words, as the newest revision that asks it has it."""
    for revision in reversed(found.subject.revisions):
        flow = found.subject.flows[revision.id]
        if key in flow.nodes:
            return flow.scripts[language if language in flow.scripts else flow.languages[0]].titles[key]
    return key
