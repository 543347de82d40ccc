"""Choices, rankings and budgets on Telegram are one message that taps change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.telegram.rendering import MOST_BUTTONS, render_message
from flows.messages import MsgOut, QuickReply, Step
from storage.core.store import Store
from tests import botapi
from tests.botapi import BotApi
from tests.botapi.faults import Fault
from tests.botapi.ledger import Sent
from tests.botapi.limits import FREE, Rates
from tests.botapi.resident import Resident
from tests.support.app import consultation, publish
from tests.support.telegram import answers_of, telegram
from tests.test_adapters.test_telegram_troubles import until

MOST_TAPS, MOST_MESSAGES = 7, 2
OPTIONS = [
    {"value": value, "label": {"de": label, "en": label}}
    for value, label in (("beds", "Blumen und Beete"), ("help", "Hilfe bei Hausaufgaben"), ("fete", "Straßenfest"))
]


def _question(type_: str, **more: Any) -> dict[str, Any]:
    words = {"de": "Was ist dir wichtig?", "en": "What matters?"}
    return {"key": "fund", "type": type_, "text": words, "options": OPTIONS, **more}


WISH = {"key": "wish", "type": "text", "text": {"de": "Was fehlt?", "en": "What is missing?"}}
POINTS = _question("points", budget=10)


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with botapi.running(FREE) as started:
        yield started


async def _asked(api: BotApi) -> tuple[Resident, Sent]:
    """A person at the question, and its message."""
    anna = api.resident()
    anna.start("park")
    await anna.hears()
    anna.tap("Deutsch")
    _, widget = await anna.hears(2)
    return anna, widget


def _row_of(widget: Sent, label: str) -> int:
    """The row of an option, which has its steps below it."""
    return next(at for at, row in enumerate(widget.keyboard) if row[0]["text"].startswith(label))


def _tap(anna: Resident, widget: Sent, label: str, step: str = "") -> None:
    """Taps the option, or one of its steps, as the message shows them now."""
    at = _row_of(widget, label)
    row = widget.keyboard[at + 1] if step else widget.keyboard[at]
    anna.tap_data(widget, next(button for button in row if step in button["text"])["callback_data"])


def _tokens(widget: Sent) -> list[list[str]]:
    return [[button["callback_data"] for button in row] for row in widget.keyboard]


async def test_ten_points_take_seven_taps_and_two_messages(api, store):
    """3, 4 and 3 points, which take the most taps (tests/test_flows/test_points_by_taps.py)."""
    publish(store, consultation(questions=[POINTS, WISH]))
    async with telegram(store, api):
        anna, widget = await _asked(api)
        before, taps = len(anna.messages()) - 1, 0
        for label, step, shown in (
            ("Blumen", "+1", "Übrig: 9 Punkte."),
            ("Blumen", "+1", "Übrig: 8 Punkte."),
            ("Blumen", "+1", "Übrig: 7 Punkte."),
            ("Hilfe", "+5", "Übrig: 2 Punkte."),
            ("Hilfe", "−1", "Übrig: 3 Punkte."),
            ("Straßenfest", "Rest", "Übrig: 0 Punkte."),
        ):
            _tap(anna, widget, label, step)
            taps += 1
            await anna.until(lambda shown=shown: shown in widget.text)
            assert widget.text.startswith("Was ist dir wichtig?\n")
        assert widget.labels[::5] == ["Blumen und Beete: 3", "Hilfe bei Hausaufgaben: 4", "Straßenfest: 3", "Fertig"]
        anna.tap("Fertig")
        taps += 1
        await anna.hears()
        await anna.until(lambda: not widget.keyboard)
        messages = len(anna.messages()) - before
        print(f"ten points on Telegram: {taps} taps, {messages} messages")
        assert taps <= MOST_TAPS
        assert messages <= MOST_MESSAGES
        assert "Straßenfest: 3 Punkte" in widget.text
    assert answers_of(store) == {"fund": '{"beds":3,"help":4,"fete":3}'}


@pytest.mark.parametrize(
    ("question", "taps"),
    [
        (POINTS, ["Blumen", "Hilfe", "Blumen"]),
        (_question("choices", min=2), ["☐ Blumen", "☐ Hilfe", "☐ Straßenfest"]),
        (_question("rank"), ["Straßenfest", "Blumen", "Hilfe"]),
    ],
    ids=["points", "choices", "rank"],
)
async def test_no_button_moves(api, store, question, taps):
    """Taps on one spot hit the same option in every state."""
    publish(store, consultation(questions=[question, WISH]))
    async with telegram(store, api):
        anna, widget = await _asked(api)
        rows = _tokens(widget)
        for edits, label in enumerate(taps, start=1):
            _tap(anna, widget, label)
            await anna.until(lambda edits=edits: widget.edits == edits)
            assert _tokens(widget)[:-1] == rows[:-1]
            assert len(widget.keyboard) == len(rows)
        assert widget.labels[-1] == "Fertig"
        assert anna.messages()[-1] is widget


async def test_fast_taps_show_what_is_stored(store):
    """Telegram takes one message a second in a chat: of the states that wait, the newest is shown."""
    publish(store, consultation(questions=[POINTS, WISH]))
    async with botapi.running(Rates()) as api, telegram(store, api) as (app, _):
        anna, widget = await _asked(api)
        for _ in range(7):
            _tap(anna, widget, "Blumen")
        await anna.until(lambda: "Blumen und Beete: 7" in widget.labels)
        await app.outbox.drained()
        assert widget.edits < 7
        assert api.ledger.too_fast() == 0
        assert anna.messages()[-1] is widget
        anna.tap("Fertig")
        await anna.hears()
    assert answers_of(store) == {"fund": '{"beds":7}'}


async def test_the_last_state_stays_in_the_text(api, store):
    """Tap and "done" in one batch: the tap on "done" still shows the earlier text."""
    publish(store, consultation(questions=[POINTS, WISH]))
    async with telegram(store, api):
        anna, widget = await _asked(api)
        _tap(anna, widget, "Blumen")
        await anna.until(lambda: widget.edits == 1)
        done = widget.keyboard[-1][0]["callback_data"]
        _tap(anna, widget, "Blumen", "+5")
        anna.tap_data(widget, done)
        await anna.hears()
        await anna.until(lambda: not widget.keyboard)
        assert "Blumen und Beete: 6 Punkte" in widget.text
    assert answers_of(store) == {"fund": '{"beds":6}'}


async def test_too_much_is_said_and_nothing_is_lost(api, store):
    publish(store, consultation(questions=[POINTS, WISH]))
    async with telegram(store, api):
        anna, widget = await _asked(api)
        for step in ("+5", "+1", "+1"):
            _tap(anna, widget, "Blumen", step)
        await anna.until(lambda: "Blumen und Beete: 7" in widget.labels)
        _tap(anna, widget, "Hilfe", "+5")
        await anna.until(lambda: "Das ist um 2 Punkte zu viel." in widget.text)
        assert widget.text.endswith("Bisher: Blumen und Beete: 7 Punkte.\nÜbrig: 3 Punkte.")
        assert anna.messages()[-1] is widget


async def test_a_refused_edit_is_sent_again(api, store):
    publish(store, consultation(questions=[POINTS, WISH]))
    words = "Too Many Requests: retry after 1"
    async with telegram(store, api):
        anna, widget = await _asked(api)
        api.faults.append(Fault("error", "editMessageText", 2, status=429, description=words, retry_after=1))
        _tap(anna, widget, "Blumen")
        await anna.until(lambda: "Blumen und Beete: 1" in widget.labels)
        assert api.faults[-1].times == 0
        assert anna.messages()[-1] is widget


async def test_typed_words_are_answered_below(api, store):
    """Then the earlier message has no buttons: only one shows what is stored."""
    publish(store, consultation(questions=[POINTS, WISH]))
    async with telegram(store, api):
        anna, widget = await _asked(api)
        rows = [row[0]["callback_data"] for row in widget.keyboard]
        anna.say("Blumen und Beete 4")
        (below,) = await anna.hears()
        assert below.labels[0] == "Blumen und Beete: 4"
        await anna.until(lambda: not widget.keyboard)
        anna.tap_data(widget, rows[0])  # a client that still shows it
        await anna.until(lambda: below.labels[0] == "Blumen und Beete: 5")
        assert anna.messages()[-1] is below


async def test_a_restart_leaves_the_message_in_use(api, store):
    publish(store, consultation(questions=[POINTS, WISH]))
    async with telegram(store, api):
        anna, widget = await _asked(api)
        _tap(anna, widget, "Blumen")
        await anna.until(lambda: widget.edits == 1)
    again = Store(store.writer.url.render_as_string(hide_password=False))
    async with telegram(again, api):
        for _ in range(3):
            _tap(anna, widget, "Blumen")
        await anna.until(lambda: "Blumen und Beete: 4" in widget.labels)
        assert anna.messages()[-1] is widget


async def test_a_message_that_is_gone_is_sent_anew(api, store):
    publish(store, consultation(questions=[POINTS, WISH]))
    async with telegram(store, api):
        anna, widget = await _asked(api)
        del api.state.messages[anna.chat_id, widget.message_id]
        _tap(anna, widget, "Blumen")
        (anew,) = await anna.hears()
        assert anew.text.startswith("Was ist dir wichtig?")
        _tap(anna, anew, "Blumen")
        await anna.until(lambda: "Blumen und Beete: 2" in anew.labels)


async def test_buttons_of_earlier_versions_work(api, store):
    """They had one row for each step, "+1 Blumen und Beete" and "−1 Blumen und Beete", with the same tokens."""
    publish(store, consultation(questions=[POINTS, WISH]))
    async with telegram(store, api):
        anna, widget = await _asked(api)
        more = widget.keyboard[0][0]["callback_data"]
        code, key, value = more.split(".")
        for data in (more, more, f"{code}.{key}.-{value}"):
            anna.tap_data(widget, data)
        await anna.until(lambda: "Blumen und Beete: 1" in widget.labels)
        await until(lambda: not api.state.taps)


def test_many_options_keep_their_steps():
    """Telegram refuses a keyboard of more than 100 buttons."""
    steps = [("-", "−1"), ("", "+1"), (">", "+5"), ("=", "Rest")]
    options = tuple(
        QuickReply(
            f"r.q.o{n}", f"+1 P{n}", name=f"P{n}", steps=tuple(Step(f"r.q.{s}o{n}", label) for s, label in steps)
        )
        for n in range(20)
    )
    done = QuickReply("r.q.+done", "Fertig", role="done")
    shown = render_message(MsgOut("Wofür?", (*options, done), expects="amounts"))
    assert shown.keyboard is not None
    rows = shown.keyboard["inline_keyboard"]
    assert sum(map(len, rows)) <= MOST_BUTTONS
    assert [button["text"] for button in rows[-2]] == ["−1", "+5", "Rest"]
    assert [button["text"] for button in rows[-1]] == ["Fertig"]
