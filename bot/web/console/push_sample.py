"""A sample of a push to the chat of the member who prepares it."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy import Connection

from bot.broadcasts.samples import send_sample
from bot.broadcasts.sending import BroadcastProcessor
from bot.web.console.consultations import own_consultation
from bot.web.console.push import desk_of
from bot.web.console.push_form import read_form
from bot.web.console.push_new import count_choice, push_page
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit
from storage.tables.broadcasts import StoredBroadcast
from storage.tables.contacts import find_addresses
from storage.tables.staff import staff_chat_of


@console_page("POST", "/consultations/{slug}/push/to-me", "push")
async def send_sample_to_me(visit: Visit) -> web.StreamResponse:
    """Sends the message in one language to the chat from which the member works; starts nothing."""
    summary, form = await own_consultation(visit), read_form(visit)
    found = await count_choice(visit, summary, form)
    language = visit.field("sample")
    if found.draft is None or language not in {it.language for it in found.samples}:
        return push_page(visit, summary, form, found, problem=found.refused, status=422)
    if not await _send(visit, found.draft, language):
        return push_page(visit, summary, form, found, sample="console.push.no_chat")
    visit.site.services.wake_outbox()
    return push_page(visit, summary, form, found, sample="console.push.sample_sent")


async def _send(visit: Visit, push: StoredBroadcast, language: str) -> bool:
    """Queues the sample; returns False if no chat is bound to the member."""

    def work(processor: BroadcastProcessor, connection: Connection) -> bool:
        chat = staff_chat_of(connection, visit.member.id)
        to = find_addresses(connection, [chat.lookup]).get(chat.lookup) if chat and chat.lookup else None
        if to is None:
            return False
        processor.catalogue.refresh(connection)
        send_sample(processor, connection, push, language=language, to=to, now=visit.now)
        return True

    return await desk_of(visit).write(work)
