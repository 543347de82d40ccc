"""The landing page of a consultation and its chat page, which works without JavaScript: every message is a form."""

from __future__ import annotations

import secrets
import time
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from adapters.web.errors import RequestError
from adapters.web.log import ChatEntry
from adapters.web.sessions import WebConversation
from bot.common.i18n.locale import Locale
from bot.consultations.entry_codes import parse_entry_code
from bot.web.consultation_cache import PublishedConsultation
from bot.web.context import EMBED, form_of, language_links, set_preference_cookie, site_of
from bot.web.middleware import error_page
from bot.web.public.form_model import bot_language, is_language_question, is_main_menu, last_message, visible_entries
from bot.web.public.my_contributions import contribution_updates
from bot.web.request_locale import COOKIE, locale_of, preferred_language
from flows.slugs import Slug

SLUG = r"{slug:(?=[0-9-]*[a-z])[a-z0-9][a-z0-9-]{1,39}}"
BEGUN: Final = "begun"
VIEW: Final = "view"
"""The part of the query of visitors who want the chat instead of one question per view."""
CHAT: Final = "chat"
JUST_SECONDS: Final = 120


def add_chat_routes(router: web.UrlDispatcher) -> None:
    router.add_get(f"/c/{SLUG}", _page)
    router.add_post(f"/c/{SLUG}/language", _switch)


async def _page(request: web.Request) -> web.StreamResponse:
    """Shows the landing page without a conversation; else the open question, or the chat for those who chose it."""
    site, published = site_of(request), requested_consultation(request, trials=True)
    conversation = site.routes.conversation_of(request, published.slug)
    if conversation.is_new:
        return landing_page(request, published, conversation, is_cookieless=_has_just_begun(request))
    if BEGUN in request.query:
        return redirect_to_conversation(request, published.slug, form=not _wants_chat(request, conversation))
    if not _wants_chat(request, conversation):
        return redirect_to_conversation(request, published.slug, form=True)
    try:
        entries = await conversation_log(request, conversation)
    except RequestError as error:
        if error.code != "session":
            raise
        return parted_page(request, published, conversation)
    language = published.best(bot_language(entries) or locale_of(request).tag)
    last = last_message(entries)
    return site.page(
        request,
        "public/chat.html",
        Locale.of(language),
        published=published,
        title=published.text(published.listing.title, language),
        entries=visible_entries(entries),
        last=last.msg if last else None,
        after=entries[-1].seq if entries else 0,
        epoch=site.routes.hub.epoch,
        script=site.routes.script,
        csrf=conversation.csrf,
        message_id=new_message_id(),
        code=conversation.resume_code,
        limit=site.routes.limits.text,
        help_word=Locale.of(language).phrases.words("words.help")[0],
        offers=published.offers,
        is_unreviewed=is_unreviewed(published, language),
        news=await contribution_updates(request, published, conversation, Locale.of(language)),
    )


def _wants_chat(request: web.Request, conversation: WebConversation) -> bool:
    """Tells whether the visitor chose the chat instead of one question per view; remembered with the conversation log,
    not in the browser.
    """
    chat = site_of(request).routes.hub.chat(conversation.address)
    chat.is_chosen = chat.is_chosen or request.query.get(VIEW) == CHAT
    return chat.is_chosen


def parted_page(request: web.Request, published: PublishedConsultation, conversation: WebConversation) -> web.Response:
    """Shows the final message after an erasure once, then the landing page, and deletes the cookie."""
    site, locale = site_of(request), locale_of(request)
    farewell = site.routes.hub.farewell(conversation.address)
    if farewell is None:
        response = landing_page(request, published, conversation)
    else:
        locale = published.locale(farewell.language)
        title = published.text(published.listing.title, locale.tag)
        response = site.page(
            request, "error.html", locale, title=title, text=farewell.text, again="", results="", fields=()
        )
    site.routes.leave(request, response, conversation)
    return response


def landing_page(
    request: web.Request,
    published: PublishedConsultation,
    conversation: WebConversation,
    *,
    is_cookieless: bool = False,
) -> web.Response:
    """Shows what the consultation is about and its languages; nothing is stored, not even a cookie."""
    site = site_of(request)
    state = published.state()
    tags = tuple(published.consultation.languages)
    chosen = request.cookies.get(COOKIE, "")
    locale = Locale.of(chosen if chosen in tags else preferred_language(request, tags))
    zone = site.services.settings.zone()
    if state != "open":
        day = published.opens(zone)
        values = {"date": locale.day(day)} if state == "not_yet" and day else {}
        results = f"/results/{published.slug}" if state == "closed" else ""
        return error_page(site, request, state, 410 if state == "closed" else 404, locale, results=results, **values)
    closes = published.closes(zone)
    texts = published.consultation
    return site.page(
        request,
        "public/door.html",
        locale,
        published=published,
        title=published.text(texts.title, locale.tag),
        asks=published.text(texts.asks, locale.tag),
        why=published.text(texts.why, locale.tag),
        readers=published.text(texts.readers, locale.tag),
        until=locale.day(closes) if closes else "",
        languages=language_links(request, locale, tags),
        is_unreviewed=is_unreviewed(published, locale.tag),
        place=parse_entry_code(request.query.get("at", "")),
        is_cookieless=is_cookieless,
    )


async def _switch(request: web.Request) -> web.StreamResponse:
    """Switches the language; answers stay."""
    published = requested_consultation(request, trials=True)
    data = await form_of(request)
    conversation = own_conversation(request, published.slug, data.get("csrf"))
    language = published.best(str(data.get("lang", "")))
    spoken = bot_language(await conversation_log(request, conversation))
    if spoken != language:
        label = Locale.of(spoken).text("web.language")
        await send_message(request, conversation, new_message_id(), text="/language", label=label)
        await answer_language_question(request, conversation, language)
    response = redirect_to_conversation(request, published.slug, form=data.get("view") == "form")
    set_preference_cookie(request, response, COOKIE, language)
    return response


async def answer_language_question(request: web.Request, conversation: WebConversation, language: str) -> None:
    """Answers the language question of the bot, if it is the current one."""
    last = last_message(await conversation_log(request, conversation))
    if last is None or last.msg is None or not is_language_question(last.msg):
        return
    for reply in last.msg.quick_replies:
        if reply.parsed.argument == language:
            await send_message(request, conversation, new_message_id(), choice=reply.token)
            return


async def send_message(
    request: web.Request,
    conversation: WebConversation,
    client_id: str,
    *,
    text: str = "",
    choice: str = "",
    label: str = "",
) -> None:
    """Sends a message to the bot and waits for the reply. Raises RequestError."""
    routes = site_of(request).routes
    await routes.take(request, conversation, client_id, text=text, choice=choice, shown=label, until_answered=True)


async def conversation_log(request: web.Request, conversation: WebConversation) -> list[ChatEntry]:
    """Returns the conversation so far; asks the bot to repeat the current question if it is not in memory.

    Raises RequestError.
    """
    routes = site_of(request).routes
    await routes.begin(request, conversation)
    entries = await _answered(request, conversation)
    if is_main_menu(entries):
        # After submission no consultation is open; this page has only one, so reopen it.
        text, label = f"/start {conversation.slug}", locale_of(request).text("web.form.see")
        await routes.take(request, conversation, new_message_id(), text=text, shown=label, until_answered=True)
        entries = await _answered(request, conversation)
    return entries


async def _answered(request: web.Request, conversation: WebConversation) -> list[ChatEntry]:
    """Returns the log after the bot has replied."""
    hub = site_of(request).routes.hub
    await hub.settled(conversation.address)
    return hub.chat(conversation.address).after(0)


def own_conversation(request: web.Request, slug: str, token: object) -> WebConversation:
    """Returns the browser's conversation for a form of ours. Raises RequestError."""
    routes = site_of(request).routes
    conversation = routes.conversation_of(request, slug)
    if conversation.is_new:
        raise RequestError("session")
    if not routes.is_ours(request) or not routes.is_form(conversation, token):
        raise RequestError("form")
    return conversation


def requested_consultation(request: web.Request, *, trials: bool = False) -> PublishedConsultation:
    """The consultation of the path; with `trials` also that of a test revision. Raises RequestError."""
    slug: Slug = request.match_info["slug"]
    published = site_of(request).consultations.find_any(slug)
    if published is None or (published.revision.is_trial and not trials):
        raise RequestError("withdrawn" if site_of(request).consultations.is_withdrawn(slug) else "unknown")
    if not published.is_listed and not published.revision.is_trial:
        raise RequestError("closed")  # archived: posters and links may still point to it
    return published


def redirect_to_conversation(request: web.Request, slug: str, *, form: bool) -> web.Response:
    """Redirects to the current page of the conversation."""
    query = f"?{EMBED}=1" if EMBED in request.query else ""
    return web.Response(status=303, headers={"Location": f"/c/{slug}{'/form' if form else ''}{query}"})


def redirect_after_start(request: web.Request, slug: str, *, form: bool) -> web.Response:
    """Redirects to the start of the conversation, which detects browsers without cookies."""
    query = {BEGUN: str(int(time.time()))} | ({} if form else {VIEW: CHAT})
    query |= {EMBED: "1"} if EMBED in request.query else {}
    return web.Response(status=303, headers={"Location": f"/c/{slug}?{urlencode(query)}"})


def _has_just_begun(request: web.Request) -> bool:
    """Tells whether a visitor without a cookie comes from the start, so that the browser stores none."""
    begun = request.query.get(BEGUN, "")
    return begun.isdecimal() and len(begun) < 12 and abs(time.time() - int(begun)) < JUST_SECONDS


def is_unreviewed(published: PublishedConsultation, language: str) -> bool:
    return any(offer.is_unreviewed for offer in published.offers if offer.tag == language)


def new_message_id() -> str:
    """Returns an id for one message: a form sent twice counts once."""
    return secrets.token_hex(8)
