"""Updates about the visitor's own proposals on their pages, because the web channel cannot push messages."""

from __future__ import annotations

from typing import NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from adapters.web.sessions import WebConversation
from bot.common.i18n.locale import Locale
from bot.privacy import personal_data
from bot.proposals import publication
from bot.proposals.contribution_status import ContributionStatus, status_lines
from bot.web.consultation_cache import PublishedConsultation
from bot.web.context import site_of


class ContributionUpdate(NamedTuple):
    """One own proposal with its status lines."""

    code: str
    lines: list[str]


async def contribution_updates(
    request: web.Request, published: PublishedConsultation, conversation: WebConversation, locale: Locale
) -> list[ContributionUpdate]:
    """Returns the own proposals with a decision; none while they only wait for review."""
    if not any(node.carries == "proposal" for node in published.consultation.questions):
        return []
    services, routes = site_of(request).services, site_of(request).routes
    lookup = services.keys.lookup(routes.hub.name, conversation.address)

    def read(connection: Connection) -> dict[str, ContributionStatus]:
        codes = personal_data.codes_at(connection, lookup, published.revision.consultation_id, services.keys)
        return publication.public_statuses(connection, codes)

    found = await services.store.read(read)
    return [
        ContributionUpdate(code, status_lines(status, locale.text, locale.tag))
        for code, status in found.items()
        if status.seen != "reading" or status.steps
    ]
