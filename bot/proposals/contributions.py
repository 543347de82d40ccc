"""What a person has brought in: own proposals and where they stand, and how they rated those of others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import shorten
from typing import Final

from sqlalchemy import Connection

from bot.proposals.moderation_rules import load_items
from bot.proposals.pool import proposal_text
from flows.renderer import Renderer
from storage.tables import moderation
from storage.tables.open_answers import moderated_answers_of_sessions
from storage.tables.proposals import proposals_of_people
from storage.tables.ratings import NewRating, Vote, ratings_of_people

LONGEST: Final = 80
"""Characters of a proposal beside a vote about it."""
_VOTES: Final[Mapping[Vote, str]] = {1: "agree", -1: "disagree", 0: "pass"}


def own_contribution_lines(connection: Connection, pseudonyms: Sequence[str], renderer: Renderer) -> list[str]:
    """A line for each proposal and each rating of these people; nothing where there are none."""
    own = proposals_of_people(connection, pseudonyms)
    items = load_items(connection, [row.id for row in own])
    lines = []
    for row in own:
        state = "withdrawn" if row.withdrawn_at else items[row.id].state
        shown = renderer.text(f"proposal.state.{state}")
        lines.append(renderer.text("mydata.proposal", code=row.code, state=shown, text=proposal_text(row)))
    rated = ratings_of_people(connection, pseudonyms)
    if rated:
        lines.append(renderer.text("mydata.ratings", count=len(rated)))
        lines += _rated(connection, rated, renderer)
    return ["", *lines] if lines else []


def answer_review_texts(
    connection: Connection, session_ids: Sequence[int], renderer: Renderer
) -> dict[tuple[int, str], str]:
    """What became of answers in own words, by session and question: that others can see it, or why nobody does. Nothing
    of those that wait.
    """
    known = {
        key: row
        for key, row in moderated_answers_of_sessions(connection, session_ids).items()
        if row.state != "waiting"
    }
    reasons = {
        row.moderation_id: row.reason or ""
        for row in moderation.decisions_of(connection, [row.id for row in known.values()])
        if row.kind == "hide"
    }
    found = {}
    for key, row in known.items():
        reason = reasons.get(row.id, "") if row.state == "hidden" else ""
        why = f" {renderer.text('account.reason', reason=reason)}" if reason else ""
        found[key] = f"({renderer.text(f'proposal.state.{row.state}')}){why}"
    return found


def _rated(connection: Connection, rated: Sequence[NewRating], renderer: Renderer) -> Iterator[str]:
    """Each vote with the code of what it is about; with its words only while everybody may read them."""
    about = load_items(connection, [row.proposal_id for row in rated])
    for row in rated:
        item = about[row.proposal_id]
        said = [renderer.text(f"statements.{_VOTES[row.vote]}")]
        if row.important:
            said.append(renderer.text("statements.important"))
        words = shorten(proposal_text(item.proposal), LONGEST, placeholder=" …") if item.is_public else ""
        yield (
            f"{item.proposal.code} {words}".rstrip() + f"\n   {renderer.arrow} {renderer.text('list.comma').join(said)}"
        )
