"""The preview in the console: click through, go back, jump, change channel and language; nothing is stored."""

from __future__ import annotations

from sqlalchemy import text

from bot.web.console.preview import MOST_RUNS, PreviewRun, PreviewRuns
from storage.core.store import Store
from tests.support.browser import serving
from tests.support.console import hired, signed_in
from tests.support.databases import only_sqlite
from tests.support.ideas import open_consultation

PREVIEW = "/console/consultations/park/preview"


@only_sqlite
async def test_a_member_clicks_through_and_nothing_is_stored(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(PREVIEW)
        await browser.press("Telegram")
        begun = browser.page.text
        buttons = [it[2] for form in browser.page.forms for it in form.buttons if it[0] == "choice"]
        await browser.press(buttons[0])
        assert browser.page.text.count(buttons[0]) > begun.count(buttons[0])
        assert "1 Antwort bis hier" in browser.text
        await browser.press("Einen Schritt zurück")
        assert browser.page.text == begun
        await browser.press("Senden", text="gibt es nicht")
        assert "gibt es nicht" in browser.text
        for channel in ("Matrix", "Tablet zum Aufstellen", "Vorgelesen", "Papier", "Web, Rechner"):
            await browser.press(channel)
            assert browser.status == 200, channel
        await browser.press("Neu beginnen")
        await browser.press("Zur Frage")
        assert browser.status == 200
    with store.reading() as connection:
        for table in ("sessions", "answers", "contacts", "outbox"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0, table


@only_sqlite
async def test_the_page_of_residents_is_answered_in_a_frame(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(PREVIEW)
        assert f'<iframe src="{PREVIEW}/page/form"' in browser.page.html
        assert "frame-src 'self'" in browser.headers["Content-Security-Policy"]
        await browser.get(f"{PREVIEW}/page/form")
        assert browser.headers["Content-Security-Policy"].endswith("frame-ancestors 'self'")
        assert '="/c/park' not in browser.page.html
        sent = [it for it in browser.step().fields if it[0] != "choice"]
        assert dict(sent)["at"].startswith("preview-")
        choice = next(it[1] for it in browser.step().options.values() if it[0] == "choice")
        await browser.post(f"{PREVIEW}/page/form", sent)
        assert browser.status == 422
        key = dict(sent)["q"]
        await browser.post(f"{PREVIEW}/page/form", [*sent, ("choice", choice)])
        assert browser.status == 200
        assert dict(browser.step().fields)["q"] != key
        await browser.get(f"{PREVIEW}/page/form?q={key}")
        assert dict(browser.step().fields)["q"] == key
        await browser.get(f"{PREVIEW}/page/kiosk")
        assert f'action="{PREVIEW}/page/end"' in browser.page.html
        csrf = dict(browser.step().fields)["csrf"]
        await browser.post(f"{PREVIEW}/page/end", [("csrf", csrf)])
        assert browser.status == 200
    with store.reading() as connection:
        for table in ("sessions", "answers", "contacts", "outbox"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0, table


@only_sqlite
async def test_in_matrix_the_label_of_a_button_can_be_typed(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(PREVIEW)
        await browser.press("Matrix")
        assert "[" in browser.text
        label = browser.text.split("[")[1].split("]")[0]
        before = browser.page.text.count("Licht")
        await browser.press("Senden", text=label)
        assert "1 Antwort bis hier" in browser.text
        assert browser.page.text.count("Licht") >= before


@only_sqlite
async def test_only_the_team_looks_at_versions_that_are_not_public(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        assert (await signed_in(house, hired(store, "Oda", "observer")).get(PREVIEW)).status == 403


def test_the_oldest_run_is_forgotten() -> None:
    runs = PreviewRuns()
    for member in range(MOST_RUNS + 1):
        runs.put(member, "park", PreviewRun(language="de"))
    assert runs.get(0, "park") == PreviewRun()
    assert runs.get(MOST_RUNS, "park").language == "de"
