"""The Matrix channel with an independent, encrypted client that reads and trusts only signed devices."""

from __future__ import annotations

import json
from pathlib import Path

import aiohttp
from nio.crypto.attachments import encrypt_attachment

from adapters.base import Outgoing, Sent
from adapters.matrix.state import MatrixState
from flows.messages import MsgOut, QuickReply
from tests.support.app import consultation
from tests.support.databases import Database, only_sqlite
from tests.support.matrix_client import resident
from tests.support.synapse import Synapse
from tests.test_adapters.matrix_app import answers, listening, publish_to, running

YES_NO = (QuickReply("c.park.yes", "Ja", 1), QuickReply("c.park.no", "Nein", 2))


@only_sqlite
async def test_a_whole_consultation_in_two_languages_across_restarts(
    homeserver: Synapse, database: Database, tmp_path: Path
):
    """Encrypted rooms stay readable, messages from a downtime are answered, an edit corrects, and nothing comes
    twice.
    """
    publish_to(database, consultation())
    bot = await homeserver.user("bot")
    async with resident(homeserver, "anna") as anna, resident(homeserver, "ben") as ben:
        async with running(homeserver, bot, tmp_path, database) as app:
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
        await ben.say("Yes")  # while no bot is there
        async with running(homeserver, bot, tmp_path, database, password="no longer needed"):
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


async def test_a_message_sent_again_after_a_crash_is_the_same_message(homeserver: Synapse, tmp_path: Path):
    """Killed between sending and noting it; the next process encrypts it again, with another key."""
    bot = await homeserver.user("bot")
    async with resident(homeserver) as anna:
        async with listening(homeserver, bot, tmp_path) as before:
            await anna.invite(bot.user_id)
            await anna.say("Hallo")
            await before.until(lambda: before.texts() == ["Hallo"])
            first = await before.channel.send(Outgoing(71, anna.user.user_id, MsgOut("einmal")))
            again = await before.channel.send(Outgoing(71, anna.user.user_id, MsgOut("einmal")))
        async with listening(homeserver, bot, tmp_path) as after:
            later = await after.channel.send(Outgoing(71, anna.user.user_id, MsgOut("einmal")))
            await after.channel.send(Outgoing(72, anna.user.user_id, MsgOut("danach")))
            await anna.until("danach")
        assert isinstance(first, Sent)
        assert first == again == later
        assert anna.read() == ["einmal", "danach"]
        assert not [event for event in anna.events if event["unreadable"]]


async def test_reactions_and_polls_are_answers(homeserver: Synapse, tmp_path: Path):
    bot = await homeserver.user("bot")
    async with resident(homeserver) as anna:
        async with listening(homeserver, bot, tmp_path, choices="reactions") as listener:
            await anna.invite(bot.user_id)
            await anna.say("Hallo")
            await listener.until(lambda: listener.texts() == ["Hallo"])
            who = anna.user.user_id
            await listener.channel.send(Outgoing(1, who, MsgOut("Licht?", YES_NO, expects="one")))
            old = await anna.until("Licht?")
            await anna.find(lambda event: event["kind"] == "m.reaction", "both reactions", times=2)
            await anna.react(old["id"], "2️⃣")
            await anna.react(old["id"], "👍")
            await listener.until(lambda: listener.texts() == ["Hallo", "2"])
            secret = MsgOut("Wie alt?", YES_NO, expects="one", sensitive=True)
            await listener.channel.send(Outgoing(2, who, secret))
            asked = await anna.until("Wie alt?")
            await anna.react(old["id"], "1️⃣")  # that question is over
            await anna.react(asked["id"], "1️⃣")
            await listener.until(lambda: listener.texts() == ["Hallo", "2", "1"])
            marks = [event for event in anna.events if event["kind"] == "m.reaction" and event["sender"] == bot.user_id]
            assert len(marks) == 2  # none for content that no other user may see
        async with listening(homeserver, bot, tmp_path, choices="polls") as listener:
            await listener.channel.send(Outgoing(3, who, MsgOut("Bank?", YES_NO, expects="one")))
            poll = await anna.until("Bank?")
            assert poll["kind"] == "org.matrix.msc3381.poll.start"
            vote = {"org.matrix.msc3381.poll.response": {"answers": ["c.park.no"]}}
            relation = {"m.relates_to": {"rel_type": "m.reference", "event_id": poll["id"]}}
            await anna.send("org.matrix.msc3381.poll.response", vote | relation)
            changed = {"org.matrix.msc3381.poll.response": {"answers": ["c.park.yes"]}}
            await anna.send("org.matrix.msc3381.poll.response", changed | relation)
            await listener.until(lambda: len(listener.heard) == 2)
            assert [(msg.choice, msg.refers_to) for msg in listener.heard] == [
                ("c.park.no", poll["id"]),
                ("c.park.yes", poll["id"]),
            ]
            listener.heard.clear()
            await anna.do("redact", room=anna.room, event=await anna.say("vertippt"))
            await listener.until(lambda: len(listener.heard) == 2)
            assert [(msg.choice, msg.text) for msg in listener.heard] == [("", "vertippt"), ("", "")]
            assert listener.heard[1].taken_back == listener.heard[0].external_id


async def test_writing_what_stands_in_brackets_is_a_tap(homeserver: Synapse, tmp_path: Path):
    bot = await homeserver.user("bot")
    async with resident(homeserver) as anna, listening(homeserver, bot, tmp_path) as listener:
        await anna.invite(bot.user_id)
        await anna.say("Start")
        await listener.until(lambda: listener.texts() == ["Start"])
        pushed = MsgOut("Neu: Park", (QuickReply("push.start.park", "Start"), QuickReply("push..stop", "Stopp")))
        await listener.channel.send(Outgoing(1, anna.user.user_id, pushed))
        await listener.channel.send(Outgoing(2, anna.user.user_id, MsgOut("Übrigens.")))
        await anna.until("Übrigens.")
        for words in ("start", "[Stopp]", "Start jetzt"):
            await anna.say(words)
        await listener.until(lambda: len(listener.heard) == 4)
        await listener.channel.send(Outgoing(3, anna.user.user_id, MsgOut("Licht?", YES_NO, expects="one")))
        await anna.until("Licht?")
        await anna.say("Start")
        await listener.until(lambda: len(listener.heard) == 5)
        assert [(msg.text, msg.choice) for msg in listener.heard[1:]] == [
            ("", "push.start.park"),
            ("", "push..stop"),
            ("Start jetzt", ""),
            ("Start", ""),
        ]


async def test_voice_messages_can_be_fetched_and_decrypted(homeserver: Synapse, tmp_path: Path):
    bot = await homeserver.user("bot")
    async with resident(homeserver) as anna, listening(homeserver, bot, tmp_path) as listener:
        await anna.invite(bot.user_id)
        sealed, keys = encrypt_attachment(b"OggS voice")
        url = await upload(homeserver, anna.user.token, sealed)
        content = {
            "msgtype": "m.audio",
            "body": "voice.ogg",
            "org.matrix.msc3245.voice": {},
            "file": keys | {"url": url},
        }
        await anna.send("m.room.message", content)
        await listener.until(lambda: len(listener.heard) == 1)
        [msg] = listener.heard
        assert (msg.media, msg.text) == ("voice", "")
        assert await listener.channel.fetch(msg.media_ref) == b"OggS voice"
        wrong = json.dumps(json.loads(msg.media_ref) | {"sha256": "AAAA"})
        for nonsense in (wrong, "", "[]", '{"url": "mxc://city.test/none"}'):
            assert type(await listener.channel.fetch(nonsense)).__name__ == "Refused"


@only_sqlite
async def test_who_has_everything_deleted_is_forgotten_here_too(
    homeserver: Synapse, database: Database, tmp_path: Path
):
    publish_to(database, consultation())
    bot = await homeserver.user("bot")
    async with resident(homeserver) as anna, running(homeserver, bot, tmp_path, database) as app:
        await anna.invite(bot.user_id)
        await anna.say("Hallo")
        await anna.until("Welche Sprache")
        state = MatrixState(tmp_path)
        assert state.room_of(anna.user.user_id) == anna.room
        await anna.say("alles löschen")
        await anna.until("gelöscht")
        await app.outbox.drained()
        assert state.room_of(anna.user.user_id) == ""
        state.close()
        assert anna.user.user_id.encode() not in b"".join(
            file.read_bytes() for file in tmp_path.glob("channel.sqlite3*")
        )


async def upload(server: Synapse, token: str, raw: bytes) -> str:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
    async with (
        aiohttp.ClientSession(server.url) as session,
        session.post("/_matrix/media/v3/upload", data=raw, headers=headers) as response,
    ):
        return str((await response.json())["content_uri"])
