"""A new push: audience by clicks, its count, samples, and the start with the number that was shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from bot.broadcasts import service
from bot.broadcasts.audience import AudienceCount
from bot.broadcasts.samples import BroadcastSample, render_samples
from bot.broadcasts.second_person import needs_second
from bot.broadcasts.sending import BroadcastProcessor
from bot.broadcasts.sending_times import SendingTimes
from bot.broadcasts.service import HOLD, PushError
from bot.web.console.consultations import own_consultation
from bot.web.console.overview import ConsultationSummary
from bot.web.console.push import REASON_PHRASES, desk_of, first_message, own_slugs, titles_of
from bot.web.console.push_form import (
    PACES,
    PushForm,
    PushOffer,
    first_form,
    offered,
    read_form,
    segment_in_words,
)
from bot.web.console.reading import HTMX_CONFIG
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit
from flows.languages import language_name
from storage.core.errors import Duplicate
from storage.tables.broadcasts import StoredBroadcast, running_broadcast

REFUSALS: Final = {
    "push.running": "console.push.problem.running",
    "push.closed": "console.push.problem.closed",
    "push.unknown": "console.push.problem.closed",
    "push.is_sample": "console.push.problem.sample",
    "push.past": "console.push.problem.past",
    "push.ends_early": "console.push.problem.ends_early",
    "push.bad_time": "console.push.problem.bad_time",
    "push.segment_wrong": "console.push.problem.segment",
    "push.segment_unclear": "console.push.problem.segment",
    "push.segment_ends": "console.push.problem.segment",
    "push.stale": "console.push.problem.stale",
    "push.asked": "console.push.problem.second",
}
"""What the page says where the service refuses a push."""
PACE_PHRASES: Final = {
    0: "console.push.pace.free",
    60: "console.push.pace.60",
    200: "console.push.pace.200",
    1000: "console.push.pace.1000",
}


class CountedChoice(NamedTuple):
    """A choice with what came of it. `refused` is a phrase; without one there are `draft` and `audience`."""

    options: PushOffer | None
    refused: str = ""
    draft: StoredBroadcast | None = None
    audience: AudienceCount | None = None
    samples: tuple[BroadcastSample, ...] = ()
    running: int = 0
    """The id of the push that prevents this one."""
    words: str = ""
    """Whom the choice means."""
    first: datetime | None = None
    """When the first message leaves."""

    @property
    def total(self) -> int:
        """How many people it reaches."""
        return self.audience.total if self.audience else 0


@console_page("GET", "/consultations/{slug}/push/new", "push")
async def show_new_push(visit: Visit) -> web.StreamResponse:
    """Shows the form with the count of all who asked for news."""
    summary, form = await own_consultation(visit), first_form(visit, visit.now)
    return push_page(visit, summary, form, await count_choice(visit, summary, form))


@console_page("POST", "/consultations/{slug}/push/count", "push")
async def count_push(visit: Visit) -> web.StreamResponse:
    """Counts what was chosen; starts nothing."""
    summary, form = await own_consultation(visit), read_form(visit)
    return push_page(visit, summary, form, await count_choice(visit, summary, form))


@console_page("POST", "/consultations/{slug}/push/new", "push")
async def start_push(visit: Visit) -> web.StreamResponse:
    """Counts again and starts, if the number is still the one that was shown; a push that needs a second member waits
    for their agreement.
    """
    summary, form = await own_consultation(visit), read_form(visit)
    desk_of(visit).processor.forget_groups()
    found = await count_choice(visit, summary, form)
    problem, status = _obstacle(form, found)
    if problem or found.draft is None:
        return push_page(visit, summary, form, found, problem=problem, status=status)
    settings, total = visit.site.services.settings, found.total
    if service.is_large(settings, total) and not needs_second(settings, total) and not form.is_sure:
        return push_page(visit, summary, form, found, asks=True)
    return await _start(visit, summary, form, found, found.draft)


def _obstacle(form: PushForm, found: CountedChoice) -> tuple[str, int]:
    """Returns why this push cannot be started as it was shown, with the status; "" if it can."""
    if found.draft is None or found.audience is None:
        return found.refused, 409 if found.running else 422
    if not found.total:
        return "console.push.problem.nobody", 422
    if form.shown is None or service.has_changed(form.shown, found.total):
        return "console.push.problem.changed", 409
    return "", 200


async def _start(
    visit: Visit, summary: ConsultationSummary, form: PushForm, found: CountedChoice, draft: StoredBroadcast
) -> web.Response:
    mine = draft._replace(member_id=visit.member.id)

    def work(processor: BroadcastProcessor, connection: Connection) -> StoredBroadcast:
        processor.catalogue.refresh(connection)
        return service.store_and_start(processor, connection, mine, visit.now, by=visit.actor, hold=HOLD)

    try:
        push = await desk_of(visit).write(work)
    except PushError as refused:
        return push_page(visit, summary, form, found, problem=REFUSALS[refused.phrase], status=409)
    except Duplicate:  # another member pressed at the same moment
        return push_page(visit, summary, form, found, problem="console.push.problem.running", status=409)
    place = "asked" if push.state == "draft" else "sent"
    return visit.see(f"/consultations/{summary.slug}/push/{place}/{push.id}")


async def count_choice(visit: Visit, summary: ConsultationSummary, form: PushForm) -> CountedChoice:
    """Counts what was chosen without storing anything, and renders the samples."""
    settings, channels = visit.site.services.settings, visit.site.services.channels

    def work(processor: BroadcastProcessor, connection: Connection) -> CountedChoice:
        processor.catalogue.refresh(connection)
        known = own_slugs(visit, processor, connection)
        options = offered(processor, summary.slug, known, visit.locale)
        try:
            wish = form.draft(summary.slug, settings.zone())
            draft, count = service.dry_run(processor, connection, wish, visit.now, known)
        except PushError as refused:
            running = running_broadcast(connection, summary.slug, is_reminder=form.is_reminder)
            is_running = running is not None and refused.phrase == "push.running"
            return CountedChoice(options, REFUSALS[refused.phrase], running=running.id if running and is_running else 0)
        return CountedChoice(
            options,
            draft=draft,
            audience=count,
            samples=tuple(render_samples(processor, draft, count, channels)),
            words=segment_in_words(draft.segment, visit.locale, titles_of(processor, known, visit.locale)),
            first=first_message(visit, draft.starts_at),
        )

    return await desk_of(visit).read(work)


def push_page(
    visit: Visit,
    summary: ConsultationSummary,
    form: PushForm,
    found: CountedChoice,
    *,
    problem: str = "",
    status: int = 200,
    asks: bool = False,
    sample: str = "",
) -> web.Response:
    """Shows the form as it was filled in. `asks`: whether a large audience is to be confirmed; `sample`: what became of
    a sample to the member.
    """
    values: dict[str, Any] = {"form": form, "found": found, "asks": asks, "sample": sample}
    settings = visit.site.services.settings
    times = SendingTimes.of(settings)
    return visit.page(
        "push_new.html",
        status=status,
        summary=summary,
        problem=problem,
        htmx_config=HTMX_CONFIG,
        paces=[(it, PACE_PHRASES[it]) for it in PACES],
        reason_phrases=REASON_PHRASES,
        language_name=language_name,
        push_settings=settings.push,
        needs_second=needs_second(settings, found.total),
        hold=int(HOLD.total_seconds()),
        free_weekdays=visit.locale.weekdays(set(range(7)) - times.weekdays),
        free_day=times.next_holiday(visit.now, visit.locale.tag),
        **values,
    )
