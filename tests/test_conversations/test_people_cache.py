"""Contacts cached between batches: every other change is noticed, and a failed batch returns nothing to the cache."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import Connection, text

from adapters.base import Refused
from bot.app import App
from bot.consultations.participant import Person
from bot.conversations import people_cache
from bot.conversations.people_cache import CachedPerson, PeopleCache
from storage.core import driver
from storage.core.errors import StoreBusy, StoreFull
from storage.core.store import Store
from storage.tables.contacts import delete_contacts
from tests.support.app import Recorder, consultation, publish, rows, running, say
from tests.support.databases import only_sqlite
from tests.test_privacy.test_linking import Town, town


@pytest.fixture(autouse=True)
def no_background_work(monkeypatch):
    """The hourly work begins with the app and writes: on a slow machine that would empty the cache in mid test."""

    async def idle() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(App, "_beside", lambda app: [idle])


@pytest.fixture
def store(store):
    publish(store, consultation(), consultation("hunde"))
    return store


@asynccontextmanager
async def talking(store: Store) -> AsyncIterator[tuple[App, Recorder]]:
    """An app in which "a" has said that there shall be light, and is kept where anyone is."""
    async with running(store) as (app, channel):
        for words in ("/start park", "Deutsch", "ja"):
            await say(app, channel.msg("a", words))
        for words in ("/start hunde", "Deutsch"):
            await say(app, channel.msg("b", words))
        yield app, channel


def kept(app: App) -> PeopleCache:
    return app.conversations._batches._senders.people_cache


@only_sqlite
async def test_who_wrote_is_not_looked_for_again(store, monkeypatch):
    asked: list[str] = []
    run = driver.execute

    def listening(connection: Connection, sql: str, *arguments, **more):
        asked.append(sql)
        return run(connection, sql, *arguments, **more)

    async with talking(store) as (app, channel):
        monkeypatch.setattr(driver, "execute", listening)
        await say(app, channel.msg("a", "Mehr Bänke"))
        assert not [sql for sql in asked if "FROM sessions" in sql or "FROM addresses" in sql]
        await say(app, channel.msg("c", "/start park"))
        assert [sql for sql in asked if "FROM addresses" in sql]
        await say(app, channel.msg("a", "absenden"))
    assert rows(store, "SELECT question_key, value, version FROM answers ORDER BY question_key") == [
        ("lamps", '"yes"', 1),
        ("wish", '"Mehr Bänke"', 1),
    ]
    assert rows(store, "SELECT status, count(*) FROM sessions GROUP BY status ORDER BY 1") == [
        ("completed", 1),
        ("waiting", 2),
    ]


async def test_whoever_else_writes_in_this_process_is_heard(store):
    async with talking(store) as (app, channel):
        contact = rows(store, "SELECT contact_id FROM addresses")[0][0]
        assert contact
        await app.store.write(lambda connection: connection.execute(text("UPDATE contacts SET language = 'en'")))
        assert len(kept(app)) == 0
        await say(app, channel.msg("a", "delete"))
        assert channel.last("a").language == "de", "the session has a language of its own"
        await app.store.write(lambda connection: connection.execute(text("UPDATE sessions SET waiting_key = NULL")))
        await say(app, channel.msg("a", "Hallo"))
        assert channel.last("a").language == "en", "nothing waits for them any more"


async def test_another_process_is_heard(store):
    other = Store(store.writer.url.render_as_string(hide_password=False))
    async with talking(store) as (app, channel):
        with other.begin() as connection:
            connection.execute(text("UPDATE sessions SET status = 'interrupted', waiting_key = NULL"))
            connection.execute(text("UPDATE contacts SET language = 'en'"))
        await say(app, channel.msg("a", "Mehr Bänke"))
        assert channel.last("a").language == "en"
        assert rows(store, "SELECT count(*) FROM answers WHERE question_key = 'wish'") == [(0,)]
    other.dispose()


async def test_another_process_that_erases_somebody_is_heard(store):
    other = Store(store.writer.url.render_as_string(hide_password=False))
    async with talking(store) as (app, channel):
        with other.begin() as connection:
            everybody = [row[0] for row in connection.execute(text("SELECT id FROM contacts"))]
            connection.execute(text("DELETE FROM answers"))
            connection.execute(text("DELETE FROM sessions"))
            delete_contacts(connection, everybody)
        await say(app, channel.msg("a", "Mehr Bänke"))
        assert rows(store, "SELECT count(*) FROM answers") == [(0,)]
        assert len(rows(store, "SELECT id FROM contacts")) == 1
        assert not {row[0] for row in rows(store, "SELECT id FROM contacts")} & set(everybody)
    other.dispose()


async def test_who_is_erased_leaves_with_the_commit(store):
    async with talking(store) as (app, channel):
        await say(app, channel.msg("a", "löschen"))
        await say(app, channel.msg("a", "alles löschen"))
        assert len(kept(app)) == 0
        assert rows(store, "SELECT count(*) FROM answers") == [(0,)]
        for words in ("/start park", "Deutsch", "nein"):
            await say(app, channel.msg("a", words))
    assert rows(store, "SELECT value, version FROM answers") == [('"no"', 1)]


@pytest.mark.parametrize("fault", [StoreFull, StoreBusy])
async def test_a_commit_that_fails_gives_nothing_back(store, monkeypatch, fault):
    """StoreBusy is tried again at once by the store, StoreFull by the conversations a little later."""
    async with talking(store) as (app, channel):
        commit, failures = app.store._writing.commit, [fault, fault]

        def failing() -> None:
            if failures:
                app.store._writing.undo()
                raise failures.pop()
            commit()

        monkeypatch.setattr(app.store._writing, "commit", failing)
        await say(app, channel.msg("a", "Mehr Bänke"), channel.msg("b", "ja"))
        assert not failures
        await say(app, channel.msg("a", "absenden"))
        assert "Quittung" in channel.last("a").text
    assert rows(store, "SELECT question_key, value, version FROM answers ORDER BY question_key, value") == [
        ("lamps", '"yes"', 1),
        ("lamps", '"yes"', 1),
        ("wish", '"Mehr Bänke"', 1),
    ]
    assert rows(store, "SELECT turns FROM sessions WHERE status = 'completed'") == [(5,)]


async def test_failed_message_is_a_dead_letter_and_drops_the_cache(store, monkeypatch):
    async with talking(store) as (app, channel):
        turns = app.conversations._batches._turns
        go_on = turns._go_on

        def failing(*arguments):
            monkeypatch.setattr(turns, "_go_on", go_on)
            raise RuntimeError

        monkeypatch.setattr(turns, "_go_on", failing)
        await say(app, channel.msg("a", "Mehr Bänke"))
        assert len(kept(app)) == 0
        await say(app, channel.msg("a", "Mehr Brunnen"))
    assert rows(store, "SELECT value FROM answers WHERE question_key = 'wish'") == [('"Mehr Brunnen"',)]


async def test_who_is_under_way_stays_in_their_revision(store):
    async with talking(store) as (app, channel):
        newer = consultation(minutes=3)
        await asyncio.to_thread(publish, store, newer)
        await say(app, channel.msg("a", "Mehr Bänke"))
        await say(app, channel.msg("a", "absenden"))
    revisions = rows(store, "SELECT DISTINCT revision_id FROM answers")
    assert revisions == rows(store, "SELECT revision_id FROM sessions WHERE status = 'completed'")


async def test_linked_chats_go_on_in_turn_with_the_same_answers(store):
    async with town(store) as people:
        await people.tell("a", "/start park", "ja")
        await people.link()
        assert "Mehr Bänke" in await people.tell("b", "Mehr Bänke")
        assert "Licht" in await people.tell("a", "ändern 1"), "what was said through the other door is known here"
        await people.tell("a", "nein")
        assert "Nein" in await people.tell("b", "Hm")
        assert "Quittung" in await people.tell("a", "absenden")
        await _delete(people, "b")
        assert len(kept(people.app)) == 0
        await people.tell("a", "/start park", "Deutsch", "ja")
    assert rows(store, "SELECT value, version FROM answers") == [('"yes"', 1)]


async def _delete(people: Town, who: str) -> None:
    assert "gelöscht" in await people.tell(who, "löschen", "alles löschen")


async def test_both_chats_of_a_person_in_one_batch(store):
    async with town(store) as people:
        await people.tell("a", "/start park")
        await people.link()
        one, other = people.channels["a"], people.channels["b"]
        await asyncio.gather(
            people.app.conversations.receive([one.msg("a", "ja")]),
            people.app.conversations.receive([other.msg("b", "Mehr Bänke")]),
        )
        await people.app.outbox.drained()
        await people.tell("a", "absenden")
    assert rows(store, "SELECT value FROM answers ORDER BY question_key") == [('"yes"',), ('"Mehr Bänke"',)]


async def test_refused_question_is_asked_again_for_cached_contacts(store):
    async with talking(store) as (app, channel):
        channel.answers = [Refused("too long")]
        await say(app, channel.msg("b", "ja"))
        await say(app, channel.msg("b", "Mehr Wiesen"))
        assert "Was fehlt" in channel.last("b").text
        await say(app, channel.msg("b", "Mehr Bäume"))
    assert rows(store, "SELECT value FROM answers WHERE question_key = 'wish'") == [('"Mehr Bäume"',)]


async def test_one_who_stops_and_one_who_enters_another_consultation(store):
    async with talking(store) as (app, channel):
        await say(app, channel.msg("a", "/start hunde"))
        await say(app, channel.msg("a", "nein"))
        await say(app, channel.msg("a", "/start park"))
        await say(app, channel.msg("a", "1"))
        await say(app, channel.msg("a", "Mehr Bänke"))
        await say(app, channel.msg("a", "absenden"))
        await say(app, channel.msg("b", "stopp"))
        await say(app, channel.msg("b", "ja"))
    assert rows(store, "SELECT count(*) FROM sessions WHERE waiting_key IS NOT NULL") == [(0,)]
    assert rows(store, "SELECT status, count(*) FROM sessions GROUP BY status ORDER BY 1") == [
        ("completed", 1),
        ("interrupted", 2),
    ]


def somebody(number: int) -> CachedPerson:
    person = Person(
        contact_id=number, waiting_key=b"", lookup=b"%d" % number, channel="console", address="", language="de"
    )
    return CachedPerson(person, None)


def lent(people: PeopleCache, lookup: bytes) -> int | None:
    """The contact that the cache gives for this address."""
    kept = people.lend(lookup)
    return kept.person.contact_id if kept else None


@only_sqlite
def test_only_so_many_are_kept_and_for_so_long(store, monkeypatch):
    now = 0.0
    people = PeopleCache(most=3, clock=lambda: now)

    def batch(*numbers: int) -> None:
        with store.begin() as connection:
            people.begin()
            people.check(connection, [])
            for number in numbers:
                people.lend(b"%d" % number)
            people.offer({b"%d" % number: somebody(number) for number in numbers})
        people.committed()

    # `begin` of the store notifies caches; here it does not.
    batch(1, 2)
    batch(3)
    batch(1)
    batch(4)
    batch(5)
    batch()
    assert sorted(people._people) == [b"1", b"4", b"5"], "those who wrote last"
    assert len(people._lookups) == 3
    now = people_cache.MAX_AGE_SECONDS - 1
    batch(6)
    batch()
    now += 2
    batch(6)
    batch()
    assert sorted(people._people) == [b"6"]


@only_sqlite
def test_what_was_not_committed_is_not_taken_back(store):
    people = PeopleCache()
    with store.begin() as connection:
        people.begin()
        people.check(connection, [])
        people.offer({b"1": somebody(1)})
    people.committed()
    with store.begin() as connection:
        people.begin()
        people.check(connection, [])
        assert lent(people, b"1") == 1
        people.offer({b"1": somebody(1)})
    with store.begin() as connection:
        people.begin()
        people.check(connection, [])
        assert lent(people, b"1") is None


@only_sqlite
def test_somebody_is_kept_under_one_address_only(store):
    people = PeopleCache()
    for lookup in (b"1", b"2"):
        with store.begin() as connection:
            people.begin()
            people.check(connection, [])
            people.offer({lookup: somebody(7)})
        people.committed()
    with store.begin() as connection:
        people.begin()
        people.check(connection, [])
        assert lent(people, b"1") is None
        assert lent(people, b"2") == 7
