"""Messages after the end: one query finds what those of a whole batch are about."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from sqlalchemy import Connection

from bot.conversations import late_messages
from storage.core.store import Store
from storage.tables.sessions import StoredSession, sessions_of_people
from tests.support.app import consultation, publish, running, say

PEOPLE = ("anna", "ben", "cem", "dora")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of keys of each query for sessions."""
    found: list[int] = []

    def counted(connection: Connection, keys: Sequence[str]) -> dict[str, StoredSession]:
        found.append(len(keys))
        return sessions_of_people(connection, keys)

    monkeypatch.setattr(late_messages, "sessions_of_people", counted)
    return found


@pytest.mark.parametrize("many", [1, len(PEOPLE)])
async def test_one_query_for_all_who_thank(store: Store, asked: list[int], many: int):
    publish(store, consultation("park"), consultation("budget"), consultation("laerm"))
    async with running(store) as (app, channel):
        for words in ("/start park", "Deutsch", "ja", "nichts", "absenden"):
            await say(app, *(channel.msg(one, words) for one in PEOPLE))
        asked.clear()
        answered = await say(app, *(channel.msg(one, "danke") for one in PEOPLE[:many]))
        assert all("Gern geschehen" in replies[0].msg.text for replies in answered)
        assert len(answered) == many
        assert asked == [3 * many]


async def test_new_contacts_cost_no_query(store: Store, asked: list[int]):
    publish(store, consultation("park"), consultation("budget"))
    async with running(store) as (app, channel):
        await say(app, channel.msg("emil", "danke"), channel.msg("fred", "guten Morgen"))
        assert not asked


MENU_WORDS = (
    "/start",
    "Hilfe",
    "Datenschutz",
    "löschen",
    "meinedaten",
    "Neuigkeiten",
    "meine Vorschläge",
    "verknüpfen",
)


@pytest.mark.parametrize("words", MENU_WORDS)
async def test_outside_a_consultation_it_stays_with_du(store: Store, words: str):
    publish(store, consultation("park", address="du"), consultation("budget"))
    async with running(store) as (app, channel):
        for said in ("/start park", "Deutsch", "ja", "nichts", "absenden"):
            await say(app, channel.msg("anna", said))
        (replies,) = await say(app, channel.msg("anna", words))
        text = "\n".join(reply.msg.text for reply in replies)
        assert not re.search(r"\bIhr|\bIhnen\b|(?<=\w )Sie\b", text), text
