"""Settings that owners change: in force at once, versioned, checked; what the file sets wins."""

from __future__ import annotations

import asyncio
import json
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from aiohttp import FormData

from adapters.base import Finding
from bot.common.errors import CommandError
from bot.common.logo_images import LARGEST_BYTES, LogoRefused, clean_logo
from bot.web.context import SITE
from storage.core.store import Store
from tests.support.app import rows
from tests.support.browser import Browser, House, serving
from tests.support.console import hired, signed_in
from tests.support.databases import only_sqlite

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">%s</svg>'
UNSIZED = SVG.replace(b' viewBox="0 0 9 9"', b"")
DRAWING = b'<path d="M0 0h9v9z" style="fill:#f00;stroke:none"/>'
TOKEN = "4711:AAsecretsecretsecretsecretsecret"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int = 2, height: int = 2, *, size: int | None = None, extra: bytes = b"") -> bytes:
    """A picture of one colour; `size`: of its data, if it is a lie."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    data = zlib.compress(bytes(height * (1 + 3 * width) if size is None else size))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def owner_of(house: House, store: Store, name: str = "Marta") -> Browser:
    return signed_in(house, hired(store, name, "admin"))


async def change(browser: Browser, **fields: str) -> Browser:
    await browser.get("/console/settings")
    return await browser.press("Speichern", **fields)


async def upload(browser: Browser, content: bytes) -> Browser:
    """Sends the form with a logo, as browsers do."""
    await browser.get("/console/settings")
    form = FormData()
    for name, value in next(it for it in browser.page.forms if it.action == "/console/settings").fields:
        if name != "logo":
            form.add_field(name, value)
    form.add_field("logo", content, filename="logo.svg", content_type="image/svg+xml")
    headers = {"Origin": str(browser.server.make_url("/").origin())}
    url = browser.server.make_url("/console/settings")
    async with browser.http.post(url, data=form, headers=headers) as response:
        return await browser._see(response)


@only_sqlite
async def test_a_change_is_in_force_at_once_and_is_taken_back(store: Store) -> None:
    async with serving(store) as house:
        browser, visitor = owner_of(house, store), house.browser(**{"Accept-Language": "de"})
        before = (await visitor.get("/")).page.html
        assert "Impressum" not in before
        await change(browser, organisation="Bezirksamt Neukölln", accent="#7a1f5c", imprint="Rathaus\nKarl-Marx-Straße")
        assert "Es gilt ab jetzt." in browser.text
        shown = (await visitor.get("/")).page.html
        assert "Bezirksamt Neukölln" in shown
        style = re.search(r'href="(/static/style\.css\?v=\w+)"', shown)
        assert style
        assert style.group(1) not in before, "browsers load the new colour"
        async with visitor.http.get(house.server.make_url(style.group(1))) as answer:
            assert "#7a1f5c" in await answer.text()
        assert "Karl-Marx-Straße" in (await visitor.get("/imprint")).text
        await browser.press("Zurücknehmen")
        assert (await visitor.get("/")).page.html == before
        assert rows(store, "SELECT object, purpose FROM audit WHERE act = 'settings.change' ORDER BY id") == [
            ("version 1", "accent, imprint, organisation"),
            ("version 2", "accent, imprint, organisation"),
        ]
        await browser.get("/console/settings")
        await browser.press("Wieder einsetzen 1")
        assert "Bezirksamt Neukölln" in (await visitor.get("/")).page.html


@only_sqlite
async def test_settings_outlive_a_restart_and_reach_other_processes(store: Store, monkeypatch: Any) -> None:
    monkeypatch.setattr("bot.web.page_settings.SECONDS", 0.0)
    async with serving(store) as house, serving(store) as other:
        await change(owner_of(house, store), organisation="Stadt am Fluss")
        assert "Stadt am Fluss" in (await other.browser().get("/")).page.html


@only_sqlite
async def test_what_the_file_sets_wins_and_is_not_changed_here(store: Store) -> None:
    async with serving(store, organisation="Aus der Datei") as house:
        browser = owner_of(house, store)
        await browser.get("/console/settings")
        assert "in der Datei festgelegt" in browser.text
        assert "organisation" not in dict(browser.page.forms[1].fields)
        fields = [it for form in browser.page.forms if form.action == "/console/settings" for it in form.fields]
        await browser.post("/console/settings", [*fields, ("organisation", "Anders")])
        assert browser.status == 200
        assert "Aus der Datei" in (await house.browser().get("/")).page.html
        assert "Anders" not in json.dumps(rows(store, "SELECT content FROM page_settings"))


@only_sqlite
async def test_bad_values_are_refused_in_words_and_kept_in_the_form(store: Store) -> None:
    cases = {
        "organisation": ("", "Der Name fehlt"),
        "accent": ("#ffe066", "Zu hell zum Lesen: 1,2 zu 1 auf hellem Grund, nötig sind 4,5 zu 1. Lesbar wäre #"),
        "privacy_url": ("javascript:alert(1)", "Ein Link beginnt mit https://"),
        "imprint_url": ("//elsewhere.example", "Ein Link beginnt mit https://"),
        "imprint": ("x" * 5000, "Der Text ist zu lang"),
    }
    async with serving(store) as house:
        browser = owner_of(house, store)
        for name, (value, words) in cases.items():
            await change(browser, **{name: value})
            assert browser.status == 422, name
            assert words in browser.text or name == "imprint", name
            assert not value or value in browser.page.html, name
        await change(browser, accent="red")
        assert "Schreiben Sie die Farbe so: #0b5d66" in browser.text
        assert rows(store, "SELECT * FROM page_settings") == []


@only_sqlite
async def test_scripts_and_overrides_are_shown_as_text(store: Store) -> None:
    name = "<script>alert(1)</script>\u202e=1+1"
    async with serving(store) as house:
        await change(owner_of(house, store), organisation=name, imprint=name, accessibility_contact=name)
        for path in ("/", "/imprint", "/accessibility", "/console/sign-in"):
            shown = (await house.browser().get(path)).page.html
            assert "<script>alert" not in shown
            assert "\u202e" not in shown
        assert "&lt;script&gt;alert(1)&lt;/script&gt;=1+1" in (await house.browser().get("/imprint")).page.html


@only_sqlite
async def test_two_owners_at_once_overwrite_nothing(store: Store) -> None:
    async with serving(store) as house:
        marta, ugur = owner_of(house, store), owner_of(house, store, "Uğur")
        await marta.get("/console/settings")
        await ugur.get("/console/settings")
        await marta.press("Speichern", organisation="Von Marta")
        await ugur.press("Speichern", organisation="Von Uğur")
        assert ugur.status == 409
        assert "Inzwischen hat jemand anderes etwas geändert" in ugur.text
        assert "Von Marta" in (await house.browser().get("/")).page.html


@only_sqlite
async def test_languages_limit_the_pages_but_no_consultation(store: Store) -> None:
    async with serving(store) as house:
        browser = owner_of(house, store)
        await browser.get("/console/settings")
        await browser.press("Speichern", "Deutsch", "Türkçe")
        page = await house.browser(**{"Accept-Language": "en"}).get("/")
        assert 'lang="de"' in page.page.html[:100]
        assert "lang=tr" in page.page.html
        assert "lang=en" not in page.page.html


@only_sqlite
async def test_a_logo_is_cleaned_shown_and_removed(store: Store) -> None:
    async with serving(store) as house:
        browser = owner_of(house, store)
        await upload(browser, SVG % DRAWING)
        assert "Es gilt ab jetzt." in browser.text
        found = re.search(r'<img class="logo" src="(/logo/[0-9a-f]{64})" alt="">', (await browser.get("/")).page.html)
        assert found
        async with browser.http.get(house.server.make_url(found.group(1))) as answer:
            assert answer.headers["Content-Type"] == "image/svg+xml"
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert b"style" not in await answer.read()
        await change(browser, organisation="Mit Zeichen")
        assert found.group(1) in (await browser.get("/")).page.html, "another change keeps it"
        await browser.get("/console/settings")
        await browser.press("Speichern", "zeigen")
        assert "/logo/" not in (await browser.get("/")).page.html
        await upload(browser, SVG % b"<script>alert(1)</script>")
        assert browser.status == 422
        assert "Das SVG enthält Skripte" in browser.text


@pytest.mark.parametrize(
    ("content", "flaw"),
    [
        (b"", "empty"),
        (b"GIF89a", "unknown_kind"),
        (b"<html></html>", "unknown_kind"),
        (b"x" * (LARGEST_BYTES + 1), "too_large"),
        (SVG % b"<script/>", "svg_content"),
        (SVG % b'<path d="M0 0" onclick="x()"/>', "svg_content"),
        (SVG % b'<a href="https://x.example"><path d="M0 0"/></a>', "svg_content"),
        (SVG % b'<image href="https://x.example/a.png"/>', "svg_content"),
        (SVG % b"<style>@import 'https://x.example'</style>", "svg_content"),
        (SVG % b'<foreignObject><p xmlns="http://www.w3.org/1999/xhtml"/></foreignObject>', "svg_content"),
        (SVG % b'<path d="M0 0" fill="url(https://x.example)"/>', "svg_content"),
        (SVG % b'<animate attributeName="x"/>', "svg_content"),
        (SVG % b"", "svg_content"),
        (b'<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG % DRAWING, "svg_content"),
        (b'<?xml version="1.0"?><?xml-stylesheet href="x"?>' + SVG % DRAWING, "svg_content"),
        ((SVG % DRAWING).decode().encode("utf-16"), "unknown_kind"),
        (SVG % (b"<g>" * 40 + DRAWING + b"</g>" * 40), "svg_content"),
        (SVG[:-3], "damaged"),
        (UNSIZED % DRAWING, "damaged"),
        (png()[:-5], "damaged"),
        (png().replace(b"IDAT", b"IDAX"), "damaged"),
        (png(size=50_000_000), "damaged"),
        (png(3000, 1), "too_many_pixels"),
        (png(0, 1), "damaged"),
    ],
)
def test_images_that_are_refused(content: bytes, flaw: str) -> None:
    with pytest.raises(LogoRefused) as refused:
        clean_logo(content)
    assert refused.value.flaw == flaw


def test_a_logo_may_have_sides_without_a_view_box() -> None:
    given = UNSIZED.replace(b"<svg", b'<svg width="9" height="9"') % DRAWING
    assert b'width="9" height="9"' in clean_logo(given).content


def test_a_clean_logo_has_no_metadata() -> None:
    hidden = chunk(b"tEXt", b"Author\0Aylin") + chunk(b"eXIf", b"place")
    assert clean_logo(png(extra=hidden)).content == png()
    assert clean_logo(png() + b"<script>").content == png()
    meta = b'<metadata>Aylin</metadata><sodipodi:x xmlns:sodipodi="http://sodipodi.example" y="1"/>'
    found = clean_logo(SVG % (meta + DRAWING)).content
    assert found == SVG.replace(b' viewBox="0 0 9 9"', b"").replace(b"<svg", b'<svg viewBox="0 0 9 9"') % (
        b'<path d="M0 0h9v9z" fill="#f00" stroke="none" />'
    )


class Tasks:
    """The work of the service for the console; a backup waits for `go`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.error = folder, ""
        self.made = 0

    def findings(self) -> list[Finding]:
        return [Finding(True, "database answers"), Finding(False, "12 MB of disk space free: free at least 500 MB")]

    def back_up(self) -> Path:
        self.made += 1
        if self.error:
            raise CommandError(self.error)
        (self.folder / "mitsprache.db").write_bytes(bytes(1_500_000))
        return self.folder


async def backed_up(browser: Browser) -> None:
    """Presses the button and waits until the job has ended."""
    await browser.get("/console/settings")
    await browser.press("Jetzt sichern")
    for _ in range(200):
        await browser.get("/console/settings")
        if "läuft seit" not in browser.text:
            return
        await asyncio.sleep(0.02)


@only_sqlite
async def test_a_backup_is_made_and_its_path_is_named(store: Store, tmp_path: Path) -> None:
    async with serving(store) as house:
        browser = owner_of(house, store)
        await browser.get("/console/settings")
        await browser.press("Jetzt sichern")
        assert browser.status == 409, "without the service"
        folder = tmp_path / "mitsprache-20261201T010000Z"
        folder.mkdir()
        house.app.maintenance = tasks = Tasks(folder)
        await backed_up(browser)
        assert f"1,5 MB: {folder}" in browser.text
        assert rows(store, "SELECT actor, object FROM audit WHERE act = 'backup'") == [("Marta", folder.name)]
        assert not any(str(folder) in link for _, link in browser.page.links), "it has the secret key: no download"
        tasks.error = "/backups: No space left on device"
        await backed_up(browser)
        assert "nicht gelungen" in browser.text
        assert "No space left" in browser.text


@only_sqlite
async def test_health_is_told_in_words(store: Store, tmp_path: Path) -> None:
    async with serving(store) as house:
        house.app.maintenance = Tasks(tmp_path)
        browser = owner_of(house, store)
        await browser.get("/console/settings")
        await browser.press("Zustand prüfen")
        assert "Zu tun: 1." in browser.text
        assert "free at least 500 MB" in browser.text


@only_sqlite
async def test_channels_are_asked_and_no_token_is_shown(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(store) as house:
        server = house.server.app
        services = server[SITE].services
        section = {"type": "telegram", "token": TOKEN, "base_url": "http://127.0.0.1:9"}
        channels = type(services.settings).model_validate({"channels": {"town": section}}).channels
        monkeypatch.setattr(house.app, "settings", services.settings.model_copy(update={"channels": channels}))
        browser = owner_of(house, store)
        await browser.get("/console/settings")
        assert "telegram" in browser.text
        await browser.press("Kanäle jetzt prüfen (1)")
        assert "[channels.town]:" in browser.text
        assert "Fehler" in browser.text
        assert TOKEN not in browser.page.html
        assert TOKEN.partition(":")[2] not in browser.page.html


@only_sqlite
async def test_settings_are_for_owners_only(store: Store) -> None:
    async with serving(store) as house:
        browser = signed_in(house, hired(store, "Aylin", "kernteam"))
        assert (await browser.get("/console/settings")).status == 403
