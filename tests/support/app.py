"""Runs the application for tests, with a channel that collects the sent messages in a list."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import text

from adapters.base import Delivery, Limits, Outgoing, Receive, Replies, Sent
from bot.app import App, build
from bot.authoring.file_check import canonical_content, content_digest
from bot.common.ids import Ids
from bot.common.keys import Keys
from bot.common.sources import SYSTEM, Sources
from bot.results.editions.renewal import renew_edition
from bot.settings import Settings
from flows.definition import Consultation
from flows.messages import MsgIn, MsgOut
from storage.core.store import Store
from storage.tables.publications import Publication, store_publication
from storage.tables.triggers import replace_triggers

KEYS = Keys(bytes(32))
CIPHER = KEYS.cipher("tests")
_TEXT = {"de": "Ein Satz.", "en": "A sentence."}


class Recorder:
    """A channel that accepts and records every message; `answers` can hold outcomes to return instead of Sent."""

    def __init__(self, name: str = "test", limits: Limits | None = None) -> None:
        self.name = name
        self.limits = limits or Limits(idempotent=True, workers=2)
        self.sent: list[Outgoing] = []
        self.answers: list[Delivery] = []
        self.receive: Receive | None = None
        self._number = 0

    async def start(self, receive: Receive) -> None:
        self.receive = receive

    async def send(self, message: Outgoing) -> Delivery:
        await asyncio.sleep(0)
        self.sent.append(message)
        return self.answers.pop(0) if self.answers else Sent(f"ref{message.id}")

    async def stop(self) -> None:
        self.receive = None

    def trouble(self) -> str:
        return ""

    def msg(self, address: str, text: str = "", **more: Any) -> MsgIn:
        """A message with an id of its own."""
        self._number += 1
        given: dict[str, Any] = {"external_id": f"m{self._number}", "sent_at": datetime.now(UTC)} | more
        return MsgIn(self.name, address, text=text, **given)

    def texts(self, address: str) -> list[str]:
        return [message.msg.text for message in self.sent if message.address == address]

    def last(self, address: str) -> MsgOut:
        return [message.msg for message in self.sent if message.address == address][-1]


def consultation(slug: str = "park", questions: list[dict[str, Any]] | None = None, **more: Any) -> Consultation:
    """A small consultation in German and English."""
    yes_no = [
        {"value": "yes", "label": {"de": "Ja", "en": "Yes"}},
        {"value": "no", "label": {"de": "Nein", "en": "No"}},
    ]
    lamps = {"key": "lamps", "type": "choice", "text": {"de": "Licht im Park?", "en": "Light?"}, "options": yes_no}
    wish = {"key": "wish", "type": "text", "text": {"de": "Was fehlt?", "en": "What is missing?"}}
    data: dict[str, Any] = dict.fromkeys(("asks", "why", "readers", "decides", "feedback", "audience"), _TEXT)
    data |= {
        "slug": slug,
        "title": {"de": f"Beispiel {slug}", "en": f"Sample {slug}"},
        "languages": {"de": {}, "en": {}},
        "level": "consultation",
        "minutes": 2,
        "results": "live",
        "retention": {"days": 30, "remains": _TEXT},
        "contact": {"name": _TEXT, "hours": _TEXT, "email": "park@example.org"},
        "questions": questions or [lamps, wish],
    }
    return Consultation.model_validate(data | more)


def publish(store: Store, *published: Consultation, **more: Any) -> None:
    """Makes consultations open; ids rise with their order."""
    ids = Ids()
    with store.begin() as connection:
        for one in published:
            stored = canonical_content(one)
            publication = Publication(ids(), ids(), one.slug, stored, content_digest(stored), datetime.now(UTC), **more)
            revision = store_publication(connection, publication)
            words = [("keyword", word) for word in (one.slug, *one.keywords)]
            replace_triggers(connection, revision.consultation_id, words)


@asynccontextmanager
async def running(
    store: Store,
    channels: Mapping[str, Any] | None = None,
    settings: Settings | None = None,
    sources: Sources = SYSTEM,
) -> AsyncIterator[tuple[App, Recorder]]:
    """A running app over a store; by default with one Recorder called "test", and a data folder for this block only."""
    recorder = Recorder()
    with tempfile.TemporaryDirectory() as data:
        settings = settings or Settings()
        if settings.data == Settings().data:  # where a real app may be
            settings = settings.model_copy(update={"data": Path(data)})
        app = build(settings, channels or {"test": recorder}, store=store, keys=KEYS, sources=sources)
        app.editor.make = partial(make_here, store)
        async with app.running():
            yield app, recorder


async def make_here(store: Store, slugs: Sequence[str]) -> list[dict[str, Any]]:
    """Makes editions of figures in a thread: what a test asks for is there at once. For the real process see
    `tests/test_results/test_editions.py`.
    """
    for slug in slugs:
        work = asyncio.create_task(asyncio.to_thread(renew_edition, store, slug))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            await work  # a thread cannot be stopped, and the store closes after this
            raise
    return [{"slug": slug} for slug in slugs]


async def say(app: App, *messages: MsgIn) -> Sequence[Replies]:
    """Hands messages over in one call and waits until all replies are out; gives those to each."""
    replies = await app.conversations.receive(list(messages))
    await app.outbox.drained()
    return replies


def rows(store: Store, sql: str) -> list[tuple[Any, ...]]:
    """What a query finds."""
    with store.reading() as connection:
        return [tuple(row) for row in connection.execute(text(sql))]
