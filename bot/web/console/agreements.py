"""The requests of colleagues that wait for the agreement of this member: pushes, and versions that go live."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot.authoring.second_person import asked_to_publish
from bot.broadcasts.second_person import REQUEST_HOLDS, request_for
from bot.broadcasts.sending import BroadcastProcessor
from bot.web.console.overview import ConsultationSummary
from bot.web.console.push import desk_of
from bot.web.console.versions import load_versions
from bot.web.console.visit import Visit
from storage.tables.audit import audit_entries_of
from storage.tables.broadcasts import StoredBroadcast, draft_broadcasts

PUBLISH_LISTED: Final = timedelta(days=30)
"""So long a request to publish is listed; on the page of the consultation it holds as long as the version exists."""


class WaitingAgreement(NamedTuple):
    """One request: what is asked for, in which consultation, and the page on which the member agrees."""

    phrase: str
    summary: ConsultationSummary
    target: str


async def waiting_agreements(visit: Visit, own: Sequence[ConsultationSummary]) -> list[WaitingAgreement]:
    """Returns what other members ask this member to agree to, in these consultations."""
    by_slug = {it.slug: it for it in own}
    return [*await _pushes(visit, by_slug), *await _versions(visit, by_slug)]


async def _pushes(visit: Visit, by_slug: dict[str, ConsultationSummary]) -> list[WaitingAgreement]:
    if not visit.may("push") or not visit.site.services.settings.push.second_above:
        return []
    drafts = await visit.read(partial(draft_broadcasts, slugs=list(by_slug), since=visit.now - REQUEST_HOLDS))
    if not drafts:
        return []

    def load(processor: BroadcastProcessor, connection: Connection) -> list[StoredBroadcast]:
        processor.catalogue.refresh(connection)
        asked = [(it, request_for(processor, connection, it, visit.now)) for it in drafts]
        return [push for push, entry in asked if entry and entry.actor != visit.member.name]

    return [
        WaitingAgreement("console.home.agree_push", by_slug[it.slug], f"/consultations/{it.slug}/push/asked/{it.id}")
        for it in await desk_of(visit).read(load)
    ]


async def _versions(visit: Visit, by_slug: dict[str, ConsultationSummary]) -> list[WaitingAgreement]:
    if not visit.may("consultations.change") or not visit.site.options.publish_needs_second:
        return []
    since = visit.now - PUBLISH_LISTED
    entries = await visit.read(partial(audit_entries_of, acts=["consultation.ask_publish"], since=since))
    slugs = dict.fromkeys(it.object.partition("/")[0] for it in entries)
    found = []
    for summary in (by_slug[it] for it in slugs if it in by_slug):
        for version in await load_versions(visit, summary):
            asked = partial(asked_to_publish, slug=summary.slug, digest=version.digest)
            if version.name != "live" and await visit.read(asked) not in ("", visit.member.name):
                target = f"/consultations/{summary.slug}/publish?version={version.name}"
                found.append(WaitingAgreement("console.home.agree_publish", summary, target))
    return found
