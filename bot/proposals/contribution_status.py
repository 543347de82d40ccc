"""The public status of a contribution, as chats, its page and notifications show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from sqlalchemy import Connection

from bot.proposals.moderation_rules import ModerationItem, load_items
from bot.proposals.official_answers import REQUIRED_LANGUAGE
from flows.languages import LANGUAGES
from flows.phrase_families import ACCOUNT_STATES, ACCOUNT_STATUSES
from storage.tables.proposals import NewProposalStatus, proposals_by_code, proposals_by_id

Say = Callable[..., str]
"""Says a phrase by its id, with values."""
Seen = Literal["reading", "public", "hidden", "withdrawn", "merged", "split"]


class ContributionStatus(NamedTuple):
    """The public status of a contribution. It contains no text and no reason of unpublished contributions."""

    code: str
    seen: Seen
    consultation_id: int
    item: ModerationItem | None
    """Only of public contributions."""
    steps: tuple[NewProposalStatus, ...]
    hidden_because: str = ""
    others: tuple[str, ...] = ()
    """Codes of the proposal it was merged into, or of its parts after a split."""


def contribution_statuses(connection: Connection, codes: Sequence[str]) -> dict[str, ContributionStatus]:
    """Loads the statuses of these codes, without unknown codes."""
    known = proposals_by_code(connection, list(codes)) if codes else {}
    items = load_items(connection, [row.id for row in known.values()]) if known else {}
    others = _others(connection, items)
    return {row.code: _account(items[row.id], others[row.id]) for row in known.values()}


def _others(connection: Connection, items: Mapping[int, ModerationItem]) -> dict[int, tuple[str, ...]]:
    leads = {number: (*item.parts, *filter(None, [item.moderation.merged_into])) for number, item in items.items()}
    numbers = sorted({other for found in leads.values() for other in found})
    rows = proposals_by_id(connection, numbers) if numbers else {}
    return {number: tuple(rows[other].code for other in found if other in rows) for number, found in leads.items()}


def _account(item: ModerationItem, others: tuple[str, ...]) -> ContributionStatus:
    about, seen = item.proposal, _seen(item)
    return ContributionStatus(
        code=about.code,
        seen=seen,
        consultation_id=about.consultation_id,
        item=item if seen == "public" else None,
        steps=item.steps if seen != "withdrawn" else (),
        hidden_because=item.reason_of("hide") if seen == "hidden" else "",
        others=others if seen in {"merged", "split"} else (),
    )


def _seen(item: ModerationItem) -> Seen:
    if item.proposal.withdrawn_at is not None:
        return "withdrawn"
    if item.state in {"merged", "split", "hidden"}:
        return item.state
    return "public" if item.is_public else "reading"


def status_lines(account: ContributionStatus, say: Say, language: str, page: str = "") -> list[str]:
    """Returns the status in lines: the last step with its reason. `page` is the address with all steps."""
    lines = [say(ACCOUNT_STATES[account.seen], code=account.code, others=", ".join(account.others))]
    if account.hidden_because:
        lines.append(say("account.reason", reason=account.hidden_because))
    if account.steps:
        lines += step_lines(account.steps[-1], say, language)
    if page:
        lines.append(say("account.page", link=page))
    return lines


def step_lines(step: NewProposalStatus, say: Say, language: str) -> Iterator[str]:
    """Yields the lines of one step: that it is a correction, status, reason, responsible body and link."""
    if step.is_correction:
        yield say("account.correction")
    yield say("account.status", status=say(ACCOUNT_STATUSES[step.status]))
    tag, reason = reason_in_language(step.reason, language)
    if reason and _plain(tag) == _plain(language):
        yield say("account.reason", reason=reason)
    elif reason:
        yield say("account.reason_in", language=LANGUAGES[tag].name, reason=reason)
    if step.body:
        yield say("account.body", body=step.body)
    if step.link:
        yield say("account.more", link=step.link)


def newest_first(steps: Sequence[NewProposalStatus]) -> list[NewProposalStatus]:
    """Returns the steps, the newest first; corrections stay below the step that they correct."""
    groups: list[list[NewProposalStatus]] = []
    for step in steps:
        if step.is_correction and groups:
            groups[-1].append(step)
        else:
            groups.append([step])
    return [step for group in reversed(groups) for step in group]


def reason_in_language(reason: Mapping[str, str], language: str) -> tuple[str, str]:
    """Returns a reason in this language, else in a related one, else in German, with the language found.

    >>> reason_in_language({"de": "Ja.", "tr": "Evet."}, "tr")
    ('tr', 'Evet.')
    >>> reason_in_language({"de": "Ja."}, "de-simple")
    ('de', 'Ja.')
    """
    for tag in (language, _plain(language), REQUIRED_LANGUAGE, *reason):
        if tag in reason:
            return tag, reason[tag]
    return REQUIRED_LANGUAGE, ""


def _plain(tag: str) -> str:
    return tag.partition("-")[0]
