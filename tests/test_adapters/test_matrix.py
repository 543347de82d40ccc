"""The Matrix channel against a real homeserver, with an independent client that trusts only signed devices."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text

from adapters.matrix import open_channel
from adapters.matrix.channel import MatrixChannel
from bot.app import App, build
from bot.settings import ChannelSettings, Settings
from flows.definition import Consultation
from storage.store import Store
from tests import house
from tests.databases import Database, database, houses, only_sqlite, postgresql, sqlite_template
from tests.house import KEYS
from tests.resident import resident
from tests.synapse import Synapse, User, homeserver

__all__ = ["database", "homeserver", "houses", "postgresql", "sqlite_template"]

pytestmark = only_sqlite


def channel_for(server: Synapse, bot: User, folder: Path, **more: Any) -> MatrixChannel:
    given = {"type": "matrix", "homeserver": server.url, "user_id": bot.user_id, "password": bot.password} | more
    return open_channel("matrix", ChannelSettings.model_validate(given), folder)


def answers(database: Database) -> list[tuple[str, str, str]]:
    """Question, value and language of every stored answer."""
    query = text("SELECT question_key, value, language FROM answers ORDER BY 1, 2")
    with opened(database) as store, store.reading() as connection:
        return [(key, value, language) for key, value, language in connection.execute(query)]


def publish(database: Database, *published: Consultation) -> None:
    with opened(database) as store:
        house.publish(store, *published)


@contextmanager
def opened(database: Database) -> Iterator[Store]:
    store = Store(database.url)
    try:
        yield store
    finally:
        store.dispose()


@asynccontextmanager
async def running(database: Database, channel: MatrixChannel) -> AsyncIterator[App]:
    """A house that can be left and entered again: the database and the channel's folder stay."""
    app = build(Settings(), {"matrix": channel}, store=Store(database.url), keys=KEYS)
    async with app.running():
        yield app


async def test_a_whole_consultation_in_two_languages_across_restarts(
    homeserver: Synapse, database: Database, tmp_path: Path
):
    """With clients that neither read nor trust devices nobody signed; rooms stay readable, nothing comes twice."""
    publish(database, house.consultation())
    bot = await homeserver.user("bot")
    async with resident(homeserver, "anna") as anna, resident(homeserver, "ben") as ben:
        async with running(database, channel_for(homeserver, bot, tmp_path)) as app:
            assert app.channels["matrix"].trouble() == ""
            await anna.invite(bot.user_id)
            await anna.say("Hallo")
            await anna.until("Welche Sprache")
            await ben.invite(bot.user_id)
            await ben.say("hello")
            await ben.until("Which language")
            await anna.say("Deutsch")
            await anna.until("Licht im Park?")
            await ben.say("2")
            await ben.until("Light?")
            mistake = await anna.say("1")
            await anna.until("Was fehlt?")
        await ben.say("Yes")  # while nobody is there
        async with running(database, channel_for(homeserver, bot, tmp_path, password="no longer needed")):
            await ben.until("What is missing?")
            await anna.edit(mistake, "2")
            await anna.until("Was fehlt?", times=2)
            for person, words in ((anna, "Bänke"), (ben, "benches")):
                await person.say(words)
                await person.until(words)
        assert all(event["encrypted"] and event["content"]["msgtype"] == "m.notice" for event in anna.heard())
        assert len(set(ben.read())) == len(ben.read())
    assert answers(database) == [
        ("lamps", '"no"', "de"),
        ("lamps", '"yes"', "en"),
        ("wish", '"Bänke"', "de"),
        ("wish", '"benches"', "en"),
    ]
