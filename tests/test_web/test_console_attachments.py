"""Voice messages and pictures in the console: beside the text that waits, in a list, and as a package of files."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest

from bot.common.keys import FILE
from bot.delivery.attachments.files import FOLDER
from storage.core.store import Store
from storage.tables.attachments import AttachmentState
from storage.tables.audit import audit_entries
from tests.support.browser import serving
from tests.support.console import hired, signed_in
from tests.support.databases import only_sqlite
from tests.support.ideas import open_consultation
from tests.support.sent_files import SENT, sent
from tests.test_web.test_console_files import RAW, content, link, ready, start

LIST = "/console/consultations/park/reading/attachments"


def acts(store: Store) -> list[tuple[str, str, str]]:
    with store.reading() as connection:
        return [(it.actor, it.act, it.object) for it in audit_entries(connection)]


@only_sqlite
async def test_a_picture_is_viewed_beside_its_text(store: Store) -> None:
    park = open_consultation(store)
    async with serving(store) as house:
        number = sent(store, house, park, "picture", "So sieht es aus")
        browser = signed_in(house, hired(store))
        await browser.get("/console/consultations/park/reading")
        assert "[picture]" not in browser.text
        assert ("Bild ansehen", f"{LIST}/{number}") in browser.page.links
        async with browser.http.get(browser.server.make_url(f"{LIST}/{number}")) as response:
            assert await response.read() == SENT["picture"][0]
            assert response.headers["Content-Type"] == "image/jpeg"
            assert response.headers["Content-Disposition"].startswith("inline; ")
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Cache-Control"] == "no-store"
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert await content(browser, f"{LIST}/{number}?save=1") == SENT["picture"][0]
    assert acts(store) == [("Aylin", "attachment.read", f"park/{number}")] * 2


@only_sqlite
async def test_a_player_gets_the_part_it_asks_for(store: Store) -> None:
    park = open_consultation(store)
    async with serving(store) as house:
        path = f"{LIST}/{sent(store, house, park, 'voice', 'Hört mal')}"
        browser = signed_in(house, hired(store))
        file = SENT["voice"][0]
        for wanted, status, part in (
            ("bytes=0-", 206, file),
            ("bytes=5-9", 206, file[5:10]),
            ("bytes=-4", 206, file[-4:]),
            ("bytes=5000-", 416, b""),
            ("lines=1", 200, file),
        ):
            async with browser.http.get(browser.server.make_url(path), headers={"Range": wanted}) as response:
                assert (response.status, await response.read()) == (status, part), wanted
                assert response.headers["Accept-Ranges"] == "bytes"


@only_sqlite
async def test_the_list_has_every_file_newest_first(store: Store) -> None:
    park = open_consultation(store)
    other = open_consultation(store, "dorf")
    async with serving(store) as house:
        numbers = [sent(store, house, park, "voice", f"Nummer {number}") for number in range(26)]
        foreign = sent(store, house, other, "picture", "Aus dem Dorf")
        browser = signed_in(house, hired(store))
        await browser.get(LIST)
        assert "Nummer 25" in browser.text
        assert "Nummer 0" not in browser.text
        assert "Aus dem Dorf" not in browser.text
        await browser.get(f"{LIST}?before={numbers[1]}")
        assert "Nummer 0" in browser.text
        assert (await browser.get(f"{LIST}/{foreign}")).status == 404
        assert (await browser.get(f"{LIST}/x")).status == 404


@only_sqlite
@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("waiting", "wird noch vom Kanal geholt"),
        ("failed", "konnte vom Kanal nicht geholt werden"),
        ("too_large", "war zu groß"),
        ("wrong_type", "war weder Aufnahme noch Bild"),
    ],
)
async def test_a_file_that_is_not_there_is_said(store: Store, state: AttachmentState, told: str) -> None:
    park = open_consultation(store)
    async with serving(store) as house:
        number = sent(store, house, park, "picture", "Hier", state)
        browser = signed_in(house, hired(store))
        assert told in (await browser.get(LIST)).text
        assert (await browser.get(f"{LIST}/{number}")).status == 404
        assert "fehlt auf dem Server" in browser.text
    assert acts(store) == []


@only_sqlite
async def test_only_those_who_read_texts_get_a_file(store: Store) -> None:
    park = open_consultation(store)
    async with serving(store) as house:
        number = sent(store, house, park, "voice", "Hört mal")
        for role in ("admin", "observer", "auditor", "project", "helper"):
            browser = signed_in(house, hired(store, role, role))
            assert (await browser.get(f"{LIST}/{number}")).status == 403
            assert (await browser.get(LIST)).status == 403
    assert acts(store) == []


@only_sqlite
async def test_all_files_are_packed_with_their_list(store: Store) -> None:
    park = open_consultation(store)
    async with serving(store) as house:
        (house.app.settings.data / FILE).write_text("00" * 32)
        sent(store, house, park, "voice", "Hört mal")
        lost = sent(store, house, park, "picture", "Weg")
        (house.app.settings.data / FOLDER / f"{lost:032x}").unlink()
        browser = signed_in(house, hired(store, "Kim", "kernteam"))
        await start(browser, "raw-attachments", purpose=RAW)
        package = zipfile.ZipFile(io.BytesIO(await content(browser, link(await ready(browser)))))
        rows = list(csv.DictReader(io.StringIO(package.read("attachments.csv").decode("utf-8-sig")), delimiter=";"))
        assert [(it["kind"], it["text"], bool(it["file"])) for it in rows] == [
            ("voice", "Hört mal", True),
            ("picture", "Weg", False),
        ]
        assert package.read(rows[0]["file"]) == SENT["voice"][0]
        assert package.read("LEFT_OUT.txt").startswith(b"1 file")
        assert (await start(signed_in(house, hired(store)), "raw-attachments", purpose=RAW)).status == 403
    assert acts(store)[:2] == [("Kim", "export.attachments", "park"), ("Kim", "export.fetch", "park")]
