"""The contributions of a contact for the command *mydata*: own proposals, ratings and open answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import shorten
from typing import Final

from sqlalchemy import Connection

from bot.proposals.moderation_rules import load_items
from bot.proposals.pool import proposal_text
from flows.phrase_families import PROPOSAL_STATES, RATINGS
from flows.renderer import Renderer
from storage.tables import moderation
from storage.tables.open_answers import moderated_answers_of_sessions
from storage.tables.proposals import proposals_of_people
from storage.tables.ratings import NewRating, Vote, ratings_of_people

LONGEST: Final = 80
"""Characters shown of a rated proposal."""
_VOTES: Final[Mapping[Vote, str]] = {1: "agree", -1: "disagree", 0: "pass"}


def own_contribution_lines(connection: Connection, pseudonyms: Sequence[str], renderer: Renderer) -> list[str]:
    """Returns a line for each proposal and each rating under these pseudonyms; an empty list without any."""
    own = proposals_of_people(connection, pseudonyms)
    items = load_items(connection, [row.id for row in own])
    lines = []
    for row in own:
        state = "withdrawn" if row.withdrawn_at else items[row.id].state
        shown = renderer.text(PROPOSAL_STATES[state])
        lines.append(renderer.text("mydata.proposal", code=row.code, state=shown, text=proposal_text(row)))
    rated = ratings_of_people(connection, pseudonyms)
    if rated:
        lines.append(renderer.text("mydata.ratings", count=len(rated)))
        lines += _rated(connection, rated, renderer)
    return ["", *lines] if lines else []


def answer_review_texts(
    connection: Connection, session_ids: Sequence[int], renderer: Renderer
) -> dict[tuple[int, str], str]:
    """Returns the review state of open answers by session and question: released, or hidden with the reason. Answers
    that still wait for review are left out.
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
    """Yields each vote with the code of its proposal, and with the text of public proposals."""
    about = load_items(connection, [row.proposal_id for row in rated])
    for row in rated:
        item = about[row.proposal_id]
        said = [renderer.text(RATINGS[_VOTES[row.vote]])]
        if row.important:
            said.append(renderer.text("statements.important"))
        words = shorten(proposal_text(item.proposal), LONGEST, placeholder=" …") if item.is_public else ""
        yield (
            f"{item.proposal.code} {words}".rstrip() + f"\n   {renderer.arrow} {renderer.text('list.comma').join(said)}"
        )
