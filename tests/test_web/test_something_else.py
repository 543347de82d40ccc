"""`other: true`: an option "something else", and free text that is published after its release only."""

from __future__ import annotations

import csv

import pytest

from bot.exchange.exports.package import ExportRequest, write_export
from bot.proposals import moderation_decisions
from storage.core.store import Store
from tests.support.app import consultation, publish, running, say
from tests.support.browser import serving
from tests.support.ideas import NOW, chair
from tests.test_proposals.test_open_answers import standings
from tests.test_web.test_journeys import answers

OPTIONS = [
    {"value": "trees", "label": {"de": "Bäume", "en": "Trees"}},
    {"value": "water", "label": {"de": "Trinkwasser", "en": "Drinking water"}},
]
WISHES = {
    "key": "wishes",
    "type": "choices",
    "text": {"de": "Was fehlt?", "en": "What is missing?"},
    "options": OPTIONS,
    "other": True,
}
LAST = {"key": "last", "type": "choice", "text": {"de": "Wo?", "en": "Where?"}, "options": OPTIONS}
ONE = LAST | {"key": "one", "other": True, "exits": [{"to": "end"}]}


@pytest.fixture
def store(empty):
    return empty


def read(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


async def said(store: Store, questions, *lines: str) -> list[str]:
    publish(store, consultation("park", questions))
    async with running(store) as (app, test):
        for line in ("/start park", "Deutsch", *lines):
            await say(app, test.msg("anna", line))
        return test.texts("anna")


async def test_what_is_meant_is_asked_and_stored_apart(store):
    heard = await said(store, [WISHES, LAST], "1 und 3", "fertig", "Ein Trinkbrunnen", "2", "absenden")
    assert any("Frage 1 von 2" in it for it in heard)
    assert any(it.startswith("Was fehlt? – etwas anderes, und zwar:") for it in heard)
    assert "2. Was fehlt? – etwas anderes, und zwar:" in heard[-2]
    assert answers(store) == {"wishes": '["trees","other"]', "wishes_other": '"Ein Trinkbrunnen"', "last": '"water"'}


async def test_another_choice_drops_what_was_meant(store):
    lines = ("Anderes", "fertig", "Ein Brunnen", "/back", "/back", "Anderes", "Bäume", "fertig", "2")
    await said(store, [WISHES, LAST], *lines)
    assert answers(store) == {"wishes": '["trees"]', "last": '"water"'}


async def test_exits_are_taken_after_what_was_meant(store):
    await said(store, [ONE, LAST], "3", "Ein Brunnen", "absenden")
    assert answers(store) == {"one": '"other"', "one_other": '"Ein Brunnen"', "last": "(not_asked)"}


async def test_without_something_else_the_exit_is_taken_at_once(store):
    await said(store, [ONE, LAST], "1", "absenden")
    assert answers(store) == {"one": '"trees"', "one_other": "(not_asked)", "last": "(not_asked)"}


async def test_the_words_are_public_only_after_their_release(store, tmp_path):
    publish(store, consultation("park", [WISHES]))
    async with running(store) as (app, test):
        for number in range(10):
            for line in ("/start park", "Deutsch", "3" if number % 2 else "1", "fertig"):
                await say(app, test.msg(f"p{number}", line))
            if number % 2:
                await say(app, test.msg(f"p{number}", f"Ein Brunnen {number}"))
            await say(app, test.msg(f"p{number}", "absenden"))
    first, *_ = standings(store)
    with store.begin() as connection:
        moderation_decisions.approve_text(chair(connection), first.proposal.id)
    store = Store(str(store.writer.url))
    async with serving(store) as house:
        words = (await house.browser(**{"Accept-Language": "de"}).get("/results/park")).text
        assert "Etwas anderes 5" in words
        assert words.count("Ein Brunnen") == 1
    write_export(store, ExportRequest("park", tmp_path / "all", "analysis"), NOW)
    rows = read(tmp_path / "all" / "answers_wide.csv")
    assert sorted(row["wishes.other"] for row in rows) == ["0"] * 5 + ["1"] * 5
    assert sorted(row["wishes_other.withheld"] for row in rows) == ["0"] * 6 + ["1"] * 4
    assert sum(row["wishes_other"].startswith("Ein Brunnen") for row in rows) == 1
    store.dispose()
