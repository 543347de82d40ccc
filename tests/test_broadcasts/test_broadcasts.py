"""Pushes from the dry run to the ledger: who is written to, when, how often; stop, pause, recall and crashes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from adapters.base import Limits, Refused, Unreachable
from bot.broadcasts import service
from bot.broadcasts.sending import BroadcastProcessor, record_outcomes
from bot.broadcasts.service import BroadcastDraft, PushError
from bot.common.audit import SYSTEM
from bot.common.ids import Ids
from bot.settings import PushSettings, Settings
from bot.staff import codes
from storage.core.store import Store
from storage.tables import contacts
from storage.tables.broadcasts import StoredBroadcast, change_broadcast_state, insert_broadcasts
from storage.tables.contacts import ContactStop, NewAddress, NewContact, addresses_of_contacts, insert_contacts
from storage.tables.opt_ins import NewOptIn, upsert_opt_ins, withdraw_all_opt_ins
from storage.tables.outbox import SendOutcome, settle_messages, waiting_messages
from storage.tables.staff import StaffMember, insert_staff
from tests.support.app import KEYS, Recorder, consultation, publish, rows, running, say
from tests.support.timeouts import PATIENCE

NOON = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)
AWAKE = Settings(push=PushSettings(quiet_from=0, quiet_to=0))
CHANNELS = ("test", "web")
_ids = Ids()


@pytest.fixture
def store(store):
    publish(store, consultation(topics=["neighbourhoods"], districts=["01"]), consultation("trees"))
    return store


def resident(store: Store, name: str, *wishes: tuple[str, str], language: str = "de", channel: str = "test") -> int:
    """A person who asked for news; gives the contact's id."""
    number, lookup = _ids(), KEYS.lookup(channel, name)
    with store.begin() as connection:
        insert_contacts(connection, [NewContact(number, language, NOON)])
        contacts.insert_addresses(connection, [NewAddress(lookup, number, channel, KEYS.encrypt(name, lookup), NOON)])
        given: Any = [(number, about, subject, "de", "0" * 64, NOON) for about, subject in wishes]
        upsert_opt_ins(connection, [NewOptIn._make(row) for row in given])
    return number


def pushing(settings: Settings = AWAKE) -> BroadcastProcessor:
    return BroadcastProcessor(settings, KEYS, frozenset({"test"}), CHANNELS)


def begun(
    store: Store, work: BroadcastProcessor, slug: str = "park", segment: str = "everybody", **more: Any
) -> StoredBroadcast:
    """A push that was confirmed."""
    now = more.pop("now", NOON)
    with store.begin() as connection:
        push = service.create_draft(work, connection, BroadcastDraft(slug, segment, **more), now)
        insert_broadcasts(connection, [push])
        service.start_broadcast(work, connection, push, now)
    return push


def work_on(store: Store, work: BroadcastProcessor, now: datetime = NOON, steps: int = 3) -> None:
    for _ in range(steps):
        with store.begin() as connection:
            work.work(connection, now)


def ledger(store: Store) -> Counter[tuple[str, str | None]]:
    return Counter(rows(store, "SELECT state, reason FROM broadcast_recipients"))


def settle_all(store: Store) -> None:
    """What the outbox does when a channel took everything."""
    from bot.broadcasts.sending import record_outcomes
    from storage.tables.outbox import SendOutcome

    with store.begin() as connection:
        waiting = [row.id for row in waiting_messages(connection, "test", limit=10_000)]
        outcomes = [SendOutcome(number, "sent", 1, NOON, None) for number in waiting]
        settle_messages(connection, outcomes)
        record_outcomes(connection, outcomes)


def counted(
    store: Store, wish: BroadcastDraft, work: BroadcastProcessor | None = None
) -> tuple[dict[tuple[str, str], int], dict[Any, int]]:
    """A dry run: recipients by channel and language, and obstacles."""
    work = work or pushing()
    with store.begin() as connection:
        push = service.create_draft(work, connection, wish, NOON)
    with store.reading() as connection:
        count = work.count(connection, push, NOON)
    return dict(count.recipients), dict(count.obstacles)


# --- who ---


def test_only_those_are_meant_who_asked_for_news_of_this_kind(store):
    resident(store, "all", ("all", ""))
    resident(store, "topic", ("topic", "neighbourhoods"), language="en")
    resident(store, "district", ("district", "01"), language="tr")
    resident(store, "other topic", ("topic", "economy"))
    resident(store, "other district", ("district", "02"))
    resident(store, "outcome only", ("outcome", "park"))
    resident(store, "nothing")
    assert counted(store, BroadcastDraft("park")) == ({("test", "de"): 2, ("test", "en"): 1}, {})
    assert counted(store, BroadcastDraft("trees")) == ({("test", "de"): 1}, {})
    assert counted(store, BroadcastDraft("park", "topic=neighbourhoods")) == (
        {("test", "de"): 1, ("test", "en"): 1},
        {},
    )
    assert counted(store, BroadcastDraft("park", "district=01")) == ({("test", "de"): 1}, {})
    assert counted(store, BroadcastDraft("park", "language=tr")) == ({("test", "de"): 1}, {}), (
        "who wants Turkish reads German"
    )
    assert counted(store, BroadcastDraft("park", "not (topic=neighbourhoods or district=mitte)")) == ({}, {})


def test_who_said_stop_or_cannot_be_reached_is_not_written_to(store):
    stopped = resident(store, "stopped", ("all", ""))
    resident(store, "browser", ("all", ""), channel="web")
    gone = resident(store, "gone", ("all", ""))
    with store.begin() as connection:
        contacts.mark_stopped(connection, [ContactStop(stopped, NOON)])
        lookup = addresses_of_contacts(connection, [gone])[0].lookup
        contacts.mark_unreachable(connection, [contacts.AddressState(lookup, NOON, "blocked")])
    assert counted(store, BroadcastDraft("park")) == ({}, {"unreachable": 2})


def test_several_addresses_are_one_recipient(store):
    number = resident(store, "first", ("all", ""), ("topic", "neighbourhoods"))
    lookup = KEYS.lookup("test", "second")
    with store.begin() as connection:
        later = NOON + timedelta(hours=1)
        contacts.insert_addresses(
            connection, [NewAddress(lookup, number, "test", KEYS.encrypt("second", lookup), later)]
        )
    assert counted(store, BroadcastDraft("park")) == ({("test", "de"): 1}, {})
    begun(store, work := pushing())
    work_on(store, work)
    assert rows(store, "SELECT lookup FROM outbox") == [(lookup,)], "the one met last"


async def test_past_participation_is_computed_and_stored_nowhere(store):
    async with running(store, settings=AWAKE) as (app, channel):
        for who, lines in {
            "done": ("/start park", "Deutsch", "ja", "Bänke", "absenden", "neuigkeiten alle"),
            "begun": ("/start park", "Deutsch", "ja", "neuigkeiten alle"),
            "never": ("neuigkeiten alle",),
        }.items():
            for line in lines:
                await say(app, channel.msg(who, line))
    store = Store(str(store.writer.url.render_as_string(hide_password=False)))
    count = counted(store, BroadcastDraft("trees", "took_part=park"))[0]
    assert sum(count.values()) == 2, "who answered took part, finished or not"
    assert sum(counted(store, BroadcastDraft("trees", "finished=park"))[0].values()) == 1
    assert sum(counted(store, BroadcastDraft("trees", "began=park"))[0].values()) == 2
    assert sum(counted(store, BroadcastDraft("trees", "everybody and not began=park"))[0].values()) == 1
    assert sum(counted(store, BroadcastDraft("park"))[0].values()) == 1, "who began is not asked again"
    assert sum(counted(store, BroadcastDraft("park", is_reminder=True))[0].values()) == 1, (
        "who began and did not finish"
    )
    store.dispose()


# --- what is refused ---


@pytest.mark.parametrize(
    ("wish", "phrase"),
    [
        (BroadcastDraft("nowhere"), "push.unknown"),
        (BroadcastDraft("park", "religion=x"), "push.segment_unclear"),
        (BroadcastDraft("park", "topic=religion"), "push.segment_wrong"),
        (BroadcastDraft("park", at=NOON - timedelta(hours=1)), "push.past"),
    ],
)
def test_what_cannot_be_pushed_is_said(store, wish, phrase):
    with store.begin() as connection, pytest.raises(PushError) as refused:
        service.create_draft(pushing(), connection, wish, NOON)
    assert refused.value.phrase == phrase


def test_closing_a_consultation_ends_its_push(store):
    resident(store, "a", ("all", ""))
    work = pushing(Settings(push=PushSettings(quiet_from=0, quiet_to=0, per_hour=1)))
    resident(store, "b", ("all", ""))
    begun(store, work)
    work_on(store, work, steps=2)
    with store.begin() as connection:
        connection.execute(text("UPDATE consultations SET state = 'closed'"))
    work_on(store, work, steps=2)
    assert rows(store, "SELECT * FROM outbox") == []
    assert rows(store, "SELECT state FROM broadcasts") == [("done",)]
    assert ledger(store) == {("skipped", "closed"): 2}
    with store.begin() as connection, pytest.raises(PushError, match=r"push\.closed"):
        service.create_draft(work, connection, BroadcastDraft("park"), NOON)


def test_two_who_push_the_same_at_once_push_once(store):
    work = pushing()
    with store.begin() as connection:
        first, second = (service.create_draft(work, connection, BroadcastDraft("park"), NOON) for _ in range(2))
        insert_broadcasts(connection, [first, second])
        service.start_broadcast(work, connection, first, NOON)
        with pytest.raises(PushError, match=r"push\.running"):
            service.start_broadcast(work, connection, second, NOON)
    assert sorted(rows(store, "SELECT state FROM broadcasts")) == [("draft",), ("planning",)]


# --- when ---


def test_quiet_hours_also_hold_back_queued_messages(store):
    for number in range(5):
        resident(store, f"r{number}", ("all", ""))
    work = pushing(Settings())
    evening = datetime(2026, 11, 25, 19, 59, tzinfo=UTC)  # 20:59 in Berlin
    begun(store, work, now=evening)
    work_on(store, work, evening)
    assert ledger(store) == {("queued", None): 5}
    work_on(store, work, evening + timedelta(minutes=1))
    assert ledger(store) == {("planned", None): 5}
    assert rows(store, "SELECT * FROM outbox") == []
    work_on(store, work, datetime(2026, 11, 26, 6, 59, tzinfo=UTC))
    assert ledger(store) == {("planned", None): 5}
    work_on(store, work, datetime(2026, 11, 26, 7, 0, tzinfo=UTC))
    assert ledger(store) == {("queued", None): 5}


def test_a_push_begins_when_it_was_meant_to(store):
    resident(store, "a", ("all", ""))
    work = pushing()
    begun(store, work, at=NOON + timedelta(hours=2))
    work_on(store, work, NOON + timedelta(hours=1, minutes=59))
    assert ledger(store) == {("planned", None): 1}
    work_on(store, work, NOON + timedelta(hours=2))
    assert ledger(store) == {("queued", None): 1}


def test_hourly_rate_survives_restarts_without_catching_up(store):
    for number in range(30):
        resident(store, f"r{number}", ("all", ""))
    begun(store, pushing(), per_hour=60)
    gone = []
    for minute in range(11):
        work_on(store, pushing(), NOON + timedelta(minutes=minute))  # a new process each minute
        gone.append(ledger(store)["queued", None])
    assert gone == list(range(11))
    work_on(store, pushing(), NOON + timedelta(hours=5))
    assert ledger(store)["queued", None] == 11


def test_nobody_gets_more_than_the_cap_nor_the_same_twice(store):
    resident(store, "a", ("all", ""))
    publish(store, consultation("bees"))
    work = pushing()
    for day, slug in enumerate(("park", "trees")):
        begun(store, work, slug, now=NOON + timedelta(days=day))
        work_on(store, work, NOON + timedelta(days=day))
        settle_all(store)
        work_on(store, work, NOON + timedelta(days=day))
    assert counted(store, BroadcastDraft("park")) == ({}, {"had_it": 1})
    assert counted(store, BroadcastDraft("bees")) == ({}, {"cap": 1})
    begun(store, work, "bees", now=NOON + timedelta(days=1))
    work_on(store, work, NOON + timedelta(days=1), steps=4)
    assert ledger(store) == {("sent", None): 2, ("skipped", "cap"): 1}
    begun(store, work, "bees", now=NOON + timedelta(days=9))
    work_on(store, work, NOON + timedelta(days=9))
    assert ledger(store)["queued", None] == 1, "a week later it may be"


# --- what happens meanwhile ---


async def test_after_stop_nothing_is_sent_even_in_a_running_push(store):
    for number in range(3):
        resident(store, f"r{number}", ("all", ""))
    slow = Recorder("test", Limits(per_second=0.5))
    settings = Settings(push=PushSettings(quiet_from=0, quiet_to=0))
    async with running(store, {"test": slow}, settings) as (app, _):
        begun(store, app.broadcaster._processor, now=datetime.now(UTC))
        for _ in range(3):
            await app.broadcaster.step()
        await app.conversations.receive([slow.msg("r2", "stopp")])
        await app.broadcaster.step()
        assert ledger(store)["skipped", "withdrawn"] == 1
        assert not any("Neu: Beispiel park" in words for words in slow.texts("r2"))


def test_a_stop_between_plan_and_turn_counts(store):
    number = resident(store, "a", ("all", ""))
    work = pushing()
    begun(store, work, at=NOON + timedelta(hours=1))
    work_on(store, work)
    with store.begin() as connection:
        withdraw_all_opt_ins(connection, [number])
    work_on(store, work, NOON + timedelta(hours=1))
    assert ledger(store) == {("skipped", "withdrawn"): 1}
    assert rows(store, "SELECT * FROM outbox") == []


def test_pause_resume_and_recall(store):
    for number in range(4):
        resident(store, f"r{number}", ("all", ""))
    work = pushing(Settings(push=PushSettings(quiet_from=0, quiet_to=0)))
    push = begun(store, work)
    work_on(store, work)
    with store.begin() as connection:
        assert change_broadcast_state(connection, push.id, ["sending"], "paused")
        step = work.work(connection, NOON)
        assert len(step.recalled) == 4, "the outbox is told to forget these"
    assert ledger(store) == {("planned", None): 4}
    assert rows(store, "SELECT * FROM outbox") == []
    with store.begin() as connection:
        assert change_broadcast_state(connection, push.id, ["paused"], "planning")
    work_on(store, work)
    assert ledger(store) == {("queued", None): 4}
    settle_all(store)
    resident(store, "late", ("all", ""))
    with store.begin() as connection:
        assert change_broadcast_state(connection, push.id, ["sending"], "recalled")
    work_on(store, work)
    assert ledger(store) == {("sent", None): 4}
    assert rows(store, "SELECT state, finished_at IS NULL FROM broadcasts") == [("recalled", 0)]


def test_recall_drops_unsent_and_records_sent_messages(store):
    for number in range(2):
        resident(store, f"r{number}", ("all", ""))
    work = pushing()
    push = begun(store, work)
    work_on(store, work)
    [(first,), _] = rows(store, "SELECT id FROM outbox ORDER BY id")
    with store.begin() as connection:
        change_broadcast_state(connection, push.id, ["sending"], "recalled")
    work_on(store, work)
    assert ledger(store) == {("recalled", "recalled"): 2}
    with store.begin() as connection:
        record_outcomes(connection, [SendOutcome(first, "sent", 1, NOON, None)])
    assert ledger(store) == {("recalled", "recalled"): 1, ("sent", None): 1}


def test_a_crash_between_any_two_steps_loses_and_doubles_nobody(store):
    people = 4
    for number in range(people):
        resident(store, f"r{number}", ("all", ""))
    begun(store, pushing(), per_hour=3600)
    for second in range(12):
        with suppress(RuntimeError), store.begin() as connection:
            pushing().work(connection, NOON + timedelta(seconds=second))
            raise RuntimeError("killed before the commit")
        work_on(store, pushing(), NOON + timedelta(seconds=second), steps=1)
        settle_all(store)
    assert ledger(store) == {("sent", None): people}
    sent = rows(store, "SELECT lookup, count(*) FROM outbox GROUP BY lookup")
    assert len(sent) == people
    assert {number for _, number in sent} == {1}
    assert rows(store, "SELECT state FROM broadcasts") == [("done",)]


async def test_whoever_is_erased_leaves_the_ledger(store):
    resident(store, "a", ("all", ""))
    begun(store, pushing(), at=NOON + timedelta(days=1))
    work_on(store, pushing())
    async with running(store, settings=AWAKE) as (app, channel):
        await say(app, channel.msg("a", "alles löschen"))
        assert ledger(store) == {}


# --- from the chat of a facilitator to the answers ---


def hired(store: Store) -> str:
    code = codes.new_staff_code()
    with store.begin() as connection:
        insert_staff(
            connection,
            [StaffMember(_ids(), "Aylin", "facilitator", codes.staff_code_hash(KEYS, code), datetime.now(UTC))],
        )
    return code


def button(channel: Recorder, who: str, label: str) -> str:
    return next(reply.token for reply in channel.last(who).quick_replies if label in reply.label)


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not done():
            await asyncio.sleep(0.02)


async def test_push_from_chat_is_answered_with_one_tap(store):
    resident(store, "hakan", ("all", ""), language="en")
    resident(store, "ines", ("topic", "neighbourhoods"))
    async with running(store, settings=AWAKE) as (app, channel):
        await say(app, channel.msg("boss", f"/team {hired(store)}"), channel.msg("boss", "/push park"))
        assert "Ich zähle" in channel.texts("boss")[-1]
        await until(lambda: "Empfänger: 2" in channel.texts("boss")[-1])
        assert "test, Deutsch: 1" in channel.texts("boss")[-1]
        assert "test, English: 1" in channel.texts("boss")[-1]
        yes = button(channel, "boss", "Verschicken")
        await say(app, channel.msg("boss", choice=yes), channel.msg("boss", choice=yes))
        assert "Das geht jetzt nicht" in channel.texts("boss")[-1], "a second tap is harmless"
        await until(lambda: bool(channel.texts("hakan") and channel.texts("ines")))
        assert channel.last("hakan").text.startswith("New: Sample park\nWho asks: A sentence.\n")
        assert "All new consultations" in channel.last("hakan").text
        assert "Stopp" in channel.last("ines").text
        await say(app, channel.msg("hakan", choice=button(channel, "hakan", "Start")))
        assert "Light?" in channel.last("hakan").text
        await say(app, channel.msg("hakan", "yes"), channel.msg("hakan", "x"), channel.msg("hakan", "submit"))
        await say(app, channel.msg("ines", choice=button(channel, "ines", "Stopp")))
        assert "schreibe Ihnen nicht mehr" in channel.last("ines").text
        await until(lambda: rows(store, "SELECT state FROM broadcasts") == [("done",)])
        await say(app, channel.msg("boss", "/push status"))
        assert "verschickt: 2" in channel.texts("boss")[-1]
        assert "davon begonnen: 1, geantwortet: 1, fertig: 1" in channel.texts("boss")[-1]
        assert "So geht es" not in channel.texts("boss")[-1]


async def test_a_push_is_typed_in_german_or_tapped(store):
    resident(store, "hakan", ("all", ""), language="tr")
    resident(store, "ines", ("topic", "neighbourhoods"))
    async with running(store, settings=AWAKE) as (app, channel):
        await say(app, channel.msg("boss", f"/team {hired(store)}"), channel.msg("boss", "/push"))
        assert [reply.label for reply in channel.last("boss").quick_replies] == ["Beispiel park", "Beispiel trees"]
        await say(app, channel.msg("boss", choice=button(channel, "boss", "park")))
        await until(lambda: "park, alle\nEmpfänger: 2" in channel.texts("boss")[-1])
        await say(app, channel.msg("boss", "/push nein"))
        wish = "/rundfrage park thema=kieze und nicht sprache=tr am 1.12.2099 um 18 Uhr 200 pro Stunde"
        await say(app, channel.msg("boss", wish))
        await until(lambda: "Empfänger: 1" in channel.texts("boss")[-1])
        assert "park, thema=kieze und nicht sprache=tr\n" in channel.texts("boss")[-1], "as it was typed"
        assert "Es geht los am 1. Dezember 2099 um 18:00 Uhr." in channel.texts("boss")[-1]
        assert rows(store, "SELECT per_hour FROM broadcasts") == [(200,)]
        await say(app, channel.msg("boss", "/push ja"), channel.msg("boss", "/push anhalten"))
        assert "park: angehalten" in channel.texts("boss")[-1]
        await say(app, channel.msg("boss", "/push stand"))
        assert "park, thema=kieze und nicht sprache=tr: angehalten" in channel.texts("boss")[-1]
        await say(app, channel.msg("boss", "/push stand"))
        assert "angehalten" in channel.texts("boss")[-1]
        await say(app, channel.msg("boss", "/push weiter"), channel.msg("boss", "/push zurückrufen"))
        assert "park: zurückgerufen" in channel.texts("boss")[-1]


async def test_a_tap_on_a_push_works_within_another_consultation(store):
    async with running(store, settings=AWAKE) as (app, channel):
        await say(app, channel.msg("a", "/start trees"), channel.msg("a", "Deutsch"))
        await say(app, channel.msg("a", choice="push.start.park"))
        assert "Beispiel park" in channel.texts("a")[-2], "the greeting of the other one"
        assert rows(store, "SELECT count(*) FROM sessions") == [(2,)]
        await say(app, channel.msg("a", choice="push..stop"))
        assert "schreibe Ihnen nicht mehr" in channel.last("a").text
        await say(app, channel.msg("a", choice="push.start.nowhere"), channel.msg("a", choice="push.x"))
        assert app.conversations.counts.failures == 0


@pytest.mark.parametrize("is_paused", [False, True])
def test_nothing_is_sent_after_the_end_of_a_push(store, is_paused):
    for number in range(3):
        resident(store, f"r{number}", ("all", ""))
    work = pushing()
    push = begun(store, work, until=NOON + timedelta(hours=2), per_hour=60)
    work_on(store, work, NOON + timedelta(minutes=1, seconds=1))
    assert ledger(store) == {("queued", None): 1, ("planned", None): 2}
    if is_paused:
        with store.begin() as connection:
            service.change_state(work, connection, push, "pause", SYSTEM)
    work_on(store, work, NOON + timedelta(hours=2))
    assert ledger(store) == {("skipped", "expired"): 3}
    assert rows(store, "SELECT count(*) FROM outbox WHERE purpose = 'broadcast'") == [(0,)]
    assert rows(store, "SELECT state FROM broadcasts") == [("done",)]


async def test_many_recipients_are_confirmed_twice(store):
    for number in range(3):
        resident(store, f"r{number}", ("all", ""))
    few = Settings(push=PushSettings(quiet_from=0, quiet_to=0, confirm_above=2))
    async with running(store, settings=few) as (app, channel):
        await say(app, channel.msg("boss", f"/team {hired(store)}"), channel.msg("boss", "/push park everybody"))
        await until(lambda: "Empfänger: 3" in channel.texts("boss")[-1])
        await say(app, channel.msg("boss", "/push yes"))
        assert "Das sind viele: 3." in channel.texts("boss")[-1]
        assert rows(store, "SELECT state FROM broadcasts") == [("draft",)]
        await say(app, channel.msg("boss", choice=button(channel, "boss", "alle")))
        await until(lambda: ledger(store) == {("sent", None): 3})


async def test_the_chat_starts_no_push_that_needs_a_second_person(store):
    for number in range(3):
        resident(store, f"r{number}", ("all", ""))
    few = Settings(push=PushSettings(quiet_from=0, quiet_to=0, second_above=2))
    async with running(store, settings=few) as (app, channel):
        await say(app, channel.msg("boss", f"/team {hired(store)}"), channel.msg("boss", "/push park everybody"))
        await until(lambda: "Empfänger: 3" in channel.texts("boss")[-1])
        await say(app, channel.msg("boss", "/push yes"))
        assert "wenn eine zweite Person zugestimmt hat" in channel.texts("boss")[-1]
        assert "/console/consultations/park/push" in channel.texts("boss")[-1]
        assert rows(store, "SELECT state FROM broadcasts") == [("draft",)]


async def test_what_channels_answer_stands_in_the_ledger(store):
    for number in range(3):
        resident(store, f"r{number}", ("all", ""))
    async with running(store, settings=AWAKE) as (app, channel):
        channel.answers += [Unreachable("blocked"), Refused("too odd")]
        begun(store, app.broadcaster._processor, now=datetime.now(UTC))
        await until(lambda: sum(ledger(store).values()) == 3 and not ledger(store)["queued", None])
        await until(lambda: rows(store, "SELECT state FROM broadcasts") == [("done",)])
        assert ledger(store) == {("sent", None): 1, ("failed", "unreachable"): 1, ("failed", "refused"): 1}


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("/push", "Offen: park, trees"),
        ("/push nowhere", "Es gibt: park, trees"),
        ("/push park at 2020-01-01 10:00", "schon vorbei"),
        ("/push park at 2020-13-01", "ist keine Zeit"),
        ("/push park topic=religion", "ab „topic=religion“ nicht zu verstehen. Möglich ist: administration, "),
        ("/rundfrage park thema=kieze und", "Am Ende der Auswahl fehlt noch etwas. Zum Beispiel: thema=kieze und"),
        ("/push park alle jungen Leute", "ab „jungen Leute“ nicht zu verstehen. Möglich ist: alle, thema="),
        ("/push park am 1.13.2026", "1.13.2026 ist keine Zeit. Zum Beispiel: 1.12.2026 18:00"),
        ("/push status", "So geht es"),
        ("/push yes", "/push stand"),
        ("/push nein", "/push stand"),
        ("/push pause 99999999999999999999999", "/push stand"),
        ("/push pause 9999999999999999999", "/push stand"),
        ("/push pause ²", "Es gibt: park, trees"),
        ("/push recall 5", "/push stand"),
    ],
)
async def test_the_desk_says_what_is_wrong(store, words, answer):
    async with running(store, settings=AWAKE) as (app, channel):
        await say(app, channel.msg("boss", f"/team {hired(store)}"), channel.msg("boss", words))
        assert answer in channel.texts("boss")[-1]
