"""Merges duplicate proposals and splits proposals with several subjects; authors and ratings are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from bot.proposals.answer_drafts import HELD
from bot.proposals.codes import new_proposal_code
from bot.proposals.moderation_decisions import (
    ModerationContext,
    ProposalWording,
    check_wording,
    lock_for_decision,
    record_decision,
    reload_item,
    require_reason,
    set_moderation_state,
    wording_flags,
)
from bot.proposals.moderation_rules import DecisionRefused, ModerationItem, check_decision, load_items
from storage.tables import proposals, ratings
from storage.tables.moderation import (
    ModerationChange,
    NewModeration,
    insert_moderations,
    merged_into_proposals,
    moderations_by_id,
    set_moderation_states,
)
from storage.tables.proposals import (
    NewProposal,
    StoredProposal,
    erase_proposals_by_id,
    insert_proposals,
    proposals_by_id,
)
from storage.tables.ratings import (
    NewRating,
    NewRatingEvent,
    carried_votes,
    erase_carried_votes,
    newest_vote_ids,
    ratings_of_proposals,
    store_votes,
)

MOST_PARTS: Final = 10


def merge_proposals(
    context: ModerationContext, proposal_id: int, into: int, reason: str = "", *, seen: str | None = None
) -> ModerationItem:
    """Merges a proposal into `into` and carries its ratings over. Of two ratings by one participant the later one
    counts.

    Proposals merged into this one before are merged into `into` as well, so that there are no chains.
    """
    if proposal_id == into:
        raise DecisionRefused("itself")
    # Locks all rows that may change, in the order of their ids, so that concurrent merges do not deadlock.
    children = merged_into_proposals(context.connection, [proposal_id]).get(proposal_id, [])
    locked = load_items(context.connection, [proposal_id, into, *children], lock=True)
    source, target = locked.get(proposal_id), locked.get(into)
    if source is None or target is None:
        raise DecisionRefused("unknown")
    check_decision(source, "merge", seen)
    _check_target(context.connection, source, target)
    if list(source.joined) != children:
        raise DecisionRefused("changed", state=source.state)
    record_decision(context, proposal_id, "merge", require_reason(reason) if reason.strip() else target.proposal.code)
    set_moderation_state(context, source, "merged", into)
    moved = [ModerationChange(child, "merged", into, context.now) for child in children]
    set_moderation_states(context.connection, moved)
    _share_status(context, [proposal_id, *children], target)
    for child in children:
        _take_out(context, child, proposal_id)
    _carry(context.connection, context.new_id, [proposal_id, *children], target.proposal)
    return reload_item(context, proposal_id)


def _share_status(context: ModerationContext, sources: Sequence[int], target: ModerationItem) -> None:
    """Copies the last official answer of the target to the sources. Their authors are told after `HELD`, so that a
    merge by mistake can be taken back before.
    """
    if not target.steps:
        return
    last = target.steps[-1]
    # Authors of the sources did not hear an earlier answer, so that this one corrects nothing for them.
    last = last._replace(at=context.now + HELD, tell_after=0, is_correction=False)
    rows = [last._replace(id=context.new_id(), proposal_id=source) for source in sources]
    proposals.add_statuses(context.connection, rows)


def _check_target(connection: Connection, source: ModerationItem, target: ModerationItem) -> None:
    if target.answer:
        raise DecisionRefused("only_proposals")
    if source.proposal.consultation_id != target.proposal.consultation_id:
        raise DecisionRefused("elsewhere")
    if target.proposal.withdrawn_at is not None:
        raise DecisionRefused("withdrawn")
    if target.state == "merged" and target.moderation.merged_into is not None:
        root = proposals_by_id(connection, [target.moderation.merged_into])
        raise DecisionRefused("merged", code=next((row.code for row in root.values()), "?"))
    if target.state not in {"waiting", "released"}:
        raise DecisionRefused("already", state=target.state)


def _carry(connection: Connection, new_id: Callable[[], int], sources: Sequence[int], target: StoredProposal) -> None:
    """Copies ratings of the sources to the target, with the hour in which they were given. Of several ratings by one
    participant the last one is copied.

    A later rating of the target itself takes precedence; the author of the target never rates it.
    """
    found = ratings_of_proposals(connection, [*sources, target.id])
    last = dict(found[target.id])
    rows = [row for source in sources for row in found[source].values() if row.pseudonym != target.pseudonym]
    stored = newest_vote_ids(connection, sorted({row.pseudonym for row in rows}))

    def given(row: NewRating) -> tuple[datetime, int]:
        # A carried rating has the id of the merge; the original vote has the time.
        return row.rated_at, stored.get((row.carried_from or row.proposal_id, row.pseudonym), 0)

    for row in rows:
        last[row.pseudonym] = max(last.get(row.pseudonym, row), row, key=given)
    carried = (row for row in last.values() if row.proposal_id != target.id)
    store_votes(connection, [_carried(row, new_id(), target) for row in carried])


def _carried(row: NewRating, id_: int, target: StoredProposal) -> NewRatingEvent:
    return NewRatingEvent(
        id=id_,
        proposal_id=target.id,
        pseudonym=row.pseudonym,
        vote=row.vote,
        important=row.important,
        at=row.rated_at,
        question_key=None,
        carried_from=row.carried_from or row.proposal_id,
    )


def restore_text(
    context: ModerationContext, proposal_id: int, reason: str = "", *, seen: str | None = None
) -> ModerationItem:
    """Makes a hidden, merged or released text wait for review again; a released one is no longer public."""
    known = load_items(context.connection, [proposal_id]).get(proposal_id)
    into = known.moderation.merged_into if known else None
    if into is not None:
        load_items(context.connection, [proposal_id, into], lock=True)
    item = lock_for_decision(context, proposal_id, "restore", seen)
    if item.moderation.merged_into != into:
        raise DecisionRefused("changed", state=item.state)
    record_decision(context, proposal_id, "restore", require_reason(reason) if reason.strip() else None)
    set_moderation_state(context, item, "waiting")
    target = proposals_by_id(context.connection, [into]).get(into) if into is not None else None
    if target is not None:
        _take_out(context, proposal_id, target.id)
        proposals.erase_held_statuses(context.connection, proposal_id, context.now)
        others = merged_into_proposals(context.connection, [target.id]).get(target.id, [])
        _carry(context.connection, context.new_id, others, target)
    return reload_item(context, proposal_id)


def _take_out(context: ModerationContext, source: int, target: int) -> None:
    """Removes the ratings of the source from the target; earlier ratings of the target count again."""
    votes = ratings.votes_on(context.connection, [source, target])
    erase_carried_votes(context.connection, carried_votes(votes, {source: target}))


def erase_proposals(connection: Connection, new_id: Callable[[], int], ids: Sequence[int]) -> None:
    """Deletes proposals and all ratings of them, including those carried to the proposal they were merged into. There
    the newest remaining rating of each person counts again.
    """
    states = moderations_by_id(connection, ids)
    into = {number: row.merged_into for number, row in states.items() if row.merged_into is not None}
    targets = sorted({*into.values()}.difference(ids))
    votes = ratings.votes_on(connection, targets)
    erase_carried_votes(connection, carried_votes(votes, into))
    erase_proposals_by_id(connection, ids)
    others = merged_into_proposals(connection, targets)
    for number, target in proposals_by_id(connection, targets).items():
        _carry(connection, new_id, others.get(number, []), target)


def split_proposal(
    context: ModerationContext,
    proposal_id: int,
    parts: Sequence[ProposalWording],
    reason: str = "",
    *,
    seen: str | None = None,
) -> list[ModerationItem]:
    """Splits a proposal into several. The parts have its author, wait for review, and begin without ratings, because
    the ratings do not say which part they are about.
    """
    item = lock_for_decision(context, proposal_id, "split", seen)
    wordings = [check_wording(part) for part in parts]
    if not 2 <= len(set(wordings)) == len(wordings) <= MOST_PARTS:
        raise DecisionRefused("parts", most=str(MOST_PARTS))
    whole = NewProposal(*(getattr(item.proposal, field) for field in NewProposal._fields))
    made = [
        whole._replace(
            id=context.new_id(), code=new_proposal_code(), title=title, text=text, source=None, source_id=None
        )
        for title, text in wordings
    ]
    record_decision(context, proposal_id, "split", require_reason(reason) if reason.strip() else None)
    set_moderation_state(context, item, "split")
    insert_proposals(context.connection, made)
    found = [wording_flags(wording, whole.language) for wording in wordings]
    rows = [
        NewModeration(
            id=part.id,
            state="waiting",
            flags=found[place],
            merged_into=None,
            original=None,
            changed_at=context.now,
            split_from=proposal_id,
        )
        for place, part in enumerate(made)
    ]
    insert_moderations(context.connection, rows)
    return list(load_items(context.connection, [part.id for part in made]).values())


def authors(connection: Connection, ids: Sequence[int]) -> dict[int, frozenset[str]]:
    """Loads the pseudonyms of all authors of these proposals, with those of merged proposals and of the whole of a
    part.
    """
    states = moderations_by_id(connection, ids)
    wholes = {number: row.split_from for number, row in states.items() if row.split_from is not None}
    joined = merged_into_proposals(connection, [*ids, *wholes.values()])
    family = {number: {number, *joined.get(number, ()), *joined.get(wholes.get(number, -1), ())} for number in ids}
    everyone = proposals_by_id(connection, sorted({member for members in family.values() for member in members}))
    return {
        number: frozenset(
            name for member in members if (row := everyone.get(member)) and (name := row.pseudonym) is not None
        )
        for number, members in family.items()
    }
