"""Official answers to proposals: a public status with its reason; authors and raters are notified."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import Connection

from bot.common.audit import Act
from bot.proposals import lineage
from bot.proposals.moderation_decisions import (
    LONGEST_REASON,
    ModerationContext,
    lock_for_decision,
    record_decision,
    reload_item,
)
from bot.proposals.moderation_rules import DecisionRefused, ModerationItem, load_items
from flows.languages import LANGUAGES
from flows.understanding.text import clean_text
from storage.tables import proposals
from storage.tables.proposals import NewProposalStatus, ProposalStatus

REQUIRED_LANGUAGE: Final = "de"
"""The languages of reasons: German, and that of the proposal."""
LONGEST_BODY: Final = 200
LONGEST_LINK: Final = 500


class OfficialAnswer(NamedTuple):
    """The status of a proposal, its reason (text per language), the responsible body and a link."""

    status: ProposalStatus
    reason: Mapping[str, str]
    body: str = ""
    link: str = ""
    is_correction: bool = False
    """Corrects the last answer: pages and messages say so."""


def answer_proposal(
    context: ModerationContext, proposal_id: int, outcome: OfficialAnswer, *, seen: str | None = None
) -> ModerationItem:
    """Stores the official answer to a proposal and to those merged into it, and schedules the notifications.

    The answer also applies to the originals in earlier waves, because their authors wait there.
    """
    item = lock_for_decision(context, proposal_id, "status", seen)
    step = step_of(item, outcome, context.now)
    rows = []
    for one in (item, *earlier_items(context.connection, item, lock=True)):
        number = one.proposal.id
        is_correction = outcome.is_correction and bool(one.steps)
        act: Act = "text.correct" if is_correction else "text.status"
        record_decision(context, number, "status", outcome.status, act=act)
        row = step._replace(is_correction=is_correction)
        rows.append(row._replace(id=context.new_id(), proposal_id=number))
        rows += [row._replace(id=context.new_id(), proposal_id=joined, tell_after=None) for joined in one.joined]
    proposals.add_statuses(context.connection, rows)
    return reload_item(context, proposal_id)


def earlier_items(connection: Connection, item: ModerationItem, *, lock: bool = False) -> list[ModerationItem]:
    """Loads (and locks) the originals in earlier waves, without withdrawn ones: the answer applies to them as well."""
    before = lineage.originals(connection, item.proposal)
    ids = [row.id for row in before if row.withdrawn_at is None]
    return list(load_items(connection, ids, lock=lock).values())


def required_languages(item: ModerationItem) -> list[str]:
    """Returns the languages in which a reason is required: German, and that of the proposal."""
    return list(dict.fromkeys((REQUIRED_LANGUAGE, item.proposal.language)))


def step_of(item: ModerationItem, outcome: OfficialAnswer, now: datetime) -> NewProposalStatus:
    """Returns the status as it will be stored, with the id 0. Raises DecisionRefused for an incomplete answer, an
    unusable link, the same answer again, or a correction where there is nothing to correct.
    """
    if outcome.status == "received":
        raise DecisionRefused("status")
    reason = _complete_reason(item, outcome)
    body, link = clean_text(outcome.body).strip()[:LONGEST_BODY], outcome.link.strip()
    if link and not is_link(link):
        raise DecisionRefused("link")
    step = NewProposalStatus(
        id=0,
        proposal_id=item.proposal.id,
        status=outcome.status,
        reason=reason,
        body=body or None,
        link=link or None,
        at=now,
        tell_after=0,
        is_correction=outcome.is_correction,
    )
    if outcome.is_correction and not item.steps:
        raise DecisionRefused("nothing_to_correct")
    if item.steps and item.steps[-1][2:6] == step[2:6]:
        raise DecisionRefused("same_text")
    return step


def _complete_reason(item: ModerationItem, outcome: OfficialAnswer) -> dict[str, str]:
    """Returns the reason as it is stored. Raises DecisionRefused for a missing or an unknown language."""
    reason = cleaned_reason(outcome.reason)
    missing = [tag for tag in required_languages(item) if tag not in reason]
    wrong = missing or sorted(reason.keys() - LANGUAGES.keys())
    if wrong:
        raise DecisionRefused("reason_languages", languages=", ".join(wrong))
    return reason


def cleaned_reason(reason: Mapping[str, str]) -> dict[str, str]:
    """Returns the texts as they are stored, without empty ones."""
    texts = {tag: clean_text(text).strip()[:LONGEST_REASON] for tag, text in reason.items()}
    return {tag: text for tag, text in texts.items() if text}


def is_link(link: str) -> bool:
    """Tells whether a link is the address of a web page. Other links are not published."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return (
        parts.scheme in {"http", "https"} and bool(parts.hostname) and len(link) <= LONGEST_LINK and link.isprintable()
    )
