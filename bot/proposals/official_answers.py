"""Official answers to proposals: a public status with its reason; authors and raters are notified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

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
"""Every reason can be read in German; and in the language in which the proposal was written."""
LONGEST_BODY: Final = 200


class OfficialAnswer(NamedTuple):
    """The status of a proposal, its reason (text per language), the responsible body and a link."""

    status: ProposalStatus
    reason: Mapping[str, str]
    body: str = ""
    link: str = ""


def answer_proposal(
    context: ModerationContext, proposal_id: int, outcome: OfficialAnswer, *, seen: str | None = None
) -> ModerationItem:
    """Stores the official answer to a proposal and to those merged into it, and schedules the notifications.

    The answer also applies to the originals in earlier waves, because their authors wait there.
    """
    item = lock_for_decision(context, proposal_id, "status", seen)
    row = _checked(context, item, outcome)
    if item.steps and item.steps[-1][2:6] == row[2:6]:
        raise DecisionRefused("same_text")
    rows = []
    for one in (item, *_earlier(context, item)):
        number = one.proposal.id
        record_decision(context, number, "status", outcome.status)
        rows.append(row._replace(id=context.new_id(), proposal_id=number))
        rows += [row._replace(id=context.new_id(), proposal_id=joined, tell_after=None) for joined in one.joined]
    proposals.add_statuses(context.connection, rows)
    return reload_item(context, proposal_id)


def _earlier(context: ModerationContext, item: ModerationItem) -> list[ModerationItem]:
    """Loads and locks the originals in earlier waves, without withdrawn ones."""
    before = lineage.originals(context.connection, item.proposal)
    ids = [row.id for row in before if row.withdrawn_at is None]
    return list(load_items(context.connection, ids, lock=True).values())


def _checked(context: ModerationContext, item: ModerationItem, outcome: OfficialAnswer) -> NewProposalStatus:
    """Returns the step as it is stored. Raises DecisionRefused."""
    if outcome.status == "received":
        raise DecisionRefused("status")
    reason = {tag: clean_text(text).strip()[:LONGEST_REASON] for tag, text in outcome.reason.items()}
    reason = {tag: text for tag, text in reason.items() if text}
    missing = [tag for tag in dict.fromkeys((REQUIRED_LANGUAGE, item.proposal.language)) if tag not in reason]
    if missing or not reason.keys() <= LANGUAGES.keys():
        raise DecisionRefused(
            "reason_languages", languages=", ".join(missing or sorted(reason.keys() - LANGUAGES.keys()))
        )
    body, link = clean_text(outcome.body).strip()[:LONGEST_BODY], outcome.link.strip()
    if link and not _is_link(link):
        raise DecisionRefused("link")
    number = item.proposal.id
    return NewProposalStatus(
        id=context.new_id(),
        proposal_id=number,
        status=outcome.status,
        reason=reason,
        body=body or None,
        link=link or None,
        at=context.now,
        tell_after=0,
    )


def _is_link(link: str) -> bool:
    """Tells whether a link is the address of a web page. Other links are not published."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and len(link) <= 500 and link.isprintable()
