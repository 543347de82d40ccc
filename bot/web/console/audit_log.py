"""The audit log: who did what, newest first, by consultation and by member; and whether its chain is intact."""

from __future__ import annotations

from typing import Final

from aiohttp import web
from sqlalchemy import Connection

from bot.common.audit import check_chain
from bot.staff.assignments import assigned_consultations
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit, id_in
from storage.tables.audit import StoredAuditEntry, audit_entries, newest_audit_entries
from storage.tables.consultations import consultation_slug

PAGE_SIZE: Final = 50


@console_page("GET", "/audit", "audit.read")
async def show_audit_log(visit: Visit) -> web.StreamResponse:
    """Shows one page of the log; `before` in the address is the number of the oldest entry seen.

    Members with assignments see the entries about their consultations.
    """
    query = visit.request.query
    before = id_in(query.get("before", ""))
    about, actor = query.get("about", "").strip()[:100], query.get("actor", "").strip()[:100]

    def load(connection: Connection) -> list[StoredAuditEntry]:
        assigned = assigned_consultations(connection, visit.member, visit.now)
        slugs = None if assigned is None else [consultation_slug(connection, it) for it in assigned]
        return newest_audit_entries(connection, PAGE_SIZE + 1, before=before, about=about, actor=actor, slugs=slugs)

    found = await visit.read(load)
    return visit.page(
        "audit.html",
        entries=found[:PAGE_SIZE],
        older=found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None,
        about=about,
        actor=actor,
        checked=None,
    )


@console_page("POST", "/audit/verify", "audit.read")
async def verify_audit_log(visit: Visit) -> web.StreamResponse:
    """Verifies the chain of all entries."""
    keys = visit.site.services.keys

    def check(connection: Connection) -> tuple[int, str]:
        last, error = check_chain(keys, audit_entries(connection))
        return (last.id if last else 0), error

    checked = await visit.read(check)
    return visit.page(
        "audit.html",
        status=200,
        entries=[],
        older=None,
        about="",
        actor="",
        checked=checked,
    )
