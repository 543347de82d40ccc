"""Which participations count, when they end, and the replies to late messages."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.common.begin_counter import BeginCounter
from bot.common.erasure_log import ErasureLog
from bot.common.i18n.locale import Locale
from bot.common.ids import Ids
from bot.consultations.catalogue import Catalogue
from bot.conversations import closing
from bot.conversations.closing import LET_STAND, end_next_participations
from bot.conversations.hourly_jobs import run_hourly_jobs
from bot.results import figures, published, text_output
from bot.results.counts import answer_dataset
from bot.results.counts.counts import ParticipationCounts, count_participations
from bot.results.editions.service import EditionService
from flows.messages import MsgIn
from storage.core.store import Store
from storage.tables.consultations import set_consultation_state
from storage.tables.participations import Tally, tally_participations
from storage.tables.revisions import find_live_revision
from tests.support.app import KEYS, Recorder, consultation, publish, rows, running, say
from tests.support.timeouts import PATIENCE
from tests.test_proposals.test_weighing import WEIGH, add

CONSENT = {"key": "ok", "type": "consent", "text": {"de": "Dürfen wir das speichern?", "en": "May we?"}}
SCALE = {
    "key": "safe",
    "type": "scale",
    "text": {"de": "Wie sicher?", "en": "How safe?"},
    "min_label": {"de": "gar nicht", "en": "not"},
    "max_label": {"de": "sehr", "en": "very"},
}
DAILY = {
    "key": "daily",
    "type": "choice",
    "text": {"de": "Täglich?", "en": "Daily?"},
    "options": [{"value": name, "label": {"de": name, "en": name}} for name in ("immer", "manchmal")],
    "ask_if": {"equal": {"question": "safe", "value": 1}},
}
VIEW = "SELECT status, answered, ended_at IS NULL FROM v_responses ORDER BY status, answered"


def shut(store: Store, ago: timedelta, slug: str = "park") -> datetime:
    """Closes a consultation some time ago; gives when."""
    ended = datetime.now(UTC) - ago
    with store.begin() as connection:
        found = find_live_revision(connection, slug)
        assert found
        connection.execute(text("UPDATE sessions SET started_at = :then"), {"then": str_of(ended - ago)})
        set_consultation_state(connection, found.consultation_id, "closed", closed_at=ended)
    return ended


def str_of(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def end(store: Store, now: datetime | None = None) -> int:
    catalogue, ids = Catalogue(), Ids()
    with store.begin() as connection:
        return end_next_participations(connection, now or datetime.now(UTC), KEYS, catalogue, ids)


def count(store: Store) -> ParticipationCounts:
    with store.reading() as connection:
        return count_participations(connection, answer_dataset.load_dataset(connection, "park"))


def tap(channel: Recorder, address: str, label: str, **more: str) -> MsgIn:
    """A tap on a button that was shown, however long ago."""
    shown = [reply for sent in channel.sent if sent.address == address for reply in sent.msg.quick_replies]
    return channel.msg(address, choice=next(reply.token for reply in reversed(shown) if reply.label == label), **more)


@pytest.fixture
def store(store: Store) -> Store:
    publish(store, consultation(questions=[CONSENT, SCALE, DAILY]))
    return store


async def come(store: Store) -> None:
    """One who answered and stopped, one who agreed only, one under way, one who skipped all and finished, one done."""
    async with running(store) as (app, channel):
        for who, words in {
            "stopped": ("ja", "3", "stopp"),
            "agreed": ("ja",),
            "under way": ("ja", "1"),
            "skipped": ("ja", "überspringen", "fertig"),
            "done": ("nein", "5", "fertig"),
            "greeted": (),
        }.items():
            await say(app, *(channel.msg(who, word) for word in ("/start park", "Deutsch", *words)))


async def test_people_shares_and_bounds_are_of_those_who_answered(store: Store) -> None:
    await come(store)
    with store.reading() as connection:
        park = find_live_revision(connection, "park")
        assert park
        assert tally_participations(connection, park.consultation_id) == Tally(6, 3, 2)
    counts = count(store)
    assert (counts.begun, counts.responses, counts.finished) == (6, 3, 2)
    assert dict(counts.contexts["status"]) == {"interrupted": 1, "waiting": 1, "completed": 1}
    assert all(sum(cells.values()) == 3 for cells in counts.cells.values())
    assert (counts.asked("safe"), counts.answered("safe")) == (3, 3)
    assert (counts.asked("daily"), counts.answered("daily")) == (0, 0), "who is on the way to it was not asked yet"


async def test_shares_of_conditional_questions_use_those_asked(store: Store) -> None:
    async with running(store) as (app, channel):
        for number in range(15):
            often = ("immer", "immer", "immer", "manchmal", "manchmal")[number] if number < 5 else "überspringen"
            words = ["1", often] if number < 10 else ["5"]
            await say(app, *(channel.msg(f"p{number}", word) for word in ("/start park", "Deutsch", "ja", *words)))
    with store.reading() as connection:
        found = published.preview_results(connection, "park")
    counts = count(store)
    assert (counts.asked("daily"), counts.answered("daily")) == (10, 5)
    safe, daily = list(figures.question_figures(found, Locale.of("de")))[-2:]
    assert safe.base == "Beantwortet von 15."
    assert [(bar.label, bar.number, bar.percent) for bar in daily.rows] == [("immer", 3, 30), ("manchmal", 2, 20)]
    assert daily.base.startswith("Diese Frage ging nicht an alle. Gefragt: 10 · beantwortet: 5.")
    assert [(bar.label, bar.number) for bar in daily.missing] == [("ohne Antwort", 5), ("nicht gefragt", 5)]
    assert "Teilnahmen: 15 (begonnen: 15 · bis zum Ende: 0)" in list(text_output.result_lines(found, Locale.of("de")))


async def test_no_session_is_open_after_the_consultation_ends(store: Store) -> None:
    await come(store)
    assert rows(store, VIEW) == [
        ("completed", 0, 0), ("completed", 1, 0), ("interrupted", 1, 0),
        ("waiting", 0, 1), ("waiting", 0, 1), ("waiting", 1, 1),
    ]  # fmt: skip
    ended = shut(store, 2 * LET_STAND)
    over = [("completed", 0, 0), ("completed", 1, 0), *[("interrupted", 0, 0)] * 2, *[("interrupted", 1, 0)] * 2]
    assert rows(store, VIEW) == over
    before = count(store)
    assert dict(before.contexts["status"]) == {"interrupted": 2, "completed": 1}
    assert end(store) == 3
    assert rows(store, VIEW) == over
    assert (end(store), rows(store, "SELECT count(*) FROM sessions WHERE status = 'waiting'")) == (0, [(0,)])
    after = count(store)
    assert after.contexts == before.contexts
    assert after.cells == before.cells
    left = "SELECT question_key, missing FROM answers WHERE missing IS NOT NULL ORDER BY question_key, missing"
    assert rows(store, left) == [
        *[("daily", "interrupted")], *[("daily", "not_asked")] * 5,
        ("ok", "interrupted"),
        *[("safe", "interrupted")] * 2, ("safe", "skipped"),
    ]  # fmt: skip
    with store.reading() as connection:
        moments = connection.execute(text("SELECT ended_at FROM v_responses WHERE status = 'interrupted'"))
        assert f"{ended:%Y-%m-%dT%H:%M:%SZ}" in set(moments.scalars())


async def test_the_house_ends_them_while_it_tidies(store: Store, tmp_path: Path) -> None:
    await come(store)
    shut(store, 2 * LET_STAND)
    (tmp_path / "erased").mkdir()
    again = Store(str(store.writer.url.render_as_string(hide_password=False)))
    task = asyncio.create_task(
        run_hourly_jobs(again, KEYS, ErasureLog(tmp_path, KEYS), 30, EditionService(again).renew, BeginCounter())
    )
    async with asyncio.timeout(PATIENCE):
        while rows(store, "SELECT 1 FROM sessions WHERE status = 'waiting'"):
            await asyncio.sleep(0.01)
    task.cancel()
    await again.close()


async def test_portions_end_all_and_who_just_closed_may_think_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await come(store)
    shut(store, LET_STAND / 2)
    assert end(store) == 0, "who is let in again within the hour finds the question"
    shut(store, 2 * LET_STAND)
    monkeypatch.setattr(closing, "AT_ONCE", 2)
    assert [end(store) for _ in range(3)] == [2, 1, 0]


async def test_what_comes_after_the_end_is_told_so(store: Store) -> None:
    publish(store, consultation("market"))
    async with running(store) as (app, channel):
        await say(app, *(channel.msg("a", word) for word in ("/start park", "Deutsch", "ja")))
        shut(store, 2 * LET_STAND)
        end(store)
        with store.reading() as connection:
            app.catalogue.refresh(connection)
        await say(app, channel.msg("a", "3"))
        assert channel.last("a").text.startswith("Das gehört zu „Beispiel park“. Diese Befragung ist beendet.")
        await say(app, tap(channel, "a", "Ja, ich stimme zu"))
        assert channel.last("a").text.startswith("Das gehört zu „Beispiel park“. Diese Befragung ist beendet.")
        await say(app, channel.msg("b", "3"), channel.msg("b", "Deutsch"))
        assert "Licht im Park?" in channel.texts("b")[-1], "others come into the only one that is open"
        await say(app, channel.msg("a", "/start market"))
        assert "Licht im Park?" in channel.texts("a")[-1], "and for who asks for it"
    assert rows(store, "SELECT count(*) FROM answers WHERE value = '3'") == [(0,)]


async def test_a_tap_after_finishing_is_answered_as_what_it_is(store: Store) -> None:
    publish(store, consultation(questions=[WEIGH]))
    add(store, "Licht im Park", "Ein Brunnen", "Mehr Bänke")
    async with running(store) as (app, channel):
        await say(app, *(channel.msg("a", word) for word in ("/start park", "Deutsch")))
        earlier = tap(channel, "a", "Stimme nicht zu")
        await say(app, *(channel.msg("a", word) for word in ("1", "1", "1", "fertig")))
        assert "Quittung" in channel.last("a").text
        votes = rows(store, "SELECT proposal_id, vote FROM ratings")
        await say(app, earlier)
        assert channel.last("a").text == (
            "Das gehört zu „Beispiel park“. Dort ist schon alles fertig; die Antworten bleiben, wie sie sind.\n"
            "Ansehen und ändern: Start park"
        )
        assert rows(store, "SELECT proposal_id, vote FROM ratings") == votes
        await say(app, tap(channel, "a", "Start"))
        assert channel.last("a").text.startswith("Sie haben schon teilgenommen.")
        await say(app, channel.msg("b", "/start park"), channel.msg("b", "Deutsch"))
        await say(app, channel.msg("b", "1"), channel.msg("b", "stopp"))
        await say(app, tap(channel, "b", "Stimme nicht zu"))
        assert channel.last("b").text.startswith("Willkommen zurück"), "who has only stopped may go on"


async def test_a_tap_in_the_very_batch_that_finishes_is_late_too(store: Store) -> None:
    async with running(store) as (app, channel):
        await say(app, *(channel.msg("a", word) for word in ("/start park", "Deutsch", "ja")))
        five = tap(channel, "a", "5 – sehr")
        await say(app, channel.msg("a", "3"), channel.msg("a", "fertig"), five)
        assert channel.last("a").text.startswith("Das gehört zu „Beispiel park“. Dort ist schon alles fertig")


async def test_that_something_is_important_survives_another_answer(store: Store) -> None:
    publish(store, consultation(questions=[WEIGH]))
    add(store, "Licht im Park", "Ein Brunnen", "Mehr Bänke")
    async with running(store) as (app, channel):
        await say(app, *(channel.msg("a", word) for word in ("/start park", "Deutsch")))
        no, yes = (tap(channel, "a", label).choice for label in ("Stimme nicht zu", "Stimme zu"))
        await say(app, channel.msg("a", "stimme zu, wichtig"))
        await say(app, channel.msg("a", choice=no))
        assert channel.last("a").text.startswith("Geändert: Stimme nicht zu und Wichtig für mich.")
        assert rows(store, "SELECT vote, important FROM ratings") == [(-1, 1)]
        await say(app, channel.msg("a", choice=no))
        assert channel.last("a").text.startswith("Schon notiert: Stimme nicht zu und Wichtig für mich")
        await say(app, channel.msg("a", choice=yes))
        assert rows(store, "SELECT vote, important FROM ratings") == [(1, 1)]


@pytest.mark.parametrize("word", ["fertig", "Fertig!", "absenden", "das wars", "passt"])
async def test_whoever_says_that_it_is_all_is_done(store: Store, word: str) -> None:
    async with running(store) as (app, channel):
        await say(app, *(channel.msg("a", said) for said in ("/start park", "Deutsch", "ja", "5")))
        assert [reply.label for reply in channel.last("a").quick_replies] == ["Fertig", "Ändern"]
        await say(app, channel.msg("a", word))
        assert "Quittung" in channel.last("a").text
    assert rows(store, "SELECT status FROM sessions") == [("completed",)]
