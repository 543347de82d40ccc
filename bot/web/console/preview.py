"""A consultation as residents see it, to click through: the real engine and the real rendering, nothing is stored.

The runs are kept in memory, one per member and consultation; a restart of the service forgets them.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any, Final, Literal, NamedTuple, get_args

from aiohttp import web
from sqlalchemy import Connection

from adapters.numbered import Offers, numbered_text
from bot.authoring.dialogue_tests import LONGEST_NAME, MOST_TESTS, record_dialogue, stored_dialogue
from bot.authoring.preview_run import (
    LONGEST_TEXT,
    MOST_STEPS,
    PlayedRun,
    PreviewStep,
    compile_preview,
    find_way,
    play_run,
)
from bot.web.assisted.paper import paper_questions
from bot.web.console.consultations import own_consultation
from bot.web.console.overview import ConsultationSummary
from bot.web.console.registry import console_page
from bot.web.console.versions import ConsultationVersion, definition_of, load_versions
from bot.web.console.visit import Visit
from bot.web.context import FRAMES
from bot.web.public.read_aloud import spoken_text
from flows.flow import Flow
from flows.languages import LANGUAGES
from flows.messages import MsgIn, MsgOut
from storage.tables.dialogue_tests import dialogue_tests_of, replace_dialogue_test

PreviewChannel = Literal["phone", "desktop", "kiosk", "telegram", "matrix", "aloud", "paper"]
CHANNEL_PHRASES: Final[dict[PreviewChannel, str]] = {
    "phone": "console.preview.phone",
    "desktop": "console.preview.desktop",
    "kiosk": "console.preview.kiosk",
    "telegram": "console.preview.telegram",
    "matrix": "console.preview.matrix",
    "aloud": "console.preview.aloud",
    "paper": "console.preview.paper",
}
FRAMED_CHANNELS: Final[dict[PreviewChannel, str]] = {"phone": "form", "desktop": "form", "kiosk": "kiosk"}
"""Channels that show the resident's own page in a frame, with the name of that page."""
PREVIEW_PROBLEMS: Final = {
    "no_way": "console.preview.no_way",
    "too_long": "console.preview.too_long",
    "no_name": "console.preview.no_name",
    "no_steps": "console.preview.no_steps",
    "many": "console.preview.many",
}
MOST_RUNS: Final = 200


class PreviewRun(NamedTuple):
    """The version, channel and language that one member looks at, with the run."""

    version: str = ""
    channel: PreviewChannel = "phone"
    language: str = ""
    steps: tuple[PreviewStep, ...] = ()


class PreviewRuns:
    """The runs of all members; the one not used for the longest time is forgotten first."""

    def __init__(self) -> None:
        self._runs: OrderedDict[tuple[int, str], PreviewRun] = OrderedDict()

    def get(self, member: int, slug: str) -> PreviewRun:
        return self._runs.get((member, slug), PreviewRun())

    def put(self, member: int, slug: str, run: PreviewRun) -> None:
        self._runs[member, slug] = run
        self._runs.move_to_end((member, slug))
        while len(self._runs) > MOST_RUNS:
            self._runs.popitem(last=False)


PREVIEW_RUNS: Final = web.AppKey("preview_runs", PreviewRuns)


class PreviewButton(NamedTuple):
    """One button: its label, and the token that it sends."""

    label: str
    token: str
    is_chosen: bool = False


class PreviewMessage(NamedTuple):
    """One message of the bot as a channel shows it."""

    title: str
    texts: tuple[str, ...]
    buttons: tuple[PreviewButton, ...]
    language: str
    images: tuple[str, ...] = ()


class PreviewTurn(NamedTuple):
    """A message of the person, and the replies as the channel shows them."""

    said: str
    messages: list[PreviewMessage]


@console_page("GET", "/consultations/{slug}/preview", "consultations.change")
async def show_preview(visit: Visit) -> web.StreamResponse:
    """Shows the run of this member in the chosen channel and language."""
    problem = visit.request.query.get("problem", "")
    return await _page(visit, problem if problem in PREVIEW_PROBLEMS else "")


@console_page("POST", "/consultations/{slug}/preview", "consultations.change")
async def change_preview(visit: Visit) -> web.StreamResponse:
    """Says something, goes back, begins again, jumps to a question, or chooses another version, channel, language."""
    summary = await own_consultation(visit)
    version, run = await chosen_version(visit, summary)
    flow = await asyncio.to_thread(compile_preview, definition_of(version))
    changed, problem = await asyncio.to_thread(_changed, visit, flow, run)
    visit.request.app[PREVIEW_RUNS].put(visit.member.id, summary.slug, changed)
    location = visit.see(f"/consultations/{summary.slug}/preview", **({"problem": problem} if problem else {}))
    if visit.field("do") in ("say", "tap", "back", "jump"):
        location.headers["Location"] += "#latest"
    return location


@console_page("POST", "/consultations/{slug}/preview/record", "consultations.change")
async def record_run(visit: Visit) -> web.StreamResponse:
    """Records the run as a test under a name; one of the same name is replaced."""
    summary = await own_consultation(visit)
    version, run = await chosen_version(visit, summary)
    name = " ".join(visit.field("name").split())[:LONGEST_NAME]
    if not (name and run.steps):
        return await _page(visit, "no_name" if run.steps else "no_steps")
    flow = await asyncio.to_thread(compile_preview, definition_of(version))
    test = record_dialogue(name, flow, run.language, run.steps, overheard=is_overheard(run.channel))

    def work(connection: Connection) -> bool:
        known = {it.name for it in dialogue_tests_of(connection, summary.consultation_id)}
        if len(known | {name}) > MOST_TESTS:
            return False
        stored = stored_dialogue(test, summary.consultation_id, visit.member.name, visit.now)
        replace_dialogue_test(connection, stored)
        visit.note(connection, "dialogue.record", summary.slug)
        return True

    if not await visit.write(work):
        return await _page(visit, "many")
    return visit.see(f"/consultations/{summary.slug}/test", done="recorded")


async def chosen_version(visit: Visit, summary: ConsultationSummary) -> tuple[ConsultationVersion, PreviewRun]:
    """Returns the version that the member looks at, and the run. Raises HTTPNotFound if there is none to read."""
    versions = await load_versions(visit, summary)
    if not versions:
        raise web.HTTPNotFound
    run = visit.request.app[PREVIEW_RUNS].get(visit.member.id, summary.slug)
    wanted = visit.field("version") or visit.request.query.get("version", "") or run.version
    version = next((it for it in versions if it.name == wanted), versions[0])
    definition = definition_of(version)
    language = run.language if run.language in definition.languages else definition.main_language
    return version, run._replace(version=version.name, language=language)


def _changed(visit: Visit, flow: Flow, run: PreviewRun) -> tuple[PreviewRun, str]:
    """Returns the run after what the form asks for, and the problem."""
    channel, language = visit.field("channel"), visit.field("in")
    match visit.field("do"):
        case "say" | "tap":
            return _said(visit, flow, run)
        case "back":
            return run._replace(steps=run.steps[:-1]), ""
        case "restart":
            return run._replace(steps=()), ""
        case "jump":
            way = find_way(flow, run.language, visit.field("at"), overheard=is_overheard(run.channel))
            return (run, "no_way") if way is None else (run._replace(steps=way), "")
    chosen = next((it for it in get_args(PreviewChannel) if it == channel), run.channel)
    return run._replace(channel=chosen, language=language if language in flow.languages else run.language), ""


def _said(visit: Visit, flow: Flow, run: PreviewRun) -> tuple[PreviewRun, str]:
    """Returns the run with one more message. In Matrix, the label of a button can be typed, as there."""
    if len(run.steps) >= MOST_STEPS:
        return run, "too_long"
    step = PreviewStep(visit.field("text")[:LONGEST_TEXT], visit.field("choice")[:LONGEST_TEXT])
    if step.text and run.channel == "matrix":
        step = _typed_label(flow, run, step, visit)
    is_empty = not (step.text or step.choice)
    return (run if is_empty else run._replace(steps=(*run.steps, step))), ""


def _typed_label(flow: Flow, run: PreviewRun, step: PreviewStep, visit: Visit) -> PreviewStep:
    offers = Offers()
    for shown in play_run(flow, run.language, run.steps).steps:
        for msg in shown.messages:
            offers.note("preview", msg)
    read = offers.read(MsgIn("preview", "preview", "1", visit.now, text=step.text))
    return PreviewStep(read.text, read.choice)


def is_overheard(channel: PreviewChannel) -> bool:
    """Whether the operator of the channel can read it, so that confidential questions are not asked."""
    return channel == "telegram"


def play_preview(flow: Flow, run: PreviewRun) -> PlayedRun:
    """Plays the run of a member."""
    return play_run(flow, run.language, run.steps, overheard=is_overheard(run.channel))


def rendered_turns(played: PlayedRun, channel: PreviewChannel) -> list[PreviewTurn]:
    """Returns the conversation as a channel shows it."""
    return [PreviewTurn(it.said, [_rendered(msg, channel) for msg in it.messages]) for it in played.steps]


def _rendered(msg: MsgOut, channel: PreviewChannel) -> PreviewMessage:
    match channel:
        case "telegram":
            return _on_telegram(msg)
        case "matrix":
            return PreviewMessage("", (numbered_text(msg.without_images()),), (), msg.language, _images(msg))
        case "aloud":
            return PreviewMessage("", (spoken_text(msg),), _buttons(msg), msg.language)
    return PreviewMessage(msg.title, (msg.without_images().text,), _buttons(msg), msg.language, _images(msg))


def _on_telegram(msg: MsgOut) -> PreviewMessage:
    from adapters.telegram.rendering import Photo, render_message  # late: it loads the library of Telegram

    rendered = render_message(msg)
    rows = rendered.keyboard["inline_keyboard"] if rendered.keyboard else []
    buttons = (PreviewButton(it["text"], it["callback_data"]) for row in rows for it in row)
    texts = tuple(part.caption if isinstance(part, Photo) else part for part in rendered.parts)
    return PreviewMessage("", texts, tuple(buttons), msg.language)


def _buttons(msg: MsgOut) -> tuple[PreviewButton, ...]:
    return tuple(PreviewButton(it.bare_label, it.token, it.chosen) for it in msg.quick_replies)


def _images(msg: MsgOut) -> tuple[str, ...]:
    return tuple(image.text for image in msg.images)


class QuestionPlace(NamedTuple):
    """One question to jump to."""

    key: str
    number: int
    title: str
    is_here: bool


def _places(flow: Flow, language: str, here: str) -> list[QuestionPlace]:
    titles = flow.localized[language].titles
    return [QuestionPlace(key, number, titles[key], key == here) for number, key in enumerate(flow.questions, 1)]


async def _page(visit: Visit, problem: str = "") -> web.Response:
    summary = await own_consultation(visit)
    version, run = await chosen_version(visit, summary)
    flow = await asyncio.to_thread(compile_preview, definition_of(version))
    played = await asyncio.to_thread(play_preview, flow, run)
    values: dict[str, Any] = {
        "versions": await load_versions(visit, summary),
        "version": version,
        "run": run,
        "channels": CHANNEL_PHRASES,
        "offered": [(tag, LANGUAGES[tag].name) for tag in flow.languages],
        "framed": FRAMED_CHANNELS.get(run.channel, ""),
        "turns": [] if run.channel in FRAMED_CHANNELS else rendered_turns(played, run.channel),
        "sheet": paper_questions(flow, run.language) if run.channel == "paper" else [],
        "has_ended": played.has_ended,
        "places": _places(flow, run.language, played.session.at),
        "longest": LONGEST_TEXT,
        "longest_name": LONGEST_NAME,
        "problem": problem,
        "problems": PREVIEW_PROBLEMS,
    }
    if values["framed"]:
        visit.request[FRAMES] = True
    return visit.page("preview.html", status=409 if problem else 200, summary=summary, **values)
