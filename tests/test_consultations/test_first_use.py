"""Consultations are listed without being compiled, and compiled at their first use: no other contact waits."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.authoring.file_check import canonical_content
from bot.common.ids import Ids
from bot.consultations import catalogue as catalogues
from bot.consultations.catalogue import Catalogue
from bot.consultations.flow_cache import FlowCache
from bot.consultations.live_revisions import LiveRevisions
from bot.results.editions.renewal import due_editions
from bot.web.consultation_cache import ConsultationCache
from flows.definition import Consultation
from flows.flow import Flow
from flows.listing import Listing
from storage.core.store import Store
from storage.tables.publications import Publication, store_publication
from storage.tables.revisions import revision_contents
from storage.tables.triggers import replace_triggers
from tests.support.app import consultation, publish, rows, running, say
from tests.support.browser import serving
from tests.support.databases import Database
from tests.support.timeouts import PATIENCE


class Compiler:
    """Counts what is compiled, and can hold up what it is told to."""

    def __init__(self) -> None:
        self.compiled: list[str] = []
        self.held: dict[str, threading.Event] = {}
        self.begun = threading.Event()

    def __call__(self, of: Consultation, *rest: Any, **more: Any) -> Flow:
        self.compiled.append(of.slug)
        if of.slug in self.held:
            self.begun.set()
            assert self.held[of.slug].wait(PATIENCE)
        return Flow(of, *rest, **more)


@pytest.fixture
def compiler(monkeypatch) -> Compiler:
    counting = Compiler()
    monkeypatch.setattr(catalogues, "Flow", counting)
    return counting


def publish_raw(store: Store, slug: str, change: dict[str, Any]) -> None:
    """What a newer program takes for a consultation: another thing stands where this one looks for something."""
    made = canonical_content(consultation(slug))
    stored, ids = json.dumps(json.loads(made) | change), Ids()
    with store.begin() as connection:
        publication = Publication(ids(), ids(), slug, stored, f"{slug:0>64}", datetime.now(UTC))
        revision = store_publication(connection, publication)
        replace_triggers(connection, revision.consultation_id, [("keyword", slug)])


async def test_lists_compile_nothing_and_a_visit_only_its_flow(database: Database, compiler: Compiler):
    store = Store(database.url)
    publish(store, *(consultation(f"platz-{number}") for number in range(30)))
    async with serving(store) as house:
        page = house.browser()
        await page.get("/")
        assert "Beispiel platz-7" in page.page.html
    assert compiler.compiled == []
    async with running(Store(database.url)) as (app, channel):
        await say(app, channel.msg("anna", "hallo"))
        assert len(channel.last("anna").quick_replies) > 30
        await say(app, channel.msg("anna", "platz-7x"), channel.msg("anna", "hilfe"))
        assert compiler.compiled == []
        await say(app, channel.msg("anna", "/start platz-7"))
        await say(app, channel.msg("anna", "Deutsch"), channel.msg("bert", "/start platz-7"))
        assert compiler.compiled == ["platz-7"]
        await say(app, channel.msg("carla", "Beispiel platz-8"))
        assert compiler.compiled == ["platz-7", "platz-8"]


async def test_only_what_is_new_is_read(store: Store, monkeypatch):
    read: list[int] = []
    contents = revision_contents  # before it is replaced

    def counted(connection, revision_ids):
        read.extend(revision_ids)
        return contents(connection, revision_ids)

    for reader in ("live_revisions", "stored_revisions"):
        monkeypatch.setattr(f"bot.consultations.{reader}.revision_contents", counted)
    publish(store, consultation("wiese"), consultation("park"))
    catalogue, board = Catalogue(), ConsultationCache(store)
    with store.reading() as connection:
        catalogue.refresh(connection)
        assert len(read) == 2
        catalogue.refresh(connection)
    await board.refresh()
    assert len(read) == 2, "the pages take what the conversation has read"
    publish(store, consultation("hafen"))
    with store.reading() as connection:
        catalogue.refresh(connection)
        assert len(read) == 3
        assert [it.slug for it in due_editions(connection, datetime.now(UTC), LiveRevisions())] == [
            "hafen",
            "park",
            "wiese",
        ]
    assert len(read) == 3, "nor does the look for new figures read what is known"
    assert set(catalogue.known_slugs()) == {"wiese", "park", "hafen"}


async def test_others_go_on_while_something_is_compiled(store: Store, compiler: Compiler):
    publish(store, consultation("park"), consultation("wiese"))
    async with running(store) as (app, channel):
        await say(app, channel.msg("bert", "/start wiese"))
        compiler.held["park"] = threading.Event()
        together = [channel.msg("anna", "/start park"), channel.msg("bert", "Deutsch")]
        first = asyncio.create_task(app.conversations.receive(together))
        assert await asyncio.to_thread(compiler.begun.wait, PATIENCE)
        more = asyncio.create_task(
            app.conversations.receive([channel.msg("anna", "Deutsch"), channel.msg("bert", "ja")])
        )
        async with asyncio.timeout(PATIENCE):
            while "Was fehlt?" not in channel.last("bert").text:
                await asyncio.sleep(0.01)
        assert channel.texts("anna") == []
        assert not first.done(), "its channel may forget no part of what it handed over"
        assert not more.done()
        compiler.held["park"].set()
        parts = await asyncio.wait_for(asyncio.gather(first, more), PATIENCE)
        await app.outbox.drained()
        assert "Licht im Park?" in channel.last("anna").text, "in the order in which she wrote"
        for who, name in enumerate(("anna", "bert")):
            replies = [reply for part in parts for reply in part[who]]
            assert all(part[who] for part in parts)
            assert replies == [message for message in channel.sent if message.address == name][-len(replies) :]
        assert app.conversations.counts.failures == 0
    assert sorted(compiler.compiled) == ["park", "wiese"]


async def test_many_who_come_at_once_compile_once(store: Store, compiler: Compiler):
    publish(store, consultation("park"))
    async with running(store) as (app, channel):
        await asyncio.gather(*(app.conversations.receive([channel.msg(f"p{n}", "/start park")]) for n in range(20)))
        await app.outbox.drained()
        assert compiler.compiled == ["park"]
        assert all(channel.texts(f"p{n}") for n in range(20))


async def test_memory_is_bounded_and_who_comes_back_is_answered(store: Store, compiler: Compiler):
    names = [f"platz-{number}" for number in range(6)]
    publish(store, *(consultation(name) for name in names))
    async with running(store) as (app, channel):
        app.catalogue._compiled = FlowCache(kept_bytes=1)
        for name in [*names, *names[:2]]:
            await say(app, channel.msg("anna", f"/start {name}"), channel.msg("anna", "Deutsch"))
            assert channel.last("anna").title == "Licht im Park?"
        assert len(app.catalogue._compiled._kept) == 1
        assert len(compiler.compiled) > len(names)
        await say(app, channel.msg("anna", "meine daten"))
        assert "platz-5" in channel.texts("anna")[-2], "more of them at once than are kept"
        assert app.conversations.counts.failures == 0
        assert rows(app.store, "SELECT count(*) FROM sessions") == [(6,)]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"questions": [{"key": "x", "type": "hologram", "text": {"de": "?"}}]}, id="type"),
        pytest.param({"mood": 1}, id="field"),
        pytest.param({"questions": []}, id="no questions"),
        pytest.param({"title": {"fr": "?"}}, id="title in no language"),
        pytest.param({"languages": [{"tag": "tlh"}]}, id="language"),
    ],
)
async def test_compile_errors_reach_only_users_of_that_consultation(database: Database, change):
    store = Store(database.url)
    publish_raw(store, "park", change)
    publish(store, consultation("wiese"))
    async with running(store) as (app, channel):
        await say(app, channel.msg("anna", "/start park"), channel.msg("bert", "/start wiese"))
        await say(app, channel.msg("bert", "Deutsch"))
        assert "Licht im Park?" in channel.last("bert").text
        assert channel.texts("anna")
        assert app.conversations.counts.failures == 0
    async with serving(Store(database.url)) as house:
        page = house.browser()
        await page.get("/c/park")
        assert page.status == 404
        await page.get("/c/wiese")
        assert page.status == 200
        await page.get("/")
        assert "Beispiel park" not in page.page.html


async def test_a_flow_that_cannot_be_made_is_no_fault_of_others(store: Store, monkeypatch):
    def fail(of: Consultation, *rest: Any, **more: Any) -> Flow:
        if of.slug == "park":
            raise ZeroDivisionError
        return Flow(of, *rest, **more)

    monkeypatch.setattr(catalogues, "Flow", fail)
    publish(store, consultation("park"), consultation("wiese"))
    async with running(store) as (app, channel):
        await say(app, channel.msg("anna", "/start park"), channel.msg("bert", "/start wiese"))
        assert channel.texts("anna")
        assert channel.texts("bert")
        assert app.conversations.counts.failures == 0


def test_two_threads_compile_one_thing_once():
    cache, made, both = FlowCache[str](), [], threading.Barrier(2)

    def compile_() -> str:
        made.append(1)
        return "flow"

    def need(_: int) -> str:
        both.wait(PATIENCE)
        return cache.get_or_compile(1, 10, compile_)

    for _ in range(50):
        with ThreadPoolExecutor(2) as threads:
            assert list(threads.map(need, range(2))) == ["flow", "flow"]
    assert made == [1]


def test_a_listing_reads_what_the_consultation_says(store: Store):
    made = consultation("park", keywords=["bank"])
    listing = Listing.model_validate_json(canonical_content(made))
    for name in ("slug", "title", "asks", "why", "contact", "minutes", "keywords", "results", "main_language"):
        assert getattr(listing, name) == getattr(made, name), name
    assert listing.tags == tuple(made.languages)
    assert listing.fallbacks == made.fallbacks
    publish(store, made)
    with store.reading() as connection:
        (live,) = LiveRevisions().look(connection, ("open",))
    assert live.content() == canonical_content(made)
