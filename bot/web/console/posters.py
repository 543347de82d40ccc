"""Posters, table cards and stickers of a place, as pages to print."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Final, Literal, NamedTuple, get_args
from urllib.parse import urlsplit

from aiohttp import web
from markupsafe import Markup

from bot.common.i18n.locale import Locale
from bot.web.console.consultations import own_consultation
from bot.web.console.registry import console_page
from bot.web.console.spread import SpreadLinks, own_place, published_consultation, spread_links
from bot.web.console.visit import Visit
from bot.web.consultation_cache import OfferedLanguage, PublishedConsultation
from bot.web.public.resume import qr_code

PosterSize = Literal["a4", "a5", "card", "sticker"]
COPIES: Final[dict[PosterSize, int]] = {"a4": 1, "a5": 1, "card": 2, "sticker": 12}
"""Copies on one sheet: a card has two sides that fold into a tent; stickers are cut."""


class PosterText(NamedTuple):
    """The words of a poster in one language."""

    language: OfferedLanguage
    locale: Locale
    title: str


class Poster(NamedTuple):
    """What a poster shows."""

    size: PosterSize
    main: PosterText
    others: list[PosterText]
    minutes: int
    asks: str
    decides: str
    until: str
    """The last day in the main language; "" without an end."""
    links: SpreadLinks
    address: str
    """The web address as people type it, without scheme and code."""
    qr: Markup

    @property
    def copies(self) -> int:
        return COPIES[self.size]


@console_page("GET", "/consultations/{slug}/spread/{code}/poster", "consultations.list")
async def show_poster(visit: Visit) -> web.StreamResponse:
    """Shows a poster to print. The query chooses `format`, the large language `in`, and the small ones `also`; without
    `chosen` all other languages are small ones.
    """
    summary = await own_consultation(visit)
    place, published = await own_place(visit, summary), await published_consultation(visit, summary)
    if published is None:
        raise web.HTTPNotFound
    query = visit.request.query
    every = [it.tag for it in published.offers]
    return visit.page(
        "poster.html",
        summary=summary,
        place=place,
        sizes=get_args(PosterSize),
        offers=published.offers,
        poster=make_poster(
            published,
            spread_links(visit, summary.slug, place.code),
            size=next((it for it in get_args(PosterSize) if it == query.get("format")), "a4"),
            main=query.get("in", ""),
            also=query.getall("also", []) if "chosen" in query else every,
            until=published.closes(visit.site.services.settings.zone()),
        ),
    )


def make_poster(
    published: PublishedConsultation,
    links: SpreadLinks,
    *,
    size: PosterSize,
    main: str,
    also: Collection[str],
    until: date | None,
) -> Poster:
    """Returns a poster; an unknown `main` stands for the main language of the consultation."""
    tags = [it.tag for it in published.offers]
    tag = main if main in tags else published.listing.main_language
    texts, address = published.consultation, urlsplit(links.web)
    return Poster(
        size=size,
        main=_poster_text(published, tag),
        others=[_poster_text(published, it) for it in _others(tags, tag, also)],
        minutes=published.listing.minutes,
        asks=published.text(texts.asks, tag),
        decides=published.text(texts.decides, tag),
        until=Locale.of(tag).day(until) if until else "",
        links=links,
        address=f"{address.netloc}{address.path}",
        qr=qr_code(links.web),
    )


def _others(tags: Sequence[str], main: str, also: Collection[str]) -> list[str]:
    """Returns the chosen languages besides the main one; one of each language, because a variant like Einfache Sprache
    would repeat its words.
    """
    shown = {_base(main): main}
    for tag in tags:
        if tag in also:
            shown.setdefault(_base(tag), tag)
    return [tag for tag in shown.values() if tag != main]


def _base(tag: str) -> str:
    return tag.split("-", 1)[0]


def _poster_text(published: PublishedConsultation, tag: str) -> PosterText:
    language = next(it for it in published.offers if it.tag == tag)
    return PosterText(language, Locale.of(tag), published.text(published.listing.title, tag))
