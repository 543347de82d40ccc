"""Making a consultation known: places with codes, what came of them, and links that carry the code."""

from __future__ import annotations

from html import escape
from typing import Final, NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from adapters.base import PublicAddress, Reachable
from bot.consultations.entry_places import (
    LONGEST_PLACE,
    PlaceFigures,
    PlaceRefused,
    add_entry_place,
    places_with_figures,
)
from bot.web.console.consultations import own_consultation
from bot.web.console.overview import ConsultationSummary
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit
from bot.web.consultation_cache import PublishedConsultation
from bot.web.public.resume import qr_code
from bot.web.public.spread_pages import place_token
from flows.definition import SMALLEST_CELL
from storage.core.errors import Duplicate
from storage.tables.entry_places import EntryPlace, set_entry_place_removed

NOT_SPREAD: Final = ("draft", "test", "archived")
"""In these states there is no page of residents to point to."""


class SpreadLinks(NamedTuple):
    """The addresses of a consultation that carry the code of one place."""

    web: str
    kiosk: str
    paper: str
    figures: str
    """The page that shows what came of the place, to those who have the address; "" without a place."""
    screen: str
    """The page for a screen in a hall."""
    frame: str
    """The address to show in a frame of another page; "" if no page may embed the consultation."""
    messengers: tuple[PublicAddress, ...]
    words: str
    """What to write to the bot where a link transfers nothing."""


@console_page("GET", "/consultations/{slug}/spread", "consultations.list")
async def show_spread(visit: Visit) -> web.StreamResponse:
    """Shows the places with their figures, and the links of the chosen one."""
    return await _page(visit, await own_consultation(visit))


@console_page("POST", "/consultations/{slug}/spread", "consultations.change")
async def add_place(visit: Visit) -> web.StreamResponse:
    """Adds a place and shows its links."""
    summary = await own_consultation(visit)

    def work(connection: Connection) -> EntryPlace:
        name, code = visit.field("name"), visit.field("code")
        place = add_entry_place(connection, summary.consultation_id, name, code, visit.now)
        visit.note(connection, "place.add", f"{summary.slug}/{place.code}")
        return place

    try:
        place = await visit.write(work)
    except PlaceRefused as refused:
        return await _page(visit, summary, problem=f"place_{refused.reason}")
    except Duplicate:  # added by another member at the same moment
        return await _page(visit, summary, problem="place_taken")
    return visit.see(f"/consultations/{summary.slug}/spread", place=place.code)


@console_page("POST", "/consultations/{slug}/spread/remove", "consultations.change")
async def remove_place(visit: Visit) -> web.StreamResponse:
    """Removes a place from the list, or puts it back; its code goes on counting."""
    summary, code = await own_consultation(visit), visit.field("place")
    is_back = visit.field("back") == "yes"

    def work(connection: Connection) -> bool:
        removed_at = None if is_back else visit.now
        if not set_entry_place_removed(connection, summary.consultation_id, code, removed_at):
            return False
        visit.note(connection, "place.restore" if is_back else "place.remove", f"{summary.slug}/{code}")
        return True

    if not await visit.write(work):
        raise web.HTTPNotFound
    done = {"place": code} if is_back else {"done": "place", "removed": code}
    return visit.see(f"/consultations/{summary.slug}/spread", **done)


@console_page("GET", "/consultations/{slug}/spread/{code}/qr.svg", "consultations.list")
async def show_qr_code(visit: Visit) -> web.StreamResponse:
    """Sends the QR code of one place as a file."""
    summary = await own_consultation(visit)
    place = await own_place(visit, summary)
    svg = qr_code(spread_links(visit, summary.slug, place.code).web)
    name = f"{summary.slug}-{place.code}.svg"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return web.Response(
        text=f'<?xml version="1.0" encoding="UTF-8"?>\n{svg}', content_type="image/svg+xml", headers=headers
    )


def spread_links(visit: Visit, slug: str, code: str, consultation_id: int = 0) -> SpreadLinks:
    """Returns the links of one place; `code` is "" for links without a place. `consultation_id`: for the page with the
    figures of the place; 0 for none.
    """
    token = place_token(visit.site.services.keys, consultation_id, code) if code and consultation_id else ""
    origin, options = visit.site.origin(visit.request), visit.site.options
    at = f"?at={code}" if code else ""
    channels = visit.site.services.channels.values()
    found = [it.public_address(f"{slug}_{code}" if code else slug) for it in channels if isinstance(it, Reachable)]
    return SpreadLinks(
        web=f"{origin}/c/{slug}{at}",
        kiosk=f"{origin}/kiosk/{slug}{at}",
        paper=f"{origin}/c/{slug}/paper{at}",
        figures=f"{origin}/c/{slug}/place/{code}/{token}" if token else "",
        screen=f"{origin}/c/{slug}/screen",
        frame=f"{origin}/c/{slug}?embed=1{f'&at={code}' if code else ''}" if options.embed_origins else "",
        messengers=tuple(it for it in found if it is not None),
        words=f"{slug} {code}".strip(),
    )


def frame_element(address: str, title: str) -> str:
    """Returns the element to copy into another page.

    >>> frame_element("https://a.example/c/park?embed=1&at=BIB7", 'Park "Mitte"')
    '<iframe src="https://a.example/c/park?embed=1&amp;at=BIB7" title="Park &quot;Mitte&quot;"></iframe>'
    """
    return f'<iframe src="{escape(address)}" title="{escape(title)}"></iframe>'


async def own_place(visit: Visit, summary: ConsultationSummary) -> EntryPlace:
    """Returns the place of the path. Raises HTTPNotFound."""
    found = await _places(visit, summary)
    place = next((it.place for it in found if it.code == visit.part("code")), None)
    if place is None:
        raise web.HTTPNotFound
    return place


async def published_consultation(visit: Visit, summary: ConsultationSummary) -> PublishedConsultation | None:
    """Returns the published consultation, if residents can open its page."""
    await visit.site.consultations.refresh()
    return None if summary.state in NOT_SPREAD else visit.site.consultations.find(summary.slug)


async def _places(visit: Visit, summary: ConsultationSummary) -> list[PlaceFigures]:
    return await visit.read(lambda connection: places_with_figures(connection, summary.consultation_id))


async def _page(visit: Visit, summary: ConsultationSummary, problem: str = "") -> web.Response:
    found, published = await _places(visit, summary), await published_consultation(visit, summary)
    chosen = visit.request.query.get("place", "")
    shown = [it for it in found if it.place.removed_at is None]
    place = next((it.place for it in shown if it.code == chosen), shown[-1].place if shown else None)
    removed = visit.request.query.get("removed", "")
    links = spread_links(visit, summary.slug, place.code, summary.consultation_id) if place and published else None
    return visit.page(
        "spread.html",
        status=422 if problem else 200,
        summary=summary,
        found=shown,
        removed=next((it.place for it in found if it.code == removed and it.place.removed_at), None),
        place=place,
        is_published=published is not None,
        links=links,
        frame=frame_element(links.frame, summary.title) if links and links.frame else "",
        least=published.consultation.smallest_cell if published else SMALLEST_CELL,
        problem=problem,
        name=visit.field("name"),
        code=visit.field("code"),
        longest=LONGEST_PLACE,
    )
