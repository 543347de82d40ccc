"""Figures as numbered editions: made in a process of its own, the same for all who read, never counted by them."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.authoring import lifecycle
from bot.authoring.publishing import PublishContext
from bot.cli import results
from bot.common.ids import Ids
from bot.exchange.exports import package
from bot.proposals import publication
from bot.results.edition import ResultsEdition, load_newest_edition, make_edition, store_edition
from bot.results.editions import renewal, service
from bot.results.editions.renewal import DueEdition, due_editions, renew_edition
from bot.results.editions.service import EditionService, run_job
from bot.web.public import results_cache
from flows.session import Session
from storage.core.errors import Duplicate
from storage.core.store import Store
from storage.tables.answers import upsert_answers
from storage.tables.proposals import Withdrawal, proposals_by_code, withdraw_proposals
from storage.tables.revisions import find_live_revision
from tests.support.api_client import hire, key_for, served
from tests.support.app import consultation, publish
from tests.support.browser import House, serving
from tests.support.ideas import NOW, rate, released
from tests.support.rows import answer, stored_session

DONE = Session("x", "de", "R", status="completed").to_json()


@pytest.fixture
def parks(store: Store) -> Store:
    publish(store, consultation())
    return store


def park(store: Store) -> int:
    with store.reading() as connection:
        found = find_live_revision(connection, "park")
    assert found
    return found.consultation_id


def say(store: Store, first: int, *said: str) -> None:
    """People who answer the question about lamps, numbered from `first` on."""
    with store.begin() as connection:
        revision = find_live_revision(connection, "park")
        assert revision
        for number, value in enumerate(said, first):
            mine = stored_session(connection, revision, number, status="completed", waiting_key=None, state=DONE)
            upsert_answers(connection, [answer(mine, "lamps", json.dumps(value))])


def newest(store: Store) -> ResultsEdition:
    with store.reading() as connection:
        live = find_live_revision(connection, "park")
        assert live
        found = load_newest_edition(connection, live)
    assert found
    return found


def yes(edition: ResultsEdition) -> int | None:
    return next(row.n for row in edition.rows if (row.question_key, row.code) == ("lamps", "yes"))


def aged(store: Store, by: timedelta, seconds: float = 0.0) -> datetime:
    """Now, for who looks; the newest edition was made so long before it and took so long."""
    with store.begin() as connection:
        connection.exec_driver_sql(f"UPDATE editions SET seconds = {seconds}")
    return newest(store).made_at + by


async def test_a_process_of_its_own_makes_the_next_edition(parks: Store):
    say(parks, 1, *["yes"] * 6, *["no"] * 7)
    (first,) = await run_job(parks, ["park"])
    assert (first["slug"], first["number"]) == ("park", 1)
    edition = newest(parks)
    assert (edition.number, yes(edition), edition.is_last) == (1, 6, False)
    assert await run_job(parks, ["park"]) == [{"slug": "park"}], "nothing changed"
    say(parks, 20, *["yes"] * 6, *["no"] * 3)
    assert (await run_job(parks, ["nowhere", "park"]))[1]["number"] == 2, "one that fails leaves others alone"
    assert yes(newest(parks)) == 12


async def test_a_process_that_dies_hurts_nobody(parks: Store, tmp_path: Path, monkeypatch):
    script, runs = tmp_path / "python", tmp_path / "runs"
    script.write_text(f"#!/bin/sh\necho >>{runs}\nkill -9 $$\n")
    script.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(script))
    noted: list[dict[str, Any]] = []
    monkeypatch.setattr(service, "log", type("Log", (), {"error": lambda _, event, **more: noted.append(more)})())
    tried = EditionService(parks)
    await tried.look()
    await tried.look()
    assert runs.read_text() == "\n", "not again at once"
    assert noted == [{"status": -9}]


async def test_a_process_ends_with_the_house(parks: Store, tmp_path: Path, monkeypatch):
    script, started = tmp_path / "python", tmp_path / "started"
    script.write_text(f"#!/bin/sh\necho $$ >{started}.new && mv {started}.new {started}\nexec sleep 600\n")
    script.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(script))
    task = asyncio.create_task(run_job(parks, ["park"]))
    while not started.exists():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not Path(f"/proc/{int(started.read_text())}").exists()


def test_two_processes_never_make_the_same_number(parks: Store, monkeypatch):
    say(parks, 1, *["yes"] * 6)

    def overtaken(*about: Any, **more: Any) -> ResultsEdition:
        made = make_edition(*about, **more)
        monkeypatch.setattr(renewal, "make_edition", make_edition)
        assert renew_edition(parks, "park")
        return made

    monkeypatch.setattr(renewal, "make_edition", overtaken)
    assert renew_edition(parks, "park") is None, "the other one was first"
    edition = newest(parks)
    assert edition.number == 1
    with pytest.raises(Duplicate), parks.begin() as connection:
        store_edition(connection, edition)


def test_the_next_edition_is_not_made_before_it_is_time(parks: Store):
    number = park(parks)

    def looked(now: datetime) -> list[DueEdition]:
        with parks.reading() as connection:
            return list(due_editions(connection, now))

    assert looked(datetime.now(UTC)) == [DueEdition(number, "park", is_urgent=True)], "there is none yet"
    assert renew_edition(parks, "park")
    assert looked(aged(parks, timedelta(days=1))) == [], "nothing changed"
    say(parks, 1, *["yes"] * 6)
    assert looked(aged(parks, timedelta(seconds=29))) == []
    assert looked(aged(parks, timedelta(seconds=31))) == [DueEdition(number, "park", is_urgent=False)]
    assert looked(aged(parks, timedelta(seconds=79), seconds=8.0)) == [], "ten times as seldom as it takes"
    assert looked(aged(parks, timedelta(seconds=81), seconds=8.0)) == [DueEdition(number, "park", is_urgent=False)]
    with parks.begin() as connection:
        lifecycle.close_consultation(connection, "park", PublishContext(Ids(), datetime.now(UTC), UTC, Path()))
    assert looked(aged(parks, timedelta(seconds=1), seconds=8.0)) == [DueEdition(number, "park", is_urgent=True)], (
        "it ended"
    )


def test_hidden_results_have_no_edition_but_staff_sees_them(store: Store):
    publish(store, consultation(results="at_close"))
    say(store, 1, *["yes"] * 6)
    with store.reading() as connection:
        assert list(due_editions(connection, datetime.now(UTC))) == []
    assert renew_edition(store, "park") is None
    assert results._newest(store, "park", 0).participations == 6
    with store.reading() as connection:
        assert publication.public_figures(connection, "park") is None


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE answers SET value = '\"no\"', version = version + 1 WHERE session_id = (SELECT min(id) FROM sessions)",
        "DELETE FROM answers WHERE session_id = (SELECT min(id) FROM sessions)",
        "DELETE FROM sessions",
        "UPDATE sessions SET status = 'interrupted' WHERE id = (SELECT max(id) FROM sessions)",
        "DELETE FROM rating_events WHERE id = (SELECT min(id) FROM rating_events)",
        "UPDATE proposals SET released_at = NULL",
        "UPDATE consultations SET state = 'closed'",
    ],
)
def test_whatever_changes_figures_is_noticed(parks: Store, change: str):
    say(parks, 1, *["yes"] * 6)
    with parks.begin() as connection:
        rate(connection, released(connection, park(parks), 90, text="Mehr Bänke").id, dict.fromkeys(range(1, 7), 1))
    assert renew_edition(parks, "park")
    assert renew_edition(parks, "park") is None
    with parks.begin() as connection:
        connection.exec_driver_sql(change)
    assert renew_edition(parks, "park")


async def page_of(house: House, path: str = "/results/park") -> str:
    return (await house.browser(**{"Accept-Language": "de"}).get(path)).page.html


async def unzipped(house: House) -> dict[str, str]:
    browser = house.browser()
    async with browser.http.get(browser.server.make_url("/open-data/park.zip")) as response:
        assert response.status == 200
        with zipfile.ZipFile(io.BytesIO(await response.read())) as found:
            return {it: found.read(it).decode() for it in found.namelist() if not it.endswith(".xlsx")}


@pytest.fixture
def rated(sample_store: Store) -> Store:
    """A park with answers, and an idea that people rated."""
    publish(sample_store, consultation())
    say(sample_store, 1, *["yes"] * 6, *["no"] * 7)
    votes = {person: -1 if person % 3 == 0 else 1 for person in range(1, 13)}
    with sample_store.begin() as connection:
        rate(connection, released(connection, park(sample_store), 90, text="Mehr Bänke").id, votes)
    return sample_store


async def test_what_is_withdrawn_is_gone_at_once_from_every_output(rated: Store):
    async with serving(rated) as house:
        code = next(iter(publication_of(rated).proposals))
        assert "Mehr Bänke" in await page_of(house)
        before = await unzipped(house)
        assert "Mehr Bänke" in before["proposals.csv"]
        with rated.begin() as connection:
            found = proposals_by_code(connection, [code])[code]
            withdraw_proposals(connection, [Withdrawal(found.id, NOW)])
        assert "Mehr Bänke" not in await page_of(house)
        after = await unzipped(house)
        assert not any("Mehr Bänke" in text or code in text for text in after.values())
        assert after["counts.csv"] == before["counts.csv"], "the same edition"


def publication_of(store: Store) -> Any:
    with store.reading() as connection:
        return publication.public_figures(connection, "park") or publication.preview_figures(connection, "park")


async def test_all_outputs_show_the_same_edition_without_counting(rated: Store, monkeypatch):
    assert renew_edition(rated, "park")
    say(rated, 50, *["yes"] * 9, *["no"] * 3)

    def counted(*_: object) -> None:
        raise AssertionError("readers never count")

    for name in (
        "bot.results.edition.count_participations",
        "bot.results.edition.statement_report",
        "bot.results.edition.vote_loader.load_votes",
    ):
        monkeypatch.setattr(name, counted)
    monkeypatch.setattr("storage.tables.ratings._count", counted)
    code = next(iter(publication_of(rated).proposals))
    async with serving(rated) as house:
        page, files = await page_of(house), await unzipped(house)
        about = json.loads(files["metadata.json"])
        assert (about["edition"], about["participations"]) == (1, 13)
        assert "Ausgabe 1" in page
        assert "<strong>13</strong>" in page
        assert "| Ausgabe · Edition | 1 (" in files["DATENKARTE.md"]
        assert ">8<" in await page_of(house, f"/p/{code}")
    again = Store(rated.url)
    key = key_for(again, hire(again, "Aylin"))
    async with served(again) as api:
        found = (await api.client(key).get("/consultations/park/ratings")).json
        assert (found["edition"], found["items"][0]["people"]) == (1, 12)
        assert found["made_at"][:19] == about["made_at"][:19]


def test_the_commands_bring_the_newest_edition_up_to_date(rated: Store, tmp_path: Path):
    told = results.as_data(results._newest(rated, "park", 0))
    assert (told["edition"], told["participations"]) == (1, 13)
    wish = package.ExportRequest("park", tmp_path / "park", "public")
    assert package.write_export(rated, wish, NOW) == 13
    assert json.loads((wish.out / "metadata.json").read_text())["edition"] == 1, "nothing changed"
    say(rated, 50, *["yes"] * 9, *["no"] * 3)
    assert results.as_data(results._newest(rated, "park", 0))["edition"] == 2
    assert results.as_data(results._newest(rated, "park", 7))["edition"] is None, "another seed is for who asks only"


async def test_where_there_is_none_yet_the_page_says_so(rated: Store, monkeypatch):
    monkeypatch.setattr(results_cache, "FIRST_SECONDS", 0.01)
    async with serving(rated) as house:
        asked: list[str] = []

        async def later(slugs: Any) -> list[dict[str, Any]]:
            asked.extend(slugs)
            return [{"slug": slug} for slug in slugs]

        house.app.editor.make = later
        page = await page_of(house)
        assert "Die Zahlen werden gerade zusammengestellt" in page
        while "park" not in asked:
            await asyncio.sleep(0.01)
        browser = house.browser(**{"Accept-Language": "de"})
        async with browser.http.get(browser.server.make_url("/open-data/park.zip")) as response:
            assert response.status == 503
            assert "Die Zahlen werden gerade zusammengestellt" in await response.text()


def test_an_edition_keeps_the_meaning_of_what_it_counted(parks: Store):
    """A later revision asks something else under the same key: what was counted is not taken for it."""
    say(parks, 1, *["yes"] * 6, *["no"] * 7)
    assert renew_edition(parks, "park")
    scale: dict[str, Any] = {
        "key": "lamps",
        "type": "scale",
        "text": {"de": "Wie hell?", "en": "How bright?"},
        "min": 1,
        "max": 5,
    }
    scale |= {key: {"de": "?", "en": "?"} for key in ("min_label", "max_label")}
    publish(parks, consultation(questions=[scale]))
    found = publication_of(parks)
    assert {row.question_type for row in found.rows if row.question_key == "lamps"} == {"choice"}
    assert [variable.question.type for variable in found.subject.variables if variable.key == "lamps"] == ["choice"]
    assert renew_edition(parks, "park"), "and the next one knows both"
    assert {it.id for it in publication_of(parks).subject.variables} >= {"lamps", "lamps.1"}


def test_few_editions_stay(parks: Store):
    for number in range(1, 5):
        say(parks, 10 * number, "yes")
        made = renew_edition(parks, "park")
        assert made
        assert made.number == number
    with parks.reading() as connection:
        kept = connection.exec_driver_sql("SELECT number FROM editions ORDER BY number").scalars().all()
        rows = connection.exec_driver_sql("SELECT DISTINCT number FROM edition_rows ORDER BY number").scalars().all()
    assert kept == rows == [3, 4]
