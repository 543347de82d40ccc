"""`/list`: what is open now, and how many take part."""

from __future__ import annotations

from collections.abc import Iterable

from bot import formats
from bot.desk.registry import Call, command
from flows.messages import MsgOut
from storage import sessions


@command("list", roles=("facilitator", "kernteam", "admin"))
def list_open(call: Call) -> Iterable[MsgOut]:
    """Every open consultation: its name, title, last day and numbers, a line each."""
    lines = [_line(call, invitation.slug) for invitation in call.catalogue.lobby.invitations]
    if not lines:
        return [call.reply("desk.list.none")]
    return [call.voice.message("\n".join([call.voice.say("desk.list"), *lines]))]


def _line(call: Call, slug: str) -> str:
    published = call.catalogue.newest(slug)
    assert published is not None  # noqa: S101 - for the type checker: the lobby invites to what is open only
    counts = sessions.count_by_status(call.connection, published.consultation_id)
    line = call.voice.say(
        "desk.list.line",
        slug=slug,
        title=call.catalogue.title(slug, call.voice.language),
        begun=sum(counts.values()),
        completed=counts.get("completed", 0),
    )
    closes = published.flow.consultation.closes
    return f"{line} · {call.voice.say('desk.until', day=formats.date(closes, call.voice.language))}" if closes else line
