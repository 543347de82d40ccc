"""`/list`: what is open now, how many take part, and how much waits to be read."""

from __future__ import annotations

from collections.abc import Iterable

from bot import formats
from bot.desk.registry import Call, command
from flows.messages import MsgOut
from storage import consultations, moderation, sessions
from storage.consultations import PublishedRevision


@command("list", roles=("facilitator", "kernteam", "admin"))
def list_open(call: Call) -> Iterable[MsgOut]:
    """Every open consultation, and every closed one in which something waits to be read, a line each."""
    call.catalogue.refresh(call.connection)
    found = [_line(call, one) for one in consultations.list_latest(call.connection, ("open", "closed"))]
    lines = [line for line in found if line]
    if not lines:
        return [call.reply("desk.list.none")]
    return [call.voice.message("\n".join([call.voice.say("desk.list"), *lines]))]


def _line(call: Call, revision: PublishedRevision) -> str:
    """Name, title, numbers, last day; "" for what is over and read."""
    slug, say, language = revision.slug, call.voice.say, call.voice.language
    published = call.catalogue.newest(slug)
    waiting = moderation.count_states(call.connection, revision.consultation_id).get("waiting", 0)
    if published is None and not waiting:
        return ""
    counts = sessions.count_by_status(call.connection, revision.consultation_id)
    title, begun = call.catalogue.title(slug, language), sum(counts.values())
    parts = [say("desk.list.line", slug=slug, title=title, begun=begun, completed=counts.get("completed", 0))]
    if waiting:
        parts.append(say("desk.list.waiting", waiting=waiting))
    closes = published.flow.consultation.closes if published else None
    if closes:
        parts.append(say("desk.until", day=formats.date(closes, language)))
    elif published is None:
        parts.append(say("desk.list.over"))
    return " · ".join(parts)
