"""Imports the records of another program's file: all or nothing, and none twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot.authoring import publishing, second_person
from bot.authoring.file_check import CheckedFile
from bot.authoring.publishing import PublishContext, PublishOutcome
from bot.common.errors import CommandError
from bot.exchange import ballots
from bot.exchange.bundle import Bundle, ImportedStatement, merge_targets, pseudonym
from bot.exchange.definition import STATEMENTS, import_definition
from bot.exchange.duplicate_detection import find_known_statements
from bot.proposals.codes import new_proposal_code
from storage.tables import moderation, proposals
from storage.tables.consultations import set_consultation_state
from storage.tables.moderation import NewDecision, NewModeration, insert_moderations
from storage.tables.proposals import (
    NewProposal,
    NewProposalStatus,
    ProposalRelease,
    insert_proposals,
    release_proposals,
)
from storage.tables.ratings import NewRatingEvent, rating_events_of, store_votes
from storage.tables.revisions import PublishedRevision, find_live_revision

CHUNK_SIZE: Final = 10_000


class ImportOptions(NamedTuple):
    """The options of an import. `slug` names the consultation, which is created if it does not exist."""

    slug: str
    language: str = "de"
    is_open: bool = False
    is_strict: bool = False
    """Whether one rejected row rejects the whole file."""
    trusts_votes: bool = False
    """Whether votes count even if they contradict the sums in the file."""
    until: date | None = None
    """The last day of a new consultation."""


class AgreementNeeded(Exception):
    """The import creates a consultation, and a second member has to agree before it goes live (`ask_for_import`)."""


class ImportOutcome(NamedTuple):
    """The numbers of new and of known records."""

    slug: str
    is_new: bool
    statements: int
    known_statements: int
    votes: int
    known_votes: int


def import_bundle(
    connection: Connection, bundle: Bundle, wish: ImportOptions, desk: PublishContext
) -> tuple[Bundle, ImportOutcome]:
    """Imports a bundle within the caller's transaction; returns the imported bundle. Raises CommandError, also if a new
    consultation would not contain the whole bundle: a gap would go unnoticed.

    Raises AgreementNeeded after everything was tried; the caller rolls back, so that nothing goes live.
    """
    consultation_id, is_new = _consultation(connection, bundle, wish, desk)
    if bundle.budgeting:
        given, added = len(bundle.budgeting.ballots), ballots.add_ballots(connection, bundle, wish.slug, desk)
        taken = ImportOutcome(
            slug=wish.slug, is_new=is_new, statements=0, known_statements=0, votes=added, known_votes=given - added
        )
    else:
        bundle, taken = _take_statements(connection, bundle, _Context(consultation_id, wish, desk), is_new=is_new)
    if is_new and (taken.known_statements or taken.known_votes or not taken.statements + taken.votes):
        raise CommandError(
            f"{wish.slug} would be new, and yet {taken.known_statements:,} of the statements and "
            f"{taken.known_votes:,} of the votes would be missing in it; nothing was taken over. "
            "Please report this, with the kind of the file"
        )
    if is_new and desk.needs_second:
        raise AgreementNeeded
    return bundle, taken


def ask_for_import(
    connection: Connection, bundle: Bundle, wish: ImportOptions, desk: PublishContext
) -> PublishedRevision:
    """Stores the new consultation of an import as a draft without records, and asks a second member to agree to it.
    Raises CommandError.
    """
    made = publishing.publish_checked(connection, _definition(bundle, wish), desk, wish.slug, stage="draft")
    revision = _stored(made)
    second_person.ask_to_publish(connection, revision.slug, revision.content_hash, desk.note)
    return revision


class _Context(NamedTuple):
    consultation_id: int
    wish: ImportOptions
    desk: PublishContext


def _take_statements(
    connection: Connection, bundle: Bundle, context: _Context, *, is_new: bool
) -> tuple[Bundle, ImportOutcome]:
    found = find_known_statements(connection, bundle, context.consultation_id)
    bundle = replace(bundle, source=found.source, remarks=(*bundle.remarks, *found.remarks))
    new = [it for it in bundle.statements if it.source_id not in found.ids]
    ids = {**found.ids, **{it.source_id: context.desk.new_id() for it in new}}
    _add_statements(connection=connection, bundle=bundle, new=new, ids=ids, context=context, sources=found.sources)
    added = _add_votes(connection, bundle, ids, context)
    return bundle, ImportOutcome(
        slug=context.wish.slug,
        is_new=is_new,
        statements=len(new),
        known_statements=len(found.ids),
        votes=added,
        known_votes=len(bundle.votes) - added,
    )


def _consultation(
    connection: Connection, bundle: Bundle, wish: ImportOptions, desk: PublishContext
) -> tuple[int, bool]:
    """Returns the consultation's id, and whether it was created now."""
    before = find_live_revision(connection, wish.slug)
    if before is not None:
        return before.consultation_id, False
    if desk.needs_second:
        _check_can_be_agreed_to(wish, desk)
    revision = _stored(publishing.publish_checked(connection, _definition(bundle, wish), desk, wish.slug))
    if not wish.is_open:
        set_consultation_state(connection, revision.consultation_id, "closed")
    return revision.consultation_id, True


def _check_can_be_agreed_to(wish: ImportOptions, desk: PublishContext) -> None:
    """Raises CommandError if the page on which the second member agrees would refuse the new consultation."""
    today = desk.now.astimezone(desk.zone).date()
    if not wish.is_open or wish.until is None or wish.until < today:
        raise CommandError(
            f"{wish.slug} would be new, and goes live only after a second person of the team agreed "
            "(web.publish_needs_second), who needs its last day; nothing was taken over. "
            "Add --open --until DATE, with a day that is not over; it can be closed after the import"
        )


def _definition(bundle: Bundle, wish: ImportOptions) -> CheckedFile:
    return import_definition(
        wish.slug, bundle.title, wish.language, bundle.home, bundle.budgeting, is_open=wish.is_open, until=wish.until
    )


def _stored(published: PublishOutcome) -> PublishedRevision:
    """Returns the revision. Raises CommandError with what prevents it."""
    if published.revision is None:
        raise CommandError("; ".join(str(error) for error in published.issues if not error.warning))
    return published.revision


def _releases(
    new: Iterable[ImportedStatement], ids: Mapping[str, int], into: Container[str]
) -> Iterator[ProposalRelease]:
    """Yields the release of each public statement; merged ones are not public themselves."""
    for it in new:
        if it.state == "released" and it.source_id not in into:
            yield ProposalRelease(ids[it.source_id], it.created_at)


def _add_statements(
    connection: Connection,
    bundle: Bundle,
    new: Sequence[ImportedStatement],
    ids: Mapping[str, int],
    context: _Context,
    sources: Mapping[str, str],
) -> None:
    now = context.desk.now
    into = merge_targets(bundle.statements)
    rows = (_proposal(bundle, it, ids[it.source_id], context) for it in new)
    insert_proposals(connection, [row._replace(source=sources.get(str(row.source_id), row.source)) for row in rows])
    release_proposals(connection, list(_releases(new, ids, into)))
    # Merge targets come first, because the rows refer to each other.
    order = sorted(new, key=lambda it: it.source_id in into)
    insert_moderations(connection, [_moderation(it, ids, into, now) for it in order])
    decided = [it for it in new if it.state != "waiting"]
    moderation.add_decisions(connection, [_decision(it, ids, into, context) for it in decided])
    proposals.add_statuses(connection, list(_statuses(new, ids, context)))


def _proposal(bundle: Bundle, it: ImportedStatement, number: int, context: _Context) -> NewProposal:
    return NewProposal(
        id=number,
        consultation_id=context.consultation_id,
        pseudonym=pseudonym(bundle.source, it.author) if it.author else None,
        question_key=STATEMENTS,
        code=new_proposal_code(),
        title=it.title,
        text=it.text,
        language=context.wish.language,
        district=it.district,
        topic=it.topic,
        source=bundle.source,
        source_id=it.source_id,
        created_at=it.created_at,
        place=it.place,
        latitude=it.latitude,
        longitude=it.longitude,
    )


def _moderation(it: ImportedStatement, ids: Mapping[str, int], into: Mapping[str, str], now: datetime) -> NewModeration:
    if target := into.get(it.source_id):
        return NewModeration(
            id=ids[it.source_id], state="merged", flags=[], merged_into=ids[target], original=None, changed_at=now
        )
    return NewModeration(
        id=ids[it.source_id], state=it.state, flags=[], merged_into=None, original=None, changed_at=now
    )


def _decision(it: ImportedStatement, ids: Mapping[str, int], into: Mapping[str, str], context: _Context) -> NewDecision:
    kind: moderation.DecisionKind = "merge" if it.source_id in into else "approve" if it.state == "released" else "hide"
    return NewDecision(
        id=context.desk.new_id(),
        moderation_id=ids[it.source_id],
        staff_id=None,
        kind=kind,
        reason="taken over",
        at=context.desk.now,
    )


def _statuses(
    new: Sequence[ImportedStatement], ids: Mapping[str, int], context: _Context
) -> Iterator[NewProposalStatus]:
    for it in new:
        if it.status != "received" or it.answer:
            reason = {context.wish.language: it.answer} if it.answer else {}
            number = context.desk.new_id()
            yield NewProposalStatus(
                id=number,
                proposal_id=ids[it.source_id],
                status=it.status,
                reason=reason,
                body=None,
                link=it.link,
                at=context.desk.now,
            )


def _add_votes(connection: Connection, bundle: Bundle, ids: Mapping[str, int], context: _Context) -> int:
    """Stores the new votes in the order in which they were cast; returns their number."""
    if not bundle.votes:
        return 0
    there = Counter(it[1:6] for it in rating_events_of(connection, context.consultation_id))
    people: dict[str, str] = {}
    new = []
    for it in bundle.votes:
        person = people.get(it.person) or people.setdefault(it.person, pseudonym(bundle.source, it.person))
        cells = (ids[it.statement], person, it.vote, it.important, it.at)
        if there[cells]:
            there[cells] -= 1
        else:
            new.append(cells)
    for start in range(0, len(new), CHUNK_SIZE):
        store_votes(connection, [NewRatingEvent(context.desk.new_id(), *it) for it in new[start : start + CHUNK_SIZE]])
    return len(new)
