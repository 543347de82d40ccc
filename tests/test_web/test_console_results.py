"""Results in the console: public figures for each member, inner ones beside them for a purpose."""

from __future__ import annotations

import json
from pathlib import Path

from bot.authoring import publishing
from bot.cli.context import publish_context
from bot.common.i18n.locale import Locale
from bot.results.editions.inner import count_inner_figures
from bot.results.editions.renewal import renew_edition
from bot.results.published import preview_results
from bot.settings import Settings
from bot.web.console.figure_tables import figure_tables
from flows.session import Session
from storage import migrate
from storage.core.store import Store
from storage.tables.answers import upsert_answers
from storage.tables.audit import audit_entries
from storage.tables.revisions import find_live_revision
from tests.support.browser import Browser, serving
from tests.support.console import hired, signed_in
from tests.support.databases import only_sqlite
from tests.support.ideas import NOW, open_consultation
from tests.support.rows import answer, stored_session
from tests.support.seeded import SLUG, publish_sample, seed

RESULTS = "/console/consultations/park/results"
LOOK = "Innere Zahlen daneben zeigen"


def answered(store: Store, *values: str) -> None:
    """People who answered about the lamps."""
    with store.begin() as connection:
        revision = find_live_revision(connection, "park")
        assert revision
        rows = []
        for number, value in enumerate(values):
            state = Session("park", "de", "R", answers={"lamps": value}, status="completed", submitted=True).to_json()
            done = {"state": state, "waiting_key": None, "status": "completed", "ended_at": NOW}
            mine = stored_session(connection, revision, number, **done)
            rows.append(answer(mine, "lamps", json.dumps(value)))
        upsert_answers(connection, rows)


def row_of(browser: Browser, label: str) -> list[str]:
    """The cells of a row of a table."""
    _, _, rest = browser.page.html.partition(f'dir="auto">{label}</th>')
    return [cell.partition("</td>")[0].rpartition(">")[2] for cell in rest.partition("</tr>")[0].split("<td")[1:]]


@only_sqlite
async def test_inner_and_public_figures_stand_side_by_side(store: Store) -> None:
    open_consultation(store)
    answered(store, *["yes"] * 14, *["no"] * 6)
    renew_edition(store, "park")
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(RESULTS)
        assert row_of(browser, "Nein") == ["6", "30 %"]
        await browser.press(LOOK, purpose="Bericht an den Beirat")
        assert browser.status == 200
        assert row_of(browser, "Nein") == ["6", "30 %", "6", "30 %"]
        assert "Ihr Blick nach innen steht im Protokoll: Bericht an den Beirat" in browser.text
    with store.reading() as connection:
        entries = [(it.actor, it.act, it.object, it.purpose) for it in audit_entries(connection)]
    assert entries == [("Aylin", "results.inner", "park", "Bericht an den Beirat")]


@only_sqlite
async def test_withheld_figures_are_inner_only(store: Store) -> None:
    open_consultation(store)
    answered(store, *["yes"] * 9, "no")
    renew_edition(store, "park")
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(RESULTS)
        assert row_of(browser, "Nein") == []
        await browser.press(LOOK, purpose="Bericht")
        assert row_of(browser, "Nein") == ["1", "10 %", "–", ""]


@only_sqlite
async def test_inner_figures_need_role_and_purpose(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        observer = signed_in(house, hired(store, "Olga", "observer"))
        assert (await observer.get(RESULTS)).status == 200
        assert LOOK not in observer.text
        csrf = dict(observer.page.forms[-1].fields)["csrf"]
        assert (await observer.post(RESULTS, [("csrf", csrf), ("purpose", "x")])).status == 403
        browser = await signed_in(house, hired(store)).get(RESULTS)
        await browser.press(LOOK, purpose=" \u202e… ")
        assert browser.status == 422
        assert "Schreiben Sie, wofür" in browser.text
    with store.reading() as connection:
        assert list(audit_entries(connection)) == []


@only_sqlite
async def test_hidden_figures_are_inner_only(store: Store) -> None:
    open_consultation(store, results="at_close")
    answered(store, *["yes"] * 9)
    async with serving(store) as house:
        browser = await signed_in(house, hired(store)).get(RESULTS)
        assert "erst nach dem Ende der Befragung öffentlich" in browser.text
        assert row_of(browser, "Ja") == []
        await browser.press(LOOK, purpose="<script>alert(1)</script>")
        assert row_of(browser, "Ja") == ["9", "100 %", "–", ""]
        assert "<script>alert" not in browser.page.html


@only_sqlite
async def test_a_count_that_fails_says_so(store: Store, monkeypatch) -> None:
    open_consultation(store)
    monkeypatch.setattr("bot.results.editions.inner.JOB", "bot.results.editions.nothing")
    async with serving(store) as house:
        browser = await signed_in(house, hired(store)).get(RESULTS)
        await browser.press(LOOK, purpose="Bericht")
        assert browser.status == 503
        assert "ließen sich gerade nicht zählen" in browser.text


def test_nothing_makes_no_table() -> None:
    assert figure_tables(None, None, Locale.of("de")) == []


async def test_inner_figures_are_the_same_in_another_process(tmp_path: Path) -> None:
    """Rankings, budgets, sectors and groups, with small numbers."""
    (tmp_path / "samples").mkdir()
    samples = Store(f"sqlite:///{tmp_path}/samples/mitsprache.db")
    migrate.upgrade(samples)
    publishing.publish_samples(samples, publish_context(Settings(data=tmp_path / "samples")))
    store = Store(f"sqlite:///{tmp_path}/mitsprache.db")
    migrate.upgrade(store)
    publish_sample(store, tmp_path / "samples" / "mitsprache.db", tmp_path)
    seed(store)
    there = await count_inner_figures(store, SLUG)
    with store.reading() as connection:
        here = preview_results(connection, SLUG, is_inner=True)
    assert there.rows == here.rows
    assert there.outcomes == here.outcomes
    assert there.report == here.report
    assert there.outcomes
    assert there.report.statements
    assert len(figure_tables(there, None, Locale.of("de"))) > 5
    samples.dispose()
    store.dispose()
