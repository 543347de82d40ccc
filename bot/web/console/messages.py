"""Messages for a person: read, answered, marked as done, and taken back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from aiohttp import web
from sqlalchemy import Connection

from bot.staff.messages import (
    LONGEST_REPLY,
    MessageRefused,
    Replier,
    WaitingForPerson,
    messages_for_people,
    record_reading,
    reopen_message,
    reply_to_message,
    settle_message,
)
from bot.web.console.labels import MESSAGE_PHRASES
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit, id_in
from flows.languages import LANGUAGES
from storage.tables.messages import count_unsettled_dead_letters

PAGE_SIZE: Final = 25
PATH: Final = "/messages"


async def waiting_messages(visit: Visit) -> int:
    """Returns how many messages wait; 0 for members who may not read them.

    A message belongs to no consultation: only members who act in all of them read it.
    """
    if not visit.may("texts.read") or await visit.assigned() is not None:
        return 0
    return await visit.read(count_unsettled_dead_letters)


@console_page("GET", PATH, "texts.read")
async def show_messages(visit: Visit) -> web.StreamResponse:
    """Shows the messages that wait, those of the oldest day first."""
    said = visit.request.query.get("said", "")
    return await _page(visit, said=said if said in MESSAGE_PHRASES else "")


@console_page("POST", PATH, "texts.decide")
async def settle(visit: Visit) -> web.StreamResponse:
    """Answers a message, marks it as done, or takes that back. What is refused is shown again as it was typed."""
    await _check_assignments(visit)
    name, _, rest = visit.field("do").partition(":")
    number = id_in(rest.partition(":")[0])
    step = _STEPS.get(name)
    if step is None or number is None:
        raise web.HTTPNotFound
    try:
        said, undo = await visit.write(partial(step, visit, number, rest.partition(":")[2]))
    except MessageRefused as refused:
        return await _page(visit, status=422 if refused.reason == "no_words" else 409, said=refused.reason)
    visit.site.services.wake_outbox()
    return visit.see(PATH, said=said, **({"undo": undo} if undo else {}))


async def _check_assignments(visit: Visit) -> None:
    """Raises HTTPNotFound for members who act in some consultations only."""
    if await visit.assigned() is not None:
        raise web.HTTPNotFound


async def _page(visit: Visit, *, status: int = 200, said: str = "") -> web.Response:
    await _check_assignments(visit)

    def load(connection: Connection) -> tuple[list[WaitingForPerson], int]:
        found = messages_for_people(connection, visit.site.services.keys, PAGE_SIZE)
        record_reading(connection, _replier(visit), found)
        return found, count_unsettled_dead_letters(connection)

    found, waiting = await visit.write(load)
    return visit.page(
        "messages.html",
        status=status,
        found=found,
        waiting=waiting,
        said=said,
        is_refused=status != 200,
        undo=visit.request.query.get("undo", "")[:45] if said else "",
        names={tag: it.name for tag, it in LANGUAGES.items()},
        most=LONGEST_REPLY,
    )


def _answer(visit: Visit, number: int, _: str, connection: Connection) -> tuple[str, str]:
    reply = reply_to_message(connection, _replier(visit), number, visit.field(f"words-{number}"))
    return "answered", f"{number}:{reply}"


def _done(visit: Visit, number: int, _: str, connection: Connection) -> tuple[str, str]:
    settle_message(connection, _replier(visit), number)
    return "done", f"{number}"


def _undo(visit: Visit, number: int, reply: str, connection: Connection) -> tuple[str, str]:
    reopen_message(connection, _replier(visit), number, id_in(reply))
    return "reopened", ""


_STEPS: Final[dict[str, Callable[[Visit, int, str, Connection], tuple[str, str]]]] = {
    "answer": _answer,
    "done": _done,
    "undo": _undo,
}


def _replier(visit: Visit) -> Replier:
    services = visit.site.services
    return Replier(services.keys, services.ids, visit.actor, services.settings.web.organisation, visit.now)
