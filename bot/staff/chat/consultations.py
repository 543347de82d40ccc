"""`/list`: open consultations with participations and items waiting for moderation."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from bot.common.i18n import formats
from bot.staff.chat.registry import StaffCall, staff_command
from flows.messages import MsgOut
from storage.tables.moderation import count_moderation_states
from storage.tables.participations import tally_participations
from storage.tables.revisions import RevisionHead, list_live_revision_heads


@staff_command("list", "consultations.list")
def list_open(call: StaffCall) -> Iterable[MsgOut]:
    """Lists open consultations, and closed ones with items waiting for moderation."""
    call.catalogue.refresh(call.connection)
    heads = list_live_revision_heads(call.connection, ("open", "closed"))
    found = [_line(call, one) for one in heads if call.is_own(one.consultation_id)]
    lines = [line for line in found if line]
    if not lines:
        return [call.reply("desk.list.none")]
    return [call.renderer.message("\n".join([call.renderer.text("desk.list"), *lines]))]


def _line(call: StaffCall, revision: RevisionHead) -> str:
    """Formats slug, title, numbers and last day; "" for closed consultations without waiting items."""
    slug, say, language = revision.slug, call.renderer.text, call.renderer.language
    is_open = call.catalogue.is_open(slug)
    waiting = count_moderation_states(call.connection, revision.consultation_id).get("waiting", 0)
    if not is_open and not waiting:
        return ""
    title = call.catalogue.title(slug, language)
    people = tally_participations(call.connection, revision.consultation_id)
    parts = [say("desk.list.line", slug=slug, title=title, **people._asdict())]
    if waiting:
        parts.append(say("desk.list.waiting", waiting=waiting))
    if is_open and revision.closes_at:
        last = revision.closes_at.astimezone(call.settings.zone()) - timedelta(microseconds=1)
        parts.append(say("desk.until", day=formats.date(last.date(), language)))
    elif not is_open:
        parts.append(say("desk.list.over"))
    return " · ".join(parts)
