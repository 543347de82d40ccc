"""One person with several addresses: linking two chats, choosing which answers count, separating them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from bot.app import App
from bot.common.i18n import phrase_catalogues
from bot.exchange.exports import package
from bot.exchange.exports.package import ExportRequest
from bot.privacy.retention import delete_expired
from flows.commands.words import Command, CommandMatcher, ParsedCommand
from flows.understanding.text import fold
from storage.core.store import Store
from storage.models import metadata
from storage.tables import account_links
from storage.tables.account_links import claim_link_code
from tests.support.app import Recorder, consultation, publish, rows, running, say

CANARY = "Kanarienvogelbrunnen"


@pytest.fixture
def store(store):
    """Each test runs on SQLite and on PostgreSQL."""
    publish(store, consultation(), consultation("hunde"))
    return store


class Town:
    """An app with two channels, and the people before them: "a" writes in the one, "b" in the other."""

    def __init__(self, app: App, one: Recorder, other: Recorder) -> None:
        self.app = app
        self.channels = {"a": one, "b": other, "c": other}

    async def tell(self, who: str, *lines: str) -> str:
        """Says lines one after another; gives what the last one was answered with."""
        channel = self.channels[who]
        before = 0
        for line in lines:
            before = len(channel.texts(who))
            await say(self.app, channel.msg(who, line))
        return "\n".join(channel.texts(who)[before:])

    async def tap(self, who: str, label: str) -> str:
        channel = self.channels[who]
        token = next(reply.token for reply in channel.last(who).quick_replies if reply.label == label)
        await say(self.app, channel.msg(who, choice=token))
        return channel.last(who).text

    async def code(self, who: str = "a") -> str:
        found = re.search(r"\d{4} \d{4} \d{4}", await self.tell(who, "verbinden"))
        assert found
        return found[0]

    async def link(self, button: str = "Chats verbinden") -> str:
        await self.tell("b", f"verbinden {await self.code()}")
        return await self.tap("b", button)


@asynccontextmanager
async def town(store: Store) -> AsyncIterator[Town]:
    one, other = Recorder("test"), Recorder("chat")
    async with running(store, {"test": one, "chat": other}) as (app, _):
        place = Town(app, one, other)
        for who in "ab":
            await place.tell(who, "Deutsch")
        yield place


async def test_two_chats_become_one_person_who_goes_on_in_either(store):
    async with town(store) as people:
        await people.tell("a", "/start park", "ja")
        asked = await people.tell("b", f"verbinden {await people.code()}")
        assert "Soll dieser Chat mit dem anderen verbunden werden?" in asked
        assert len(rows(store, "SELECT id FROM contacts")) == 2, "nothing is joined before it is confirmed"
        assert "Die Chats sind verbunden" in await people.tap("b", "Chats verbinden")
        assert len(rows(store, "SELECT id FROM contacts")) == 1
        assert len(rows(store, "SELECT DISTINCT contact_id FROM addresses")) == 1
        before = len(people.channels["a"].sent)
        assert "Mehr Bänke" in await people.tell("b", "Mehr Bänke"), "the summary, in the chat one writes from"
        assert "Quittung" in await people.tell("b", "absenden")
        assert len(people.channels["a"].sent) == before, "replies go to the door one writes from"
        data = await people.tell("a", "meinedaten")
        assert "Mehr Bänke" in data
        assert "test" in data
        assert "chat" in data
    assert rows(store, "SELECT status, channel FROM sessions") == [("completed", "chat")]
    assert rows(store, "SELECT * FROM link_codes") == []


async def test_what_only_the_other_chat_answered_comes_along(store):
    async with town(store) as people:
        await people.tell("b", "/start park", "ja", "Mehr Bänke", "absenden")
        await people.link()
        assert "Mehr Bänke" in await people.tell("a", "meinedaten")
        assert "Deine Antworten" in (again := await people.tell("a", "/start park")) or "Ihre Antworten" in again
    assert len(rows(store, "SELECT id FROM sessions")) == 1


@pytest.mark.parametrize(("button", "counts", "aside"), [
    ("Die von hier zählen", "aus dem Chat", CANARY),
    ("Die aus dem anderen Chat zählen", CANARY, "aus dem Chat"),
])  # fmt: skip
async def test_one_voice_per_person_and_the_person_says_which(store, tmp_path, button, counts, aside):
    async with town(store) as people:
        await people.tell("a", "/start park", "ja", CANARY, "absenden")
        await people.tell("b", "/start park", "nein", "aus dem Chat", "absenden")
        asked = await people.tell("b", f"verbinden {await people.code()}")
        assert CANARY in asked
        assert "aus dem Chat" in asked
        assert "Welche Antworten sollen zählen?" in asked
        assert len(rows(store, "SELECT id FROM sessions")) == 2, "nothing is merged silently"
        await people.tap("b", button)
        data = await people.tell("a", "meinedaten")
        counted, _, other = data.partition("Das zählt nicht")
        assert counts in counted
        assert aside in other
    assert len(rows(store, "SELECT id FROM sessions")) == 1
    values = [value for (value,) in rows(store, "SELECT value FROM answers WHERE question_key = 'wish'")]
    assert values == [f'"{counts}"']
    assert rows(store, "SELECT count(*) FROM v_responses") == [(1,)]
    [(sealed,)] = rows(store, "SELECT sealed FROM set_aside")
    assert aside.encode() not in bytes(sealed)
    package.write_export(
        store, ExportRequest("park", tmp_path / "raw", "raw", ZoneInfo("Europe/Berlin")), datetime.now(UTC)
    )
    assert aside not in (tmp_path / "raw" / "answers_long.csv").read_text(encoding="utf-8")


async def test_whoever_does_not_choose_is_asked_again_and_may_leave_it(store):
    async with town(store) as people:
        for who in "ab":
            await people.tell(who, "/start park", "ja", "absenden")
            await people.tell(who, "überspringen", "absenden")
        asked = await people.tell("b", f"verbinden {await people.code()}")
        await say(people.app, people.channels["b"].msg("b", choice="lobby..link.join"))
        assert people.channels["b"].last("b").text == asked
        chat = people.channels["b"]
        here = next(it.token for it in chat.last("b").quick_replies if it.label == "Die von hier zählen")
        assert "Die Chats bleiben getrennt" in await people.tap("b", "Nicht verbinden")
        await say(people.app, chat.msg("b", choice=here))
        assert "gilt nicht" in chat.last("b").text, "an old button joins nothing"
    assert len(rows(store, "SELECT id FROM contacts")) == 2
    assert len(rows(store, "SELECT id FROM sessions")) == 2


async def test_an_empty_session_is_no_voice(store):
    async with town(store) as people:
        await people.tell("a", "/start park", "ja")
        await people.tell("b", "/start park")
        await people.link()
        assert "Was fehlt?" in await people.tell("b", "wiederholen"), "one goes on where something was answered"
    assert rows(store, "SELECT count(*) FROM sessions") == [(1,)]
    assert rows(store, "SELECT count(*) FROM set_aside") == [(0,)]


async def test_of_two_that_wait_the_one_of_the_other_chat_pauses(store):
    async with town(store) as people:
        await people.tell("a", "/start park", "ja")
        await people.tell("b", "/start hunde", "nein")
        await people.link()
        assert "Was fehlt?" in await people.tell("b", "wiederholen")
        assert sorted(rows(store, "SELECT status FROM sessions")) == [("interrupted",), ("waiting",)]
        missing = rows(store, "SELECT question_key, missing FROM answers WHERE missing IS NOT NULL")
        assert missing == [("wish", "interrupted")]
        await people.tell("b", "/start hunde")
        assert rows(store, "SELECT count(waiting_key) FROM sessions") == [(1,)]


class TestCodes:
    async def test_a_code_is_good_once_and_only_for_another_chat(self, store):
        async with town(store) as people:
            code = await people.code()
            assert "gilt nicht" in await people.tell("a", f"verbinden {code}")
            await people.tell("b", f"verbinden {code}")
            assert "gilt nicht" in await people.tell("c", "Deutsch", f"verbinden {code}")
            await people.tap("b", "Chats verbinden")
            assert "gilt nicht" in await people.tell("c", f"verbinden {code}")

    async def test_arabic_digits_and_blanks_do_not_matter(self, store):
        async with town(store) as people:
            code = (await people.code()).replace(" ", "").translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
            assert "Soll dieser Chat" in await people.tell("b", f"verbinden {code}")

    async def test_a_new_code_ends_the_one_before(self, store):
        async with town(store) as people:
            first, _ = await people.code(), await people.code()
            assert "gilt nicht" in await people.tell("b", f"verbinden {first}")

    async def test_a_code_lives_for_minutes_only(self, store):
        async with town(store) as people:
            code = await people.code()
            with store.reading() as connection:
                expires = connection.scalar(select(account_links.LinkCodeRow.expires_at))
            assert timedelta(minutes=14) < expires - datetime.now(UTC) <= timedelta(minutes=15)
            with store.begin() as connection:
                past = {account_links.LinkCodeRow.expires_at: datetime.now(UTC) - timedelta(seconds=1)}
                connection.execute(metadata.tables["link_codes"].update().values(past))
            assert "gilt nicht" in await people.tell("b", f"verbinden {code}")
            with store.begin() as connection:
                delete_expired(connection, datetime.now(UTC))
            assert rows(store, "SELECT * FROM link_codes") == []

    async def test_the_code_itself_is_nowhere(self, store):
        async with town(store) as people:
            code = (await people.code()).replace(" ", "")
            [(stored,)] = rows(store, "SELECT code_hash FROM link_codes")
            assert code.encode() not in bytes(stored)
            assert len(bytes(stored)) == 32

    async def test_nobody_can_try_many(self, store):
        async with town(store) as people:
            code = await people.code()
            for number in range(5):
                assert "gilt nicht" in await people.tell("b", f"verbinden 1111 2222 {number:04}")
            assert "zu viele falsche Codes" in await people.tell("b", f"verbinden {code}")
            with store.begin() as connection:
                earlier = {account_links.LinkAttemptsRow.since: datetime.now(UTC) - timedelta(hours=2)}
                connection.execute(metadata.tables["link_attempts"].update().values(earlier))
            assert "Soll dieser Chat" in await people.tell("b", f"verbinden {code}")

    async def test_two_who_enter_one_code_at_once(self, store):
        """In one batch, and in two processes: one gets it."""
        async with town(store) as people:
            await people.tell("c", "Deutsch")
            code, chat = await people.code(), people.channels["b"]
            await say(people.app, chat.msg("b", f"verbinden {code}"), chat.msg("c", f"verbinden {code}"))
            answers = [chat.last(who).text for who in "bc"]
            assert [("Soll dieser Chat" in it, "gilt nicht" in it) for it in answers] == [(True, False), (False, True)]
            await people.code()
        [(digest, owner)] = rows(store, "SELECT code_hash, contact_id FROM link_codes")
        others = [number for (number,) in rows(store, "SELECT id FROM contacts") if number != owner]

        def enter(contact_id: int) -> bool:
            own = Store(str(store.writer.url.render_as_string(hide_password=False)))
            try:
                return own.run(
                    lambda connection: (
                        claim_link_code(connection, bytes(digest), contact_id, datetime.now(UTC)) is not None
                    )
                )
            finally:
                own.dispose()

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(enter, others)) == [False, True]


async def test_parting_makes_a_contact_of_its_own(store):
    async with town(store) as people:
        assert "mit keinem anderen verbunden" in await people.tell("b", "trennen")
        await people.tell("a", "/start park", "ja", "Mehr Bänke", "absenden")
        await people.link()
        assert "jetzt für sich" in await people.tell("b", "trennen")
        assert len(rows(store, "SELECT DISTINCT contact_id FROM addresses")) == 2
        assert "Mehr Bänke" not in await people.tell("b", "meinedaten")
        assert "Mehr Bänke" in await people.tell("a", "meinedaten")


async def test_the_choice_can_be_typed(store):
    async with town(store) as people:
        await people.tell("a", "/start park", "Ja")
        await people.tell("b", "/start park", "Nein")
        asked = await people.tell("b", f"verbinden {await people.code()}")
        assert "verbinden hier · verbinden dort · verbinden nein" in asked
        assert "Welche Antworten sollen zählen?" in await people.tell("b", "verbinden ja"), "yes to what?"
        assert "bleiben getrennt" in await people.tell("b", "Verbinden nein!")
        await people.tell("b", f"verbinden {await people.code()}")
        assert "Die Chats sind verbunden" in await people.tell("b", "verbinden dort")
    assert [value for (value,) in rows(store, "SELECT value FROM answers WHERE value IS NOT NULL")] == ['"yes"']


@pytest.mark.parametrize("language", phrase_catalogues.catalogue_languages())
def test_what_is_told_to_be_typed_is_understood(language):
    spoken = phrase_catalogues.load_phrases(language)
    commands = CommandMatcher([spoken])
    for phrase, wanted in (("door.how", ["join", "leave"]), ("door.how_twice", ["join.here", "join.there", "leave"])):
        typed = spoken.text(phrase, "sie").partition(":")[2].split("·")
        assert [commands.find(fold(it)) for it in typed] == [ParsedCommand(Command.LINK, it) for it in wanted]


async def test_delete_takes_all_doors_and_what_was_set_aside(store):
    async with town(store) as people:
        await people.tell("a", "/start park", "ja", CANARY, "absenden")
        await people.tell("b", "/start park", "nein", CANARY, "absenden")
        await people.link("Die von hier zählen")
        await people.tell("a", "/start hunde")
        await people.tell("b", "löschen", "alles löschen")
        assert rows(store, "SELECT count(*) FROM contacts") == [(0,)]
    for table in ("sessions", "answers", "set_aside", "link_codes", "link_attempts", "consents"):
        assert rows(store, f"SELECT count(*) FROM {table}") == [(0,)], table


async def test_delete_lets_the_channel_of_every_door_forget(store):
    """A page in memory, a room on Matrix: what channels keep of a person lies beside the tables."""
    forgotten = []

    class Keeping(Recorder):
        def forget(self, address, *, was_told=True):
            forgotten.append((self.name, address, was_told))

    one, other = Keeping("test"), Keeping("chat")
    async with running(store, {"test": one, "chat": other}) as (app, _):
        people = Town(app, one, other)
        for who in "ab":
            await people.tell(who, "Deutsch")
        await people.link()
        await people.tell("b", "löschen", "alles löschen")
    assert sorted(forgotten) == [("chat", "b", True), ("test", "a", False)]


async def test_stop_is_stop_through_every_door(store):
    async with town(store) as people:
        await people.tell("b", "stopp")
        await people.link()
    assert rows(store, "SELECT count(*) FROM contacts WHERE stopped_at IS NOT NULL") == [(1,)]


async def test_both_doors_at_once_see_one_session(store):
    async with town(store) as people:
        await people.tell("a", "/start park")
        await people.link()
        one, other = people.channels["a"], people.channels["b"]
        await say(people.app, one.msg("a", "ja"), other.msg("b", "Mehr Bänke"), one.msg("a", "absenden"))
    stored = rows(store, "SELECT question_key, value FROM answers ORDER BY 1")
    assert stored[0] == ("lamps", '"yes"')
    assert rows(store, "SELECT count(*) FROM sessions") == [(1,)]
    assert rows(store, "SELECT count(*) FROM dead_letters") == [(0,)]


async def test_what_was_set_aside_goes_when_its_time_is_over(store):
    publish(store, consultation("kurz", closes="2099-11-30"), closes_at=datetime(2099, 12, 1, tzinfo=UTC))
    async with town(store) as people:
        for who in "ab":
            await people.tell(who, "/start kurz", "ja", "absenden", "überspringen", "absenden")
        await people.link("Die von hier zählen")
    with store.begin() as connection:
        delete_expired(connection, datetime(2099, 12, 30, tzinfo=UTC))
    assert rows(store, "SELECT count(*) FROM set_aside") == [(1,)]
    with store.begin() as connection:
        delete_expired(connection, datetime(2100, 1, 2, tzinfo=UTC))
    assert rows(store, "SELECT count(*) FROM set_aside") == [(0,)]


def test_linking_handles_every_table_with_a_contact():
    """The author of a new table decides how `storage.tables.account_links.merge_contacts` treats it."""
    named = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if any(key.target_fullname == "contacts.id" for key in column.foreign_keys)
    }
    joined = {"addresses.contact_id", "opt_ins.contact_id", "set_aside.contact_id", "broadcast_recipients.contact_id"}
    gone = {"link_codes.contact_id", "link_codes.asked_by", "link_attempts.contact_id"}
    assert named == joined | gone
