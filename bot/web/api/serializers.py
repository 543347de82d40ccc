"""Converts rows to API models; none of them identifies a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from bot.common.keys import Keys
from bot.consultations.visibility import figures_are_public
from bot.proposals.moderation_decisions import decrypt_original
from bot.proposals.moderation_rules import ModerationItem, approvers
from bot.proposals.publication import PublicVotes
from bot.proposals.similar_proposals import SimilarProposal, find_similar_proposals
from bot.results.released_answers import Quote
from bot.web.api.models import (
    ConsultationOut,
    DecisionOut,
    OpenAnswerOut,
    ProposalOut,
    QueueItemOut,
    RatingCountsOut,
    SimilarProposalOut,
    StatusOut,
    TranslationOut,
    WordingOut,
)
from flows.definition import Consultation
from storage.tables.moderation import NewDecision, NewProposalText
from storage.tables.proposals import NewProposalStatus, proposals_by_id
from storage.tables.revisions import PublishedRevision
from storage.tables.staff import all_staff

MACHINE = "machine"


def consultation_of(revision: PublishedRevision) -> Consultation:
    return Consultation.model_validate_json(revision.content)


def serialize_consultation(revision: PublishedRevision, now: datetime) -> ConsultationOut:
    """Returns a consultation as published."""
    about = consultation_of(revision)
    return ConsultationOut(
        slug=revision.slug,
        title={tag: wording.plain for tag, wording in about.title.items()},
        state=revision.state_at(now),
        sample=revision.sample,
        languages=list(about.languages),
        revision=revision.number,
        opens_at=revision.opens_at,
        closes_at=revision.closes_at,
        results=about.results,
        are_results_public=figures_are_public(about, revision, now),
        smallest_cell=about.smallest_cell,
        four_eyes=about.four_eyes,
    )


def serialize_proposal(item: ModerationItem, slug: str) -> ProposalOut:
    """Returns a released proposal."""
    about = item.proposal
    return ProposalOut(
        code=about.code,
        consultation=slug,
        title=about.title,
        text=about.text,
        language=about.language,
        translations=_translations(item.texts),
        district=about.district,
        topic=about.topic,
        place=about.place,
        latitude=about.latitude,
        longitude=about.longitude,
        status=about.status,
        created_at=about.created_at,
        released_at=about.released_at,
        version=item.version,
    )


def _translations(texts: Mapping[str, NewProposalText]) -> dict[str, TranslationOut]:
    return {
        tag: TranslationOut(
            title=row.title, text=row.text, is_by_machine=row.translator == MACHINE, is_reviewed=row.reviewed
        )
        for tag, row in texts.items()
    }


def serialize_text(one: Quote, slug: str) -> OpenAnswerOut:
    """Returns a released open answer."""
    return OpenAnswerOut(
        code=one.code,
        consultation=slug,
        question_key=one.question_key,
        text=one.text,
        language=one.language,
        translations=_translations(one.texts),
    )


def serialize_queue_items(
    connection: Connection, keys: Keys, items: Sequence[ModerationItem], slug: str
) -> list[QueueItemOut]:
    """Returns proposals and open answers of one consultation for moderators."""
    about = [item.proposal for item in items if item.answer is None]
    likeness = find_similar_proposals(connection, about[0].consultation_id, about) if about else {}
    codes = _codes(connection, items)
    names = {member.id: member.name for member in all_staff(connection)}
    return [
        _queued(keys, item, slug, likeness=likeness.get(item.proposal.id, ()), codes=codes, names=names)
        for item in items
    ]


def _codes(connection: Connection, items: Sequence[ModerationItem]) -> dict[int, str]:
    """Returns the codes of all proposals these refer to."""
    numbers = {
        number
        for item in items
        for number in (item.moderation.merged_into, item.moderation.split_from, *item.joined)
        if number is not None
    }
    return {number: row.code for number, row in proposals_by_id(connection, sorted(numbers)).items()}


def _queued(
    keys: Keys,
    item: ModerationItem,
    slug: str,
    likeness: Sequence[SimilarProposal],
    codes: Mapping[int, str],
    names: Mapping[int, str],
) -> QueueItemOut:
    before = decrypt_original(keys, item)
    return QueueItemOut(
        **serialize_proposal(item, slug).__dict__,
        state=item.state,
        is_withdrawn=item.proposal.withdrawn_at is not None,
        flags=item.flags,
        original=WordingOut(title=before.title, text=before.text) if before else None,
        merged_into=codes.get(item.moderation.merged_into or 0),
        split_from=codes.get(item.moderation.split_from or 0),
        stands_for=[codes[number] for number in item.joined],
        approvals=len(approvers(item.decisions)),
        decisions=[_decision(row, names) for row in item.decisions],
        similar=[_similar(one) for one in likeness],
        kind=item.kind,
        question_key=item.answer.question_key if item.answer else None,
    )


def _decision(row: NewDecision, names: Mapping[int, str]) -> DecisionOut:
    by = names.get(row.staff_id, "?") if row.staff_id is not None else None
    return DecisionOut(kind=row.kind, by=by, reason=row.reason, at=row.at)


def _similar(one: SimilarProposal) -> SimilarProposalOut:
    row = one.proposal
    return SimilarProposalOut(
        code=row.code, title=row.title, text=row.text, language=row.language, state=one.state, likeness=one.likeness
    )


def serialize_status(row: NewProposalStatus) -> StatusOut:
    return StatusOut(
        status=row.status,
        reason=row.reason,
        body=row.body,
        link=row.link,
        at=row.at,
        is_correction=row.is_correction,
    )


def serialize_counts(code: str, votes: PublicVotes) -> RatingCountsOut:
    """Returns the published votes of a proposal."""
    return RatingCountsOut(code=code, **votes._asdict())
