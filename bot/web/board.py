"""The notice board: all consultations as the pages show them, read anew now and then."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import partial
from typing import Final, Literal, NamedTuple, get_args

from sqlalchemy import Connection

from bot import phrases, stored
from bot.tongues import Tongue
from flows.definition import Consultation
from flows.languages import LANGUAGES
from flows.wording import Review, Text
from storage import consultations
from storage.consultations import PublishedRevision, State
from storage.store import Store

SECONDS: Final = 2.0
"""So old may be what the board shows."""
DoorState = Literal["open", "closed", "not_yet"]


class Offer(NamedTuple):
    """A language in which a consultation is offered, in its own words and script."""

    tag: str
    name: str
    direction: str
    is_unreviewed: bool


class Notice(NamedTuple):
    """One consultation on the board."""

    revision: PublishedRevision
    consultation: Consultation
    offers: tuple[Offer, ...]

    @property
    def slug(self) -> str:
        return self.revision.slug

    def state(self, now: datetime | None = None) -> DoorState:
        """Whether answers are taken at this moment."""
        found = self.revision.state_at(now or datetime.now(UTC))
        return "closed" if found == "archived" else found

    def opens(self, zone: tzinfo) -> date | None:
        """The first day."""
        return self.revision.opens_at.astimezone(zone).date() if self.revision.opens_at else None

    def closes(self, zone: tzinfo) -> date | None:
        """The last day."""
        moment = self.revision.closes_at
        return (moment.astimezone(zone) - timedelta(microseconds=1)).date() if moment else None

    def text(self, text: Text, language: str) -> str:
        """A text of the consultation in this language, along its fallbacks, else in its main language."""
        tag = self.best(language)
        while tag not in text.languages():
            tag = self.consultation.fallbacks.get(tag, self.consultation.main_language)
        return text.in_language(tag, {})

    def best(self, language: str) -> str:
        """The offered language nearest to this one."""
        if language in self.consultation.languages:
            return language
        plain = language.partition("-")[0]
        return plain if plain in self.consultation.languages else self.consultation.main_language

    def tongue(self, language: str) -> Tongue:
        """How the pages of this consultation speak to somebody who reads this language."""
        return Tongue.of(self.best(language))


class Board:
    """All consultations that are not archived, by slug."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._notices: dict[str, Notice] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def look(self) -> None:
        """Reads the board anew if what is known is too old. Raises StorageError."""
        if time.monotonic() - self._read_at < SECONDS:
            return
        async with self._reading:
            if time.monotonic() - self._read_at < SECONDS:
                return
            self._notices = await self._store.read(partial(_read, known=self._notices))
            self._read_at = time.monotonic()

    def find(self, slug: str) -> Notice | None:
        """A consultation in whatever state; None where there is none."""
        return self._notices.get(slug)

    def by_id(self, consultation_id: int) -> Notice | None:
        """The same by the number of the consultation."""
        return next((it for it in self._notices.values() if it.revision.consultation_id == consultation_id), None)

    def everything(self) -> list[Notice]:
        """All of them, in whatever state; those that end last come first, samples last."""
        first = sorted(self._notices.values(), key=_rank, reverse=True)
        return sorted(first, key=lambda notice: notice.revision.sample)

    def open_now(self) -> list[Notice]:
        """What one can take part in: those that end first come first, samples last."""
        found = [notice for notice in self._notices.values() if notice.state() == "open"]
        return sorted(found, key=_rank)

    def door(self, slug: str) -> Literal["open", "closed", "unknown"]:
        """What the transports need to know."""
        notice = self.find(slug)
        if notice is None:
            return "unknown"
        return "open" if notice.state() == "open" else "closed"


def _rank(notice: Notice) -> tuple[bool, datetime, str]:
    return notice.revision.sample, notice.revision.closes_at or datetime.max.replace(tzinfo=UTC), notice.slug


def _read(connection: Connection, known: dict[str, Notice]) -> dict[str, Notice]:
    states = tuple(state for state in get_args(State) if state != "archived")
    found: dict[str, Notice] = {}
    for revision in consultations.list_latest(connection, states):
        before = known.get(revision.slug)
        if before is not None and before.revision.id == revision.id:
            found[revision.slug] = before._replace(revision=revision)
        elif consultation := stored.read(revision):
            found[revision.slug] = Notice(revision, consultation, _offers(consultation))
    return found


def _offers(consultation: Consultation) -> tuple[Offer, ...]:
    return tuple(
        Offer(
            tag,
            consultation.language_name(tag),
            "rtl" if LANGUAGES[tag].right_to_left else "ltr",
            # The language it was written in is no translation.
            tag != consultation.main_language and (offer.review is Review.UNREVIEWED or bool(phrases.unreviewed(tag))),
        )
        for tag, offer in consultation.languages.items()
    )
