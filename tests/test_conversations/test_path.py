"""The path decides what is stored, in the same turn: what falls off goes, with all that came with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot.app import App
from bot.common.erasure_log import ErasureLog
from bot.common.ids import Ids
from bot.conversations import path_cleanup
from bot.results import vote_loader
from bot.results.counts import answer_dataset
from bot.results.counts.participation_reader import stream_participations
from bot.settings import Settings
from storage.core.store import Store
from storage.tables.answers import NewAnswer, upsert_answers
from storage.tables.revisions import find_live_revision
from storage.tables.sessions import StoredSession, insert_sessions
from tests.support.app import KEYS, consultation, publish, rows, running, say
from tests.support.media_channel import VOICE, Phone, files, states, until
from tests.test_proposals.test_weighing import add, tap

YES_NO = [{"value": "yes", "label": {"de": "Ja", "en": "Yes"}}, {"value": "no", "label": {"de": "Nein", "en": "No"}}]
SQL = "SELECT question_key, value, missing FROM {} ORDER BY question_key"
CONSENT = {"key": "ok", "type": "consent", "text": {"de": "Dürfen wir fragen?", "en": "May we ask?"}}
AGREED = {"equal": {"question": "ok", "value": True}}
A_YES = {"equal": {"question": "a", "value": "yes"}}
NOT_A = {"equal": {"question": "a", "value": "no"}}


def ask(key: str, type: str = "choice", **more: Any) -> dict[str, Any]:  # noqa: A002 - the field's name
    options = {"options": YES_NO} if type == "choice" else {}
    return {"key": key, "type": type, "text": {"de": f"Frage {key}?", "en": f"{key}?"}} | options | more


HEALTH = ask("health", sensitive=True, ask_if=AGREED)


async def enter(app: App, channel: Any, *lines: str, who: str = "a") -> None:
    for line in ("/start park", "Deutsch", *lines):
        await say(app, channel.msg(who, line))


def stored(store: Store, table: str = "v_answers_long") -> dict[str, str]:
    """What the table holds: each answer, or why there is none."""
    return {key: value or f"({missing})" for key, value, missing in rows(store, SQL.format(table))}


def exported(store: Store) -> dict[str, str]:
    """The same as exports and counts read it, of the one participation there is."""
    with store.reading() as connection:
        found = answer_dataset.load_dataset(connection, "park")
        (response,) = stream_participations(connection, found)
    return {key: str(it.value) if it.value is not None else f"({it.missing})" for key, it in response.given.items()}


@pytest.mark.parametrize(
    ("leaving", "after"), [([], "interrupted"), (["/stop"], "interrupted"), (["ja", "absenden"], "")]
)
async def test_a_sensitive_answer_goes_with_its_consent(store: Store, leaving: list[str], after: str):
    publish(store, consultation(questions=[CONSENT, HEALTH, ask("last")]))
    async with running(store) as (app, channel):
        await enter(app, channel, "ja", "ja", "/change 1")
        assert stored(store) == {"ok": "true", "health": "yes"}, "looking changes nothing"
        await say(app, channel.msg("a", "nein"))
        assert channel.last("a").text.startswith("Damit ist diese Antwort gelöscht: „Frage health?“\n\n")
        assert stored(store) == {"ok": "false"}
        for line in leaving:
            await say(app, channel.msg("a", line))
    last = f"({after})" if after else "yes"
    assert exported(store) == {"ok": "False", "health": "(not_asked)", "last": last}
    assert stored(store).get("health", "(not_asked)") == "(not_asked)"
    given = rows(store, "SELECT given FROM consents ORDER BY id")
    assert [bool(it) for (it,) in given] == [True, False]


async def test_no_sector_is_counted_without_consent(store: Store):
    sector = ask("sector", "sectors", ask_if=AGREED)
    publish(store, consultation(questions=[CONSENT, sector, ask("last")]))
    async with running(store) as (app, channel):
        await enter(app, channel, "ja", "1", "fertig", "/change 1", "nein", "/stop")
    with store.reading() as connection:
        declared = vote_loader.load_sectors(connection, answer_dataset.load_dataset(connection, "park"))
    assert not any(declared.values())


async def test_a_consent_that_is_not_on_the_path_does_not_hold(store: Store):
    publish(store, consultation(questions=[ask("a"), {**CONSENT, "ask_if": A_YES}, HEALTH, ask("z")]))
    async with running(store) as (app, channel):
        await enter(app, channel, "ja", "ja", "ja", "/change 1", "nein")
        assert channel.last("a").text.startswith(
            "Damit sind diese Antworten gelöscht: „Dürfen wir fragen?“ und „Frage health?“"
        )
    assert stored(store) == {"a": "no"}
    assert [bool(it) for (it,) in rows(store, "SELECT given FROM consents ORDER BY id")] == [True, False]


async def test_starting_over_keeps_nothing_and_tells_no_untruth(store: Store):
    publish(store, consultation(questions=[ask("a"), ask("b", ask_if=A_YES), ask("c")]))
    async with running(store) as (app, channel):
        await enter(app, channel, "ja", "ja", "nein", "start", "2")
        assert "Damit sind diese Antworten gelöscht: „Frage a?“, „Frage b?“ und „Frage c?“" in channel.texts("a")[-2]
        assert stored(store) == {}
        await say(app, channel.msg("a", "ja"))
        assert exported(store) == {"a": "yes", "b": "(interrupted)", "c": "(interrupted)"}
        await say(app, channel.msg("a", "/stop"))
    assert stored(store) == {"a": "yes", "b": "(interrupted)", "c": "(interrupted)"}


@pytest.mark.parametrize("ways", [["/stop"], ["/stop", "/start park", "2", "/stop"]], ids=["once", "twice"])
async def test_leaving_after_a_restart_counts_as_asked(store: Store, ways: list[str]):
    publish(
        store, consultation(questions=[ask("a"), ask("b", ask_if=A_YES), ask("never", ask_if=NOT_A), CONSENT, HEALTH])
    )
    async with running(store) as (app, channel):
        await enter(app, channel, "ja", "ja", "ja", "ja", "absenden", "/start park", "start", "2")
        for line in ways:
            await say(app, channel.msg("a", line))
        asked = dict.fromkeys(["a", "b", "health", "ok"], "(interrupted)")
        assert stored(store) == exported(store) == {**asked, "never": "(not_asked)"}
        for line in ("/start park", "1", "nein", "ja", "nein", "/stop"):
            await say(app, channel.msg("a", line))
    assert exported(store) == {
        "a": "no", "b": "(not_asked)", "never": "yes", "ok": "False", "health": "(not_asked)"
    }, "they passed by"  # fmt: skip


async def test_reasons_for_gaps_stay_right_after_coming_back(store: Store):
    publish(store, consultation(questions=[ask("a"), ask("b", ask_if=A_YES), ask("c")]))
    async with running(store) as (app, channel):
        await enter(app, channel, "ja", "/stop", "/start park", "1", "/change 1", "nein")
        assert exported(store) == {"a": "no", "b": "(not_asked)", "c": "(interrupted)"}
        assert "b" not in stored(store)
        for line in ("ja", "absenden", "/start park", "/change 1", "ja"):
            await say(app, channel.msg("a", line))
        expected = {"a": "yes", "b": "(interrupted)", "c": "yes"}
        assert stored(store) == exported(store) == expected, "submitted, and changed since"


async def test_a_recording_goes_with_its_answer(store: Store, tmp_path: Path):
    wish = ask("wish", "text", media=["voice"], ask_if=A_YES)
    publish(store, consultation(questions=[ask("a"), wish, ask("z")]))
    phone = Phone()
    phone.files["f"] = VOICE
    async with running(store, {"test": phone}, Settings(data=tmp_path)) as (app, _):
        await enter(app, phone, "ja")
        await say(app, phone.msg("a", media="voice", media_ref="f"))
        await until(lambda: states(store) == ["kept"])
        await say(app, phone.msg("a", "/change 1"), phone.msg("a", "nein"))
        await until(lambda: states(store) == [])
    assert files(tmp_path) == []


WEIGH = ask("weigh", "statements", ask_if=A_YES, block=1)


async def test_votes_go_with_their_block_and_can_be_given_anew(store: Store):
    other = ask("more", "statements", block=1)
    publish(store, consultation(questions=[ask("a"), WEIGH, ask("z"), other]))
    add(store, "Mehr Licht", "Mehr Bänke")
    async with running(store) as (app, channel):
        await enter(app, channel, "ja")
        await say(app, tap(channel, "a", "Stimme zu"), channel.msg("a", "überspringen"), channel.msg("a", "ja"))
        await say(app, tap(channel, "a", "Stimme nicht zu"))
        assert sorted(rows(store, "SELECT vote, question_key FROM rating_events")) == [(-1, "more"), (1, "weigh")]
        await say(app, channel.msg("a", "/change 1"), channel.msg("a", "nein"))
    assert rows(store, "SELECT vote, question_key FROM rating_events") == [(-1, "more")]
    assert rows(store, "SELECT vote FROM ratings") == [(-1,)]


async def test_votes_of_a_block_that_was_left_go_too(store: Store):
    publish(store, consultation(questions=[ask("a"), WEIGH, ask("z")]))
    add(store, "Mehr Licht", "Mehr Bänke")
    async with running(store) as (app, channel):
        await enter(app, channel, "ja")
        await say(app, tap(channel, "a", "Stimme zu"), channel.msg("a", "/change 1"), channel.msg("a", "nein"))
        assert "„Frage weigh?“" in channel.last("a").text
        assert rows(store, "SELECT vote FROM rating_events") == rows(store, "SELECT vote FROM ratings") == []


async def test_starting_over_offers_the_same_statements_again(store: Store):
    publish(store, consultation(questions=[ask("weigh", "statements", block=5), ask("z")]))
    add(store, "Mehr Licht")
    async with running(store) as (app, channel):
        await enter(app, channel)
        await say(app, tap(channel, "a", "Stimme zu"), channel.msg("a", "start"), channel.msg("a", "2"))
        assert "Mehr Licht" in channel.last("a").text
        await say(app, tap(channel, "a", "Stimme nicht zu"))
    assert rows(store, "SELECT vote FROM ratings") == [(-1,)]


IDEA = ask("idea", "proposal", ask_if=A_YES)


async def test_an_unread_proposal_is_withdrawn(store: Store):
    publish(store, consultation(questions=[ask("a"), IDEA, ask("z")]))
    async with running(store) as (app, channel):
        await enter(app, channel, "ja", "Mehr Bänke am Teich", "so abgeben", "/change 1", "nein")
        ((code,),) = rows(store, "SELECT code FROM proposals WHERE withdrawn_at IS NOT NULL")
        assert f"{code} bleibt" not in channel.last("a").text
    assert stored(store) == {"a": "no"}


@pytest.mark.parametrize("how", ["released", "rated", "hidden", "approved"])
async def test_moderated_proposal_stays_but_can_be_withdrawn(store: Store, how: str):
    publish(store, consultation(questions=[ask("a"), IDEA, ask("z")]))
    async with running(store) as (app, channel):
        await enter(app, channel, "ja", "Mehr Bänke am Teich", "so abgeben")
        ((number, code),) = rows(store, "SELECT id, code FROM proposals")
        with store.begin() as connection:
            connection.execute(text(_READ[how]), {"id": number, "at": _moment(store)})
        await say(app, channel.msg("a", "/change 1"), channel.msg("a", "nein"))
        assert rows(store, "SELECT code FROM proposals WHERE withdrawn_at IS NULL") == [(code,)]
        last = channel.last("a")
        assert last.text == f"Ihr Vorschlag {code} bleibt, denn er wurde schon gelesen. Sie können ihn zurückziehen."
        assert "Frage z?" in channel.texts("a")[-2]
        for line in ("ja", "absenden"):
            await say(app, channel.msg("a", line))
        assert rows(store, "SELECT code FROM proposals WHERE withdrawn_at IS NULL") == [(code,)]
        await say(app, channel.msg("a", choice=last.quick_replies[0].token))
        assert rows(store, "SELECT code FROM proposals WHERE withdrawn_at IS NULL") == []


_READ = {
    "released": "UPDATE proposals SET released_at = :at WHERE id = :id",
    "hidden": "UPDATE moderations SET state = 'hidden' WHERE proposal_id = :id AND :at IS NOT NULL",
    "rated": "INSERT INTO ratings (proposal_id, pseudonym, vote, important, rated_at) "
    "VALUES (:id, '00000000000000000000000000000001', 1, false, :at)",
    "approved": "INSERT INTO decisions (id, moderation_id, staff_id, kind, reason, at) "
    "VALUES (1, :id, 1, 'approve', NULL, :at)",
}


def _moment(store: Store) -> Any:
    now = datetime(2026, 11, 30, tzinfo=UTC)
    return now if store.dialect == "postgresql" else "2026-11-30T00:00:00.000000Z"


async def test_support_for_a_similar_proposal_goes_with_the_answer(store: Store):
    publish(store, consultation(questions=[ask("a"), IDEA, ask("z")]))
    add(store, "Mehr Licht im Park")
    async with running(store) as (app, channel):
        await enter(app, channel, "ja", "Licht in dem Park", "1")
        assert rows(store, "SELECT vote FROM ratings") == [(1,)]
        await say(app, channel.msg("a", "/change 1"), channel.msg("a", "nein"))
    assert rows(store, "SELECT vote FROM ratings") == rows(store, "SELECT id FROM rating_events") == []
    assert rows(store, "SELECT code FROM proposals WHERE withdrawn_at IS NOT NULL") == []


def spoil(store: Store) -> None:
    """As earlier programs left it: the consent is taken back, and what hung on it is still there."""
    with store.begin() as connection:
        for sql in (
            "UPDATE sessions SET state = replace(state, '\"ok\":true', '\"ok\":false')",
            "UPDATE answers SET value = 'false' WHERE question_key = 'ok'",
        ):
            connection.exec_driver_sql(sql)


async def test_what_earlier_programs_left_goes_when_the_person_writes(store: Store):
    publish(store, consultation(questions=[CONSENT, HEALTH, ask("last"), ask("z")]))
    async with running(store) as (app, channel):
        await enter(app, channel, "ja", "ja")
        spoil(store)
        await say(app, channel.msg("a", "hilfe"))
        assert channel.last("a").text.startswith("Damit ist diese Antwort gelöscht: „Frage health?“")
    assert stored(store) == {"ok": "false"}


@pytest.mark.parametrize("leaving", [(), ("/stop",), ("ja", "absenden")])
async def test_what_earlier_programs_left_goes_by_itself(store: Store, tmp_path: Path, leaving: tuple[str, ...]):
    publish(store, consultation(questions=[CONSENT, HEALTH, ask("last")]))
    erasure_log = ErasureLog(tmp_path, KEYS)
    async with running(store) as (app, channel):
        await enter(app, channel, "ja", "ja", *leaving)
        spoil(store)
        assert stored(store)["health"] == "yes"
        assert path_cleanup.clean_paths(store, erasure_log, KEYS) == (1, 1)
        expected = {"ok": "False", "health": "(not_asked)"}
        assert expected.items() <= exported(store).items()
        assert stored(store).get("health") == ("(not_asked)" if leaving else None)
        assert path_cleanup.clean_paths(store, erasure_log, KEYS) == (0, 0)
        await say(app, channel.msg("a", "/start park"))
        assert "health" not in channel.last("a").text


async def test_cleaning_goes_on_where_it_was_killed(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    publish(store, consultation(questions=[CONSENT, HEALTH, ask("last")]))
    monkeypatch.setattr(path_cleanup, "AT_ONCE", 2)
    async with running(store) as (app, channel):
        for who in "abcde":
            await enter(app, channel, "ja", "ja", who=who)
    spoil(store)
    with killed_after(2, monkeypatch), pytest.raises(KeyboardInterrupt):
        path_cleanup.clean_paths(store, ErasureLog(tmp_path, KEYS), KEYS)
    (left,) = rows(store, "SELECT count(*) FROM answers WHERE question_key = 'health'")
    assert left == (1,), "two portions are done"
    assert path_cleanup.clean_paths(store, ErasureLog(tmp_path, KEYS), KEYS) == (1, 1)
    assert rows(store, "SELECT * FROM answers WHERE question_key = 'health'") == []


@contextmanager
def killed_after(portions: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    real, done = path_cleanup._portion, []

    def portion(*given: Any) -> Any:
        found = real(*given)
        done.append(found)
        if len(done) > portions:
            raise KeyboardInterrupt
        return found

    with monkeypatch.context() as patch:
        patch.setattr(path_cleanup, "_portion", portion)
        yield


def test_ten_thousand_sessions_are_cleaned_in_seconds(store: Store, tmp_path: Path):
    publish(store, consultation(questions=[CONSENT, HEALTH, ask("last")]))
    now, new = datetime(2026, 11, 1, tzinfo=UTC), Ids()
    state = '{"flow":"x","language":"de","receipt":"R","at":"last","answers":{"ok":false,"health":"yes"}}'
    with store.begin() as connection:
        found = find_live_revision(connection, "park")
        assert found
        where = (found.consultation_id, found.id)
        people = [
            StoredSession(
                new(), *where, f"{n:032x}", None, state, "interrupted", "c", "de", "self", f"R{n}", None, now, now, now
            )
            for n in range(10_000)
        ]
        insert_sessions(connection, people)
        given = [
            NewAnswer(one.id, key, *where, value, None, False, now, "c", "de", "self")
            for one in people
            for key, value in (("ok", "false"), ("health", '"yes"'))
        ]
        upsert_answers(connection, given)
    assert path_cleanup.clean_paths(store, ErasureLog(tmp_path, KEYS), KEYS) == (10_000, 10_000)
    assert rows(store, "SELECT count(*) FROM answers WHERE value = '\"yes\"'") == [(0,)]
    assert rows(store, "SELECT count(*) FROM v_answers_long WHERE missing = 'not_asked'") == [(10_000,)]
