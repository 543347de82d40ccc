"""How long answers took: classes only, and only where it is known when the question was asked."""

from __future__ import annotations

import pytest

from bot.common.sources import Sources
from bot.consultations import answer_durations
from bot.consultations.answer_durations import CLASSES, QuestionClock
from storage.core.store import Store
from tests.support.app import Recorder, consultation, publish, rows, running, say
from tests.support.databases import Database


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_time_runs_from_the_question_to_its_answer(clock: Clock):
    asked = QuestionClock(clock)
    asked.note(1, "lamps")
    clock.now += 10
    asked.note(1, "lamps")  # asked once more, or answered in parts
    clock.now += 10
    assert asked.took(1, "lamps") == 30
    assert asked.took(1, "wish") is None
    assert asked.took(2, "lamps") is None
    asked.note(1, "")
    assert asked.took(1, "lamps") is None


def test_who_went_away_in_between_has_no_class(clock: Clock):
    asked = QuestionClock(clock)
    asked.note(1, "lamps")
    clock.now += CLASSES[-1] + 1
    assert asked.took(1, "lamps") is None


def test_memory_is_bounded_and_keeps_the_newest(clock: Clock, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(answer_durations, "MAX_TRACKED", 3)
    asked = QuestionClock(clock)
    for number in range(5):
        asked.note(number, "lamps")
    assert len(asked) == 3
    assert [asked.took(number, "lamps") for number in range(5)] == [None, None, 5, 5, 5]


async def test_answers_keep_the_class_of_the_first_time(store: Store):
    publish(store, consultation())
    clock = Clock()
    async with running(store, sources=Sources(steady=clock)) as (app, channel):
        for words, seconds in (("/start park", 0), ("Deutsch", 0), ("Ja", 40), ("Bänke", 200), ("ändern 1", 9)):
            clock.now += seconds
            await say(app, channel.msg("a", words))
        clock.now += 3
        await say(app, channel.msg("a", "Nein"))
    found = rows(store, "SELECT question_key, value, took, version FROM answers ORDER BY 1")
    assert found == [("lamps", '"no"', 60, 2), ("wish", '"Bänke"', 300, 1)]


async def test_nothing_is_known_of_answers_after_a_restart_nor_of_gaps(store: Store, database: Database):
    publish(store, consultation())
    channels = {"test": (channel := Recorder())}
    async with running(Store(database.url), channels) as (app, _):
        await say(app, channel.msg("a", "/start park"), channel.msg("a", "Deutsch"))
    async with running(Store(database.url), channels) as (app, _):
        await say(app, channel.msg("a", "Ja"))
        await say(app, channel.msg("a", "stopp"))
        await say(app, channel.msg("a", "/start park"))
    assert rows(store, "SELECT took FROM answers WHERE value IS NOT NULL") == [(None,)]
    assert {took for (took,) in rows(store, "SELECT took FROM answers WHERE value IS NULL")} <= {None}
