"""Images and recordings are uploaded on the page of a question."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path

from aiohttp import FormData

from bot.authoring import drafts
from bot.authoring.media import FOLDER
from bot.web.context import SITE
from storage.core.store import Store
from tests.support.browser import Browser, House, serving
from tests.support.console import hired, signed_in
from tests.support.databases import only_sqlite
from tests.support.ideas import open_consultation
from tests.support.images import png
from tests.test_web.test_console_drafts import data_of, keys, text_of

QUESTIONS = "/console/consultations/park/questions"
MEDIA = "/console/consultations/park/draft/media"
SOUND = b"OggS" + bytes(100)


async def send(browser: Browser, key: str, **values: str | bytes) -> None:
    await browser.get(f"{QUESTIONS}?open={key}")
    form = FormData()
    form.add_field("csrf", dict(browser.page.forms[-1].fields)["csrf"])
    for name, value in values.items():
        if isinstance(value, bytes):
            form.add_field(name, BytesIO(value), filename="upload")
        else:
            form.add_field(name, value)
    headers = {"Origin": str(browser.server.make_url("/").origin())}
    path = f"{QUESTIONS}/{key}/media"
    async with browser.http.post(browser.server.make_url(path), data=form, headers=headers) as response:
        await browser._see(response)


def folder_of(house: House) -> Path:
    return house.server.app[SITE].services.settings.data / FOLDER


@only_sqlite
async def test_an_image_is_added_shown_and_removed(store: Store) -> None:
    open_consultation(store)
    key = keys(store)[0]
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await send(browser, key, place="question", file=png(), alt="Ein Park mit Lampen")
        image = data_of(store)["questions"][0]["image"]
        assert (image["alt"], image["width"], image["height"]) == ({"de": "Ein Park mit Lampen"}, 320, 200)
        assert 'alt="Ein Park mit Lampen"' in browser.page.html
        content = (folder_of(house) / image["file"]).read_bytes()
        assert image["file"] == f"{hashlib.sha256(content).hexdigest()}.png"
        async with browser.http.get(browser.server.make_url(f"{MEDIA}/{image['file']}")) as response:
            assert (response.status, response.content_type) == (200, "image/png")
        (issue,) = [it for it in drafts.read_draft_consultation(text_of(store)).issues if "image" in it.where]
        assert "missing in “en”" in issue.reason
        await send(browser, key, place="question", act="remove")
        assert "image" not in data_of(store)["questions"][0]
        assert (await browser.get(f"{MEDIA}/{image['file']}")).status == 404


@only_sqlite
async def test_an_option_has_an_image_and_a_question_its_sound(store: Store) -> None:
    open_consultation(store)
    key = keys(store)[0]
    value = data_of(store)["questions"][0]["options"][1]["value"]
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await send(browser, key, place=f"option:{value}", file=png(), alt="Dunkel")
        await send(browser, key, place="audio:de", file=SOUND)
        question = data_of(store)["questions"][0]
        assert question["options"][1]["image"]["alt"] == {"de": "Dunkel"}
        assert question["audio"]["de"] == f"{hashlib.sha256(SOUND).hexdigest()}.ogg"
        assert "Frage vorgelesen auf Deutsch" in browser.text
        issues = [it for it in drafts.read_draft_consultation(text_of(store)).issues if not it.warning]
        assert [it.where[-2:] for it in issues] == [("image", "alt")]
        await send(browser, key, place="audio:de", act="remove")
        assert "audio" not in data_of(store)["questions"][0]


@only_sqlite
async def test_a_file_that_is_no_image_changes_nothing(store: Store) -> None:
    open_consultation(store)
    key, before = keys(store)[0], data_of(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        for values, words in (
            ({"file": png(), "alt": " "}, "was auf dem Bild zu sehen ist"),
            ({"file": b"<svg/>", "alt": "x"}, "lässt sich nicht verwenden"),
            ({"file": b"x" * 1_100_000, "alt": "x"}, "größer als 1 MB"),
            ({"alt": "x"}, "Datei"),
        ):
            await send(browser, key, place="question", **values)
            assert words in browser.text
        await send(browser, key, place="audio:de", file=png())
        assert "keine Tondatei" in browser.text
        await send(browser, key, place="option:nothing", file=png(), alt="x")
        assert browser.status == 404
        assert data_of(store) == before
        assert not folder_of(house).exists() or not list(folder_of(house).iterdir())
