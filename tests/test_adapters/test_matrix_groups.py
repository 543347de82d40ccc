"""Matrix groups and verification: rare invitations with a link, and a polite refusal to compare emoji."""

from __future__ import annotations

from pathlib import Path

from adapters.base import Outgoing, Refused, Sent
from adapters.matrix.groups import MOST_AN_HOUR, GroupInvitations
from flows.messages import MsgOut, QuickReply
from tests.support.matrix_client import resident
from tests.support.synapse import Synapse
from tests.test_adapters.matrix_app import listening, person

INVITATION = MsgOut("Schreiben Sie privat:", (QuickReply("group..park", "Beispiel park"),))


def test_a_group_is_invited_a_few_times_an_hour():
    hours = [0.0]
    invitations = GroupInvitations(lambda: 3600 * hours[0])
    for _ in range(MOST_AN_HOUR):
        assert not invitations.is_enough("!a")
        invitations.note("!a")
    assert invitations.is_enough("!a")
    assert not invitations.is_enough("!b")
    hours[0] = 1.1
    assert not invitations.is_enough("!a")
    assert invitations._sent == {}


async def test_an_invitation_has_a_link_and_is_rare(homeserver: Synapse, tmp_path: Path):
    anna, ben, bot = await person(homeserver), await person(homeserver, "ben"), await homeserver.user("bot")
    async with listening(homeserver, bot, tmp_path) as listener:
        room = await anna.room(ben.user, bot)
        await ben.ask("POST", f"/join/{room}", {})
        await anna.say(room, "!start")
        await listener.until(lambda: listener.texts() == ["!start"])
        address = listener.heard[0].address
        for number in range(1, MOST_AN_HOUR + 1):
            assert isinstance(await listener.channel.send(Outgoing(number, address, INVITATION)), Sent)
        assert isinstance(await listener.channel.send(Outgoing(99, address, INVITATION)), Refused)
        said = [event["content"] for event in await anna.read(room) if event["sender"] == bot.user_id][-1]["body"]
    assert said.splitlines()[1:] == [f"https://matrix.to/#/{bot.user_id}", "  park: Beispiel park"]


async def test_a_request_to_verify_is_declined_in_words(homeserver: Synapse, tmp_path: Path):
    bot = await homeserver.user("bot")
    async with resident(homeserver) as anna, listening(homeserver, bot, tmp_path) as listener:
        await anna.invite(bot.user_id)
        request = {"msgtype": "m.key.verification.request", "to": bot.user_id, "methods": ["m.sas.v1"]}
        other = await anna.send("m.room.message", {**request, "to": "@else:x", "body": "", "from_device": "D"})
        asked = await anna.send("m.room.message", {**request, "body": "", "from_device": anna.user.device_id})
        event = await anna.find(lambda event: event["kind"] == "m.key.verification.cancel", "a refusal")
        assert event["content"]["m.relates_to"]["event_id"] == asked != other
        assert "Bot" in event["content"]["reason"]
        await anna.say("Hallo")
        await listener.until(lambda: bool(listener.heard))
        assert listener.texts() == ["Hallo"]
