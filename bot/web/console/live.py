"""Live: how far people have come in a consultation, updated by server-sent events without a reload."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from aiohttp import web

from bot.results.live_progress import LiveProgress, load_live_progress
from bot.web.console.consultations import own_consultation
from bot.web.console.live_streams import BEAT_SECONDS, LIVE_STREAMS, MOST_VIEWERS, LiveProducer, LiveState
from bot.web.console.overview import ConsultationSummary
from bot.web.console.reach import reach_by_question
from bot.web.console.reading import HTMX_CONFIG
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit
from flows.languages import language_name
from storage.core.errors import StoreBusy

EVENT_STREAM: Final = "text/event-stream"
STREAM_SECONDS: Final = 600.0
"""A stream ends after this time; the browser opens another one, for which session and role are checked again."""
SEND_SECONDS: Final = 5.0
"""A viewer who takes longer to receive an update is disconnected."""


@console_page("GET", "/consultations/{slug}/live", "consultations.list")
async def show_live(visit: Visit) -> web.StreamResponse:
    """Shows the figures. With `stopped` in the address they stay as they are."""
    summary = await own_consultation(visit)
    producer = await _producer(visit, summary)
    state = await producer.look() if producer else LiveState()
    return visit.page(
        "live.html",
        summary=summary,
        htmx_config=HTMX_CONFIG,
        is_stopped="stopped" in visit.request.query or producer is None,
        reach=await reach_by_question(visit, summary),
        **_figures(visit, summary, state),
    )


@console_page("GET", "/consultations/{slug}/live/events", "consultations.list")
async def stream_live(visit: Visit) -> web.StreamResponse:
    """Streams the figures as events named `figures`; a browser that opens the address itself gets the page."""
    summary = await own_consultation(visit)
    if EVENT_STREAM not in visit.request.headers.get("Accept", ""):
        return visit.see(f"/consultations/{summary.slug}/live")
    producer = await _producer(visit, summary)
    if producer is None:
        raise web.HTTPNotFound
    if producer.viewers >= MOST_VIEWERS:
        raise StoreBusy("too many viewers")
    response = web.StreamResponse(
        headers={"Content-Type": EVENT_STREAM, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    await response.prepare(visit.request)
    producer.viewers += 1
    try:
        with suppress(ConnectionError):  # the viewer has left
            await _send_states(visit, summary, producer, response)
    except TimeoutError:
        if visit.request.transport is not None:
            visit.request.transport.abort()
    finally:
        producer.viewers -= 1
    return response


async def _send_states(
    visit: Visit, summary: ConsultationSummary, producer: LiveProducer, response: web.StreamResponse
) -> None:
    """Sends each new state until the stream is old. Raises TimeoutError for slow viewers, and ConnectionError."""
    clock = asyncio.get_running_loop().time
    until, sent = clock() + STREAM_SECONDS, 0
    while clock() < until and not producer.is_closed:
        state = await producer.watch(sent, BEAT_SECONDS)
        data = _event(visit, summary, producer, state) if state.number > sent else b":\n\n"
        sent = state.number
        async with asyncio.timeout(SEND_SECONDS):
            await response.write(data)


def _event(visit: Visit, summary: ConsultationSummary, producer: LiveProducer, state: LiveState) -> bytes:
    """Returns the event of a state, rendered once in each language."""
    tag = visit.locale.tag
    number, data = producer.rendered.get(tag, (0, b""))
    if number != state.number:
        page = visit.page("live_figures.html", summary=summary, **_figures(visit, summary, state))
        lines = "".join(f"data: {line}\n" for line in (page.text or "").splitlines())
        data = f"event: figures\n{lines}\n".encode()
        producer.rendered[tag] = state.number, data
    return data


async def _producer(visit: Visit, summary: ConsultationSummary) -> LiveProducer | None:
    """Returns the producer of the consultation; None if it was never live."""
    consultations, store = visit.site.consultations, visit.site.services.store
    await consultations.refresh()
    if consultations.find_any(summary.slug) is None:
        return None

    async def load() -> LiveProgress:
        await consultations.refresh()
        published = consultations.find_any(summary.slug)
        if published is None:
            raise StoreBusy("the consultation is gone")
        count = partial(
            load_live_progress,
            consultation_id=summary.consultation_id,
            slug=summary.slug,
            definition=published.consultation,
        )
        return await store.read(count)

    return visit.request.app[LIVE_STREAMS].of(summary.consultation_id, load)


def _figures(visit: Visit, summary: ConsultationSummary, state: LiveState) -> dict[str, Any]:
    """Returns what the figures need."""
    published = visit.site.consultations.find_any(summary.slug)
    texts = {}
    if published is not None:
        texts = {it.key: published.text(it.text, visit.locale.tag) for it in published.consultation.asked()}
    zone = visit.site.services.settings.zone()
    progress = state.progress
    least = published.consultation.smallest_cell if published else 0
    most = max(progress.questions, key=lambda it: it.left, default=None) if progress else None
    return {
        "progress": progress,
        "is_late": state.is_late,
        "counted_at": datetime.fromtimestamp(state.counted_at, UTC).astimezone(zone),
        "question_texts": texts,
        "most_left": most.key if most and most.left >= max(1, least) else "",
        "least": least,
        "finished_percent": round(100 * progress.tally.finished / max(1, progress.tally.begun)) if progress else 0,
        "language_name": language_name,
    }
