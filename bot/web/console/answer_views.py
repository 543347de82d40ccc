"""What the pages of official answers show: proposals with their drafts, and what people will read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot.broadcasts.outcome_audience import OutcomeAudience, audiences, outcome_message
from bot.proposals.answer_drafts import DraftKey, outcome_of, refusal_of
from bot.proposals.moderation_rules import ModerationItem, RefusalReason, load_items
from bot.proposals.official_answers import required_languages, step_of
from bot.web.console.visit import Visit, id_in
from flows.languages import language_name
from storage.tables.answer_drafts import AnswerDraft, answer_drafts_of
from storage.tables.proposals import proposals_by_code

MOST_AT_ONCE: Final = 50
"""Drafts edited or sent with one form."""


class DraftRow(NamedTuple):
    """One proposal with its draft. `problem`: why the draft cannot be sent; None without a draft as well."""

    item: ModerationItem
    draft: AnswerDraft | None
    problem: RefusalReason | None

    @property
    def is_held(self) -> bool:
        return self.draft is not None and self.draft.publish_at is not None


class NotificationPreview(NamedTuple):
    """What people who read one language will read. `number`: how many they are."""

    tag: str
    language: str
    number: int
    text: str


class AnswerPreview(NamedTuple):
    """A draft with all that will be read of it."""

    row: DraftRow
    number: int
    messages: tuple[NotificationPreview, ...]


def answer_rows(visit: Visit, connection: Connection, numbers: Sequence[int]) -> list[DraftRow]:
    """Returns these proposals with their drafts."""
    items = load_items(connection, list(numbers)) if numbers else {}
    drafts = answer_drafts_of(connection, list(items))
    return [_row(visit, item, drafts.get(number)) for number, item in items.items() if item.answer is None]


def own_rows(visit: Visit, connection: Connection, consultation_id: int, codes: Iterable[str]) -> list[DraftRow]:
    """Returns the proposals of this consultation with these codes; those of others do not exist for its pages."""
    known = proposals_by_code(connection, list(dict.fromkeys(codes))[:MOST_AT_ONCE])
    numbers = [row.id for row in known.values() if row.consultation_id == consultation_id]
    return answer_rows(visit, connection, sorted(numbers))


def preview_answers(
    visit: Visit, connection: Connection, rows: Sequence[DraftRow]
) -> tuple[list[AnswerPreview], OutcomeAudience]:
    """Returns what people will read of these drafts, and who hears of those that can be sent."""
    keys = visit.site.services.keys
    ready = [row.item for row in rows if row.draft and row.problem is None]
    found, everyone = audiences(connection, ready, keys)
    return [_preview(visit, row, found.get(row.item.proposal.id)) for row in rows if row.draft], everyone


def draft_keys(texts: Iterable[str]) -> list[DraftKey]:
    """Returns the drafts that a form names as ID:VERSION."""
    parts = [text.partition(":") for text in texts]
    found = [(id_in(number), id_in(version)) for number, _, version in parts]
    versions = {number: version for number, version in found if number and version is not None}
    return [DraftKey(number, version) for number, version in versions.items()][:MOST_AT_ONCE]


def _row(visit: Visit, item: ModerationItem, draft: AnswerDraft | None) -> DraftRow:
    return DraftRow(item, draft, refusal_of(item, draft, visit.now) if draft else None)


def _preview(visit: Visit, row: DraftRow, audience: OutcomeAudience | None) -> AnswerPreview:
    if row.draft is None or audience is None:
        return AnswerPreview(row, 0, ())
    numbers: Mapping[str, int] = dict.fromkeys(required_languages(row.item), 0) | audience.by_language()
    step = step_of(row.item, outcome_of(row.draft), visit.now)
    public_url = visit.site.services.settings.web.public_url
    messages = tuple(
        NotificationPreview(
            tag, language_name(tag), number, outcome_message(step, row.item.proposal.code, tag, public_url).text
        )
        for tag, number in sorted(numbers.items(), key=lambda it: -it[1])
        if number or tag in row.draft.reason
    )
    return AnswerPreview(row, audience.total, messages)
