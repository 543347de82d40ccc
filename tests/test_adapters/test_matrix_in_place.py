"""Choices, rankings and budgets on Matrix are one message that replies change, read by an independent client."""

from __future__ import annotations

from pathlib import Path

from adapters.base import Outgoing, Sent
from adapters.matrix.newest import NewestMessages
from adapters.matrix.sending import TEXT_UTF16, render_edit, render_events
from flows.messages import MsgOut, QuickReply
from flows.parts import ErrorPart, HintPart, SelectionPart
from tests.support.app import consultation
from tests.support.databases import Database, only_sqlite
from tests.support.matrix_client import resident
from tests.support.synapse import Synapse
from tests.test_adapters.matrix_app import answers, listening, publish_to, running

REPLIES = (QuickReply("c.fund.park", "Park", 1), QuickReply("c.fund.trees", "Bäume", 2))
QUESTION = MsgOut("Was zuerst?", REPLIES, expects="order", title="Was zuerst?")


def _changed(said: str) -> MsgOut:
    parts = (SelectionPart(said), HintPart("Fertig? Dann schreib „Fertig“.", is_typing=True))
    return MsgOut(parts, REPLIES, expects="order", title="Was zuerst?", replaces=QUESTION.reference)


async def test_replies_change_the_message_they_are_about(homeserver: Synapse, tmp_path: Path):
    bot = await homeserver.user("bot")
    async with resident(homeserver) as anna:
        who = anna.user.user_id
        async with listening(homeserver, bot, tmp_path, choices="reactions") as listener:
            await anna.invite(bot.user_id)
            await anna.say("Hallo")
            await listener.until(lambda: listener.texts() == ["Hallo"])
            asked = await listener.channel.send(Outgoing(1, who, QUESTION))
            question = await anna.until("Was zuerst?")
            await anna.react(question["id"], "1️⃣")
            await listener.until(lambda: listener.texts() == ["Hallo", "1"])
            for _ in range(2):  # the outbox repeats what it does not know to be sent
                assert await listener.channel.send(Outgoing(2, who, _changed("1. Park"))) == asked
            shown = await anna.until("1. Park")
            assert (shown["id"], shown["edits"], shown["encrypted"]) == (question["id"], 1, True)
            assert shown["content"]["body"].startswith("Was zuerst?\n1. Park\n")
            await anna.react(question["id"], "2️⃣")  # it is still the open question
            await listener.until(lambda: listener.texts() == ["Hallo", "1", "2"])
            assert anna.read() == [shown["content"]["body"]]
            await listener.channel.send(Outgoing(3, who, MsgOut("Was ist das?")))
            below = await listener.channel.send(Outgoing(4, who, _changed("1. Park, 2. Bäume")))
            assert isinstance(below, Sent)
            assert below != asked
            await anna.until("1. Park, 2. Bäume")
            assert len(anna.read()) == 3, "what is changed is the newest message"
        async with listening(homeserver, bot, tmp_path) as listener:
            await listener.channel.send(Outgoing(5, who, _changed("1. Bäume")))
            again = await anna.until("1. Bäume")
            assert again["content"]["body"].startswith("Was zuerst?\n"), "after a restart the question comes again"
            assert len(anna.read()) == 4


@only_sqlite
async def test_points_are_one_message(homeserver: Synapse, database: Database, tmp_path: Path):
    options = [{"value": n, "label": {"de": label, "en": label}} for n, label in (("park", "Park"), ("trees", "Bäume"))]
    text = {"de": "Wofür?", "en": "What for?"}
    fund = {"key": "fund", "type": "points", "budget": 10, "text": text, "options": options}
    wish = {"key": "wish", "type": "text", "text": {"de": "Was fehlt?", "en": "What is missing?"}}
    publish_to(database, consultation(questions=[fund, wish]))
    bot = await homeserver.user("bot")
    async with resident(homeserver) as anna, running(homeserver, bot, tmp_path, database):
        await anna.invite(bot.user_id)
        await anna.say("Hallo")
        await anna.until("Welche Sprache")
        await anna.say("Deutsch")
        await anna.until("Wofür?")
        before = len(anna.read())
        for said, left in (
            ("Park 4", "Übrig: 6 Punkte."),
            ("Bäume 8", "Das ist um 2 Punkte zu viel."),
            ("2: 3", "Übrig: 3 Punkte."),
        ):
            await anna.say(said)
            await anna.until(left)
        assert len(anna.read()) == before
        assert "Bisher: Park: 4 Punkte, Bäume: 3 Punkte." in anna.read()[-1]
        await anna.say("fertig")
        await anna.until("Was fehlt?")
    assert answers(database)[0][1] == '{"park":4,"trees":3}'


def test_a_text_that_does_not_fit_twice_is_no_edit():
    """An event contains the text of an edit twice, for clients that know no edits."""
    most = TEXT_UTF16 // 2 - len("Was zuerst?\n\n  1  Park\n  2  Bäume")
    assert render_edit(MsgOut((ErrorPart("x" * most),), REPLIES, title="Was zuerst?", replaces="c.fund."), "$e")
    longer = MsgOut((ErrorPart("x" * (most + 1)),), REPLIES, title="Was zuerst?", replaces="c.fund.")
    assert render_edit(longer, "$e") is None
    assert render_edit(_changed("1. Park"), "") is None


def test_a_state_after_a_restart_is_changed_from_the_second_on():
    newest, first = NewestMessages(), _changed("1. Park")
    newest.sent("anna", first, "$may-be-an-edit")
    assert newest.event("anna", first) == ""
    newest.sent("anna", first, "$new")
    assert newest.event("anna", first) == "$new"


def test_an_edit_has_the_transaction_of_the_message():
    edit = render_edit(_changed("1. Park"), "$e")
    assert edit
    assert edit.suffix == next(render_events(_changed("1. Park"), "numbers", "")).suffix
