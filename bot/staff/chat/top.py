"""`/top SLUG`: the proposals with most agreement, ordered as on the result page and for the next wave."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bot.authoring.change_texts import shortened
from bot.proposals.waves import RankedProposal, rank_proposals
from bot.results.statement_order import LEAST_RATED, StatementStanding
from bot.staff.chat.registry import StaffCall, staff_command
from flows.messages import MsgOut
from flows.phrase_families import SUPPRESSED
from storage.tables.revisions import find_live_revision

MAX_SHOWN: Final = 20


@staff_command("top", "results.public")
def show_top_proposals(call: StaffCall) -> Iterable[MsgOut]:
    """Lists the first twenty, or the requested number, with their published figures."""
    name, _, count = call.argument.partition(" ")
    own = call.own_slugs()
    revision = find_live_revision(call.connection, name.casefold()) if name.casefold() in own else None
    if revision is None:
        return [call.reply("push.unknown", slug=name[:40], slugs=", ".join(own) or "–")]
    every = rank_proposals(call.connection, revision)
    if not every:
        return [call.reply("desk.top.none", slug=revision.slug)]
    shown = every[: int(count) if count.isdecimal() and 0 < int(count) <= MAX_SHOWN else MAX_SHOWN]
    lines = [call.renderer.text("desk.top", slug=revision.slug, n=len(shown), number=len(every))]
    lines += [_line(call, place, it) for place, it in enumerate(shown, 1)]
    if any(it.ranked.rank.standing >= StatementStanding.FEW for it in shown):
        lines.append(call.renderer.text("desk.top.few", n=LEAST_RATED))
    return [call.renderer.message("\n".join(lines))]


def _line(call: StaffCall, place: int, it: RankedProposal) -> str:
    """Formats rank, code, text and, if published, the agreement."""
    return f"{place}. {it.code} „{shortened(it.text)}“: {_told(call, it)}"


def _told(call: StaffCall, it: RankedProposal) -> str:
    statement, rank, say = it.ranked.statement, it.ranked.rank, call.renderer.text
    if statement is None or it.ranked.untold:
        return say(SUPPRESSED[it.ranked.untold], n=it.ranked.min_cell_size)
    about = statement.overall
    if about.agrees is not None:
        told = say("results.agree_of", agrees=about.agrees, seen=about.seen)
    else:
        share = say("results.smallest", share=say("results.percent", n=round(100 * rank.at_least)))
        told = f"{say('results.votes')} {about.seen}, {share}"
    missing, number = len(statement.sectors.missing), statement.sectors.number
    return f"{told}, {say('results.sectors_unknown', n=missing, number=number)}" if missing else told
