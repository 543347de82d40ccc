"""The list of consultations, and the page of one with its state and the steps to another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal

from aiohttp import web
from sqlalchemy import Connection

from bot.authoring import lifecycle
from bot.authoring.lifecycle import Archiving, StepRefused
from bot.authoring.media import FOLDER
from bot.authoring.publishing import PublishContext
from bot.common.audit import Auditor
from bot.web.console.overview import STATES, ConsultationSummary, summaries
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit

ConsoleStep = Literal["close", "reopen", "archive", "unarchive"]

_STEPS: Final[dict[str, tuple[ConsoleStep, ...]]] = {
    "open": ("close",),
    "not_yet": ("close",),
    "closed": ("reopen", "archive"),
    "archived": ("unarchive",),
}
"""The steps that a page offers in each state."""
_UNDO: Final[dict[ConsoleStep, ConsoleStep]] = {
    "close": "reopen",
    "reopen": "close",
    "archive": "unarchive",
    "unarchive": "archive",
}
LONGEST_SEARCH: Final = 100


@console_page("GET", "/consultations", "consultations.list")
async def list_consultations(visit: Visit) -> web.StreamResponse:
    """Lists the consultations of this member; a filter by state and a search by title are in the address."""
    found = await _found(visit)
    state, wanted = visit.request.query.get("state", ""), visit.request.query.get("q", "").strip()[:LONGEST_SEARCH]
    counts = {name: sum(it.state == name for it in found) for name in STATES}
    shown = [it for it in found if state in ("", it.state) and wanted.casefold() in f"{it.title} {it.slug}".casefold()]
    return visit.page("consultations.html", found=shown, counts=counts, total=len(found), state=state, wanted=wanted)


@console_page("GET", "/consultations/{slug}", "consultations.list")
async def show_consultation(visit: Visit) -> web.StreamResponse:
    """Shows one consultation: state, figures, revision, and the next steps."""
    return await _page(visit)


@console_page("GET", "/consultations/{slug}/steps/{step}", "consultations.change")
async def show_step(visit: Visit) -> web.StreamResponse:
    """Shows the consequences of a step before it is taken."""
    summary, step = await own_consultation(visit), _step(visit)
    try:
        archiving = await visit.write(_Preview(visit, step, summary.slug)) if step == "archive" else None
    except StepRefused as refused:
        return await _page(visit, refused=refused)
    return visit.page("step.html", summary=summary, step=step, archiving=archiving, undo=_UNDO[step])


@console_page("POST", "/consultations/{slug}/steps/{step}", "consultations.change")
async def take_step(visit: Visit) -> web.StreamResponse:
    """Takes a step; the page then offers the step that takes it back."""
    summary, step = await own_consultation(visit), _step(visit)
    try:
        until = _until(visit) if step == "reopen" else None
        await visit.write(_Taking(visit, step, summary.slug, until))
    except StepRefused as refused:
        return await _page(visit, refused=refused)
    except ValueError:
        return visit.page(
            "step.html", status=422, summary=summary, step=step, archiving=None, undo=_UNDO[step], problem="date"
        )
    return visit.see(f"/consultations/{summary.slug}", done=step)


@dataclass(frozen=True, slots=True)
class _Preview:
    """Computes the consequences of archiving."""

    visit: Visit
    step: ConsoleStep
    slug: str

    def __call__(self, connection: Connection) -> Archiving:
        return lifecycle.preview_archiving(connection, self.slug, publish_context(self.visit))


@dataclass(frozen=True, slots=True)
class _Taking:
    """Takes one step in a transaction."""

    visit: Visit
    step: ConsoleStep
    slug: str
    until: datetime | None

    def __call__(self, connection: Connection) -> None:
        context = publish_context(self.visit)
        steps: dict[ConsoleStep, Callable[[], object]] = {
            "close": lambda: lifecycle.close_consultation(connection, self.slug, context),
            "reopen": lambda: lifecycle.reopen_consultation(connection, self.slug, context, until=self.until),
            "archive": lambda: lifecycle.archive_consultation(connection, self.slug, context),
            "unarchive": lambda: lifecycle.unarchive_consultation(connection, self.slug, context),
        }
        steps[self.step]()


def publish_context(visit: Visit) -> PublishContext:
    """Returns the context for steps and for publishing, with the member as the actor in the audit log."""
    services = visit.site.services
    note, folder = Auditor(services.keys, visit.actor), services.settings.data / FOLDER
    second = visit.site.options.publish_needs_second
    return PublishContext(services.ids, visit.now, services.settings.zone(), folder, note, needs_second=second)


async def _found(visit: Visit) -> list[ConsultationSummary]:
    assigned = await visit.assigned()
    return await visit.read(lambda connection: summaries(connection, assigned, visit.locale.tag, visit.now))


async def own_consultation(visit: Visit) -> ConsultationSummary:
    """Returns the consultation of the path. Raises HTTPNotFound, also for those that are not assigned."""
    assigned, slug = await visit.assigned(), visit.part("slug")

    def load(connection: Connection) -> list[ConsultationSummary]:
        return summaries(connection, assigned, visit.locale.tag, visit.now, slug=slug)

    found = await visit.read(load)
    if not found:
        raise web.HTTPNotFound
    return found[0]


async def _page(visit: Visit, refused: StepRefused | None = None) -> web.Response:
    summary = await own_consultation(visit)
    done = visit.request.query.get("done", "")
    values: dict[str, Any] = {
        "steps": _STEPS.get(summary.state, ()) if visit.may("consultations.change") else (),
        "refused": refused,
        "done": done if done in _UNDO else "",
        "undo": _UNDO.get(_known(done), "") if done in _UNDO else "",
    }
    return visit.page("consultation.html", status=409 if refused else 200, summary=summary, **values)


def _known(step: str) -> ConsoleStep:
    return next(known for known in _UNDO if known == step)


def _step(visit: Visit) -> ConsoleStep:
    """Returns the step of the path. Raises HTTPNotFound."""
    if visit.part("step") not in _UNDO:
        raise web.HTTPNotFound
    return _known(visit.part("step"))


def _until(visit: Visit) -> datetime | None:
    """Returns the end of the day of the form; None if no day is given. Raises ValueError."""
    text = visit.field("until")
    if not text:
        return None
    zone = visit.site.services.settings.zone()
    day = date.fromisoformat(text) + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
