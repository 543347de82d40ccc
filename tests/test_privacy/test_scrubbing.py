"""The words of people who were deleted are in no file: every byte is looked through, on both databases."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from bot.cli.maintenance import scrub
from bot.privacy import scrubbing
from bot.settings import Settings
from storage import rewriting
from storage.core.store import Store
from storage.rewriting import MOST_SECONDS, Bounds
from storage.tables.erasures import mark_erased_tables, pending_rewrites
from tests.support.app import Recorder, rows, running, say
from tests.support.databases import Database, execute, only_postgresql, only_sqlite
from tests.support.rows import new_id
from tests.support.timeouts import PATIENCE
from tests.test_privacy.test_erasing import Town

PEOPLE = 12
BESIDE = 30
"""The number of contacts that stay: their rows share pages and samples with erased ones."""
PATIENT = Bounds(seconds=PATIENCE)


@pytest.fixture
def town(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    if database.dialect == "postgresql" and database.folder is None:
        pytest.skip("PostgreSQL: its data folder is not here")
    return Town(database, tmp_path / "data")


@pytest.fixture
def tidy_log(database: Database) -> Iterator[None]:
    """The server as docs/operate/operation.md asks for it."""
    execute(database.url, "ALTER SYSTEM SET wal_recycle = off", "ALTER SYSTEM SET log_error_verbosity = terse")
    execute(database.url, "SELECT pg_reload_conf()")
    yield
    execute(database.url, "ALTER SYSTEM RESET wal_recycle", "ALTER SYSTEM RESET log_error_verbosity")
    execute(database.url, "SELECT pg_reload_conf()")


def places(words: list[str], *folders: Path) -> dict[str, int]:
    """In which files how many of these words stand, in either of the forms in which text is kept."""
    forms = [(word.encode(), word.encode("utf-16-le")) for word in words]
    found = {}
    for folder in folders:
        for file in folder.rglob("*"):
            try:
                content = file.read_bytes() if file.is_file() else b""
            except FileNotFoundError:  # the server has just removed it
                continue
            if count := sum(any(form in content for form in both) for both in forms):
                found[str(file.relative_to(folder))] = count
    return found


def folders(town: Town) -> list[Path]:
    """All files of the installation: data folder, database, temporary files."""
    data = town.database.folder
    return [town.settings.data.parent, *([data] if data else [])]


async def talk_and_go(town: Town) -> list[str]:
    """People who say something, change it, propose; the words of those who then have everything deleted."""
    town.publish()
    store = Store(town.database.url)
    words = [f"ZQ{secrets.token_hex(8)}" for _ in range(PEOPLE)]
    async with running(store, settings=town.settings) as (app, channel):
        for number in range(BESIDE):
            await say_all(app, channel, f"stays{number}", f"bleibt {number} " + "x" * 50)
        for word in words:
            await say_all(app, channel, word[:6], word)
        if store.dialect == "postgresql":
            execute(town.database.url, "ANALYZE", "CHECKPOINT")
        assert places(words, *folders(town)), "the search sees them while they are there"
        for word in words:
            await say(app, channel.msg(word[:6], "alles löschen", external_id=str(new_id())))
            assert "gelöscht" in channel.last(word[:6]).text
        if store.dialect == "postgresql":
            await asyncio.to_thread(execute, town.database.url, "ANALYZE", "VACUUM", "CHECKPOINT")
    return words


async def say_all(app, channel: Recorder, who: str, word: str) -> None:
    for line in ("/start park", "Deutsch", "ja", word, "zurück", f"{word} neu"):
        await say(app, channel.msg(who, line, external_id=str(new_id())))


@only_sqlite
async def test_no_byte_is_left_on_sqlite(town: Town):
    copy = town.database.file.with_name("0.before-20261125_remains.db")
    copy.write_bytes(b"from before the last migration")
    words = await talk_and_go(town)
    assert places(words, *folders(town)) == {}
    assert not copy.exists()


@only_postgresql
async def test_no_byte_is_left_on_postgresql_after_the_job(town: Town, tidy_log: None):
    words = await talk_and_go(town)
    assert places(words, *folders(town)), "VACUUM is not enough"
    store = Store(town.database.url)
    samples = str(rows(store, "SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats"))
    assert not [word for word in words if word in samples]
    done = scrubbing.rewrite(store, PATIENT)
    assert (done.left(), done.forbidden) == ([], [])
    assert places(words, *folders(town)) == {}
    assert scrubbing.rewrite(store, PATIENT) == scrubbing.Scrubbed(), "nothing is left to do"
    store.dispose()


@pytest.fixture
def marked(store: Store) -> Store:
    """A database in which something was erased."""
    store.run(lambda connection: mark_erased_tables(connection, ["answers"]))
    return store


def outcome(store: Store, bounds: Bounds | None) -> str:
    return dict(scrubbing.rewrite(store, bounds).outcomes)["answers"]


def waiting(store: Store) -> list[str]:
    with store.reading() as connection:
        return [one.table for one in pending_rewrites(connection) if one.table == "answers"]


@only_postgresql
@pytest.mark.parametrize(
    ("bounds", "expected"),
    [(Bounds(megabytes=0), "large"), (Bounds(seconds=0.001), "slow"), (PATIENT, "done"), (None, "done")],
)
def test_a_table_is_written_anew_within_bounds_or_not_at_all(marked: Store, bounds: Bounds | None, expected: str):
    if expected == "slow":
        fill(marked)
    assert outcome(marked, bounds) == expected
    assert waiting(marked) == ([] if expected == "done" else ["answers"])


def fill(store: Store) -> None:
    with store.begin() as connection:
        connection.execute(
            text(
                "ALTER TABLE answers DISABLE TRIGGER ALL; "
                "INSERT INTO answers (session_id, question_key, consultation_id, revision_id, value, free_text, "
                "answered_at, channel, language, mode) SELECT n, 'wish', 1, 1, '\"Schatten\"', false, now(), 'web', "
                "'de', 'self' FROM generate_series(1, 20000) AS n"
            )
        )


@only_postgresql
def test_who_waits_for_a_table_waits_three_seconds_at_most(marked: Store, database: Database):
    """A person holds it for long: the job gives up, and those behind it go on."""
    with psycopg.connect(database.url) as holder, psycopg.connect(database.url, autocommit=True) as resident:
        holder.execute("SELECT count(*) FROM answers")
        with ThreadPoolExecutor(1) as pool:
            job = pool.submit(outcome, marked, PATIENT)
            longest = 0.0
            while not job.done():
                began = time.monotonic()
                resident.execute("SELECT count(*) FROM answers")
                longest = max(longest, time.monotonic() - began)
            assert job.result() == "busy"
    assert longest > 1, "there was somebody to wait for"
    assert rewriting.LOCK_SECONDS < MOST_SECONDS <= 3, "after which the job gives the table up"
    assert waiting(marked) == ["answers"]


@only_postgresql
def test_rows_visible_to_open_transactions_count_as_present(store: Store, database: Database):
    fill(store)
    with psycopg.connect(database.url) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT 1 FROM installation")
        with store.begin() as connection:
            connection.execute(text("DELETE FROM answers"))
            mark_erased_tables(connection, ["answers"])
        assert outcome(store, PATIENT) == "seen"
        assert waiting(store) == ["answers"]
    assert outcome(store, PATIENT) == "done"
    assert waiting(store) == []


@only_postgresql
def test_what_the_role_may_not_do_is_told(marked: Store, database: Database, tmp_path: Path):
    role = f"poor_{secrets.token_hex(4)}"
    execute(
        database.url,
        f"CREATE ROLE {role} LOGIN",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
    )
    url = marked.writer.url.set(username=role, drivername="postgresql").render_as_string(hide_password=False)
    poor = Store(url)
    done = scrubbing.rewrite(poor, PATIENT)
    assert {outcome for _, outcome in done.outcomes} == {"forbidden"}
    assert done.forbidden == ["pg_switch_wal()", "CHECKPOINT"]
    assert waiting(poor) == ["answers"]
    poor.dispose()
    told = told_by_doctor(tmp_path, url)
    assert f"the role cannot remove erased data from PostgreSQL's files: GRANT pg_checkpoint TO {role}" in told
    lacking = "the role cannot remove erased data from PostgreSQL's files"
    assert f"{lacking}: GRANT EXECUTE ON FUNCTION pg_switch_wal() TO {role}" in told
    assert any("OWNER TO" in words for words in told)
    execute(database.url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def told_by_doctor(data: Path, url: str) -> list[str]:
    """The faults."""
    found = scrub.scrub_findings(Settings(data=data, database_url=SecretStr(url)))
    return [finding.words for finding in found if not finding.is_well]


@only_postgresql
def test_doctor_names_what_keeps_words_longer(database: Database, tmp_path: Path):
    execute(database.url, "ALTER TABLE proposals ALTER COLUMN text SET STATISTICS 10")
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO consultations (id, slug, sample, state, created_at) VALUES (1, 'a', false, 'open', now())"
        )
        connection.execute(
            "INSERT INTO proposals (id, consultation_id, code, text, language, created_at) "
            "SELECT n, 1, 'P-' || n, 'Bank', 'de', now() FROM generate_series(1, 300) AS n"
        )
        connection.execute("ANALYZE proposals")
    told = "\n".join(told_by_doctor(tmp_path, database.url))
    assert "set wal_recycle = off" in told
    assert "PostgreSQL keeps samples of proposals.text" in told
    assert "log_parameter_max_length_on_error" not in told, "it is 0 unless somebody sets it"


@only_postgresql
def test_a_server_set_up_as_documented_is_well(store: Store, database: Database, tmp_path: Path, tidy_log: None):
    assert told_by_doctor(tmp_path, database.url) == []


@only_postgresql
async def test_it_is_done_at_night_while_people_are_served(town: Town, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scrubbing, "NIGHT", range(24))
    monkeypatch.setattr(scrubbing, "EVERY", timedelta(seconds=0.1))
    store = Store(town.database.url)
    town.publish()
    store.run(mark_erased_tables)
    async with running(store, settings=town.settings) as (app, channel):
        async with asyncio.timeout(PATIENCE):
            while waiting(store):
                await say(app, channel.msg("anna", "/start park", external_id=str(new_id())))


def test_on_demand_all_is_freed(town: Town, tmp_path: Path):
    town.start()
    said: list[str] = []
    assert scrub.scrub_now(town.settings, said.append)
    words = "The files contain no erased data" if town.database.dialect == "sqlite" else "Rewritten: "
    assert said[-1].startswith(words)
    if town.database.dialect == "postgresql":
        store = Store(town.database.url)
        with store.reading() as connection:
            assert pending_rewrites(connection) == []
        store.dispose()
