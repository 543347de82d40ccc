"""Every question type is asked and answered on every channel, to the receipt: a new type and a new channel come in by
themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.base import Channel, Delivery, Outgoing
from bot.common.i18n.phrase_catalogues import load_phrases
from flows.flow import Flow
from flows.messages import MsgOut
from storage.core.store import Store
from tests.support.app import publish, rows
from tests.support.every_type import SLUG, every_type, typed_questions
from tests.support.order import HEAVY_FIXTURES
from tests.test_adapters.harness import Harness, fixture_of, harness_of, has_harness
from tests.test_adapters.test_contract import channels


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    able = filter(has_harness, channels())
    heavy = {name: [pytest.mark.heavy] if fixture_of(name) in HEAVY_FIXTURES else [] for name in able}
    metafunc.parametrize("channel", [pytest.param(name, marks=marks) for name, marks in heavy.items()])


@pytest.fixture
async def harness(
    channel: str, tmp_path: Path, sqlite_template: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Harness]:
    file = tmp_path / "house.db"
    file.write_bytes(sqlite_template.read_bytes())
    store = Store(f"sqlite:///{file}")
    publish(store, every_type())
    store.dispose()
    made = harness_of(channel)
    given = request.getfixturevalue(made.fixture) if made.fixture else None
    async with made(f"sqlite:///{file}", tmp_path, given).open() as opened:
        yield opened


def sent_by(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> list[MsgOut]:
    """Every message that the channel is given from now on."""
    sent: list[MsgOut] = []
    send = channel.send

    async def listen(message: Outgoing) -> Delivery:
        sent.append(message.msg)
        return await send(message)

    monkeypatch.setattr(channel, "send", listen)
    return sent


def check_read_aloud(sent: list[MsgOut]) -> None:
    """What is read aloud for an answer arrives at the channel as the type of its question says it."""
    [localized] = Flow(every_type(), {"de": load_phrases("de")}, "code").localized.values()
    heard = {key for msg in sent for reply in msg.quick_replies if (key := reply.parsed.key) in localized.questions}
    prompts = [question.prompt for question in localized.questions.values()]
    offered = {reply.parsed.key for prompt in prompts for reply in prompt.quick_replies} - {""}
    assert offered - heard == set(), "each is asked"
    for reply in [reply for msg in sent for reply in msg.quick_replies if reply.parsed.key in heard]:
        assert reply.spoken == localized.questions[reply.parsed.key].spoken(reply)
        assert not reply.read_aloud.startswith(("☐", "☑", "+"))


async def test_every_type_is_answered_on_every_channel(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    async with harness.house() as app:
        [channel] = app.channels.values()
        sent = sent_by(channel, monkeypatch)
        who = await harness.resident()
        await who.says(f"/start {SLUG}")
        asked = typed_questions(every_type())
        for question in asked:
            await who.hears(question.title)
            for words in question.words:
                await who.says(words)
        await who.hears("Stimmt alles?")
        await who.says("absenden")
        await who.hears("Quittung")
        found = dict(rows(app.store, "SELECT question_key, value IS NOT NULL FROM answers"))
    assert found.keys() == {question.key for question in asked}
    assert [question.key for question in asked if question.is_answered and not found[question.key]] == []
    check_read_aloud(sent)
