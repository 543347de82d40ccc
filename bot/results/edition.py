"""Makes editions: all public figures of a consultation, computed by one function from one database snapshot.

An edition holds numbers and names of the definition. Texts of people are not part of it (`bot.results.published`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Connection

from bot.consultations import stored_revisions
from bot.consultations.visibility import takes_no_answers
from bot.results import ballots, live_results, vote_loader
from bot.results.ballots import BudgetOutcome, Outcome, PairwiseOutcome, RankingOutcome, question_outcome
from bot.results.comparison_basis import ComparisonBasis, first_basis
from bot.results.counts import answer_dataset, one_way
from bot.results.counts.counts import ParticipationCounts, count_participations
from bot.results.counts.rows import CountRow, published_rows
from bot.results.group_release import without_groups
from bot.results.official_answer_rate import OfficialAnswerRate, official_answer_rate
from bot.results.report import StatementReport, statement_report, statement_tables
from bot.results.vote_loader import StatementVotes
from storage.core.errors import Duplicate
from storage.tables.bursts import pseudonyms_in_bursts
from storage.tables.editions import (
    EditionHead,
    StoredEdition,
    StoredEditionCell,
    add_edition,
    consultation_position,
    edition_cells,
    find_newest_edition,
    newest_edition_head,
)
from storage.tables.revisions import PublishedRevision, RevisionHead
from storage.tables.rooms import lock_rooms

T = TypeVar("T")

CURRENT_RULE: Final = 2
"""The version of the disclosure rule. Raised when the rule changes; then every edition is computed again. Rule 1
suppressed every small number, and the next larger one.
"""
RULE_BEFORE_EDITIONS: Final = 0
"""The rule of figures stored by versions without editions: that of rule 1, without plain counts."""


@dataclass(frozen=True, slots=True)
class EditionDocument:
    """All figures except plain counts.

    Later versions read it after the answers are deleted, so new fields, here and in the classes it contains, need a
    default.
    """

    report: StatementReport
    revisions: tuple[int, ...] = ()
    """Ids of the revisions that were counted; empty: not recorded, all revisions."""
    orders: Mapping[str, RankingOutcome] = field(default_factory=dict)
    spreads: Mapping[str, BudgetOutcome] = field(default_factory=dict)
    comparisons: Mapping[str, PairwiseOutcome] = field(default_factory=dict)
    """By variable, where enough people answered."""
    answered: OfficialAnswerRate | None = None
    visible_share: float | None = None
    """The published share of all answers to questions that are not sensitive, 0 to 1."""
    burst_percent: int | None = None
    """The share of participations that began in a burst of their network, rounded down to five per cent; None where it
    is below ten per cent, or the number too small.
    """

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """Returns rankings, budgets and comparisons by variable."""
        return {**self.orders, **self.spreads, **self.comparisons}


class ResultsEdition(NamedTuple):
    """The figures of one moment. `number` rises by one from edition to edition of a consultation."""

    consultation_id: int
    slug: str
    number: int
    made_at: datetime
    seconds: float
    """The time it took to make it."""
    revision_id: int | None
    """The live revision; None: not recorded."""
    position: str
    rule: int
    is_last: bool
    """Whether answers were deleted, so that their figures exist only here."""
    rows: tuple[CountRow, ...]
    """As in counts.csv, but without labels."""
    document: EditionDocument
    compared: ComparisonBasis | None = None
    """The tables with which the next edition is compared; None in editions of older versions."""
    apart: frozenset[str] = frozenset()
    """The variables withheld because rooms have shown results. Not stored."""
    pictures: int = 0
    """What rooms had shown by then (`live_results.live_results_version`). Not stored."""

    @property
    def is_by_an_old_rule(self) -> bool:
        """Whether it was made by another disclosure rule than the current one."""
        return self.rule < CURRENT_RULE

    @property
    def has_counts(self) -> bool:
        """Whether it holds plain counts."""
        return bool(self.rows)


_form: Final = TypeAdapter(EditionDocument)


@lru_cache(16)
def _read(document: str) -> EditionDocument:
    return _form.validate_json(document)


def load_newest_edition(connection: Connection, about: PublishedRevision) -> ResultsEdition | None:
    """Returns the newest stored edition of a consultation, None if there is none. Counts nothing."""
    row = find_newest_edition(connection, about.consultation_id)
    if row is None:
        return None
    cells = edition_cells(connection, row.consultation_id, row.number)
    rows = tuple(CountRow._make((*it[3:8], "", *it[8:])) for it in cells)
    return ResultsEdition(
        consultation_id=row.consultation_id,
        slug=about.slug,
        number=row.number,
        made_at=row.made_at,
        seconds=row.seconds,
        revision_id=row.revision_id,
        position=row.position,
        rule=row.rule,
        is_last=row.is_last,
        rows=rows,
        document=_read(row.document),
        compared=ComparisonBasis.from_json(row.compared),
    )


def load_newest_document(connection: Connection, consultation_id: int) -> EditionDocument | None:
    """Returns the figures of the newest stored edition besides plain counts."""
    row = find_newest_edition(connection, consultation_id)
    return None if row is None else _read(row.document)


def store_edition(connection: Connection, edition: ResultsEdition) -> None:
    """Stores an edition. Raises Duplicate if one of this number exists, or if a room has shown another picture since:
    the next edition then takes it into account.
    """
    lock_rooms(connection, edition.consultation_id)
    if (
        not edition.is_last
        and live_results.live_results_version(connection, edition.consultation_id) > edition.pictures
    ):
        raise Duplicate("a room shows more by now")
    id_, number, document = edition.consultation_id, edition.number, _form.dump_json(edition.document).decode()
    rows = [
        StoredEditionCell._make((id_, number, place, *it[:5], *it[6:]))  # without the label
        for place, it in enumerate(edition.rows)
    ]
    stored_edition = StoredEdition(
        consultation_id=id_,
        number=number,
        made_at=edition.made_at,
        seconds=edition.seconds,
        revision_id=edition.revision_id,
        position=edition.position,
        rule=edition.rule,
        is_last=edition.is_last,
        document=document,
        compared=edition.compared.to_json() if edition.compared else "",
    )
    add_edition(connection, stored_edition, rows)


def edition_position(connection: Connection, about: PublishedRevision | RevisionHead, now: datetime) -> str:
    """Identifies the input of an edition made at this moment: equal strings mean equal figures."""
    end = "closed" if takes_no_answers(about, now) else "open"
    return f"{CURRENT_RULE} {about.id} {end} {consultation_position(connection, about.consultation_id)}"


def is_current(connection: Connection, about: PublishedRevision | RevisionHead, now: datetime) -> bool:
    """Whether the newest edition has the same figures as an edition of this moment."""
    head = newest_edition_head(connection, about.consultation_id)
    return head is not None and head.position == edition_position(connection, about, now)


def is_after_closing(head: EditionHead) -> bool:
    """Whether an edition was made after the consultation stopped accepting answers."""
    return head.is_last or head.position.split(" ")[2:3] == ["closed"]


def outcomes_of_kind(outcomes: Mapping[str, object], kind: type[T]) -> dict[str, T]:
    """Returns the outcomes of one kind, by question."""
    return {id_: it for id_, it in outcomes.items() if isinstance(it, kind)}


def _carried_over(connection: Connection, previous: ResultsEdition) -> EditionDocument:
    """Returns the figures of an edition whose answers were deleted, with new statuses of contributions."""
    found = answer_dataset.load_dataset(connection, previous.slug)
    rate = official_answer_rate(connection, previous.consultation_id, found.min_cell_size)
    return replace(previous.document, answered=rate)


def make_edition(
    connection: Connection,
    slug: str,
    now: datetime,
    *,
    seed: int = 0,
    previous: ResultsEdition | None = None,
    is_inner: bool = False,
    is_without_bursts: bool = False,
) -> ResultsEdition:
    """Computes the figures that every page, file and API response shows until the next edition.

    `previous` is the newest stored edition. If answers were deleted since, its figures are carried over, and only the
    statuses of contributions are counted again. `is_inner` includes small numbers, for the core team;
    `is_without_bursts` leaves out participations that began in a burst of their network. Reads every
    answer and every vote. Raises CommandError if there is no consultation of this name.
    """
    began = time.perf_counter()
    live = stored_revisions.live_revision(connection, slug)
    number = previous.number + 1 if previous else 1
    reached = edition_position(connection, live, now)
    if previous and previous.is_last:
        carried = _carried_over(connection, previous)
        took = time.perf_counter() - began
        return previous._replace(number=number, made_at=now, seconds=took, position=reached, document=carried)
    loaded_dataset = answer_dataset.load_dataset(connection, slug, now=now)
    found = replace(loaded_dataset, is_inner=is_inner, is_without_bursts=is_without_bursts)
    counts = count_participations(connection, found)
    counts.apart = frozenset() if is_inner else live_results.withheld_beside_rooms(connection, counts)
    without = pseudonyms_in_bursts(connection, live.consultation_id) if is_without_bursts else frozenset[str]()
    loaded = vote_loader.load_votes(connection, live.consultation_id, without)
    sectors = vote_loader.load_sectors(connection, found)
    outcomes = {id_: it for id_, it in _outcomes(counts).items() if id_ not in counts.apart}
    figures = statement_report(loaded.log, loaded.shown, sectors, min_cell_size=found.min_cell_size, seed=seed)
    document = EditionDocument(
        report=figures if is_inner or takes_no_answers(live, now) else without_groups(figures),
        revisions=tuple(revision.id for revision in found.revisions),
        orders=outcomes_of_kind(outcomes, RankingOutcome),
        spreads=outcomes_of_kind(outcomes, BudgetOutcome),
        comparisons=outcomes_of_kind(outcomes, PairwiseOutcome),
        answered=official_answer_rate(connection, live.consultation_id, found.min_cell_size),
        visible_share=one_way.visible_share(counts) if not 0 < counts.responses < found.min_cell_size else None,
        burst_percent=burst_percent(counts.bursts, counts.responses, found.flow.consultation.smallest_cell),
    )
    rows = tuple(row._replace(label="") for row in published_rows(counts, {}))
    basis = _compared(counts, loaded, sectors)
    took, pictures = time.perf_counter() - began, live_results.live_results_version(connection, live.consultation_id)
    return ResultsEdition(
        consultation_id=live.consultation_id,
        slug=slug,
        number=number,
        made_at=now,
        seconds=took,
        revision_id=live.id,
        position=reached,
        rule=CURRENT_RULE,
        is_last=False,
        rows=rows,
        document=document,
        compared=basis,
        apart=counts.apart,
        pictures=pictures,
    )


def burst_percent(bursts: int, answered: int, least: int) -> int | None:
    """Returns the share of bursts as it is published (`EditionDocument.burst_percent`).

    >>> burst_percent(37, 100, 10), burst_percent(9, 20, 10), burst_percent(12, 200, 10)
    (35, None, None)
    """
    if bursts < least or bursts * 10 < answered:
        return None
    return 100 * bursts // answered // 5 * 5


def _compared(
    counts: ParticipationCounts, loaded: StatementVotes, sectors: Mapping[str, frozenset[str]]
) -> ComparisonBasis:
    found = counts.subject
    questions = {it.id: it.question for it in found.variables if it.id in counts.ballots}
    tables = {
        **one_way.tables_by_name(counts),
        **ballots.ballot_tables(questions, counts.ballots),
        **statement_tables(loaded.log, loaded.shown, sectors),
    }
    sensitive = {name for name, rule in one_way.rules_by_name(found).items() if rule.is_sensitive}
    sensitive |= {f"ballots:{id_}" for id_ in questions if id_ in sensitive}
    return first_basis(found.min_cell_size, frozenset(sensitive), tables, sectors)


def _outcomes(counts: ParticipationCounts) -> dict[str, Outcome]:
    rules, found = one_way.rules_by_name(counts.subject), {}
    for variable in counts.subject.variables:
        if variable.id in counts.ballots:
            given = counts.ballots[variable.id]
            found[variable.id] = question_outcome(variable.question, variable.options, given, rules[variable.id])
    return {id_: it for id_, it in found.items() if it is not None}
