"""Lets residents see, withdraw and delete their own proposals and ratings in chat; counts are updated."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from bot.common.erasure_log import ErasedRecord
from bot.consultations.batch_context import BatchContext
from bot.consultations.catalogue import Catalogue
from bot.consultations.event_handlers import Request, handles_after_write
from bot.consultations.open_question import repeat_open_question
from bot.consultations.pseudonyms import pseudonyms_of
from bot.proposals import lineage, merge_split
from bot.proposals.codes import parse_proposal_code
from bot.proposals.facts import ReadableProposals
from flows.events import ContributionsRequested
from flows.messages import MsgOut, QuickReply
from flows.phrase_families import OWN_PROPOSAL_STATES, RATINGS, REALLY
from flows.renderer import Renderer
from storage.tables import ratings
from storage.tables.moderation import merged_into_proposals, moderations_by_id
from storage.tables.proposals import (
    StoredProposal,
    Withdrawal,
    proposals_by_code,
    proposals_by_id,
    proposals_of_people,
    withdraw_proposals,
)
from storage.tables.ratings import NewRating, erase_ratings, erase_votes, newest_vote_ids, ratings_of_people

_SHOWN = 200
"""Characters shown of a proposal."""
PAGE: Final = 5
"""Ratings per page, newest first."""
_VOTES: Final = {1: "agree", -1: "disagree", 0: "pass"}


@handles_after_write(ContributionsRequested)
def answer_contribution_requests(batch: BatchContext, requests: list[Request[ContributionsRequested]]) -> None:
    """Shows and changes contributions."""
    batch.outcome.has_dropped = True
    for request in requests:
        names = pseudonyms_of(batch.connection, request.person.contact_id, batch.keys)
        batch.say(request.person, _answer(batch, request.event, names, _renderer(request, batch.catalogue)))
        if not request.event.kind.startswith("ask"):  # that asks for a confirmation
            repeat_open_question(batch, request.person)


def _renderer(request: Request[ContributionsRequested], catalogue: Catalogue) -> Renderer:
    if request.participation is None:
        return catalogue.main_menu.renderer(request.event.language, form=request.person.form)
    return request.participation.published.flow.localized[request.participation.session.language].renderer


def _answer(batch: BatchContext, asked: ContributionsRequested, names: list[str], renderer: Renderer) -> MsgOut:
    connection, gone, kind = batch.connection, batch.outcome.erased_records, asked.kind
    if kind in {"show", "more"}:
        return _shown(connection, names, renderer, int(asked.code or 1))
    if kind == "ask.votes":
        return _really(renderer, "votes", "")
    if kind == "votes":
        gone += [ErasedRecord("vote", str(row.id)) for row in ratings.votes_by(connection, names)]
        erase_ratings(connection, names)
        return renderer.message(renderer.text("mine.votes_gone"))
    if kind == "unrate":
        return _unrated(batch, names, parse_proposal_code(asked.code) or "", renderer)
    return _answer_about_proposal(batch, asked, names, renderer)


def _answer_about_proposal(
    batch: BatchContext, asked: ContributionsRequested, names: list[str], renderer: Renderer
) -> MsgOut:
    """Withdraws or erases one proposal with its copies; before an erasure the bot asks."""
    connection, gone, kind = batch.connection, batch.outcome.erased_records, asked.kind
    wanted = parse_proposal_code(asked.code)
    row = next((it for it in proposals_of_people(connection, names) if it.code == wanted), None)
    if row is None:
        return renderer.message(renderer.text("mine.unknown"), [renderer.command("mine")])
    if kind == "ask.delete":
        return _really(renderer, "delete", row.code)
    later = [copy.id for copy in lineage.copies_of_codes(connection, [row.code])]
    if kind == "withdraw":
        if row.withdrawn_at is None:
            withdraw_proposals(connection, [Withdrawal(number, batch.hour) for number in (row.id, *later)])
            gone.append(ErasedRecord("withdrawn", row.code))
        return renderer.message(
            renderer.text("mine.taken_back", code=row.code), [contribution_button(renderer, "delete", row.code)]
        )
    merge_split.erase_proposals(connection, batch.ids, [row.id, *later])
    gone.append(ErasedRecord("idea", row.code))
    return renderer.message(renderer.text("mine.deleted", code=row.code))


def _proposal_lines(row: StoredProposal, renderer: Renderer) -> tuple[str, str]:
    state = "withdrawn" if row.withdrawn_at else "released" if row.released_at else "waiting"
    text = f"{row.title}: {row.text}" if row.title else row.text
    return f"{row.code} ({renderer.text(OWN_PROPOSAL_STATES[state])})", text[:_SHOWN]


def _shown(connection: Connection, names: list[str], renderer: Renderer, page: int) -> MsgOut:
    """Shows proposals and the newest ratings; further pages show older ratings only."""
    own = proposals_of_people(connection, names)
    given = _given(connection, names)
    lines = [renderer.text("mine.head") if own or given else renderer.text("mine.nothing")]
    replies: list[QuickReply] = []
    for row in own if page <= 1 else ():
        lines += ["", *_proposal_lines(row, renderer)]
        replies += [] if row.withdrawn_at else [contribution_button(renderer, "withdraw", row.code)]
        replies.append(contribution_button(renderer, "delete", row.code, asks_first=True))
    if own and page <= 1:
        lines += ["", renderer.text("mine.how", code=own[-1].code)]
    if given:
        told, offers = _ratings_told(connection, given, renderer, page)
        lines, replies = [*lines, *told], [*replies, *offers]
    return renderer.message("\n".join(lines), replies)


def _given(connection: Connection, names: list[str]) -> list[tuple[NewRating, StoredProposal]]:
    """Returns ratings, newest first, without those of merged proposals, which count for the merged one."""
    stored = newest_vote_ids(connection, names)
    rows = sorted(
        ratings_of_people(connection, names), key=lambda row: (row.rated_at, stored.get(row[:2], 0)), reverse=True
    )
    ids = [row.proposal_id for row in rows]
    rated, states = proposals_by_id(connection, ids), moderations_by_id(connection, ids)
    merged = {id_ for id_, state in states.items() if state.state == "merged"}
    return [(row, rated[row.proposal_id]) for row in rows if row.proposal_id not in merged]


def _ratings_told(
    connection: Connection, given: list[tuple[NewRating, StoredProposal]], renderer: Renderer, page: int
) -> tuple[list[str], list[QuickReply]]:
    first = PAGE * (page - 1) if 1 < page <= -(-len(given) // PAGE) else 0
    here = given[first : first + PAGE]
    readable = ReadableProposals.of(connection, {row.proposal_id for row, _ in here})
    lines = ["", renderer.text("mine.votes", n=len(given))]
    for row, rated in here:
        is_shown = rated.id in readable.rows
        text = (
            readable.statement(rated.id, renderer.language).text[:_SHOWN]
            if is_shown
            else renderer.text("mine.not_shown")
        )
        thinks = [RATINGS[_VOTES[row.vote]], *(["statements.important"] if row.important else [])]
        lines += ["", f"{rated.code}: {renderer.listed([renderer.text(it) for it in thinks])}", text]
    lines += ["", renderer.text("mine.how_votes", code=here[-1][1].code)]
    replies = [contribution_button(renderer, "unrate", rated.code) for _, rated in here]
    mine = renderer.command("mine")
    if first + PAGE < len(given):
        older = first // PAGE + 2
        replies.append(mine.with_arguments("more", older, label=renderer.text("mine.older", n=older)))
    replies.append(mine.with_arguments("ask", "votes", label=renderer.text("mine.delete_votes")))
    return lines, replies


def _unrated(batch: BatchContext, names: list[str], code: str, renderer: Renderer) -> MsgOut:
    """Deletes one rating with its history, also in proposals merged into this one."""
    connection = batch.connection
    row = proposals_by_code(connection, [code]).get(code)
    ids = [row.id, *merged_into_proposals(connection, [row.id]).get(row.id, [])] if row else []
    given = ratings.votes_by(connection, names)
    batch.outcome.erased_records += [ErasedRecord("vote", str(vote.id)) for vote in given if vote.proposal_id in ids]
    gone = erase_votes(connection, [(name, id_) for name in names for id_ in ids])
    said = renderer.text("mine.vote_gone" if gone else "mine.no_vote", code=row.code if row else "")
    return renderer.message(said, [renderer.command("mine")])


def _really(renderer: Renderer, kind: str, code: str) -> MsgOut:
    """Asks for confirmation, because a deletion cannot be undone and adjacent buttons are easily mistaken."""
    mine = renderer.command("mine")
    surely = mine.with_arguments(kind, *filter(None, [code]), label=renderer.text("mine.surely"))
    keep = mine._replace(label=renderer.text("mine.keep"))
    return renderer.message(renderer.text(REALLY[kind], code=code), [keep, surely])


def contribution_button(renderer: Renderer, kind: str, code: str, *, asks_first: bool = False) -> QuickReply:
    """Returns a button for an action on an own proposal or rating (`flows.commands.my_contributions`)."""
    mine = renderer.command("mine").with_arguments("ask") if asks_first else renderer.command("mine")
    label = f"{renderer.words(f'words.mine.{kind}')[0].capitalize()} {code}"
    return mine.with_arguments(kind, code, label=label)
