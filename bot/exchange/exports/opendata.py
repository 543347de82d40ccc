"""The proposal sheets of the public export (texts, ratings, statuses), and the data card.

Holds only released texts and counts; the same cells are suppressed as on the result page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from bot.exchange.exports.sheets import Row, Sheet, guard_formula, static_sheet, to_the_second
from bot.results.ballots import BudgetOutcome, PairwiseOutcome, RankingOutcome
from bot.results.methods.sectors import SectorCell
from bot.results.published import PublishedResults
from bot.results.report import EVERYBODY, StatementReport, StatementResult

LICENCE: Final = ("CC-BY-4.0", "https://creativecommons.org/licenses/by/4.0/")
TEXTS: Final = "texts.csv"
"""Exists if answers to open questions were released."""
CARD: Final = "DATENKARTE.md"

_PROPOSALS: Final = [
    "code",
    "title",
    "text",
    "language",
    "district",
    "topic",
    "place",
    "latitude",
    "longitude",
    "status",
    "source",
    "source_id",
    "released_at",
]
_RATINGS: Final = [
    "code",
    "agrees",
    "disagrees",
    "passes",
    "votes",
    "important",
    "agrees_by_events",
    "disagrees_by_events",
    "passes_by_events",
    "votes_by_events",
    "group_informed_low",
    "group_informed_high",
]
_CELL: Final = ["seen", "agrees", "smoothed_low", "smoothed_high", "chance_low", "chance_high"]
_AGREEMENT: Final = ["code", "sector", *_CELL, "reason"]
_GROUPS: Final = ["code", "group", "people", *_CELL, "stands_for"]
_STATUSES: Final = ["code", "status", "reason_language", "reason", "body", "link", "at"]
_BALLOTS: Final = ["question_key", "method", "place", "option", "figure", "chance_low", "chance_high", "people"]
_TEXTS: Final = ["question_key", "language", "text", "original_language", "translator"]
_HEADS: Final = {
    "proposals.csv": _PROPOSALS,
    "ratings.csv": _RATINGS,
    "agreement.csv": _AGREEMENT,
    "groups.csv": _GROUPS,
    "statuses.csv": _STATUSES,
    "ballots.csv": _BALLOTS,
    TEXTS: _TEXTS,
}


def open_data_sheets(published: PublishedResults) -> list[Sheet]:
    """Returns the sheets of proposals and open answers."""
    statements = {statement.name: statement for statement in published.report.statements}
    tables: dict[str, Iterable[Row]] = {
        "proposals.csv": _proposals(published),
        "ratings.csv": map(_rating, statements.values()),
        "agreement.csv": (row for it in statements.values() for row in _agreement(it)),
        "groups.csv": _groups(published.report),
        "statuses.csv": _statuses(published),
        "ballots.csv": _ballots(published),
    }
    if any(published.texts_of_questions.values()):
        tables[TEXTS] = _texts(published)
    return [static_sheet(name, _HEADS[name], map(_harmless, rows)) for name, rows in tables.items()]


def _harmless(row: Row) -> Row:
    """Escapes cells with residents' texts, so that no spreadsheet runs them as formulas."""
    return [guard_formula(cell) if isinstance(cell, str) else cell for cell in row]


def _proposals(published: PublishedResults) -> Iterator[Row]:
    for row in published.proposals.values():
        released = to_the_second(row.released_at) if row.released_at else None
        place = (row.place, row.latitude, row.longitude)
        about = (row.code, row.title, row.text, row.language, row.district, row.topic)
        yield (*about, *place, row.status, row.source, row.source_id, released)


def _rating(statement: StatementResult) -> Row:
    counts = (*statement.by_last_vote, statement.important, *statement.by_vote_events)
    return (statement.name, *counts, *(statement.group_informed or (None, None)))


def _agreement(statement: StatementResult) -> Iterator[Row]:
    """Returns a row per sector; sectors that are counted together are in `other` (`reason` merged)."""
    for cell in statement.sectors.cells:
        yield (statement.name, cell.sector, *_cell(cell), cell.reason)


def _groups(report: StatementReport) -> Iterator[Row]:
    """Returns a row per statement and opinion group, numbered from 1 on, and one row for all groups together."""
    stands = {(it.name, it.group): it.stands_for for it in report.highlights}
    for it in report.statements:
        yield it.name, EVERYBODY, report.people, *_cell(it.overall), stands.get((it.name, None))
        for number, (cell, people) in enumerate(zip(it.groups.cells, report.group_sizes, strict=True)):
            yield it.name, str(number + 1), people, *_cell(cell), stands.get((it.name, number))


def _cell(cell: SectorCell) -> Row:
    told = cell.agreement if cell.seen is not None else (None, None)
    return cell.seen, cell.agrees, *told, *(cell.chance or (None, None))


def _statuses(published: PublishedResults) -> Iterator[Row]:
    codes = {proposal.id: code for code, proposal in published.proposals.items()}
    for number, steps in published.history.items():
        for step in steps:
            for language, reason in step.reason.items() or [("", None)]:
                yield codes[number], step.status, language, reason, step.body, step.link, to_the_second(step.at)


def _ballots(published: PublishedResults) -> Iterator[Row]:
    """Returns rankings, comparisons and budgets: a row per option, and for budgets a row per funded project."""
    for key, outcome in published.outcomes.items():
        match outcome:
            case RankingOutcome(options, ranking):
                for place, option in enumerate(options, start=1):
                    yield key, ranking.method, place, option, None, None, None, ranking.ballots
            case PairwiseOutcome(options, strengths, people):
                for place, it in enumerate(strengths, start=1):
                    yield key, "bradley-terry", place, options[it.option], it.score, *it.chance, people
            case BudgetOutcome(shares, people, _, spendings):
                for place, share in enumerate(shares, start=1):
                    yield key, "mean", place, share.option, share.mean, *(share.chance or (None, None)), people
                for spending in spendings:
                    for place, project in enumerate(spending.projects, start=1):
                        yield key, spending.method, place, project, None, None, None, people


def _texts(published: PublishedResults) -> Iterator[Row]:
    """Returns released open answers, question by question, and their translations, in random order."""
    for key, quotes in published.texts_of_questions.items():
        for quote in quotes:
            yield key, quote.language, quote.text, None, None
            for language, text in sorted(quote.texts.items()):
                yield key, language, text.text, quote.language, text.translator


def data_card(published: PublishedResults) -> str:
    """Returns the data card: content, method of counting, omissions; German first."""
    subject, report = published.subject, published.report
    consultation = subject.flow.consultation
    main = consultation.main_language
    least, groups, seed = subject.min_cell_size, len(report.group_sizes), report.seed
    from_, until = consultation.opens or "?", consultation.closes or "offen / open"
    answered, begun, finished = (
        f"< {least}" if n is None else str(n) for n in (published.participations, published.begun, published.finished)
    )
    sample = "**BEISPIEL / SAMPLE: erfunden, gehört in keinen Bericht. Invented, belongs into no report.**\n\n"
    return f"""# {consultation.title.in_language(main, {})}

{sample if subject.newest.sample else ""}| | |
|---|---|
| Wer fragt · Who asks | {consultation.asks.in_language(main, {})} |
| Zeitraum · Period | {from_} – {until} |
| Fassungen · Revisions | {len(subject.revisions)} |
| Sprachen · Languages | {", ".join(consultation.languages)} |
| Teilnahmen · Participations | {answered} |
| begonnen · begun | {begun} |
| bis zum Ende · finished | {finished} |
| Ausgabe · Edition | {published.edition.number} ({to_the_second(published.edition.made_at)}) |
| Wer entscheidet · Who decides | {consultation.decides.in_language(main, {})} |
| Lizenz · Licence | [{LICENCE[0]}]({LICENCE[1]}) |

## Wie gezählt wurde

Mitgemacht hat, wer wollte: keine repräsentative Stichprobe. Gezählt sind alle, die mindestens eine
Frage beantwortet oder etwas bewertet haben, fertig oder nicht. Jede Person zählt mit ihrer letzten
Bewertung (`agrees`, `disagrees`, `passes`); `…_by_events` zählt auch geänderte Bewertungen mit.
Zustimmung je Bereich ist geglättet: (Zustimmungen + 1) / (Bewertungen + 2); `chance_low` und
`chance_high` sind das Intervall nach Wilson (95 %). Antworten von weniger als {least} Menschen fehlen,
und was sonst verriete, was Einzelne geantwortet haben. Gruppen ähnlicher Meinung: {groups}, Startwert {seed};
in groups.csv steht jede mit ihrer Nummer, und wofür sie steht (`stands_for`). In Excel zeigt
tabellen.xlsx alles richtig; die CSV-Dateien sind für Programme (Komma, UTF-8).
Freie Texte stehen hier nur, wenn ein Mensch sie freigegeben hat: Vorschläge in proposals.csv, Antworten
auf offene Fragen in texts.csv, gemischt und ohne Kennung. Namen und ganze Antworten stehen hier nicht.
Vor Texten, die wie eine Formel beginnen (= + - @), steht ein Apostroph.

## How it was counted

Whoever wanted took part: no representative sample. Counted is everybody who answered at least one
question or rated something, finished or not. Everybody counts with the last rating (`agrees`,
`disagrees`, `passes`); `…_by_events` counts changed ratings as well. Agreement per sector is
smoothed: (agrees + 1) / (ratings + 2); `chance_low` and `chance_high` are Wilson's interval (95 %).
Answers of fewer than {least} people are missing, and whatever would show what single people answered.
Groups of similar opinion: {groups}, seed {seed}; groups.csv has each with its number and what it
stands for (`stands_for`). For Excel there is tabellen.xlsx; the CSV files are for programs (comma,
UTF-8). Free text is here only after a person released it: proposals in proposals.csv, answers to open
questions in texts.csv, mixed and without an id. Names and whole answers are not. Texts that begin
like a formula (= + - @) have an apostrophe in front.
"""
