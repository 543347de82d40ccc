"""Resumes a conversation with a code: on another device, or without the cookie.

The code is sent in the body of a form or in the fragment of an address, which browsers do not send, so that it
appears in no log and reaches no other site.
"""

from __future__ import annotations

import io
from functools import partial
from typing import Final

import segno
from aiohttp import web
from markupsafe import Markup

from adapters.web.errors import RequestError
from adapters.web.sessions import WebConversation
from bot.common.code_alphabet import normalise_code
from bot.common.i18n.locale import Locale
from bot.proposals.codes import parse_proposal_code
from bot.web.consultation_cache import PublishedConsultation
from bot.web.context import form_of, language_links, site_of
from bot.web.public.chat import SLUG, own_conversation, redirect_after_start, requested_consultation
from bot.web.public.form_model import bot_language
from bot.web.request_locale import locale_of
from storage.core.errors import StorageError
from storage.tables.contacts import AddressMove, move_addresses

LONGEST: Final = 40
"""Characters of a code with its separators."""
RECEIPT_LETTERS: Final = 10
"""Letters of a receipt (`bot.common.ids.receipt`)."""
EXAMPLE = "7K2M-PX0Q-4ZTA-9C3D"


def add_resume_routes(router: web.UrlDispatcher) -> None:
    router.add_post("/resume", _found)
    router.add_get(f"/c/{SLUG}/resume", _ask)
    router.add_post(f"/c/{SLUG}/resume", _resume)
    router.add_post(f"/c/{SLUG}/code", _show)
    router.add_post(f"/c/{SLUG}/leave", _leave)


async def _found(request: web.Request) -> web.StreamResponse:
    """Handles the field of the start page: a resume code of any consultation, a proposal number, or a receipt."""
    code = str((await form_of(request)).get("code", ""))
    if number := parse_proposal_code(code[:LONGEST]):
        raise web.HTTPSeeOther(f"/p/{number}")
    if len(normalise_code(code[:LONGEST])) == RECEIPT_LETTERS:
        return _form(request, None, status=404, code=code, reason="web.code.receipt")
    await site_of(request).consultations.refresh()
    return await _opened(request, None, code)


async def _ask(request: web.Request) -> web.Response:
    return _form(request, requested_consultation(request))


async def _resume(request: web.Request) -> web.StreamResponse:
    data = await form_of(request)
    return await _opened(request, requested_consultation(request), str(data.get("code", "")))


async def _opened(request: web.Request, published: PublishedConsultation | None, code: str) -> web.StreamResponse:
    """Opens the conversation of a code in this browser; without `published` it may belong to any open consultation."""
    site = site_of(request)
    if not site.routes.is_ours(request, has_token=False):
        raise RequestError("origin")
    try:
        searched = [published] if published else site.consultations.open_now()
        conversation = await site.routes.open_by_code(request, code, [it.slug for it in searched])
    except RequestError as error:
        if error.code != "code":
            raise
        return _form(request, published, status=404, code=code)
    response = redirect_after_start(request, conversation.slug, form=True)
    site.routes.set_cookie(request, response, conversation)
    return response


def _form(
    request: web.Request,
    published: PublishedConsultation | None,
    *,
    status: int = 200,
    code: str = "",
    reason: str = "web.resume.unknown",
) -> web.Response:
    """`reason`: the phrase that says why the code was not accepted."""
    site, locale = site_of(request), locale_of(request)
    return site.page(
        request,
        "public/resume.html",
        locale,
        status=status,
        published=published,
        title=published.text(published.listing.title, locale.tag) if published else "",
        reason=reason,
        languages=language_links(request, locale),
        example=EXAMPLE,
        is_wrong=status != 200,
        code=code[:40],
    )


async def _show(request: web.Request) -> web.Response:
    """Shows the code of this conversation as text and QR code; a new one if the form asks for it."""
    site, published = site_of(request), requested_consultation(request)
    data = await form_of(request)
    conversation = own_conversation(request, published.slug, data.get("csrf"))
    entries = site.routes.hub.chat(conversation.address).after(0)
    locale = Locale.of(bot_language(entries) or locale_of(request).tag)
    is_renewed = "renew" in data
    if is_renewed:
        conversation = await _renewed(request, conversation)
    response = _code_page(
        request, published, conversation, locale, is_form=data.get("view") == "form", is_renewed=is_renewed
    )
    if is_renewed:
        site.routes.set_cookie(request, response, conversation)
    return response


async def _renewed(request: web.Request, conversation: WebConversation) -> WebConversation:
    """Gives the conversation another id: the old code and the cookies of other browsers open nothing any more. Raises
    RequestError (`held`).
    """
    site = site_of(request)
    hub, keys, renewed = site.routes.hub, site.services.keys, site.routes.another(conversation)
    old, new = (keys.lookup(hub.name, it.address) for it in (conversation, renewed))
    moves = [AddressMove(old, new, keys.encrypt(renewed.address, new))]
    try:
        await site.services.store.write(partial(move_addresses, moves=moves))
    except StorageError as error:
        raise RequestError("held") from error
    hub.wipe(conversation.address)
    return renewed


def _code_page(
    request: web.Request,
    published: PublishedConsultation,
    conversation: WebConversation,
    locale: Locale,
    *,
    is_form: bool,
    is_renewed: bool,
) -> web.Response:
    site = site_of(request)
    link = f"{site.origin(request)}/c/{published.slug}/resume#{conversation.resume_code}"
    return site.page(
        request,
        "public/code.html",
        locale,
        published=published,
        title=published.text(published.listing.title, locale.tag),
        code=conversation.resume_code,
        csrf=conversation.csrf,
        qr=qr_code(link),
        is_form=is_form,
        is_renewed=is_renewed,
    )


async def _leave(request: web.Request) -> web.StreamResponse:
    """Deletes the conversation cookie of this browser; the code still opens the conversation."""
    published = requested_consultation(request)
    conversation = own_conversation(request, published.slug, (await form_of(request)).get("csrf"))
    response = web.Response(status=303, headers={"Location": "/"})
    site_of(request).routes.leave(request, response, conversation)
    return response


def qr_code(link: str) -> Markup:
    """Returns a QR code as SVG, dark on light in every colour scheme, as scanners need it."""
    out = io.BytesIO()
    segno.make_qr(link, error="m").save(
        out,
        kind="svg",
        xmldecl=False,
        svgns=True,
        omitsize=True,
        dark="#000",
        light="#fff",
        svgclass="qr",
        lineclass=None,
    )
    return Markup(out.getvalue().decode())  # noqa: S704 - modules only; the link itself is not in it
