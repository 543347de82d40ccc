"""Words to the team: one person cannot fill the list, and is told what was passed on."""

from __future__ import annotations

import re
from pathlib import Path

from bot.consultations.messages_to_people import MOST_WAITING
from bot.settings import Settings
from storage.core.store import Store
from storage.tables.messages import settle_dead_letter, unsettled_dead_letters
from tests.support.app import Recorder, consultation, publish, running, say
from tests.support.ideas import NOW
from tests.support.media_channel import WISH, Phone, begin

PASSED_ON = "Danke, das ist beim Team."
HELD_BACK = "Beim Team warten schon mehrere Nachrichten aus diesem Chat."


def replies(phone: Recorder, address: str, words: str) -> int:
    return sum(words in it for it in phone.texts(address))


async def test_one_sender_cannot_fill_the_list(store: Store, tmp_path: Path) -> None:
    publish(store, consultation(questions=[WISH]))
    phone = Phone()
    async with running(store, {"test": phone}, Settings(data=tmp_path)) as (app, _):
        await begin(app, phone)
        for number in range(MOST_WAITING + 2):
            await say(app, phone.msg("a", f"/mensch Nummer {number}"))
        assert replies(phone, "a", PASSED_ON) == MOST_WAITING
        assert replies(phone, "a", HELD_BACK) == 2
        assert "Was fehlt?" in phone.last("a").text
        with store.begin() as connection:
            waiting = unsettled_dead_letters(connection)
            assert len(waiting) == MOST_WAITING
        await say(app, phone.msg("b", "/mensch Ich auch"))
        assert replies(phone, "b", PASSED_ON) == 1
        with store.begin() as connection:
            settle_dead_letter(connection, waiting[0].id, NOW)
        await say(app, phone.msg("a", "/mensch Noch einmal"), phone.msg("a", "/mensch Und noch einmal"))
        assert replies(phone, "a", PASSED_ON) == MOST_WAITING + 1
        assert replies(phone, "a", HELD_BACK) == 3


async def test_connected_chats_count_as_one_person(store: Store, tmp_path: Path) -> None:
    publish(store, consultation(questions=[WISH]))
    phone, other = Phone(), Recorder("other")
    async with running(store, {"test": phone, "other": other}, Settings(data=tmp_path)) as (app, _):
        await say(app, phone.msg("a", "Deutsch"), other.msg("b", "Deutsch"), other.msg("c", "Deutsch"))
        await say(app, phone.msg("a", "verbinden"))
        code = re.search(r"\d{4} \d{4} \d{4}", phone.last("a").text)
        assert code
        await say(app, other.msg("b", f"verbinden {code[0]}"))
        connect = next(it.token for it in other.last("b").quick_replies if it.label == "Chats verbinden")
        await say(app, other.msg("b", choice=connect))
        for number in range(MOST_WAITING):
            await say(app, phone.msg("a", f"/mensch Nummer {number}"))
        await say(app, other.msg("b", "/mensch Von nebenan"))
        assert replies(other, "b", HELD_BACK) == 1
        await say(app, other.msg("c", "/mensch Eine andere Person"))
        assert replies(other, "c", PASSED_ON) == 1
