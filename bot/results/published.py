"""The public results of a consultation: the figures of an edition, and the texts that are released now.

Texts are loaded each time: a text that was withdrawn, hidden or edited after the edition was made is no longer shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from bot.consultations import stored_revisions
from bot.results.ballots import Outcome
from bot.results.counts.answer_dataset import AnswerDataset, load_dataset
from bot.results.counts.rows import CountRow
from bot.results.edition import RULE_BEFORE_EDITIONS, ResultsEdition, load_newest_edition, make_edition
from bot.results.official_answer_rate import OfficialAnswerRate
from bot.results.released_answers import Quote, load_quotes
from bot.results.report import StatementReport
from bot.results.stored_reports import without_foreign_names, without_unpublished
from storage.tables.moderation import NewProposalText, translations_of
from storage.tables.proposals import NewProposalStatus, StoredProposal, list_released_proposals, proposal_histories


class PublishedTexts(NamedTuple):
    """The texts of residents and of the city that are public at this moment."""

    proposals: Mapping[str, StoredProposal]
    """Released and not withdrawn, by code, oldest first."""
    texts: Mapping[int, Mapping[str, NewProposalText]]
    """Translations by proposal id and language."""
    history: Mapping[int, list[NewProposalStatus]]
    quotes: tuple[Quote, ...]
    """Released free-text answers."""


class PublishedResults(NamedTuple):
    """Counts without suppressed cells, released proposals, and their statuses."""

    edition: ResultsEdition
    """The edition of the figures."""
    subject: AnswerDataset
    """The data set at the time of the edition: of the revisions that were counted."""
    rows: tuple[CountRow, ...]
    """As in counts.csv; the caller adds labels for the reasons for no answer."""
    outcomes: Mapping[str, Outcome]
    """Rankings, budgets and comparisons by variable, if enough people answered."""
    report: StatementReport
    """The figures of proposals that are public now."""
    words: PublishedTexts
    texts_of_questions: Mapping[str, tuple[Quote, ...]]
    """Released free-text answers by variable."""

    @property
    def is_before(self) -> bool:
        """Whether this is a preview (`preview_results`): not public, and not compared with earlier previews."""
        return self.edition.number == 0

    @property
    def participations(self) -> int | None:
        """Returns the number answered; None if too few, or not stored (`ResultsEdition.has_counts`)."""
        return self._total("participations")

    @property
    def begun(self) -> int | None:
        """Returns the number of begun participations, answered or not; None if too few to be published."""
        return self._total("begun")

    @property
    def finished(self) -> int | None:
        """Returns the number of finished participations; None if too few to be published."""
        return self._total("finished")

    def _total(self, table: str) -> int | None:
        return next((row.n for row in self.rows if row.table == table), None)

    @property
    def proposals(self) -> Mapping[str, StoredProposal]:
        return self.words.proposals

    @property
    def texts(self) -> Mapping[int, Mapping[str, NewProposalText]]:
        return self.words.texts

    @property
    def history(self) -> Mapping[int, list[NewProposalStatus]]:
        return self.words.history

    @property
    def answered(self) -> OfficialAnswerRate:
        """Returns the official answer rate of contributions."""
        return self.edition.document.answered or OfficialAnswerRate(None, None, None)

    def balance(self, context: str) -> dict[str, int | None]:
        """Returns the counts of one of `CONTEXTS` (channel, language, …); None for counts of too few people."""
        return {row.code: row.n for row in self.rows if row.table == context}

    @property
    def visible_share(self) -> float | None:
        """Returns the published share of all answers, 0 to 1; None without answers, or if suppressed."""
        return self.edition.document.visible_share


def preview_results(connection: Connection, slug: str, *, seed: int = 0, is_inner: bool = False) -> PublishedResults:
    """Counts the public part of a consultation at this moment and does not store it: for the team, before the figures
    are public. `is_inner` includes small numbers. Raises CommandError if there is no consultation of this name.
    """
    live = stored_revisions.live_revision(connection, slug)
    previous = load_newest_edition(connection, live)
    made = make_edition(connection, slug, datetime.now(UTC), seed=seed, previous=previous, is_inner=is_inner)
    return _preview(connection, made, is_inner=is_inner)


def inner_results_of(connection: Connection, edition: ResultsEdition) -> PublishedResults:
    """Returns the results for inner figures that were counted elsewhere (`bot.results.editions.inner`)."""
    return _preview(connection, edition, is_inner=True)


def _preview(connection: Connection, edition: ResultsEdition, *, is_inner: bool) -> PublishedResults:
    found = results_of_edition(connection, edition._replace(number=0))
    return found._replace(subject=replace(found.subject, is_inner=is_inner))


def _dataset_of(connection: Connection, edition: ResultsEdition) -> AnswerDataset:
    """Returns the definition as of the edition."""
    return load_dataset(connection, edition.slug, among=edition.document.revisions, now=edition.made_at)


def _outcomes(edition: ResultsEdition, found: AnswerDataset) -> dict[str, Outcome]:
    """Returns the outcomes in the order of the questions."""
    outcomes = edition.document.outcomes
    return {variable.id: outcomes[variable.id] for variable in found.variables if variable.id in outcomes}


def results_of_edition(
    connection: Connection, edition: ResultsEdition, known: PublishedResults | None = None
) -> PublishedResults:
    """Returns an edition with the texts that are public now. Returns `known` if nothing has changed since."""
    words = _words(connection, edition.consultation_id)
    is_same = known is not None and _key(known.edition) == _key(edition)
    if known is not None and is_same and known.words == words:
        return known
    found = known.subject if known is not None and is_same else _dataset_of(connection, edition)
    report = edition.document.report
    if edition.rule == RULE_BEFORE_EDITIONS:
        report = without_foreign_names(report)
    return PublishedResults(
        edition=edition,
        subject=found,
        rows=tuple(_labelled(found, edition.rows)),
        outcomes=_outcomes(edition, found),
        report=without_unpublished(report, frozenset(words.proposals)),
        words=words,
        texts_of_questions=_by_question(found, words.quotes),
    )


def _key(edition: ResultsEdition) -> tuple[int, int, datetime]:
    return edition.consultation_id, edition.number, edition.made_at


def _words(connection: Connection, consultation_id: int) -> PublishedTexts:
    shown = {row.code: row for row in list_released_proposals(connection, consultation_id)}
    ids = [row.id for row in shown.values()]
    return PublishedTexts(
        shown,
        translations_of(connection, ids),
        proposal_histories(connection, ids),
        tuple(load_quotes(connection, consultation_id)),
    )


def _by_question(found: AnswerDataset, quotes: tuple[Quote, ...]) -> dict[str, tuple[Quote, ...]]:
    """Returns released answers to free-text questions; a recording or a picture only if it has text."""
    # A key has at most one free-text variable: all wordings of a text are one, even if the key has another meaning now.
    variables = {variable.key: variable.id for variable in found.variables if variable.tally == "text"}
    texts: dict[str, list[Quote]] = {id_: [] for id_ in variables.values()}
    for quote in quotes:
        if quote.question_key in variables and quote.text:
            texts[variables[quote.question_key]].append(quote)
    return {id_: tuple(quotes) for id_, quotes in texts.items()}


def _labelled(found: AnswerDataset, rows: Iterable[CountRow]) -> Iterator[CountRow]:
    """Yields the cells with the labels of their codes."""
    labels = {variable.id: variable.labels for variable in found.variables}
    for row in rows:
        texts = labels.get(row.question_key, {}).get(row.code, {}) if row.kind in {"option", "chosen"} else {}
        yield row._replace(label=texts.get(found.language, ""))
