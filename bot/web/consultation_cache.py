"""Cache of published consultations (2 s). Lists read the head of each; its own pages read the whole definition."""

from __future__ import annotations

import asyncio
import time
import zlib
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final, Literal, NamedTuple, get_args

from sqlalchemy import Connection

from bot.authoring.file_check import canonical_content
from bot.common.i18n import phrase_catalogues
from bot.common.i18n.locale import Locale
from bot.consultations import stored_revisions
from bot.consultations.live_revisions import LiveRevision, LiveRevisions, unpack_content
from flows.definition import Consultation
from flows.languages import LANGUAGES, LEICHTE_SPRACHE
from flows.listing import Listing
from flows.questions.base import LocalizedQuestion
from flows.renderer import Renderer
from flows.values import Value
from flows.wording import Review, Text
from storage.core.errors import StorageError, StoreBusy
from storage.core.store import Store
from storage.tables.consultations import ConsultationState
from storage.tables.revisions import RevisionHead

PATIENCE_SECONDS: Final = 0.6
"""A database without an answer for this time counts as unavailable, and the cached entries are shown."""
FIRST_SECONDS: Final = 20.0
"""The first reading covers every consultation and takes longer."""
SECONDS: Final = 2.0
"""The maximum age of the cache."""
AccessState = Literal["open", "closed", "not_yet"]


class OfferedLanguage(NamedTuple):
    """A language in which a consultation is offered, with its own name and direction."""

    tag: str
    name: str
    direction: str
    is_unreviewed: bool


class PublishedConsultation(NamedTuple):
    """A published consultation as pages show it."""

    live: LiveRevision
    offers: tuple[OfferedLanguage, ...]

    @property
    def revision(self) -> RevisionHead:
        """The head of its live revision."""
        return self.live.head

    @property
    def listing(self) -> Listing:
        """The fields that lists show."""
        return self.live.listing

    @property
    def consultation(self) -> Consultation:
        """The whole definition. Entries returned by the finders of the cache are readable."""
        found = _whole(self.live.packed, self.revision.consultation_id)
        if found is None:
            raise stored_revisions.unreadable_error(self.live.whole())
        return found

    @property
    def slug(self) -> str:
        return self.revision.slug

    @property
    def is_listed(self) -> bool:
        """Whether lists show it and it has pages besides the landing page."""
        return self.revision.state != "archived" and not self.revision.is_trial

    def state(self, now: datetime | None = None) -> AccessState:
        """Returns whether it accepts answers now."""
        found = self.revision.state_at(now or datetime.now(UTC))
        return found if found in {"open", "not_yet"} else "closed"

    def opens(self, zone: tzinfo) -> date | None:
        """Returns the first day."""
        return self.revision.opens_at.astimezone(zone).date() if self.revision.opens_at else None

    def closes(self, zone: tzinfo) -> date | None:
        """Returns the last day."""
        moment = self.revision.closes_at
        return (moment.astimezone(zone) - timedelta(microseconds=1)).date() if moment else None

    def text(self, text: Text, language: str) -> str:
        """Returns a text in this language, else in a fallback language, else in the main language."""
        tag = self.best(language)
        while tag not in text.languages():
            tag = self.listing.fallbacks.get(tag, self.listing.main_language)
        return text.in_language(tag, {})

    def answer_text(self, key: str, value: Value, language: str) -> str:
        """Returns a stored answer to a question of the definition in words."""
        return _localized(self.live.packed, self.revision.consultation_id, key, self.best(language)).show(value)

    def best(self, language: str) -> str:
        """Returns the offered language nearest to this one."""
        tags = self.listing.tags
        if language in tags:
            return language
        plain = language.partition("-")[0]
        return plain if plain in tags else self.listing.main_language

    def locale(self, language: str) -> Locale:
        """Returns the locale of this consultation's pages for a reader of this language."""
        return Locale.of(self.best(language))


def unpublished(definition: Consultation, consultation_id: int, now: datetime) -> PublishedConsultation:
    """Returns a definition as pages would show it if it were published now."""
    content = canonical_content(definition)
    head = RevisionHead(
        id=0,
        consultation_id=consultation_id,
        slug=definition.slug,
        sample=False,
        state="open",
        opens_at=None,
        closes_at=None,
        number=1,
        content_hash="",
        published_at=now,
    )
    live = LiveRevision(head, Listing.model_validate_json(content), zlib.compress(content.encode(), 1))
    return PublishedConsultation(live, _offers(live))


class ConsultationCache:
    """All consultations with a live revision, by slug. Trials of test revisions are not listed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._live = LiveRevisions()
        self._notices: dict[str, PublishedConsultation] = {}
        self._withdrawn: frozenset[str] = frozenset()
        self._read_at = float("-inf")
        self._began_at = 0.0
        self._reading: asyncio.Task[dict[str, PublishedConsultation]] | None = None

    async def refresh(self) -> None:
        """Reads the consultations again if the cache is too old; without the database the cached ones are served.

        Raises StorageError while nothing is cached. A read that takes longer than a visitor waits continues in the
        background for later visitors.
        """
        if time.monotonic() - self._read_at < SECONDS:
            return
        if self._reading is None:
            self._reading = asyncio.create_task(self._store.read(self._read))
            self._began_at = time.monotonic()
        reading = self._reading
        limit = PATIENCE_SECONDS if self._notices else FIRST_SECONDS
        # Counted from the start of the query, so that later callers do not wait for the full interval again.
        await asyncio.wait([reading], timeout=max(0.0, self._began_at + limit - time.monotonic()))
        try:
            if not reading.done():
                raise StoreBusy("no answer for too long")
            if self._reading is reading:
                self._reading = None
            found = reading.result()
            gone = {slug for slug, it in self._notices.items() if slug not in found and not it.revision.is_trial}
            self._withdrawn = (self._withdrawn | gone) - found.keys()
            self._notices = found
        except StorageError:
            if not self._notices:
                raise
        self._read_at = time.monotonic()

    def expire(self) -> None:
        """Lets the next page read the consultations again, because this process changed one."""
        self._read_at = float("-inf")

    def _read(self, connection: Connection) -> dict[str, PublishedConsultation]:
        return _read(connection, self._notices, self._live)

    def is_withdrawn(self, slug: str) -> bool:
        """Whether a consultation was public in the lifetime of this process and is not any more."""
        return slug in self._withdrawn

    def find(self, slug: str) -> PublishedConsultation | None:
        """Returns a consultation that is not archived, or None for an unknown or unreadable one."""
        found = self.find_any(slug)
        return found if found and found.is_listed else None

    def find_any(self, slug: str) -> PublishedConsultation | None:
        """Returns a consultation, also an archived one or the trial of a test revision."""
        found = self._notices.get(slug)
        if found is not None and _whole(found.live.packed, found.revision.consultation_id) is None:
            self._live.leave_out(found.revision.id)
            self._notices = {name: published for name, published in self._notices.items() if name != slug}
            return None
        return found

    def by_id(self, consultation_id: int) -> PublishedConsultation | None:
        """Returns a consultation by its id."""
        slugs = (it.slug for it in self._listed() if it.revision.consultation_id == consultation_id)
        return next((self.find(slug) for slug in slugs), None)

    def _listed(self) -> list[PublishedConsultation]:
        return [published for published in self._notices.values() if published.is_listed]

    def _without_samples(self) -> list[PublishedConsultation]:
        """Returns the listed consultations, without samples once there is another one, as in the menu of the chats."""
        found = self._listed()
        return [published for published in found if not published.revision.sample] or found

    def all_listed(self) -> list[PublishedConsultation]:
        """Returns the consultations in all states, the last to end first; samples only where nothing else is listed."""
        return sorted(self._without_samples(), key=_rank, reverse=True)

    def open_now(self) -> list[PublishedConsultation]:
        """Returns the open consultations, the first to end first; samples only where nothing else is listed."""
        found = [published for published in self._without_samples() if published.state() == "open"]
        return sorted(found, key=_rank)

    def access(self, slug: str) -> Literal["open", "closed", "unknown"]:
        """Returns whether a consultation accepts answers, for the transports."""
        published = self._notices.get(slug)
        if published is None:
            return "unknown"
        return "open" if published.state() == "open" else "closed"


def _rank(published: PublishedConsultation) -> tuple[datetime, str]:
    return published.revision.closes_at or datetime.max.replace(tzinfo=UTC), published.slug


def _read(
    connection: Connection, known: dict[str, PublishedConsultation], live: LiveRevisions | None = None
) -> dict[str, PublishedConsultation]:
    found: dict[str, PublishedConsultation] = {}
    for it in (live or LiveRevisions()).look(connection, get_args(ConsultationState)):
        before = known.get(it.head.slug)
        is_known = before is not None and before.revision.id == it.head.id
        found[it.head.slug] = PublishedConsultation(it, before.offers if before and is_known else _offers(it))
    return found


@lru_cache(64)
def _whole(packed: bytes, consultation_id: int) -> Consultation | None:
    """Parses a definition; None for an unreadable one. Cached by the identity of the bytes of one `LiveRevision`."""
    return stored_revisions.parse_content(unpack_content(packed), consultation_id)


@lru_cache(2000)
def _localized(packed: bytes, consultation_id: int, key: str, language: str) -> LocalizedQuestion:
    """Returns a question of a readable definition in one language, to show its answers."""
    consultation = _whole(packed, consultation_id)
    if consultation is None:
        raise KeyError(key)
    node = next(node for node in consultation.nodes() if node.key == key)
    phrases = phrase_catalogues.load_phrases(language)
    return node.localize(Renderer("", language, phrases, consultation.address, consultation.fallbacks))


def _offers(live: LiveRevision) -> tuple[OfferedLanguage, ...]:
    listing = live.listing
    whole = stored_revisions.read_revision(live.whole()) if listing.may_be_leichte_sprache else None
    is_leichte_sprache = whole is not None and whole.is_leichte_sprache()
    return tuple(
        OfferedLanguage(
            offer.tag,
            LEICHTE_SPRACHE if offer.tag == "de-simple" and is_leichte_sprache else LANGUAGES[offer.tag].name,
            "rtl" if LANGUAGES[offer.tag].right_to_left else "ltr",
            # The language it was written in is no translation.
            offer.tag != listing.main_language
            and (offer.review is Review.UNREVIEWED or bool(phrase_catalogues.unreviewed_phrases(offer.tag))),
        )
        for offer in listing.languages
    )
