"""The texts of a draft go out to a translator as a workbook or a PO file, and come back."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from aiohttp import FormData

from bot.authoring.draft_texts import count_missing, review_of
from bot.exchange.translator_files.content import (
    FileProblem,
    TranslatedText,
    TranslatorFile,
    UnusableTranslation,
)
from bot.exchange.translator_files.po import read_po, write_po
from bot.exchange.translator_files.upload import read_translation
from bot.exchange.translator_files.xlsx import read_xlsx, write_xlsx
from storage.core.store import Store
from tests.support.browser import Browser, serving
from tests.support.console import hired, signed_in
from tests.support.databases import only_sqlite
from tests.support.ideas import open_consultation
from tests.support.workbooks import workbook
from tests.test_web.test_console_drafts import changed, data_of, fields

BASE = "/console/consultations/park/languages"
HEAD = ["place (version 1)", "Deutsch (de)", "English (en)"]


async def download(browser: Browser, kind: str, tag: str = "en") -> bytes:
    async with browser.http.get(browser.server.make_url(f"{BASE}/{tag}/file?kind={kind}")) as response:
        assert response.status == 200
        assert response.headers["Content-Disposition"] == f'attachment; filename="park-{tag}.{kind}"'
        return await response.read()


async def upload(browser: Browser, content: bytes, tag: str = "en", *, is_reviewed: bool = False) -> None:
    await browser.get(f"{BASE}?open={tag}")
    form = FormData()
    form.add_field("csrf", dict(browser.page.forms[-1].fields)["csrf"])
    form.add_field("file", BytesIO(content), filename="texts")
    if is_reviewed:
        form.add_field("review", "reviewed")
    headers = {"Origin": str(browser.server.make_url("/").origin())}
    async with browser.http.post(browser.server.make_url(f"{BASE}/{tag}/file"), data=form, headers=headers) as response:
        await browser._see(response)


def translated(file: TranslatorFile, **texts: str) -> TranslatorFile:
    """The file with other translations at these places."""
    return file._replace(texts=[it._replace(text=texts.get(it.place, it.text)) for it in file.texts])


async def to_polish(browser: Browser) -> None:
    await browser.get(BASE)
    await browser.post(BASE, [("csrf", dict(browser.page.forms[-1].fields)["csrf"]), ("tag", "pl")])


@only_sqlite
@pytest.mark.parametrize(
    ("kind", "read", "write"), [("xlsx", read_xlsx, write_xlsx), ("po", read_po, write_po)], ids=["xlsx", "po"]
)
async def test_a_language_goes_out_and_comes_back(
    store: Store, kind: str, read: Callable[[bytes], TranslatorFile], write: Callable[[TranslatorFile], bytes]
) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await to_polish(browser)
        file = read(await download(browser, kind, "pl"))
        assert (file.language, file.source_language, file.version) == ("pl", "de", 1)
        assert len(file.texts) == count_missing(data_of(store), "de", "pl")
        full = file._replace(texts=[it._replace(text=f"=Po polsku: {it.source}") for it in file.texts])
        await upload(browser, write(full), "pl", is_reviewed=True)
        assert "Die Übersetzungen sind übernommen." in browser.text, browser.text
        data = data_of(store)
        assert data["title"]["pl"] == f"=Po polsku: {data['title']['de']}"
        assert (count_missing(data, "de", "pl"), review_of(data, "pl")) == (0, "reviewed")
        await upload(browser, write(full), "pl")
        assert "stehen schon so im Entwurf" in browser.text
        await browser.press("Hochladen und übernehmen")
        assert browser.status == 422
        assert data_of(store) == data


@only_sqlite
async def test_what_changed_meanwhile_is_named_and_stays(store: Store) -> None:
    open_consultation(store)
    about = "/console/consultations/park/about"
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        file = read_po(await download(browser, "po"))
        assert file.version == 0
        places = {it.place: it for it in file.texts}
        assert {"title", "why", "audience"} <= places.keys()
        await browser.get(about)
        await browser.post(about, changed(fields(browser, about), title_de="Ganz anders"))
        await browser.get(f"{BASE}?open=en")
        await browser.post(f"{BASE}/en", changed(fields(browser, f"{BASE}/en"), why_en="From the page"))
        back = translated(file, title="Old title", why="From the file", audience="All")
        gone = TranslatedText("questions-gone-text", "Weg?", "Gone?")
        await upload(browser, write_po(back._replace(texts=[*back.texts, gone])), is_reviewed=True)
        assert browser.status == 200
        assert "Übernommene Texte: 1" in browser.text
        for words in ("Ganz anders", "Old title", "From the page", "From the file", "Gone?"):
            assert words in browser.text
        data = data_of(store)
        assert str(data["audience"]["en"]).count("All") == 1
        assert "From the page" in str(data["why"]["en"])
        assert "Old title" not in str(data["title"])
        assert review_of(data, "en") != "reviewed"


@only_sqlite
async def test_files_that_are_none_change_nothing(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        file = read_po(await download(browser, "po"))
        before = data_of(store)
        for content, words in (
            (b"no file", "beschädigt"),
            (write_po(file._replace(language="tr")), "für eine andere Sprache"),
            (write_po(file._replace(texts=[it._replace(text="") for it in file.texts])), "keine Übersetzung"),
            (b"x" * 1_200_000, "1 MB"),
        ):
            await upload(browser, content)
            assert browser.status == 422
            assert words in browser.text, browser.text
        assert data_of(store) == before
        assert (await browser.get(f"{BASE}/de/file?kind=po")).status == 404
        assert (await browser.get(f"{BASE}/tr/file?kind=po")).status == 404


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xff\xfe\x00", "unreadable"),
        (b'msgid "a"\nmsgstr[0] "b"\n', "unreadable"),
        (b'"without keyword"\n', "unreadable"),
        (b'msgid "open\n', "unreadable"),
        (b"", "unreadable"),
        (b"PK\x03\x04", "unreadable"),
        (workbook(other=[HEAD]), "unreadable"),
        (workbook(texts=[["a", "b", "c"]]), "unreadable"),
        (workbook(texts=[HEAD, ["title"], []]), "empty"),
        (workbook(texts=[[*HEAD[:2], "Polski (pl)"], ["title", "Park", "Park"]]), "other_language"),
    ],
)
def test_hostile_files_are_refused(content: bytes, problem: FileProblem) -> None:
    with pytest.raises(UnusableTranslation) as caught:
        read_translation(content, "en")
    assert caught.value.problem == problem


@pytest.mark.parametrize("write", [write_po, write_xlsx])
def test_every_text_survives_the_way_out_and_back(write: Callable[[TranslatorFile], bytes]) -> None:
    said: list[Any] = ['"x"\\n', "a\nb\n\nc", "=1+1", "# no comment", "عربي", "{answer:lamps|…} 100 %", "msgid"]
    texts = [TranslatedText(f"place-{at}", it, it) for at, it in enumerate(said)]
    assert read_translation(write(TranslatorFile("en", "de", 3, texts)), "en") == TranslatorFile("en", "de", 3, texts)
