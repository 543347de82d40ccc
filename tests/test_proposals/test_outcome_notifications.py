"""All subscribers are notified of the outcome of a proposal: once, in their language, never after "stop"."""

from __future__ import annotations

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from pydantic_core import from_json
from sqlalchemy import Connection
from sqlalchemy import text as sql

from bot.broadcasts import outcome_notifications
from bot.broadcasts.messages import STOP
from bot.broadcasts.outcome_notifications import OutcomeNotifier, notify_next
from bot.common.ids import Ids
from bot.proposals import merge_split
from bot.proposals.official_answers import OfficialAnswer, answer_proposal
from flows.messages import MsgOut, message_as_text
from storage.core.store import Store
from storage.tables import contacts
from storage.tables.contacts import AddressState, ContactStop, NewAddress, NewContact, insert_contacts
from storage.tables.opt_ins import NewOptIn, upsert_opt_ins
from storage.tables.proposals import erase_proposals_of_people
from storage.tables.ratings import NewRatingEvent, store_votes
from tests.support.app import KEYS, Recorder, running, say
from tests.support.databases import Database, only_sqlite
from tests.support.ideas import NOW, chair, one, open_consultation, released, submit
from tests.support.rows import new_id
from tests.support.timeouts import PATIENCE

YES = OfficialAnswer("accepted", {"de": "Wird gebaut.", "tr": "Yapılacak."}, "Bezirksamt")
WORDING = "0" * 64


class Person:
    """A resident: a contact with an address, who may want to hear what comes of a consultation."""

    def __init__(self, connection: Connection, name: str, language: str = "de", *, wants: str = "park") -> None:
        self.id, self.name, self.lookup = new_id(), name, KEYS.lookup("test", name)
        insert_contacts(connection, [NewContact(self.id, language, NOW)])
        sealed = KEYS.encrypt(name, self.lookup)
        contacts.insert_addresses(connection, [NewAddress(self.lookup, self.id, "test", sealed, NOW)])
        if wants:
            upsert_opt_ins(connection, [NewOptIn(self.id, "outcome", wants, language, WORDING, NOW)])

    def in_(self, consultation_id: int) -> str:
        return KEYS.pseudonym(self.id, consultation_id)

    def rates(self, connection: Connection, consultation_id: int, proposal_id: int) -> None:
        vote = NewRatingEvent(new_id(), proposal_id, self.in_(consultation_id), 1, False, NOW)
        store_votes(connection, [vote])


def teller() -> OutcomeNotifier:
    return OutcomeNotifier(KEYS, Ids(KEYS.order_masks), "https://mitsprache.example")


def tell_all(store: Store, now: datetime = NOW + timedelta(days=1)) -> list[int]:
    """How many were told in each portion."""
    told = []
    while (number := store.run(lambda connection: notify_next(connection, teller(), now))) is not None:
        told.append(number)
    return told


def notices(store: Store) -> dict[str, list[str]]:
    """What waits to be sent, by address."""
    found: dict[str, list[str]] = {}
    with store.reading() as connection:
        rows = connection.execute(
            sql(
                "SELECT o.lookup, a.sealed, o.payload FROM outbox o JOIN addresses a ON a.lookup = o.lookup "
                "WHERE o.purpose = 'notice' ORDER BY o.id"
            )
        ).all()
    for lookup, sealed, payload in rows:
        name = KEYS.decrypt(bytes(sealed), bytes(lookup))
        found.setdefault(name, []).append(message_as_text(MsgOut.from_data(from_json(payload))))
    return found


def test_authors_and_raters_who_wanted_to_know_are_told_once(store: Store) -> None:
    park, lake = open_consultation(store), open_consultation(store, "lake")
    with store.begin() as connection:
        author, other = Person(connection, "author", "tr"), Person(connection, "other author", "ar")
        rater, silent = Person(connection, "rater", "en"), Person(connection, "silent", wants="")
        Person(connection, "somebody else")
        elsewhere = Person(connection, "elsewhere", wants="lake")
        idea = released(connection, park, 1, pseudonym=author.in_(park))
        same = released(connection, park, 2, pseudonym=other.in_(park))
        released(connection, lake, 1, pseudonym=elsewhere.in_(lake))
        for person in (rater, silent, elsewhere):
            person.rates(connection, park, idea.id)
        merge_split.merge_proposals(chair(connection), same.id, idea.id)
        answer_proposal(chair(connection), idea.id, YES)
    assert tell_all(store) == [3]
    found = notices(store)
    assert found.keys() == {"author", "other author", "rater"}
    assert found["author"][0].splitlines()[1:4] == [
        "Durum: kabul edildi",
        "Gerekçe: Yapılacak.",
        "Karar veren: Bezirksamt",
    ]
    assert "available in Deutsch only: Wird gebaut." in found["rater"][0]
    assert f"https://mitsprache.example/p/{idea.code}" in found["rater"][0]
    assert tell_all(store) == []
    with store.begin() as connection:
        answer_proposal(chair(connection, later=1), idea.id, YES._replace(status="done"))
    assert tell_all(store) == [3]
    assert Counter(map(len, notices(store).values())) == {2: 3}


def test_a_merge_into_an_answered_proposal_is_told_later(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        author, other = Person(connection, "author"), Person(connection, "other author")
        idea = released(connection, park, 1, pseudonym=author.in_(park))
        same = released(connection, park, 2, pseudonym=other.in_(park))
        answer_proposal(chair(connection), idea.id, YES)
    assert tell_all(store) == [1]
    with store.begin() as connection:
        merge_split.merge_proposals(chair(connection), same.id, idea.id)
    assert tell_all(store, NOW + timedelta(seconds=59)) == []
    with store.begin() as connection:
        merge_split.restore_text(chair(connection), same.id)
        assert one(connection, same.id).status == "received"
    assert tell_all(store) == []
    with store.begin() as connection:
        merge_split.merge_proposals(chair(connection), same.id, idea.id)
    assert tell_all(store, NOW + timedelta(seconds=60)) == [1]
    assert notices(store).keys() == {"author", "other author"}


def test_nobody_is_told_after_stop_or_where_nothing_arrives(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        stopped, blocked, two = (Person(connection, name) for name in ("stopped", "blocked", "two addresses"))
        second = KEYS.lookup("test", "second")
        row = NewAddress(second, two.id, "test", KEYS.encrypt("second", second), NOW + timedelta(days=1))
        contacts.insert_addresses(connection, [row])
        contacts.mark_stopped(connection, [ContactStop(stopped.id, NOW)])
        contacts.mark_unreachable(connection, [AddressState(blocked.lookup, NOW, "blocked")])
        idea = released(connection, park, 1)
        for person in (stopped, blocked, two):
            person.rates(connection, park, idea.id)
        answer_proposal(chair(connection), idea.id, YES)
    tell_all(store)
    assert notices(store).keys() == {"two addresses"}


def test_of_what_is_not_public_only_its_author_hears(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        author, rater = Person(connection, "author"), Person(connection, "rater")
        idea = submit(connection, park, 1, pseudonym=author.in_(park))
        rater.rates(connection, park, idea.id)
        answer_proposal(chair(connection), idea.id, YES._replace(status="rejected"))
    tell_all(store)
    assert notices(store).keys() == {"author"}


def test_notification_batches_survive_a_crash_without_repeats(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcome_notifications, "PORTION", 7)
    park = open_consultation(store)
    with store.begin() as connection:
        idea = released(connection, park, 1)
        people = [Person(connection, f"person {number}") for number in range(21)]
        for person in people[::2]:
            person.rates(connection, park, idea.id)
        answer_proposal(chair(connection), idea.id, YES)

    def crash(connection: Connection) -> None:
        notify_next(connection, teller(), NOW)
        raise RuntimeError("the power is gone")

    for _ in range(3):
        with pytest.raises(RuntimeError):
            store.run(crash)
        store.run(lambda connection: notify_next(connection, teller(), NOW))
    assert tell_all(store) == [0]
    assert {name: len(texts) for name, texts in notices(store).items()} == {person.name: 1 for person in people[::2]}


def test_two_processes_tell_everybody_once(store: Store, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcome_notifications, "PORTION", 3)
    park = open_consultation(store)
    with store.begin() as connection:
        idea = released(connection, park, 1)
        people = [Person(connection, f"person {number}") for number in range(20)]
        for person in people:
            person.rates(connection, park, idea.id)
        answer_proposal(chair(connection), idea.id, YES)
    barrier = Barrier(2)

    def work(_: int) -> None:
        other = Store(database.url, busy_seconds=10)
        barrier.wait()
        tell_all(other)
        other.dispose()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(work, range(2)))
    assert Counter(map(len, notices(store).values())) == {1: 20}


def test_what_is_erased_meanwhile_is_not_told(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        author = Person(connection, "author")
        idea = released(connection, park, 1, pseudonym=author.in_(park))
        answer_proposal(chair(connection), idea.id, YES)
        erase_proposals_of_people(connection, [author.in_(park)])
    assert tell_all(store) == []


@only_sqlite
async def test_the_running_house_tells_and_stop_takes_back_what_waits(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcome_notifications, "EVERY_SECONDS", 0.02)
    park = open_consultation(store)
    with store.begin() as connection:
        author, late = Person(connection, "author"), Person(connection, "late")
        idea = released(connection, park, 1, pseudonym=author.in_(park))
        late.rates(connection, park, idea.id)
    channel = Recorder()
    async with running(store, {"test": channel}) as (app, _):
        with store.begin() as connection:
            contacts.mark_stopped(connection, [ContactStop(late.id, NOW)])
            answer_proposal(chair(connection), idea.id, YES)
        async with asyncio.timeout(PATIENCE):
            while not channel.texts("author"):
                await asyncio.sleep(0.01)
        assert channel.last("author").quick_replies[0].token == STOP
        assert channel.texts("late") == []
        # A notice that waits when a person says "stop" is taken back.
        with store.begin() as connection:
            moved = NewAddress(KEYS.lookup("other", "author"), author.id, "other", b"sealed", NOW)
            contacts.mark_unreachable(connection, [AddressState(author.lookup, NOW, "blocked")])
            contacts.insert_addresses(connection, [moved])
            answer_proposal(chair(connection, later=1), idea.id, YES._replace(status="done"))
        async with asyncio.timeout(PATIENCE):
            while not notices_waiting(store):
                await asyncio.sleep(0.01)
        message = channel.msg("author", choice=STOP)
        await say(app, message)
        assert notices_waiting(store) == 0


def notices_waiting(store: Store) -> int:
    with store.reading() as connection:
        query = sql("SELECT count(*) FROM outbox WHERE purpose = 'notice' AND state = 'waiting'")
        return int(connection.execute(query).scalar() or 0)
