"""Serial consultations: proposals of an earlier consultation are rated in a later one (`from` of the type
`statements`).

Publishing the later consultation copies the released proposals without their authors (`bot.proposals.lineage`), so that
codes, ratings and results of each wave stay apart. Publishing again adds the proposals released since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from pydantic_core import from_json
from sqlalchemy import Connection

from bot.consultations.definition_issues import DefinitionIssue
from bot.consultations.visibility import takes_no_answers
from bot.proposals.codes import new_proposal_code
from bot.proposals.lineage import SOURCE, copy_source_id, original_code
from bot.proposals.seed_statements import changed_withdrawals
from bot.results import vote_loader
from bot.results.counts import answer_dataset
from bot.results.edition import load_newest_document
from bot.results.methods.top import RankedStatement, rank_statements
from flows.definition import Consultation
from flows.earlier_wave import EarlierWave
from storage.tables.moderation import NewModeration, insert_moderations, translations_of, upsert_translations
from storage.tables.proposals import (
    NewProposal,
    ProposalRelease,
    StoredProposal,
    insert_proposals,
    list_released_proposals,
    proposals_of_source,
    release_proposals,
    withdraw_proposals,
)
from storage.tables.revisions import PublishedRevision, find_live_revision


class _Wave(NamedTuple):
    """A question with the earlier consultation whose proposals it takes."""

    key: str
    earlier: EarlierWave
    origin: PublishedRevision


class RankedProposal(NamedTuple):
    """A proposal with its rank for `take: top`."""

    code: str
    text: str
    ranked: RankedStatement


class TopList(NamedTuple):
    """The proposals that `take: top` would take from an earlier consultation, and the number of candidates."""

    slug: str
    listed: tuple[RankedProposal, ...]
    of: int


def carry_over_errors(connection: Connection, consultation: Consultation, name: str) -> Iterator[DefinitionIssue]:
    """Yields the reasons why proposals of an earlier consultation cannot be taken."""
    for _, earlier in _wishes(consultation):
        slug, origin = earlier.consultation, find_live_revision(connection, earlier.consultation)
        if origin is None:
            reason = f"it takes proposals of “{slug}”, but no consultation of this name is published"
            yield DefinitionIssue(name, 1, reason, f"publish {slug} first, or correct the name below `from`")
        elif origin.sample and not consultation.sample:
            reason = f"it takes proposals of “{slug}”, which is a sample: those are invented"
            yield DefinitionIssue(
                name, 1, reason, "take them from a real consultation, or mark this one as a sample too"
            )
        elif consultation.slug in _before(connection, origin):
            reason = f"“{slug}” itself takes proposals of “{consultation.slug}”, so both would form a circle"
            yield DefinitionIssue(name, 1, reason, "let only the later wave take from the earlier one")


def carry_over_proposals(
    connection: Connection,
    published: PublishedRevision,
    consultation: Consultation,
    new_id: Callable[[], int],
    now: datetime,
    name: str,
) -> list[DefinitionIssue]:
    """Copies the wanted proposals; idempotent. Copies of proposals that are no longer released or wanted are withdrawn,
    and come back with them. Returns warnings.
    """
    here = [row for row in proposals_of_source(connection, SOURCE) if row.consultation_id == published.consultation_id]
    waves = list(_waves(connection, consultation))
    wanted: dict[str, tuple[str, StoredProposal]] = {}
    for wave in waves:
        for row in _chosen(connection, wave, here, now):
            wanted.setdefault(copy_source_id(row.code, published.slug), (wave.key, row))
    _take(connection, wanted, here, consultation_id=published.consultation_id, new_id=new_id, now=now)
    taken = {row.consultation_id for _, row in wanted.values()}
    return [
        error for wave in waves for error in _remarks(wave, name, now, empty=wave.origin.consultation_id not in taken)
    ]


def top_lists(connection: Connection, consultation: Consultation, now: datetime) -> list[TopList]:
    """Returns what `take: top` would take now and is not copied yet, for confirmation."""
    before = find_live_revision(connection, consultation.slug)
    own = before.consultation_id if before else None
    here = [row for row in proposals_of_source(connection, SOURCE) if row.consultation_id == own]
    known = {original_code(row) for row in here if row.withdrawn_at is None}
    found = []
    for wave in _waves(connection, consultation):
        if wave.earlier.take == "top" and takes_no_answers(wave.origin, now):
            every = rank_proposals(connection, wave.origin)
            chosen = _first(every, wave, here)
            if {it.code for it in chosen} - known:
                found.append(TopList(wave.origin.slug, tuple(chosen), len(every)))
    return found


def rank_proposals(connection: Connection, origin: PublishedRevision) -> list[RankedProposal]:
    """Returns the released proposals of a consultation in the order of its results, the most agreed with first."""
    number = origin.consultation_id
    found, loaded = answer_dataset.load_dataset(connection, origin.slug), vote_loader.load_votes(connection, number)
    document = None if loaded.log.people else load_newest_document(connection, number)  # after the deletion of votes
    kept = document.report.statements if document else None
    order = rank_statements(
        loaded.log, loaded.shown, vote_loader.load_sectors(connection, found), found.min_cell_size, kept
    )
    rows = loaded.proposals
    return [RankedProposal(it.name, rows[it.name].title or rows[it.name].text, it) for it in order]


def earlier_consultations(consultation: Consultation) -> list[str]:
    """Returns the slugs of the consultations whose proposals this one takes."""
    return [earlier.consultation for _, earlier in _wishes(consultation)]


def _wishes(consultation: Consultation) -> Iterator[tuple[str, EarlierWave]]:
    for node in consultation.questions:
        if (earlier := node.earlier_wave()) is not None:
            yield node.key, earlier


def _waves(connection: Connection, consultation: Consultation) -> Iterator[_Wave]:
    for key, earlier in _wishes(consultation):
        if origin := find_live_revision(connection, earlier.consultation):
            yield _Wave(key, earlier, origin)


def _before(connection: Connection, origin: PublishedRevision) -> set[str]:
    """Returns the slugs of this consultation and of all it takes proposals from, directly or indirectly."""
    found: set[str] = set()
    waiting: list[PublishedRevision | None] = [origin]
    while waiting:
        revision = waiting.pop()
        if revision is not None and revision.slug not in found:
            found.add(revision.slug)
            wishes = (node.get("from") for node in from_json(revision.content)["questions"])
            waiting += [find_live_revision(connection, wish["consultation"]) for wish in wishes if wish]
    return found


def _chosen(connection: Connection, wave: _Wave, here: list[StoredProposal], now: datetime) -> list[StoredProposal]:
    """Selects the proposals to copy: all released ones, or the most agreed with once the earlier consultation is
    closed.

    A proposal selected once stays selected, also where ratings are deleted afterwards.
    """
    released = {row.code: row for row in list_released_proposals(connection, wave.origin.consultation_id)}
    if wave.earlier.take == "released":
        return list(released.values())
    if not takes_no_answers(wave.origin, now):
        return []
    return [released[it.code] for it in _first(rank_proposals(connection, wave.origin), wave, here)]


def _first(order: list[RankedProposal], wave: _Wave, here: list[StoredProposal]) -> list[RankedProposal]:
    before = {original_code(row) for row in here}
    return sorted(order, key=lambda it: it.code not in before)[: wave.earlier.count]


def _take(
    connection: Connection,
    wanted: dict[str, tuple[str, StoredProposal]],
    here: list[StoredProposal],
    consultation_id: int,
    new_id: Callable[[], int],
    now: datetime,
) -> None:
    known = {row.source_id for row in here}
    new = {new_id(): (name, *it) for name, it in wanted.items() if name not in known}
    made = [
        _copy(row, id_=id_, consultation_id=consultation_id, key=key, name=name, now=now)
        for id_, (name, key, row) in new.items()
    ]
    insert_proposals(connection, made)
    insert_moderations(
        connection,
        [
            NewModeration(id=id_, state="released", flags=[], merged_into=None, original=None, changed_at=now)
            for id_ in new
        ],
    )
    release_proposals(connection, [ProposalRelease(id_, now) for id_ in new])
    texts = translations_of(connection, [row.id for *_, row in new.values()])
    translated = [
        text._replace(moderation_id=id_) for id_, (*_, row) in new.items() for text in texts.get(row.id, {}).values()
    ]
    upsert_translations(connection, translated)
    withdraw_proposals(connection, changed_withdrawals(here, wanted, now))


def _copy(row: StoredProposal, id_: int, consultation_id: int, key: str, name: str, now: datetime) -> NewProposal:
    whole = NewProposal(*(getattr(row, field) for field in NewProposal._fields))
    return whole._replace(
        id=id_,
        consultation_id=consultation_id,
        pseudonym=None,
        question_key=key,
        code=new_proposal_code(),
        source=SOURCE,
        source_id=name,
        created_at=now,
    )


def _remarks(wave: _Wave, name: str, now: datetime, *, empty: bool) -> Iterator[DefinitionIssue]:
    slug, again = wave.origin.slug, "publish this file again when it is closed"
    if not takes_no_answers(wave.origin, now):
        is_top = wave.earlier.take == "top"
        reason = (
            "the proposals with most agreement are not known yet"
            if is_top
            else "proposals released there later are not included"
        )
        yield DefinitionIssue(name, 1, f"“{slug}” is still open, so {reason}", again, warning=True)
    elif empty:
        reason = f"“{slug}” has no released proposals yet"
        yield DefinitionIssue(name, 1, reason, "release proposals, then publish this file again", warning=True)
