"""What a public export holds of proposals: their texts, how they were rated, what became of them; and a data card.

Only released texts, and only counts: small cells are left out as on the result page, so that both say the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from bot.counting.subject import Subject
from bot.exports.tables import Row, Table, guarded, to_the_second
from bot.results.ballots import Comparison, Order, Spread
from bot.results.published import Published
from bot.results.report import EVERYBODY, Report, Statement
from bot.results.sectors import Cell

LICENCE: Final = ("CC-BY-4.0", "https://creativecommons.org/licenses/by/4.0/")
TABLES: Final = ("proposals.csv", "ratings.csv", "agreement.csv", "groups.csv", "statuses.csv", "ballots.csv")
CARD: Final = "DATENKARTE.md"
PACKAGE: Final = "datapackage.json"

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
_AGREEMENT: Final = ["code", "sector", *_CELL]
_GROUPS: Final = ["code", "group", "people", *_CELL, "stands_for"]
_STATUSES: Final = ["code", "status", "reason_language", "reason", "body", "link", "at"]
_BALLOTS: Final = ["question_key", "method", "place", "option", "figure", "chance_low", "chance_high", "people"]
_NUMBERS: Final = frozenset({"agrees", "disagrees", "passes", "votes", "important", "seen", "place", "people"})


def write(published: Published, folder: Path, closing: ExitStack) -> tuple[str, ...]:
    """Writes the tables of proposals and the descriptions of all; gives the names of the files."""
    statements = {statement.name: statement for statement in published.report.statements}
    for name, head, rows in (
        ("proposals.csv", _PROPOSALS, _proposals(published)),
        ("ratings.csv", _RATINGS, map(_rating, statements.values())),
        ("agreement.csv", _AGREEMENT, (row for it in statements.values() for row in _agreement(it))),
        ("groups.csv", _GROUPS, _groups(published.report)),
        ("statuses.csv", _STATUSES, _statuses(published)),
        ("ballots.csv", _BALLOTS, _ballots(published)),
    ):
        Table(folder / name, head, closing).write(map(_harmless, rows))
    package = json.dumps(_package(published.subject), ensure_ascii=False, indent=2)
    (folder / PACKAGE).write_text(f"{package}\n", encoding="utf-8", newline="\n")
    (folder / CARD).write_text(_card(published), encoding="utf-8", newline="\n")
    return (*TABLES, PACKAGE, CARD)


def _harmless(row: Row) -> Row:
    """Words of strangers, which strangers open with a double click: no spreadsheet runs them."""
    return [guarded(cell) if isinstance(cell, str) else cell for cell in row]


def _proposals(published: Published) -> Iterator[Row]:
    for row in published.proposals.values():
        released = to_the_second(row.released_at) if row.released_at else None
        place = (row.place, row.latitude, row.longitude)
        about = (row.code, row.title, row.text, row.language, row.district, row.topic)
        yield (*about, *place, row.status, row.source, row.source_id, released)


def _rating(statement: Statement) -> Row:
    counts = (*statement.by_last_vote, statement.important, *statement.by_vote_events)
    return (statement.name, *counts, *(statement.group_informed or (None, None)))


def _agreement(statement: Statement) -> Iterator[Row]:
    for cell in statement.sectors.cells:
        yield (statement.name, cell.sector, *_cell(cell))


def _groups(report: Report) -> Iterator[Row]:
    """A row per statement and group of similar opinion, named by numbers from 1 on, and one for everybody."""
    stands = {(it.name, it.group): it.stands_for for it in report.highlights}
    for it in report.statements:
        yield it.name, EVERYBODY, report.people, *_cell(it.overall), stands.get((it.name, None))
        for number, (cell, people) in enumerate(zip(it.groups.cells, report.group_sizes, strict=True)):
            yield it.name, str(number + 1), people, *_cell(cell), stands.get((it.name, number))


def _cell(cell: Cell) -> Row:
    told = cell.agreement if cell.seen is not None else (None, None)
    return cell.seen, cell.agrees, *told, *(cell.chance or (None, None))


def _statuses(published: Published) -> Iterator[Row]:
    codes = {proposal.id: code for code, proposal in published.proposals.items()}
    for number, steps in published.history.items():
        for step in steps:
            for language, reason in step.reason.items() or [("", None)]:
                yield codes[number], step.status, language, reason, step.body, step.link, to_the_second(step.at)


def _ballots(published: Published) -> Iterator[Row]:
    """Orders, comparisons and budgets: a row per option; of spendings a row per project that would be bought."""
    for key, outcome in published.outcomes.items():
        match outcome:
            case Order(options, ranking):
                for place, option in enumerate(options, start=1):
                    yield key, ranking.method, place, option, None, None, None, ranking.ballots
            case Comparison(options, strengths, people):
                for place, it in enumerate(strengths, start=1):
                    yield key, "bradley-terry", place, options[it.option], it.score, *it.chance, people
            case Spread(shares, people, _, spendings):
                for place, share in enumerate(shares, start=1):
                    yield key, "mean", place, share.option, share.mean, *(share.chance or (None, None)), people
                for spending in spendings:
                    for place, project in enumerate(spending.projects, start=1):
                        yield key, spending.method, place, project, None, None, None, people


def _package(subject: Subject) -> dict[str, Any]:
    """A Data Package (Frictionless, v1) over the tables."""
    heads = dict(zip(TABLES, (_PROPOSALS, _RATINGS, _AGREEMENT, _GROUPS, _STATUSES, _BALLOTS), strict=True))
    consultation = subject.flow.consultation
    name, path = LICENCE
    return {
        "profile": "tabular-data-package",
        "name": subject.newest.slug,
        "title": consultation.title.in_language(consultation.main_language, {}),
        "description": consultation.why.in_language(consultation.main_language, {}),
        "licenses": [{"name": name, "path": path}],
        "resources": [
            {
                "name": file.removesuffix(".csv"),
                "path": file,
                "profile": "tabular-data-resource",
                "encoding": "utf-8",
                "schema": {"fields": [{"name": field, "type": _type(field)} for field in head], "missingValues": [""]},
            }
            for file, head in heads.items()
        ],
    }


def _type(field: str) -> str:
    if field in {"latitude", "longitude", "figure"} or field.endswith(("_low", "_high")):
        return "number"
    if field.removesuffix("_by_events") in _NUMBERS:
        return "integer"
    return "datetime" if field.endswith("at") and field in {"at", "released_at"} else "string"


def _card(published: Published) -> str:
    """The data card: what this is, how it was counted, what is left out; German first."""
    subject, report = published.subject, published.report
    consultation = subject.flow.consultation
    main = consultation.main_language
    least, groups, seed = subject.least, len(report.group_sizes), report.seed
    from_, until = consultation.opens or "?", consultation.closes or "offen / open"
    people = published.participations
    sample = "**BEISPIEL / SAMPLE: erfunden, gehört in keinen Bericht. Invented, belongs into no report.**\n\n"
    return f"""# {consultation.title.in_language(main, {})}

{sample if subject.newest.sample else ""}| | |
|---|---|
| Wer fragt · Who asks | {consultation.asks.in_language(main, {})} |
| Zeitraum · Period | {from_} – {until} |
| Fassungen · Revisions | {len(subject.revisions)} |
| Sprachen · Languages | {", ".join(consultation.languages)} |
| Teilnahmen · Participations | {people if people is not None else f"< {least}"} |
| Wer entscheidet · Who decides | {consultation.decides.in_language(main, {})} |
| Lizenz · Licence | [{LICENCE[0]}]({LICENCE[1]}) |

## Wie gezählt wurde

Mitgemacht hat, wer wollte: keine repräsentative Stichprobe. Jede Person zählt mit ihrer letzten
Bewertung (`agrees`, `disagrees`, `passes`); `…_by_events` zählt auch geänderte Bewertungen mit.
Zustimmung je Bereich ist geglättet: (Zustimmungen + 1) / (Bewertungen + 2); `chance_low` und
`chance_high` sind das Intervall nach Wilson (95 %). Zahlen unter {least} fehlen, und dazu so viele
andere, dass sie sich nicht errechnen lassen. Gruppen ähnlicher Meinung: {groups}, Startwert {seed};
in groups.csv steht jede mit ihrer Nummer, und wofür sie steht (`stands_for`). In Excel zeigt
tabellen.xlsx alles richtig; die CSV-Dateien sind für Programme (Komma, UTF-8).
Freie Texte stehen hier nur, wenn ein Mensch sie freigegeben hat; Namen und einzelne Antworten nicht.
Vor Texten, die wie eine Formel beginnen (= + - @), steht ein Apostroph.

## How it was counted

Whoever wanted took part: no representative sample. Everybody counts with the last rating (`agrees`,
`disagrees`, `passes`); `…_by_events` counts changed ratings as well. Agreement per sector is
smoothed: (agrees + 1) / (ratings + 2); `chance_low` and `chance_high` are Wilson's interval (95 %).
Numbers below {least} are missing, and as many others as are needed so that they cannot be computed.
Groups of similar opinion: {groups}, seed {seed}; groups.csv has each with its number and what it
stands for (`stands_for`). For Excel there is tabellen.xlsx; the CSV files are for programs (comma,
UTF-8). Free text is here only after a person released it; names and single answers are not. Texts
that begin like a formula (= + - @) have an apostrophe in front.
"""
