"""A channel learns later that a message did not arrive: a bounce, or a failure of the network behind it."""

from __future__ import annotations

import pytest

from adapters.base import Delivery, Refused, Report, Sent, Unreachable
from bot.delivery import later_reports
from storage.core.store import Store
from tests.support.app import Recorder, consultation, publish, rows, running, say
from tests.test_delivery.test_outbox import known, push

WISH = "Was fehlt?"


class Reporter(Recorder):
    """A Recorder that can report what became of its messages."""

    def report_to(self, report: Report) -> None:
        self.report = report

    def bounce(self, delivery: Delivery) -> None:
        """Says what became of the newest message."""
        self.report(f"ref{self.sent[-1].id}", delivery)


@pytest.fixture
def store(store: Store) -> Store:
    publish(store, consultation())
    return store


async def test_a_question_that_failed_later_is_asked_again(store: Store):
    channel = Reporter()
    async with running(store, {"test": channel}) as (app, _):
        await say(app, *(channel.msg("a", text) for text in ("/start park", "Deutsch", "ja")))
        assert WISH in channel.last("a").text
        channel.bounce(Refused("expired"))
        await app.outbox.drained()
        await say(app, channel.msg("a", "Hallo?"))
        assert WISH in channel.last("a").text
        assert rows(store, "SELECT question_key FROM answers") == [("lamps",)]
        await say(app, channel.msg("a", "Bänke"))
        assert rows(store, "SELECT question_key FROM answers ORDER BY 1") == [("lamps",), ("wish",)]
        assert rows(store, "SELECT unreachable_at FROM addresses") == [(None,)]


async def test_who_turns_out_to_be_unreachable_gets_nothing_more(store: Store):
    channel = Reporter()
    async with running(store, {"test": channel}) as (app, _):
        await known(app, channel, "a")
        await push(app, store, "a")
        await app.outbox.drained()
        assert rows(store, "SELECT state FROM outbox") == [("sent",)]
        channel.bounce(Unreachable("no such number"))
        await app.outbox.drained()
        assert rows(store, "SELECT state, error FROM outbox") == [("unreachable", "no such number")]
        assert rows(store, "SELECT unreachable_reason FROM addresses") == [("no such number",)]
        await say(app, channel.msg("a", "/start park"))
        assert rows(store, "SELECT unreachable_reason FROM addresses") == [(None,)]


async def test_receipts_and_unknown_references_change_nothing(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(later_reports, "MOST_REFERENCES", 2)
    channel = Reporter()
    async with running(store, {"test": channel}) as (app, _):
        await say(app, *(channel.msg("a", text) for text in ("/start park", "Deutsch", "ja")))
        channel.report("never sent", Unreachable("gone"))
        channel.report(f"ref{channel.sent[0].id}", Unreachable("too old"))
        channel.bounce(Sent())
        channel.bounce(Unreachable("after its receipt"))
        await app.outbox.drained()
        await say(app, channel.msg("a", "Bänke"))
        assert rows(store, "SELECT count(*) FROM answers") == [(2,)]
        assert rows(store, "SELECT unreachable_at FROM addresses") == [(None,)]
