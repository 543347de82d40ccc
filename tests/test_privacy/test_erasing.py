"""What was erased stays erased: also when an older database is brought back, on both databases, and after kills."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from bot.app import App, open_store
from bot.cli.maintenance import doctor
from bot.common import erasure_log
from bot.common.erasure_log import FOLDER, ErasedRecord, ErasureLog
from bot.common.errors import ErasureLogError
from bot.common.keys import FILE, Keys
from bot.common.remedies import remedy
from bot.conversations import inbox
from bot.settings import Settings
from storage.core.store import Store
from storage.models import metadata
from storage.tables import ratings
from storage.tables.proposals import list_released_proposals
from storage.tables.ratings import NewRatingEvent, count_ratings, ratings_of_people, store_votes
from tests.support.app import KEYS, Recorder, rows, running, say
from tests.support.databases import Database, execute
from tests.support.ideas import open_consultation, rate, released
from tests.support.rows import new_id
from tests.support.timeouts import PATIENCE

CANARY = "Kanarienvogelbrunnen"
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


class OldCopy:
    """A database as it was at one moment, and the means to bring it back. Nothing may be connected to it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        if database.dialect == "sqlite":
            self._file = database.file.with_suffix(".old")
            with closing(sqlite3.connect(database.file)) as now, closing(sqlite3.connect(self._file)) as copy:
                now.backup(copy)
        else:
            self._server, _, self._name = database.url.partition("?")[0].rpartition("/")
            self._server += "/template1" + database.url.partition(self._name)[2]
            execute(self._server, f"CREATE DATABASE {self._name}_old TEMPLATE {self._name}")

    def bring_back(self) -> None:
        if self._database.dialect == "sqlite":
            for end in ("-wal", "-shm"):
                Path(f"{self._database.file}{end}").unlink(missing_ok=True)
            shutil.copy(self._file, self._database.file)
        else:
            execute(
                self._server,
                f"DROP DATABASE {self._name} WITH (FORCE)",
                f"ALTER DATABASE {self._name}_old RENAME TO {self._name}",
            )


class Town:
    """An app that is opened again for each talk, with its data folder."""

    def __init__(self, database: Database, data: Path) -> None:
        self.database = database
        self.settings = Settings(data=data, publish_samples=False, port=0, database_url=SecretStr(database.url))
        data.mkdir(exist_ok=True)
        (data / FILE).write_text(f"{bytes(32).hex()}\n", encoding="ascii")
        (data / FILE).chmod(0o600)
        self.said: list[str] = []

    async def talk(self, who: str, *lines: str) -> str:
        """Gives the last thing that was answered."""
        async with running(Store(self.database.url), settings=self.settings) as (app, channel):
            for line in lines:
                await say(app, channel.msg(who, line, external_id=str(new_id())))
            return channel.last(who).text

    async def link(self, one: str, other: str) -> None:
        async with running(Store(self.database.url), settings=self.settings) as (app, channel):
            await say(app, channel.msg(one, "verbinden", external_id=str(new_id())))
            told = "".join(channel.texts(one)[-2:]).partition("Code")[2]
            code = "".join(filter(str.isdigit, told.partition("15 Minuten")[0]))[:12]
            await say(app, channel.msg(other, f"verbinden {code}", external_id=str(new_id())))
            await tap(app, channel, other, ".join")

    def start(self) -> list[str]:
        """What a start says and leaves."""
        before = len(self.said)
        open_store(self.settings, self.said.append)[0].dispose()
        return self.said[before:]

    def everything(self) -> str:
        """All rows of all tables, to search in."""
        store = Store(self.database.url)
        with store.reading() as connection:
            found = [str(row) for table in metadata.sorted_tables for row in connection.execute(table.select())]
        store.dispose()
        return "\n".join(found)

    def count(self, table: str) -> int:
        store = Store(self.database.url)
        ((found,),) = rows(store, f"SELECT count(*) FROM {table}")
        store.dispose()
        return int(found)

    def publish(self) -> int:
        store = Store(self.database.url)
        number = open_consultation(store)
        store.dispose()
        return number

    def faults(self) -> list[str]:
        """What `doctor` finds, except of the machine and the server on which the tests run."""
        found = [words for is_well, words in doctor.all_findings(self.settings) if not is_well]
        return [words for words in found if "MB" not in words and "longer than needed" not in words]


async def tap(app: App, channel: Recorder, who: str, token: str) -> None:
    """On the button whose token holds this."""
    found = next(it.token for it in channel.last(who).quick_replies if token in it.token)
    await say(app, channel.msg(who, choice=found, external_id=str(new_id())))


@pytest.fixture
def town(database: Database, tmp_path: Path) -> Town:
    return Town(database, tmp_path / "data")


async def test_who_was_erased_is_not_brought_back_and_the_others_are(town: Town):
    town.publish()
    await town.talk("anna", "/start park", "Deutsch", "ja", CANARY)
    await town.talk("bert", "/start park", "Deutsch", "nein", "Schatten")
    old = OldCopy(town.database)
    assert "gelöscht" in await town.talk("anna", "alles löschen")
    assert town.start() == [], "nothing is back"
    old.bring_back()
    assert CANARY in town.everything()
    assert town.faults() == ["erased records have returned (people: 1): erase them again with `python3 -m bot restore`"]
    assert town.start() == ["Repeated erasures of restored records (people: 1)."]
    assert CANARY not in town.everything()
    assert "Schatten" in town.everything()
    assert town.count("contacts") == town.count("sessions") == 1
    assert town.start() == town.faults() == []


async def test_who_comes_back_after_the_erasure_stays(town: Town):
    town.publish()
    await town.talk("anna", "/start park", "Deutsch", "ja", CANARY)
    await town.talk("anna", "alles löschen")
    await town.talk("anna", "/start park", "Deutsch", "ja", "Schatten")
    assert town.start() == []
    assert "Schatten" in town.everything()


async def test_linked_chats_that_were_two_in_the_backup_go_both(town: Town):
    town.publish()
    await town.talk("anna", "/start park", "Deutsch", "ja", CANARY)
    await town.talk("phone", "/start park", "Deutsch")
    old = OldCopy(town.database)
    await town.link("anna", "phone")
    assert town.count("contacts") == 1
    await town.talk("phone", "unlink")  # its chat is a new contact now, and the answers there stay with the other
    await town.talk("anna", "alles löschen")
    assert town.start() == []
    old.bring_back()
    assert town.start() == ["Repeated erasures of restored records (people: 2)."]
    assert town.count("contacts") == town.count("sessions") == 0


async def test_contributions_and_votes_that_were_deleted_stay_so(town: Town):
    number = town.publish()
    await town.talk("anna", "Deutsch")
    store = Store(town.database.url)
    ((contact,),) = rows(store, "SELECT id FROM contacts")
    name = KEYS.pseudonym(contact, number)
    with store.begin() as connection:
        deleted = released(connection, number, 1, pseudonym=name, text=CANARY)
        withdrawn = released(connection, number, 2, pseudonym=name)
        kept = released(connection, number, 3, pseudonym=name)
        others = [released(connection, number, it) for it in (4, 5)]
        for idea in others:
            rate(connection, idea.id, {7: 1})
            store_votes(connection, [NewRatingEvent(new_id(), idea.id, name, -1, False, NOW)])
    store.dispose()
    old = OldCopy(town.database)
    store = Store(town.database.url)
    with store.begin() as connection:  # changed after the copy was made, then deleted, then given again
        later = NewRatingEvent(new_id(), others[0].id, name, 0, False, NOW + timedelta(minutes=1))
        store_votes(connection, [later])
    store.dispose()
    await town.talk(
        "anna",
        f"vorschlag löschen {deleted.code}",
        f"vorschlag zurückziehen {withdrawn.code}",
        f"bewertung löschen {others[0].code}",
    )
    store = Store(town.database.url)
    with store.begin() as connection:
        assert {row.proposal_id for row in ratings_of_people(connection, [name])} == {others[1].id}
        store_votes(connection, [later._replace(id=new_id(), vote=1)])
    store.dispose()
    assert town.start() == [], "a vote that was given anew is another one"
    old.bring_back()
    assert town.start() == ["Repeated erasures of restored records (ideas: 1, withdrawn: 1, votes: 1)."]
    store = Store(town.database.url)
    with store.reading() as connection:
        assert [row.code for row in list_released_proposals(connection, number)] == [
            kept.code,
            *(it.code for it in others),
        ]
        assert CANARY not in town.everything()
        assert [row.proposal_id for row in ratings_of_people(connection, [name])] == [others[1].id]
        assert len(ratings.votes_by(connection, [name])) == 1
        assert count_ratings(connection, [others[0].id])[others[0].id].agree == 1
    store.dispose()
    assert town.start() == []


async def test_votes_that_were_all_deleted_at_once_stay_so(town: Town):
    number = town.publish()
    await town.talk("anna", "Deutsch")
    store = Store(town.database.url)
    ((contact,),) = rows(store, "SELECT id FROM contacts")
    with store.begin() as connection:
        idea = released(connection, number, 4)
        store_votes(connection, [NewRatingEvent(new_id(), idea.id, KEYS.pseudonym(contact, number), 1, True, NOW)])
    store.dispose()
    old = OldCopy(town.database)
    async with running(Store(town.database.url), settings=town.settings) as (app, channel):
        await say(app, channel.msg("anna", "meine bewertungen", external_id="mine"))
        await tap(app, channel, "anna", ".ask.votes")
        await tap(app, channel, "anna", ".votes")
    assert town.count("ratings") == 0
    old.bring_back()
    assert town.start() == ["Repeated erasures of restored records (votes: 1)."]
    assert town.count("ratings") == town.count("rating_events") == 0


async def test_nobody_is_written_to_who_took_their_wish_back(town: Town):
    town.publish()
    await town.talk("anna", "Deutsch", "neuigkeiten alle", "neuigkeiten mitte")
    await town.talk("bert", "Deutsch", "neuigkeiten alle")
    store = Store(town.database.url)
    with store.begin() as connection:  # as if it had been said on the day before
        connection.execute(text("UPDATE opt_ins SET given_at = :day"), {"day": text_of(store, NOW - timedelta(days=9))})
    store.dispose()
    old = OldCopy(town.database)
    await town.talk("anna", "stopp")
    await town.talk("bert", "neuigkeiten keine", "neuigkeiten alle")
    assert town.start() == [], "a wish that was given anew counts"
    assert town.count("opt_ins") == 1
    old.bring_back()
    assert town.start() == ["Repeated erasures of restored records (wishes: 3)."]


def text_of(store: Store, moment: datetime) -> object:
    return moment if store.dialect == "postgresql" else f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"


# --- before anyone is told -------------------------------------------------------------------------------------------

DYING = """
import asyncio, os, signal, sys
from pathlib import Path
from pydantic import SecretStr
from bot.common.erasure_log import ErasureLog
from bot.settings import Settings
from tests.support.killed_intake import main
real, when = ErasureLog.note, sys.argv[3]
def note(self, gone):
    if gone and when == "before": os.kill(os.getpid(), signal.SIGKILL)
    real(self, gone)
    if gone: os.kill(os.getpid(), signal.SIGKILL)
ErasureLog.note = note
asyncio.run(main(sys.argv[1], Settings(data=Path(sys.argv[2]))))
"""


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_house_killed_while_it_erases_loses_nothing_of_it(town: Town, when: str):
    town.publish()
    await town.talk("anna", "/start park", "Deutsch", "ja", CANARY)
    old = OldCopy(town.database)
    message = json.dumps({"id": "last", "address": "anna", "text": "alles löschen"})
    words = [sys.executable, "-c", DYING, town.database.url, str(town.settings.data), when]
    died = await asyncio.to_thread(
        subprocess.run, words, input=f"{message}\n", text=True, capture_output=True, cwd=Path(__file__).parents[2]
    )
    assert (died.returncode, died.stdout) == (-9, "ready\n"), "killed before anybody was told"
    assert CANARY in town.everything(), "not committed"
    assert town.start() == (["Repeated erasures of restored records (people: 1)."] if when == "after" else [])
    assert "gelöscht" in await town.talk("anna", "alles löschen"), "the channel hands it over once more"
    assert CANARY not in town.everything()
    old.bring_back()
    assert town.start() == ["Repeated erasures of restored records (people: 1)."]


async def test_nothing_is_erased_while_the_log_is_unwritable(town: Town, monkeypatch):
    monkeypatch.setattr(inbox, "PATIENCE_SECONDS", 0.3)
    town.publish()
    await town.talk("anna", "/start park", "Deutsch", "ja", CANARY)
    (town.settings.data / FOLDER).write_text("in the way", encoding="utf-8")  # as good as a full disk
    async with running(Store(town.database.url), settings=town.settings) as (app, channel):
        asked = asyncio.create_task(app.conversations.receive([channel.msg("anna", "alles löschen")]))
        async with asyncio.timeout(PATIENCE):
            while not channel.sent:
                await asyncio.sleep(0.01)
        assert "gelöscht" not in channel.last("anna").text
        trouble = app.error  # in case another write is still possible
        assert isinstance(trouble, ErasureLogError)
        assert remedy(trouble) == "free some space, and check that this user may write to that folder"
        assert CANARY in town.everything()
        (town.settings.data / FOLDER).unlink()
        await asked
        await app.outbox.drained()
        assert "gelöscht" in channel.last("anna").text
        assert app.error is None
    assert CANARY not in town.everything()


# --- the ledger itself ------------------------------------------------------------------------------------------------


def test_a_ledger_names_nobody_and_only_its_owner_can_read_it(tmp_path: Path):
    book = ErasureLog(tmp_path, KEYS)
    book.note([ErasedRecord("person", "4711"), ErasedRecord("idea", "P-7K2M-PX0Q")])
    (path,) = erasure_log.erasure_log_files(book.folder)
    content = path.read_text(encoding="ascii")
    assert [word for word in ("4711", "7K2M", "person", "idea") if word in content] == []
    assert path.stat().st_mode & 0o077 == book.folder.stat().st_mode & 0o077 == 0
    assert book.read() == ([ErasedRecord("person", "4711"), ErasedRecord("idea", "P-7K2M-PX0Q")], 0)
    assert ErasureLog(tmp_path, Keys(bytes([1] * 32))).read() == ([], 2)


def test_a_line_cut_off_by_a_crash_harms_no_other(tmp_path: Path):
    book = ErasureLog(tmp_path, KEYS)
    book.note([ErasedRecord("person", "1"), ErasedRecord("person", "2")])
    (path,) = erasure_log.erasure_log_files(book.folder)
    os.truncate(path, path.stat().st_size - 9)
    book.note([ErasedRecord("person", "3")])
    assert book.read() == ([ErasedRecord("person", "1"), ErasedRecord("person", "3")], 0)


def test_ledgers_are_united_and_nothing_is_written_over(tmp_path: Path):
    here, there = ErasureLog(tmp_path / "here", KEYS), ErasureLog(tmp_path / "there", KEYS)
    here.note([ErasedRecord("person", "1")])
    shutil.copytree(here.folder, there.folder)
    here.note([ErasedRecord("person", "2")])
    there.note([ErasedRecord("person", "3")])
    for _ in range(2):
        erasure_log.merge_erasure_logs(there.folder, here.folder)
        erasure_log.merge_erasure_logs(here.folder, there.folder)
    assert [one.name for one in here.read().records] == ["1", "2", "3"]
    assert [one.name for one in there.read().records] == ["1", "3", "2"]


def test_a_month_is_forgotten_when_its_last_day_is_over(tmp_path: Path):
    book = ErasureLog(tmp_path, KEYS)
    for month in ("2026-08", "2026-11", "2026-12", "notes"):
        (tmp_path / FOLDER).mkdir(exist_ok=True)
        (tmp_path / FOLDER / month).touch()
    book.forget_before(datetime(2026, 11, 30, tzinfo=UTC).date())
    assert [it.name for it in erasure_log.erasure_log_files(book.folder)] == ["2026-11", "2026-12"]
    book.forget_before(datetime(2027, 1, 1, tzinfo=UTC).date())
    assert erasure_log.erasure_log_files(book.folder) == []
    assert (tmp_path / FOLDER / "notes").exists()
