"""An app that is restored from its backup is the same Matrix device, with its keys and its place in the sync."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from adapters.base import Outgoing, Sent
from bot.app import open_store
from bot.cli.maintenance import backup
from bot.delivery import channels
from bot.settings import Settings
from flows.messages import MsgOut
from tests.support.matrix_client import resident
from tests.support.synapse import Synapse, User
from tests.test_adapters.matrix_app import CLIENT, Listener, claim, device_of, section

NAME = "town"


def settings_of(server: Synapse, bot: User, data: Path) -> Settings:
    return Settings(data=data, channels={NAME: section(server, bot)})


@asynccontextmanager
async def listening(settings: Settings) -> AsyncIterator[Listener]:
    """The channel as an app opens it: in its data folder, encrypting with its secret key."""
    listener = Listener(channels.open_channels(settings)[NAME])  # type: ignore[arg-type]
    await listener.channel.start(listener.receive)
    try:
        yield listener
    finally:
        await listener.channel.stop()


async def test_a_restored_house_is_the_same_device_and_reads_on(homeserver: Synapse, tmp_path: Path):
    bot = await homeserver.user("bot")
    settings = settings_of(homeserver, bot, tmp_path / "data")
    open_store(settings)[0].dispose()
    async with resident(homeserver) as anna:
        async with listening(settings) as listener:
            await anna.invite(bot.user_id)
            await anna.say("Hallo")
            await listener.until(lambda: listener.texts() == ["Hallo"])
            known = await devices(homeserver, bot)
            copy = backup.back_up(settings, None, tmp_path / "backups")
        restored = settings_of(homeserver, bot, tmp_path / "again")
        backup.restore_backup(restored, copy, lambda _: None)
        async with listening(restored) as listener:
            await anna.say("Noch da?")
            await listener.until(lambda: "Noch da?" in listener.texts())
            assert isinstance(await listener.channel.send(Outgoing(7, anna.user.user_id, MsgOut("Ja"))), Sent)
            await anna.until("Ja")
            assert listener.channel.trouble() == ""
        assert await devices(homeserver, bot) == known


async def test_keys_given_away_since_the_backup_do_not_make_it_deaf(homeserver: Synapse, tmp_path: Path):
    """The homeserver has keys of the lost app under the names which the restored one gives to its own."""
    bot, crowd = await homeserver.user("bot"), await homeserver.user("crowd")
    settings = settings_of(homeserver, bot, tmp_path / "data")
    open_store(settings)[0].dispose()
    async with resident(homeserver) as anna:
        async with listening(settings) as listener:
            await anna.invite(bot.user_id)
            copy = backup.back_up(settings, None, tmp_path / "backups")
            device = device_of(listener)
            for _ in range(3):
                await claim(homeserver, crowd, bot, device)
            await anna.say("Hallo")
            await listener.until(lambda: listener.texts() == ["Hallo"])
        await claim(homeserver, crowd, bot, device)
        restored = settings_of(homeserver, bot, tmp_path / "again")
        backup.restore_backup(restored, copy, lambda _: None)
        async with listening(restored) as listener, resident(homeserver) as berta:
            await berta.invite(bot.user_id)
            await berta.say("Noch da?")
            await listener.until(lambda: "Noch da?" in listener.texts())
            assert listener.channel.trouble() == ""
            assert "fallback" not in await claim(homeserver, crowd, bot, device)


async def devices(server: Synapse, user: User) -> set[str]:
    found = await server.call("GET", f"{CLIENT}/devices", token=user.token)
    return {device["device_id"] for device in found["devices"]}
