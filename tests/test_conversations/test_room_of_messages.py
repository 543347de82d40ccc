"""Who can read along is said of each message; only where nothing is said the channel's own limits count."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.base import Limits
from flows.messages import Room
from storage.core.store import Store
from tests.support.app import Recorder, consultation, publish, rows, running

OPEN, DIRECT, CONFIDENTIAL = Room(False, False), Room(True, False), Room(True, True)
QUESTIONS: list[dict[str, Any]] = [
    {"key": "secret", "type": "text", "web_only": True, "text": {"de": "Geheim?", "en": "Secret?"}},
    {"key": "wish", "type": "text", "text": {"de": "Was fehlt?", "en": "What is missing?"}},
]


@pytest.mark.parametrize(
    ("room", "is_confidential", "is_asked"),
    [
        (None, True, True),
        (None, False, False),
        (DIRECT, True, False),
        (DIRECT, False, False),
        (CONFIDENTIAL, True, True),
        (CONFIDENTIAL, False, True),
    ],
)
async def test_confidential_questions(store: Store, room: Room | None, is_confidential: bool, is_asked: bool):
    publish(store, consultation(questions=QUESTIONS))
    channel = Recorder(limits=Limits(idempotent=True, is_confidential=is_confidential))
    async with running(store, {"test": channel}) as (app, _):
        for text in ("/start park", "Deutsch"):
            await app.conversations.receive([channel.msg("anna", text, room=room)])
        await app.outbox.drained()
        assert ("Geheim?" in channel.last("anna").text) is is_asked
        assert any("verschlüsselt" in text for text in channel.texts("anna")) is not is_asked


async def test_confidential_answers_are_hidden_in_unencrypted_rooms(store: Store):
    publish(store, consultation(questions=QUESTIONS))
    async with running(store) as (app, channel):
        for text, room in (
            ("/start park", CONFIDENTIAL),
            ("Deutsch", CONFIDENTIAL),
            ("mein Geheimnis", CONFIDENTIAL),
            ("Bänke", DIRECT),
            ("/change 1", DIRECT),
            ("/back", DIRECT),
            ("/status", DIRECT),
        ):
            await app.conversations.receive([channel.msg("anna", text, room=room)])
        await app.outbox.drained()
        assert not any("mein Geheimnis" in text for text in channel.texts("anna"))
        assert any("zeige ich hier nicht" in text for text in channel.texts("anna"))
        await app.conversations.receive([channel.msg("anna", "/change 1", room=CONFIDENTIAL)])
        await app.outbox.drained()
        assert "mein Geheimnis" in channel.last("anna").text


async def test_where_others_read_along_nothing_is_taken(store: Store):
    publish(store, consultation(questions=QUESTIONS))
    async with running(store) as (app, channel):
        for text in ("/start park", "Deutsch", "mein Geheimnis"):
            await app.conversations.receive([channel.msg("anna", text, room=OPEN)])
        await app.outbox.drained()
        assert ["privaten Chat" in text for text in channel.texts("anna")] == [True]
    assert rows(store, "SELECT count(*) FROM answers") == [(0,)]
    assert rows(store, "SELECT count(*) FROM contacts") == [(0,)]
