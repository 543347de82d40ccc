"""Images and recordings of the questions of a draft: uploaded, shown, removed."""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from aiohttp import web

from bot.authoring import drafts
from bot.authoring.draft_fields import index_path, languages_of, text_in, tidy_text, value_at
from bot.authoring.draft_texts import mark_changed
from bot.authoring.drafts import DraftChanged, DraftUnusable
from bot.authoring.image_files import ImageRefused, read_image
from bot.authoring.media import FOLDER, MEDIA_NAME, audio_type
from bot.authoring.yaml_edit import EditRefused, plain_data, set_values
from bot.common.atomic_file import write_whole
from bot.web.console.consultations import own_consultation
from bot.web.console.draft_editing import EditedDraft, edited_draft, see_draft, store_change
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit
from bot.web.public.media import TYPES
from flows.image import LONGEST_ALT
from flows.languages import language_name
from flows.questions.base import Where

PROBLEMS: Final = {
    "file_missing": "console.problem.file_missing",
    "file_large": "console.media.large",
    "no_alt": "console.media.no_alt",
    "no_image": "console.media.no_image",
    "no_sound": "console.media.no_sound",
    "changed": "console.draft.problem.changed",
}
QUESTION: Final = "question"


class MediaPlace(NamedTuple):
    """A place for an image or a recording: of the question, of one option, or of the question in one language."""

    code: str
    """"question", "option:VALUE" or "audio:LANGUAGE"."""
    label: str
    name: str
    """The media name of its file; "" for none."""
    alt: str
    is_sound: bool


def media_places(data: dict[str, Any], question: dict[str, Any], language: str) -> list[MediaPlace]:
    """Returns the places of a question."""
    found = [_image_place(QUESTION, "", question, language)]
    options = question.get("options")
    for option in options if isinstance(options, list) else ():
        if isinstance(option, dict) and "value" in option:
            label = text_in(option.get("label"), language) or str(option["value"])
            found.append(_image_place(f"option:{option['value']}", label, option, language))
    for tag in languages_of(data):
        name = value_at(question, ("audio", tag))
        label = language_name(tag)
        found.append(MediaPlace(f"audio:{tag}", label, str(name or ""), "", is_sound=True))
    return found


def _image_place(code: str, label: str, part: dict[str, Any], language: str) -> MediaPlace:
    name, alt = value_at(part, ("image", "file")), text_in(value_at(part, ("image", "alt")), language)
    return MediaPlace(code, label, str(name or ""), alt, is_sound=False)


@console_page("POST", "/consultations/{slug}/questions/{key}/media", "consultations.change", takes_file=True)
async def change_media(visit: Visit) -> web.StreamResponse:
    """Stores an image or a recording at a place, or removes it."""
    edited, key = await edited_draft(visit), visit.part("key")
    question = value_at(edited.data, ("questions", key))
    places = media_places(edited.data, question, edited.language) if isinstance(question, dict) else []
    place = next((it for it in places if it.code == visit.field("place")), None)
    if place is None:
        raise web.HTTPNotFound
    is_removed = visit.field("act") == "remove"
    value, problem = (None, "") if is_removed else await _stored(visit, edited, place)
    if not problem:
        try:
            await store_change(visit, edited.draft, partial(_with_media, key=key, place=place.code, value=value))
        except (DraftChanged, DraftUnusable, EditRefused):
            problem = "changed"
    query = {"media": problem} if problem else {}
    return see_draft(visit, edited, "questions", "" if problem else "saved", anchor=f"q-{key}", open=key, **query)


async def _stored(visit: Visit, edited: EditedDraft, place: MediaPlace) -> tuple[Any, str]:
    """Writes the file of the form into the media folder. Returns the value for the draft, or the problem."""
    file, alt = visit.file, tidy_text(visit.field("alt"))[:LONGEST_ALT]
    if file is None or not file.content:
        return None, "file_missing"
    if file.is_cut:
        return None, "file_large"
    if place.is_sound:
        kind = audio_type(file.content[:64])
        name = await _written(visit, file.content, kind) if kind else ""
        return name, "" if kind else "no_sound"
    if not alt:
        return None, "no_alt"
    try:
        clean = await asyncio.to_thread(read_image, file.content)
    except ImageRefused:
        return None, "no_image"
    name = await _written(visit, clean.content, clean.kind)
    return {"file": name, "alt": {edited.language: alt}, "width": clean.width, "height": clean.height}, ""


async def _written(visit: Visit, content: bytes, kind: str) -> str:
    name, folder = f"{hashlib.sha256(content).hexdigest()}.{kind}", _folder(visit)
    if not (folder / name).exists():
        await asyncio.to_thread(write_whole, content, folder, name)
    return name


def _folder(visit: Visit) -> Path:
    return visit.site.services.settings.data / FOLDER


def _with_media(text: str, *, key: str, place: str, value: Any) -> str:
    """Returns the file with another image or recording at a place. Raises EditRefused."""
    data = plain_data(text)
    where = index_path(data, ("questions", key))
    if where is None:
        raise EditRefused
    path = (*where, *_path_in(value_at(data, where), place))
    before = value_at(data, path[:-1])
    if value is None and path[-2] == "audio" and isinstance(before, dict) and len(before) < 2:
        path = path[:-1]  # the last recording
    return mark_changed(text, set_values(text, {path: value}), next(iter(languages_of(data)), "de"))


def _path_in(question: dict[str, Any], place: str) -> Where:
    kind, _, name = place.partition(":")
    if kind == QUESTION:
        return ("image",)
    if kind == "audio":
        return ("audio", name)
    values = [str(it.get("value")) if isinstance(it, dict) else "" for it in question.get("options", ())]
    if name not in values:
        raise EditRefused
    return ("options", values.index(name), "image")


@console_page("GET", "/consultations/{slug}/draft/media/{name}", "consultations.change")
async def show_media(visit: Visit) -> web.StreamResponse:
    """Sends an image or a recording that the draft names."""
    summary, name = await own_consultation(visit), visit.part("name")
    draft = await visit.read(partial(drafts.find_draft, slug=summary.slug))
    path = _folder(visit) / name
    if not MEDIA_NAME.fullmatch(name) or draft is None or name not in draft.text or not path.is_file():
        raise web.HTTPNotFound
    headers = {"Content-Type": TYPES[path.suffix.removeprefix(".")], "Cache-Control": "private, max-age=3600"}
    return web.FileResponse(path, headers=headers)
