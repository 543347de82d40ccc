"""The promises every channel keeps. Each runs for every channel there is in `adapters/`, over its counterpart.

What a channel cannot do by nature is declared by its class with the reason (`cannot`), and generated into
docs/reference/channels.md; a new channel without a harness fails one test.
"""

from __future__ import annotations

import asyncio
import inspect
import math
import time
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from adapters.base import Outgoing, Sent
from adapters.guarantees import GUARANTEES, channel_classes, exceptions_of
from bot.delivery.message_codec import payload_of
from flows.definition import Consultation
from flows.messages import MsgOut
from storage.core.errors import StoreLost
from storage.core.store import Store
from storage.tables.outbox import NewOutboxMessage, insert_messages
from tests.chaos.talk import Count, account
from tests.support import leak_check, media_channel
from tests.support.app import KEYS, consultation, publish, rows
from tests.support.images import image_entry, keep_image, png
from tests.support.order import HEAVY_FIXTURES
from tests.support.timeouts import PATIENCE
from tests.test_adapters import crashes
from tests.test_adapters.harness import Harness, Resident, fixture_of, harness_of, has_harness, until

ROOT = Path(__file__).parents[2]
BENCHES = f"Bänke, sagt der {leak_check.WORD}"
LAMPS, WISH, SUMMARY = "Licht im Park?", "Was fehlt?", "Stimmt alles?"
LIT, DARK, SQUARE = (png(shade=220), "ein heller Weg"), (png(shade=20), "ein dunkler Weg"), (png(), "der Platz")
FAMILY, COMBINED, ARABIC = "👨‍👩‍👧‍👦", "z̷̧̛͍͎̈́̆", "السلام عليكم "


def channels() -> list[str]:
    """The modules and packages in `adapters/` that hold a channel."""
    return [*channel_classes()]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "channel" in metafunc.fixturenames:
        promise = metafunc.function.__name__.removeprefix("test_")
        able = [name for name in channels() if promise not in exceptions_of(name) and has_harness(name)]
        heavy = {name: [pytest.mark.heavy] if fixture_of(name) in HEAVY_FIXTURES else [] for name in able}
        metafunc.parametrize("channel", [pytest.param(name, marks=heavy[name]) for name in able])


def test_the_guarantees_are_those_that_are_tested():
    tests = {name for name, made in globals().items() if name.startswith("test_") and inspect.iscoroutinefunction(made)}
    assert GUARANTEES.keys() == {name.removeprefix("test_") for name in tests}


@pytest.mark.parametrize("name", channels())
def test_an_exception_names_a_guarantee_and_a_reason(name):
    assert exceptions_of(name).keys() <= GUARANTEES.keys(), "docs/reference/channels.md would not show it"
    assert all(len(reason.split()) > 3 for reason in exceptions_of(name).values())


@pytest.mark.parametrize("name", channels())
def test_a_channel_has_a_harness(name):
    """One that has none fails here alone; the guarantees of all others are tested."""
    assert issubclass(harness_of(name), Harness)


def test_a_channel_without_a_harness_is_told_what_to_do():
    assert not has_harness("pigeon_post")
    with pytest.raises(AssertionError, match=r"harness/pigeon_post\.py; see docs/develop/channels\.md"):
        harness_of("pigeon_post")


@pytest.fixture
async def harness(channel, tmp_path, sqlite_template, request):
    """A channel over its counterpart, on a database with one open consultation."""
    file = tmp_path / "house.db"
    file.write_bytes(sqlite_template.read_bytes())
    store = Store(f"sqlite:///{file}")
    publish(store, consultation())
    store.dispose()
    made = harness_of(channel)
    given = request.getfixturevalue(made.fixture) if made.fixture else None
    async with made(f"sqlite:///{file}", tmp_path, given).open() as opened:
        yield opened


def found(harness: Harness, what: str) -> list[tuple[Any, ...]]:
    return rows(harness.app.store, f"SELECT {what}")


def answers(harness: Harness) -> list[tuple[Any, ...]]:
    """Values and versions of what is stored, the first question before the second."""
    return found(harness, "value, version FROM answers ORDER BY question_key")


async def in_the_park(harness: Harness) -> Resident:
    """A person new, who stands at the first question."""
    who = await harness.resident()
    await who.says("/start park")
    await who.hears("Welche Sprache")
    await who.says("Deutsch")
    await who.hears(LAMPS)
    return who


async def said_yes(harness: Harness) -> Resident:
    """A person new, who stands at the second question."""
    who = await in_the_park(harness)
    await who.says("ja")
    await who.hears(WISH)
    return who


def asked(who: Resident) -> int:
    """How often the second question was asked; the summary repeats its words."""
    return sum(WISH in words and SUMMARY not in words for words in who.heard())


async def push(harness: Harness, addresses: list[str], words: str) -> None:
    """One broadcast to each of them, as the planner of a push writes it."""
    app, now = harness.app, datetime.now(UTC)
    [name] = app.channels
    payload = payload_of(MsgOut(words))
    new = [
        NewOutboxMessage(
            number, name, KEYS.lookup(name, address), payload, "broadcast", None, now, order
        )
        for address in addresses
        for number, order in [app.ids.letter()]
    ]  # fmt: skip
    await app.store.write(lambda connection: insert_messages(connection, new))
    app.outbox.look_for_broadcasts()


async def test_a_conversation_goes_from_greeting_to_receipt(harness):
    async with harness.house():
        who = await in_the_park(harness)
        await who.taps("Ja")
        await who.hears(WISH)
        await who.says("Mehr Bänke")
        await who.hears(SUMMARY)
        await who.says("absenden")
        await who.hears("Quittung")
        assert answers(harness) == [('"yes"', 1), ('"Mehr Bänke"', 1)]


async def test_a_repeat_changes_nothing(harness):
    async with harness.house() as app:
        who = await said_yes(harness)
        # A page that was answered before it was acknowledged has repeated something by itself.
        before = app.conversations.counts.repeats
        await harness.repeat()
        await until(lambda: app.conversations.counts.repeats > before)
        await who.says(BENCHES)
        await who.hears(SUMMARY)
        assert asked(who) == 1
        assert answers(harness) == [('"yes"', 1), (f'"{BENCHES}"', 1)]


@pytest.mark.parametrize("step", crashes.NAMES)
async def test_a_crash_between_two_steps_loses_and_doubles_nothing(harness, step, monkeypatch):
    """The app stands still at the step, is abandoned there, and another one takes over."""
    armed, stopped = asyncio.Event(), asyncio.Event()

    async def stand_still() -> None:
        if armed.is_set():
            stopped.set()
            await asyncio.Event().wait()

    def fall() -> None:
        if armed.is_set():
            stopped.set()
            raise StoreLost("the process is gone")  # nothing is committed, and nothing more will be

    with monkeypatch.context() as patch:
        crashes.plant(patch, step, stand_still, fall)
        async with harness.house() as app:
            who = await in_the_park(harness)
            await app.outbox.drained()
            crashes.leave_at_once(patch)
            armed.set()
            await who.says("ja")
            async with asyncio.timeout(PATIENCE):
                await stopped.wait()
    async with harness.house():
        await who.hears(WISH)
        await who.says(BENCHES)
        await who.hears(SUMMARY)
        assert answers(harness) == [('"yes"', 1), (f'"{BENCHES}"', 1)]
        [channel] = harness.app.channels.values()
        # After the commit messages are sent, even if the waiting caller is cancelled.
        sent_by_then = step in ("after commit", "acknowledged", "after send", "before note")
        may_double = not channel.limits.idempotent and sent_by_then
        may_double |= harness.asks_where_it_stands
        assert asked(who) <= 1 + may_double


async def test_what_was_said_while_the_service_was_down_is_answered(harness, monkeypatch):
    """Each person takes part and changes their wish again and again, always to new words: what the bot repeats shows
    that every message was answered, once, in order."""
    harness.shorten_history(monkeypatch)
    async with harness.house():
        await in_the_park(harness)
        people = [await harness.resident() for _ in range(harness.people)]
    wishes = math.ceil((harness.written / len(people) - 3) / 2)

    async def talk(who: Resident, number: int) -> None:
        changed = [words for wish in range(2, wishes + 1) for words in ("ändern 2", f"Wunsch {wish} von P{number}.")]
        for words in ("/start park", "Deutsch", "ja", f"Wunsch 1 von P{number}.", *changed, "absenden"):
            await who.says(words)

    await asyncio.gather(*(talk(who, number) for number, who in enumerate(people)))
    async with harness.house() as app:
        for who in people:
            await who.hears("Quittung", seconds=120)
        await app.outbox.drained()
        await until(lambda: all(who.times("Quittung") == 1 for who in people))
        # Who has keys to wait for may read what came last before what came first.
        await until(lambda: not any(account(who.heard(), number, wishes).lost for number, who in enumerate(people)))
        for number, who in enumerate(people):
            assert account(who.heard(), number, wishes) == Count()
        last = {(f'"Wunsch {wishes} von P{number}."',): 1 for number in range(len(people))}
        assert Counter(found(harness, "value FROM answers")) == Counter({('"yes"',): len(people)} | last)


async def test_a_flood_answer_puts_off_and_loses_nothing(harness):
    async with harness.house() as app:
        who, other = await in_the_park(harness), await in_the_park(harness)
        harness.flood(3)
        await who.says("ja")
        await other.says("nein")
        await who.hears(WISH)
        await other.hears(WISH)
        assert (who.times(WISH), other.times(WISH)) == (1, 1)
        await app.outbox.drained()
        assert found(harness, "count(*) FROM outbox") == [(0,)]


async def test_who_blocks_is_left_alone_and_welcome_again(harness):
    async with harness.house() as app:
        who = await in_the_park(harness)
        await harness.block(who)
        await push(harness, [harness.address(who)], "Neue Umfrage")
        await app.outbox.drained()
        assert found(harness, "state FROM outbox") == [("unreachable",)]
        assert [reason for (reason,) in found(harness, "unreachable_reason FROM addresses")] != [None]
        await harness.block(who, is_blocked=False)
        await who.says("ja")
        await who.hears(WISH)
        assert found(harness, "unreachable_at FROM addresses") == [(None,)]
        assert who.times("Neue Umfrage") == 0


async def test_a_chat_that_moves_is_followed(harness):
    async with harness.house() as app:
        who = await in_the_park(harness)
        await app.outbox.drained()
        old = harness.address(who)
        await harness.move(who)
        await push(harness, [old], "Neue Umfrage")
        await who.hears("Neue Umfrage")
        await app.outbox.drained()
        await who.says("ja")
        await who.hears(WISH)
        assert found(harness, "count(*) FROM contacts") == [(1,)]
        assert found(harness, "count(*) FROM addresses") == [(1,)]
        assert found(harness, "value FROM answers") == [('"yes"',)]


async def test_a_stale_choice_changes_nothing_by_itself(harness):
    """The answer of a question that was answered is tapped once more: the bot says so, and the answer stays."""
    async with harness.house():
        who = await said_yes(harness)
        await who.taps_again(LAMPS, "Nein")
        before = len(who.heard())
        await until(lambda: len(who.heard()) > before or who.times(WISH) > 1)
        assert found(harness, "question_key, value FROM answers") == [("lamps", '"yes"')]


async def test_several_replies_change_one_message(harness):
    labels = {"benches": "Bänke", "trees": "Bäume", "water": "Wasser"}
    options = [{"value": value, "label": {"de": label, "en": label}} for value, label in labels.items()]
    lamps = {"key": "lamps", "type": "choices", "text": {"de": LAMPS, "en": LAMPS}, "options": options}
    wish = {"key": "wish", "type": "text", "text": {"de": WISH, "en": WISH}}
    publish_again(harness, consultation(questions=[lamps, wish]))
    async with harness.house() as app:
        who = await in_the_park(harness)
        before = len(who.heard())
        for label, chosen in (("☐ Bänke", "Bänke"), ("☐ Wasser", "Bänke, Wasser"), ("☑ Bänke", "Wasser")):
            await who.taps(label)
            await who.hears(f"Gewählt: {chosen}.")
        await app.outbox.drained()
        assert len(who.heard()) == before
        assert who.times(LAMPS) == 1, "the question stays above what is chosen"
        await who.says("Fertig")
        await who.hears(WISH)
        assert len(who.heard()) == before + 1
        assert answers(harness) == [('["water"]', 1)]


async def test_an_edit_corrects_the_answer(harness):
    async with harness.house():
        who = await said_yes(harness)
        await who.edits("nein")
        await until(lambda: found(harness, "value FROM answers") == [('"no"',)])
        assert found(harness, "version FROM answers") == [(2,)]


async def test_a_deleted_message_takes_its_answer_back(harness):
    async with harness.house():
        who = await said_yes(harness)
        await who.deletes()
        await who.hears(LAMPS, times=2)
        assert answers(harness) == []
        await who.says("nein")
        await who.says(BENCHES)
        await who.hears(SUMMARY)
        assert [value for value, _ in answers(harness)] == ['"no"', f'"{BENCHES}"']


async def test_a_reply_to_an_earlier_question_is_no_answer(harness):
    async with harness.house():
        who = await said_yes(harness)
        await who.replies(LAMPS, "nein")
        await who.hears("schon beantwortet: Ja")
        assert answers(harness) == [('"yes"', 1)]
        await who.replies(WISH, BENCHES)
        await who.hears(SUMMARY)
        assert answers(harness) == [('"yes"', 1), (f'"{BENCHES}"', 1)]


async def test_files_sent_together_arrive_together(harness):
    publish_again(harness, consultation(questions=[media_channel.WISH]))
    async with harness.house() as app:
        who = await harness.resident()
        await who.says("/start park")
        await who.hears("Welche Sprache")
        await who.says("Deutsch")
        await who.hears(WISH)
        await who.shows(*(media_channel.PICTURE + bytes([number]) for number in range(3)))
        await until(lambda: media_channel.states(app.store) == ["kept"] * 3)
        assert len(answers(harness)) == 1


async def test_texts_at_the_limit_and_beyond_arrive_whole(harness):
    async with harness.house() as app:
        who = await in_the_park(harness)
        [channel] = app.channels.values()
        limit = min(channel.limits.text_utf16, 9_000)
        for sign, more in product((FAMILY, COMBINED, ARABIC, "ä"), (0, 1)):
            body = sign.replace(" ", "_") * (limit // _units(sign))
            words = "." * (limit - _units(body) + more) + body
            before = who.heard()[-1]
            assert type(await channel.send(Outgoing(app.ids(), harness.address(who), MsgOut(words)))) is Sent
            await until(partial(_ends_with, who, words))
            parts = who.heard()[who.heard().index(before) + 1 :]
            assert "".join(parts) == words
            assert all(_units(part) <= channel.limits.text_utf16 for part in parts)
            assert not any(part[0] in "\u200d\u0300\u0337" for part in parts), "no sign is torn apart"


def _ends_with(who: Resident, words: str) -> bool:
    return "".join(who.heard()).endswith(words)


def _units(words: str) -> int:
    return len(words.encode("utf-16-le")) // 2


def with_images() -> Consultation:
    """Two questions: one with an image, and one whose options have images."""
    yes, no = (
        {"value": value, "label": {"de": label, "en": label}, "image": image_entry(file, alt)}
        for value, label, file, alt in (("yes", "Ja", *LIT), ("no", "Nein", *DARK))
    )
    lamps = {"key": "lamps", "type": "choice", "text": {"de": LAMPS, "en": LAMPS}, "options": [yes, no]}
    wish = {"key": "wish", "type": "text", "text": {"de": WISH, "en": WISH}, "image": image_entry(*SQUARE)}
    return consultation(questions=[lamps, wish])


async def test_images_are_said_in_words(harness):
    publish_again(harness, with_images())
    async with harness.house():
        who = await in_the_park(harness)
        await who.hears(f"Bild 1: {LIT[1]}")
        await who.hears(f"Bild 2: {DARK[1]}")
        await who.taps("Ja")
        await who.hears(WISH)
        await who.hears(f"Bild: {SQUARE[1]}")
        assert answers(harness) == [('"yes"', 1)]


async def test_images_arrive_as_files(harness):
    publish_again(harness, with_images())
    async with harness.house() as app:
        for file, _ in (LIT, DARK, SQUARE):
            keep_image(app.settings.data, file)
        who = await in_the_park(harness)
        assert who.seen() == [LIT[0], DARK[0]], "in the order of the options, before the question"
        assert [who.times(alt) for _, alt in (LIT, DARK)] == [1, 1], "the text does not say them once more"
        await who.says("ja")
        await who.hears(WISH)
        assert who.seen() == [LIT[0], DARK[0], SQUARE[0]]
        other = await in_the_park(harness)
        assert other.seen() == [LIT[0], DARK[0]]


def publish_again(harness: Harness, other: Consultation) -> None:
    store = Store(harness.database)
    publish(store, other)
    store.dispose()


async def test_long_words_of_people_arrive_whole(harness):
    async with harness.house():
        who = await said_yes(harness)
        words = (FAMILY + COMBINED + ARABIC) * 20
        await who.says(words)
        await who.hears(SUMMARY)
        assert found(harness, "length(value) > 500 FROM answers WHERE question_key = 'wish'") == [(1,)]


async def test_unknown_events_do_not_disturb_others(harness):
    async with harness.house() as app:
        who = await in_the_park(harness)
        await harness.disturb(who)
        await who.says("ja")
        await who.hears(WISH)
        assert answers(harness) == [('"yes"', 1)]
        assert app.conversations.counts.failures == 0


async def test_two_answers_at_once_are_taken_in_order(harness):
    async with harness.house():
        who = await in_the_park(harness)
        await who.says("nein")
        await who.says(BENCHES)
        await who.hears(SUMMARY)
        assert answers(harness) == [('"no"', 1), (f'"{BENCHES}"', 1)]


async def test_one_slow_chat_does_not_delay_others(harness):
    async with harness.house():
        slow, *others = [await in_the_park(harness) for _ in range(6)]
        harness.hang()
        await slow.says("ja")
        await asyncio.sleep(0.2)
        for who in others:
            await who.says("ja")
        for who in others:
            await who.hears(WISH)
        assert slow.times(WISH) == 0


async def test_replies_stay_fast_during_a_large_broadcast(harness):
    async with harness.house() as app:
        crowd = await harness.crowd()
        who = await in_the_park(harness)
        await app.outbox.drained()
        await push(
            harness, [harness.address(each) for each in crowd] * (harness.recipients // len(crowd)), "Neue Umfrage"
        )
        delays = []
        for answers in range(1, 40):
            began = time.monotonic()
            await who.says("status")
            await who.hears("Jetzt geht es um", times=answers)
            delays.append(time.monotonic() - began)
            if all(each.times("Neue Umfrage") for each in crowd[-1:]):
                break
        await app.outbox.drained()
        assert max(delays) < 2
        assert Counter(found(harness, "state FROM outbox")) == {("sent",): harness.recipients}
        each = harness.recipients // len(crowd)
        await until(lambda: all(who.times("Neue Umfrage") >= each for who in crowd))
        assert all(who.times("Neue Umfrage") == each for who in crowd)


async def test_encrypted_rooms_stay_readable_after_a_restart(harness):
    async with harness.house():
        who = await said_yes(harness)
    await who.says(BENCHES)  # while the app is down
    async with harness.house():
        await who.hears(SUMMARY)
        await who.says("absenden")
        await who.hears("Quittung")
