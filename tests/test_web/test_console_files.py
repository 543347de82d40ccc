"""Files of the console: jobs by permission, links that are valid once, and what a restart leaves behind."""

from __future__ import annotations

import asyncio
import io
import zipfile
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot.common.sources import system_now
from bot.exchange.exports import service
from bot.exchange.exports.service import FILE_KEPT, MOST_OF_MEMBER
from storage.core.store import Store
from storage.tables.audit import audit_entries
from storage.tables.export_jobs import ExportJob, insert_export_jobs
from tests.support.app import rows
from tests.support.browser import Browser, House, serving
from tests.support.console import hired, signed_in
from tests.support.databases import only_sqlite
from tests.support.ideas import open_answer, open_consultation, released

FILES = "/console/consultations/park/files"
RAW = "Prüfung durch das Rechnungsamt"


async def ready(browser: Browser, seconds: float = 60) -> Browser:
    """Reloads the list until no job waits or runs."""
    async with asyncio.timeout(seconds):
        await browser.get(FILES)
        while 'data-jobs="busy"' in browser.page.html:
            await asyncio.sleep(0.2)
            await browser.get(FILES)
    return browser


def link(browser: Browser) -> str:
    return next(target for label, target in browser.page.links if label == "Speichern")


async def start(browser: Browser, kind: str, **fields: str) -> Browser:
    await browser.get(FILES)
    csrf = dict(browser.page.forms[-1].fields)["csrf"]
    return await browser.post(FILES, [("csrf", csrf), ("kind", kind), *fields.items()])


async def content(browser: Browser, path: str) -> bytes:
    async with browser.http.get(browser.server.make_url(path)) as response:
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-store"
        assert "attachment" in response.headers["Content-Disposition"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        return await response.read()


def hold(house: House, size: int = 4) -> asyncio.Event:
    """Lets jobs wait until the event is set; then each writes a file of this number of bytes."""
    going_on = asyncio.Event()

    async def make(task: dict[str, Any], tell: Any) -> int:
        await tell({"percent": 40})
        await going_on.wait()
        Path(task["out"]).write_bytes(b"x" * size)
        await tell({"done": True})
        return 0

    house.app.exporter.make = make
    return going_on


@only_sqlite
async def test_a_file_takes_two_clicks_and_is_fetched_once(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        open_answer(connection, park, 1, '=HYPERLINK("x") \u202egnp.exe <script>')
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(FILES)
        await browser.press("CSV-Tabellen (ZIP), Auswertung")
        assert "Die Datei wird gepackt." in browser.text
        path = link(await ready(browser))
        package = zipfile.ZipFile(io.BytesIO(await content(browser, path)))
        assert "answers_long.csv" in package.namelist()
        assert (await browser.get(path)).status == 410
        assert "Jeder Link gilt einmal." in browser.text
        assert "gespeichert, hier gelöscht" in (await browser.get(FILES)).text
        assert list((house.app.settings.data / "exports").iterdir()) == []
    with store.reading() as connection:
        acts = [(it.actor, it.act, it.object) for it in audit_entries(connection)]
    assert acts[-2:] == [("Aylin", "export.analysis", "park"), ("Aylin", "export.fetch", "park")]


@only_sqlite
@pytest.mark.parametrize("kind", ["public-xlsx", "analysis-decidim", "analysis-pds", "raw-csv", "raw-polis"])
async def test_each_kind_is_made(store: Store, kind: str) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        released(connection, park, 1)
    async with serving(store) as house:
        browser = signed_in(house, hired(store, "Kim", "kernteam"))
        await start(browser, kind, purpose=RAW)
        package = zipfile.ZipFile(io.BytesIO(await content(browser, link(await ready(browser)))))
        if kind == "analysis-pds":
            said = package.read("LEFT_OUT.txt").decode()
            assert said == "1 of 1 proposals have no location and are not in the file.\n"


@only_sqlite
async def test_raw_data_needs_role_and_purpose(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        hold(house)
        other = await start(signed_in(house, hired(store)), "raw-csv", purpose=RAW)
        assert other.status == 403
        assert (await start(signed_in(house, hired(store, "Olga", "observer")), "analysis-csv")).status == 403
        browser = signed_in(house, hired(store, "Kim", "kernteam"))
        for missing in ("", " \u202e… "):
            await start(browser, "raw-polis", purpose=missing)
            assert browser.status == 422
            assert "Schreiben Sie, wofür" in browser.text
        assert (await start(browser, "raw-everything")).status == 404
        await start(browser, "raw-polis", purpose=RAW)
        assert browser.status == 200
    with store.reading() as connection:
        entries = [(it.actor, it.act, it.purpose) for it in audit_entries(connection)]
    assert entries == [("Kim", "export.raw", f"polis: {RAW}")]


@only_sqlite
async def test_hidden_figures_are_not_exported_as_public(store: Store) -> None:
    open_consultation(store, results="at_close")
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        for kind in ("public-csv", "public-xlsx", "analysis-decidim", "analysis-meinberlin", "analysis-pds"):
            await start(browser, kind)
            assert browser.status == 422
            assert "erst nach ihrem Ende öffentlich" in browser.text
    assert rows(store, "SELECT id FROM export_jobs") == []


@only_sqlite
async def test_a_link_is_valid_in_its_session_only(store: Store) -> None:
    open_consultation(store)
    member = hired(store)
    async with serving(store) as house:
        hold(house).set()
        browser = await ready(await start(signed_in(house, member), "analysis-csv"))
        path = link(browser)
        for stranger in (signed_in(house, member), signed_in(house, hired(store, "Kim", "kernteam"))):
            assert (await stranger.get(path)).status == 410
            assert "nur in der Anmeldung" in stranger.text
        for forged in (path[:-1] + ("0" if path[-1] != "0" else "1"), f"{FILES}/1", f"{FILES}/{'9' * 90}", path + "é"):
            assert (await browser.get(forged)).status == 410
        with store.begin() as connection:
            connection.execute(text("UPDATE staff SET role = 'observer' WHERE name = 'Aylin'"))
        assert (await browser.get(path)).status == 410


@only_sqlite
async def test_an_old_file_is_removed(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        hold(house).set()
        browser = await ready(await start(signed_in(house, hired(store)), "analysis-csv"))
        path = link(browser)
        with store.begin() as connection:
            past = (system_now() - FILE_KEPT - timedelta(seconds=1)).isoformat(timespec="microseconds")[:26] + "Z"
            connection.execute(text("UPDATE export_jobs SET ended_at = :past"), {"past": past})
        assert (await browser.get(path)).status == 410
        assert "lag zu lange bereit" in browser.text
        await house.app.exporter._remove_old()
        assert list((house.app.settings.data / "exports").iterdir()) == []
        assert "nicht abgeholt, gelöscht" in (await browser.get(FILES)).text


@only_sqlite
async def test_two_clicks_at_once_fetch_one_file(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        hold(house).set()
        browser = await ready(await start(signed_in(house, hired(store)), "analysis-csv"))
        url = browser.server.make_url(link(browser))

        async def fetch() -> int:
            async with browser.http.get(url) as response:
                await response.read()
                return response.status

        assert sorted(await asyncio.gather(fetch(), fetch())) == [200, 410]


@only_sqlite
async def test_a_transfer_that_breaks_off_leaves_the_link_valid(store: Store) -> None:
    size = 40_000_000
    open_consultation(store)
    async with serving(store) as house:
        hold(house, size).set()
        browser = await ready(await start(signed_in(house, hired(store)), "analysis-csv"))
        path = link(browser)
        async with browser.http.get(browser.server.make_url(path)) as response:
            await response.content.read(1000)
            assert rows(store, "SELECT state FROM export_jobs") == [("sending",)]
            response.close()
        async with asyncio.timeout(60):
            while rows(store, "SELECT state FROM export_jobs") != [("done",)]:
                await asyncio.sleep(0.05)
        assert len(await content(browser, path)) == size


@only_sqlite
async def test_jobs_are_limited_and_can_be_cancelled(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        going_on = hold(house)
        browser = signed_in(house, hired(store))
        for _ in range(MOST_OF_MEMBER):
            assert (await start(browser, "analysis-csv")).status == 200
        assert (await start(browser, "analysis-csv")).status == 422
        assert "Es warten schon mehrere Dateien" in browser.text
        await browser.get(FILES)
        assert "40 % gepackt" in browser.text
        stranger = signed_in(house, hired(store, "Kim", "kernteam"))
        await stranger.get(FILES)
        assert "Abbrechen" not in stranger.text
        (job, *_) = rows(store, "SELECT id FROM export_jobs WHERE state = 'running'")
        csrf = dict(stranger.page.forms[-1].fields)["csrf"]
        assert (await stranger.post(f"{FILES}/cancel", [("csrf", csrf), ("job", str(job[0]))])).status == 404
        await browser.press("Abbrechen")
        assert "Abgebrochen." in browser.text
        going_on.set()
        await ready(browser)
    states = sorted(state for (state,) in rows(store, "SELECT state FROM export_jobs"))
    assert states == ["aborted", "done", "done"]


@only_sqlite
async def test_a_restart_aborts_what_ran_and_goes_on_with_what_waited(store: Store) -> None:
    park = open_consultation(store)
    member = hired(store)
    jobs = [
        ExportJob(number, park, member.id, "analysis-csv", state, 0, None, system_now())  # type: ignore[arg-type]
        for number, state in enumerate(("running", "waiting"), start=1)
    ]
    with store.begin() as connection:
        insert_export_jobs(connection, jobs)
    async with serving(store) as house:
        browser = await ready(signed_in(house, member))
        assert "abgebrochen" in browser.text
        assert link(browser)
        await browser.press("Neu starten")
        assert "Die Datei wird gepackt." in browser.text


@only_sqlite
async def test_an_erasure_removes_waiting_files(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        hold(house).set()
        browser = await ready(await start(signed_in(house, hired(store)), "analysis-csv"))
        path = link(browser)
        await house.app.exporter.drop_files()
        assert (await browser.get(path)).status == 410
        assert list((house.app.settings.data / "exports").iterdir()) == []


async def test_an_idle_service_writes_nothing(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each write would empty the caches of people and consultations."""
    writes: list[str] = []
    monkeypatch.setattr(service, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(store, "on_other_writes", lambda: writes.append("a write"))
    running = asyncio.create_task(service.ExportService(store, tmp_path, UTC, "").run())
    await asyncio.sleep(0.2)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    assert writes == []
