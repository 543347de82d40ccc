"""The login of the Matrix channel: what is wrong is a sentence, what can mend itself does, and it stays one device."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from adapters.base import Outgoing, Sent
from adapters.matrix import channel as matrix_channel
from adapters.matrix import cross_signing, examine, open_channel
from adapters.matrix.files import SecretFolder
from adapters.matrix.state import MatrixState
from bot.common.keys import Keys
from flows.messages import MsgOut
from tests.support.app import CIPHER
from tests.support.matrix_client import resident
from tests.support.synapse import Synapse, User
from tests.support.timeouts import PATIENCE
from tests.test_adapters.matrix_app import CLIENT, Listener, listening, person, section

HALLO = MsgOut("Hallo")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix_channel, "FIRST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(matrix_channel, "LONGEST_PAUSE_SECONDS", 0.1)


async def devices(server: Synapse, user: User, token: str = "") -> set[str]:
    found = await server.call("GET", f"{CLIENT}/devices", token=token or user.token)
    return {device["device_id"] for device in found["devices"]}


def login_of(folder: Path) -> dict[str, Any]:
    return SecretFolder(folder, CIPHER).read("login.json") or {}


async def test_it_stays_one_device_and_others_cannot_read_its_files(homeserver: Synapse, tmp_path: Path):
    bot = await homeserver.user("bot")
    before = await devices(homeserver, bot)
    names = set()
    for _ in range(3):
        async with listening(homeserver, bot, tmp_path / "store") as listener:
            assert listener.channel.trouble() == ""
            names.add(login_of(tmp_path / "store")["device_id"])
    assert await devices(homeserver, bot) - before == names
    assert len(names) == 1
    assert (tmp_path / "store").stat().st_mode & 0o077 == 0
    assert [file.name for file in (tmp_path / "store").iterdir() if file.stat().st_mode & 0o077] == []


async def test_the_keys_are_the_same_after_a_restart(homeserver: Synapse, tmp_path: Path):
    bot = await homeserver.user("bot")
    masters: set[str] = set()
    for _ in range(2):
        async with listening(homeserver, bot, tmp_path):
            known = await homeserver.call(
                "POST", f"{CLIENT}/keys/query", {"device_keys": {bot.user_id: []}}, token=bot.token
            )
            keys = cross_signing.load_signing_keys(SecretFolder(tmp_path, CIPHER))
            assert keys is not None
            assert cross_signing.master_of(known, bot.user_id) == cross_signing.public_signing_keys(keys["master"])
            masters.add(cross_signing.public_signing_keys(keys["master"]))
            assert cross_signing.is_signed(known, bot.user_id, login_of(tmp_path)["device_id"], keys)
    assert len(masters) == 1


async def test_a_revoked_login_is_renewed_as_the_same_device(homeserver: Synapse, tmp_path: Path):
    """The homeserver has forgotten the device and its keys; encrypted rooms are readable all the same."""
    bot = await homeserver.user("bot")
    async with resident(homeserver) as anna, listening(homeserver, bot, tmp_path) as listener:
        await anna.invite(bot.user_id)
        await anna.say("Hallo")
        await listener.until(lambda: listener.texts() == ["Hallo"])
        login = login_of(tmp_path)
        await homeserver.call("POST", f"{CLIENT}/logout", {}, token=login["access_token"])
        await listener.until(lambda: login_of(tmp_path)["access_token"] not in {"", login["access_token"]})
        assert login_of(tmp_path)["device_id"] == login["device_id"]
        assert isinstance(await listener.channel.send(Outgoing(1, anna.user.user_id, HALLO)), Sent)
        await anna.until("Hallo")
        await anna.say("Noch da?")
        await listener.until(lambda: listener.texts()[-1] == "Noch da?")
        assert listener.channel.trouble() == ""


async def test_a_token_that_does_not_count_is_said_and_tried_again(homeserver: Synapse, tmp_path: Path):
    bot, other = await homeserver.user("bot"), await homeserver.user("other")
    async with listening(homeserver, bot, tmp_path / "a", password="", access_token=bot.token) as listener:
        assert listener.channel.trouble() == ""
        await homeserver.call("POST", f"{CLIENT}/logout", {}, token=bot.token)
        await listener.until(lambda: "set a new access_token" in listener.channel.trouble())
        assert bot.token not in listener.channel.trouble()
    async with listening(homeserver, bot, tmp_path / "b", password="", access_token=other.token) as listener:
        assert listener.channel.trouble() == f"the access_token is not that of {bot.user_id}: check user_id"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"password": "SECRET"}, "the homeserver does not let @bot"),
        ({"user_id": "@nobody:city.test", "password": "SECRET"}, "the homeserver does not let @nobody:city.test in"),
    ],
)
async def test_a_wrong_password_is_said_in_a_sentence(homeserver: Synapse, tmp_path: Path, given, said):
    async with listening(homeserver, await homeserver.user("bot"), tmp_path, **given) as listener:
        assert listener.channel.trouble().startswith(said)
        assert "SECRET" not in listener.channel.trouble()


@asynccontextmanager
async def web_server(body: str, status: int = 200) -> AsyncIterator[str]:
    """A web server that is no homeserver and says the same to everything."""
    app = web.Application()

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=body, status=status, content_type="text/html")

    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("body", "status"), [("<html>Willkommen", 200), ("", 200), ("", 502), ("[]", 200), ("{}", 404)]
)
async def test_a_wrong_homeserver_is_said_in_a_sentence(homeserver: Synapse, tmp_path: Path, body, status):
    bot = await homeserver.user("bot")
    async with web_server(body, status) as url, listening(homeserver, bot, tmp_path, homeserver=url) as listener:
        assert listener.channel.trouble().startswith(url)
        assert "Matrix homeserver" in listener.channel.trouble()
        found = await examine("matrix", section(homeserver, bot, homeserver=url), tmp_path, CIPHER)
        assert [finding.is_well for finding in found] == [False]
        assert "check homeserver" in found[0].words


async def test_channel_recovers_when_the_homeserver_returns(homeserver: Synapse, tmp_path: Path):
    bot, anna = await homeserver.user("bot"), await person(homeserver)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    room = await anna.room(bot)
    await anna.say(room, "Hallo")
    async with listening(homeserver, bot, tmp_path, homeserver=url) as listener:
        assert "does not answer" in listener.channel.trouble()
        sending = asyncio.create_task(listener.channel.send(Outgoing(1, anna.user.user_id, HALLO)))
        async with relay(port, homeserver):
            await listener.until(lambda: listener.texts() == ["Hallo"])
            assert listener.channel.trouble() == ""
            sending.cancel()  # it waited for the room as well, or has been told that there was none
            assert isinstance(await listener.channel.send(Outgoing(2, anna.user.user_id, HALLO)), Sent)
        await listener.until(lambda: "does not answer" in listener.channel.trouble())
        waiting = asyncio.create_task(listener.channel.send(Outgoing(3, anna.user.user_id, MsgOut("später"))))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        async with relay(port, homeserver):
            assert isinstance(await asyncio.wait_for(waiting, PATIENCE), Sent)
        assert [event["content"].get("body") for event in await anna.read(room)][-2:] == ["Hallo", "später"]


@asynccontextmanager
async def relay(port: int, server: Synapse) -> AsyncIterator[None]:
    """A way to the homeserver that can be cut."""
    lines: list[asyncio.StreamWriter] = []

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", int(server.url.rsplit(":", 1)[1]))
        lines.extend((writer, back))
        await asyncio.gather(copy(reader, back), copy(there, writer))

    listening_here = await asyncio.start_server(accept, "127.0.0.1", port)
    try:
        yield
    finally:
        listening_here.close()
        for line in lines:
            line.transport.abort()
        await asyncio.sleep(0.05)


async def test_stores_that_do_not_belong_together_are_said(homeserver: Synapse, tmp_path: Path):
    bot, other = await homeserver.user("bot"), await homeserver.user("other")
    async with listening(homeserver, bot, tmp_path):
        login = login_of(tmp_path)
    async with listening(homeserver, other, tmp_path) as listener:
        assert f"is that of {bot.user_id}" in listener.channel.trouble()
    async with listening(homeserver, bot, tmp_path, device_id="ANOTHER") as listener:
        assert "is that of another device" in listener.channel.trouble()
    async with listening(homeserver, bot, tmp_path, access_token=bot.token) as listener:
        assert "the access_token is that of another device" in listener.channel.trouble()
    keys = next(tmp_path.glob(f"*{login['device_id']}.db"))
    saved = keys.read_bytes()
    keys.unlink()
    async with listening(homeserver, bot, tmp_path) as listener:
        assert "are not those of device" in listener.channel.trouble()
    keys.write_bytes(b"no database" * 1000)
    async with listening(homeserver, bot, tmp_path) as listener:
        assert "cannot be read: put them back from your backup" in listener.channel.trouble()
    keys.write_bytes(saved)
    async with listening(homeserver, bot, tmp_path) as listener:
        assert listener.channel.trouble() == ""


async def test_files_of_another_secret_key_are_reported_and_unchanged(homeserver: Synapse, tmp_path: Path):
    bot = await homeserver.user("bot")
    async with listening(homeserver, bot, tmp_path) as listener:
        assert listener.channel.trouble() == ""
    device, before = login_of(tmp_path)["device_id"], contents(tmp_path)
    assert await homeserver.call("GET", f"{CLIENT}/account/whoami", token=login_of(tmp_path)["access_token"])
    wrong = Keys(bytes(31) + b"x").cipher("tests")
    said = f"{tmp_path / 'login.json'}: this was encrypted with another secret key; restore the right secret.key"
    channel = open_channel("matrix", section(homeserver, bot), tmp_path, wrong)
    await channel.start(Listener(channel).receive)
    try:
        assert channel.trouble().startswith(said)
    finally:
        await channel.stop()
    found = await examine("matrix", section(homeserver, bot), tmp_path, wrong)
    assert not found[-1].is_well
    assert found[-1].words.startswith(said)
    assert contents(tmp_path) == before
    async with listening(homeserver, bot, tmp_path) as listener:
        assert listener.channel.trouble() == ""
        assert login_of(tmp_path)["device_id"] == device


def contents(folder: Path) -> dict[str, str]:
    """What was encrypted."""
    return {file.name: file.read_text() for file in folder.glob("*.json")}


async def test_plaintext_secrets_are_encrypted_at_the_next_start(homeserver: Synapse, tmp_path: Path):
    bot = await homeserver.user("bot")
    async with listening(homeserver, bot, tmp_path):
        pass
    folder = SecretFolder(tmp_path, CIPHER)
    before = {name: folder.read(name) for name in ("login.json", cross_signing.CROSS_SIGNING_FILE)}
    for name, content in before.items():
        (tmp_path / name).write_text(json.dumps(content))
    async with listening(homeserver, bot, tmp_path) as listener:
        assert listener.channel.trouble() == ""
    assert {name: folder.read(name) for name in before} == before
    assert all(set(json.loads(text)) == {"sealed"} for text in contents(tmp_path).values())


async def test_keys_of_another_client_are_said(homeserver: Synapse, tmp_path: Path):
    # a person signed in with another client first
    async with resident(homeserver, "bot") as other, listening(homeserver, other.user, tmp_path) as listener:
        assert "has cross-signing keys of another client" in listener.channel.trouble()


async def test_a_start_with_a_lost_store_leaves_no_second_device(homeserver: Synapse, tmp_path: Path):
    bot = await homeserver.user("bot")
    async with listening(homeserver, bot, tmp_path / "kept") as listener:
        assert listener.channel.trouble() == ""
    before = await devices(homeserver, bot)
    async with listening(homeserver, bot, tmp_path / "lost") as listener:
        assert "has cross-signing keys of another client" in listener.channel.trouble()
    assert await devices(homeserver, bot) == before
    async with listening(homeserver, bot, tmp_path / "kept") as listener:
        assert listener.channel.trouble() == ""


async def test_doctor_says_what_is_there_and_changes_nothing(homeserver: Synapse, tmp_path: Path):
    bot = await homeserver.user("bot")
    found = await examine("matrix", section(homeserver, bot), tmp_path / "none", CIPHER)
    assert all(finding.is_well for finding in found)
    assert found[-1].words.startswith(f"{bot.user_id} will be signed in at the first start")
    assert not (tmp_path / "none").exists()
    async with listening(homeserver, bot, tmp_path):
        pass
    found = await examine("matrix", section(homeserver, bot), tmp_path, CIPHER)
    keys = cross_signing.load_signing_keys(SecretFolder(tmp_path, CIPHER))
    assert keys is not None
    assert all(finding.is_well for finding in found)
    assert any(cross_signing.public_signing_keys(keys["master"]) in finding.words for finding in found)
    (tmp_path / cross_signing.CROSS_SIGNING_FILE).unlink()
    await homeserver.call("POST", f"{CLIENT}/logout/all", {}, token=bot.token)
    found = await examine("matrix", section(homeserver, bot), tmp_path, CIPHER)
    assert not found[-1].is_well
    assert found[-1].words.endswith("the next start signs in again")


async def test_doctor_says_that_a_store_cannot_be_read(homeserver: Synapse, tmp_path: Path):
    (tmp_path / "login.json").mkdir()
    found = await examine("matrix", section(homeserver, await homeserver.user("bot")), tmp_path, CIPHER)
    assert found[-1] == (False, f"the store {tmp_path} cannot be read: check its rights")


async def test_a_ledger_that_cannot_be_read_is_said(homeserver: Synapse, tmp_path: Path):
    MatrixState(tmp_path).close()
    (tmp_path / "channel.sqlite3").write_bytes(b"no database" * 1000)
    async with listening(homeserver, await homeserver.user("bot"), tmp_path) as listener:
        assert "cannot be used" in listener.channel.trouble()
