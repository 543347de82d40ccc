"""Catalogue of published consultations: lists them immediately and compiles each at its first use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple, get_args

import structlog
from sqlalchemy import Connection

from bot.common.i18n import phrase_catalogues
from bot.common.logs import error_place
from bot.consultations import stored_revisions
from bot.consultations.entry_codes import split_entry_code
from bot.consultations.flow_cache import KEPT_BYTES, FlowCache
from bot.consultations.live_revisions import LiveRevision, LiveRevisions
from flows.commands.words import Command
from flows.dialogue.main_menu import MainMenu, MenuEntry
from flows.flow import Flow
from flows.listing import Listing
from flows.messages import MsgIn
from flows.phrases import Phrases
from flows.renderer import Renderer
from flows.understanding.text import fold
from storage.tables.consultations import ConsultationState
from storage.tables.revisions import PublishedRevision, RevisionHead, revisions_by_id
from storage.tables.triggers import load_triggers

log = structlog.get_logger()

CODE_LENGTH = 6


class PublishedFlow(NamedTuple):
    """A published revision with its compiled flow."""

    revision_id: int
    consultation_id: int
    slug: str
    flow: Flow
    is_trial: bool = False
    """Whether this is the trial of a test revision, which does not count."""


class NotCompiled(Exception):
    """Raised for revisions that must be compiled before messages of these senders (channel, address) are taken."""

    def __init__(
        self, revisions: Mapping[int, PublishedRevision], senders: frozenset[tuple[str, str]] = frozenset()
    ) -> None:
        super().__init__("a revision has to be compiled first")
        self.revisions = revisions
        self.senders = senders


class PendingCompilations:
    """Collects missing compilations of a batch with the senders that wait for them."""

    def __init__(self) -> None:
        self._revisions: dict[int, PublishedRevision] = {}
        self._senders: set[tuple[str, str]] = set()

    def add(self, missing: NotCompiled, senders: Iterable[tuple[str, str]]) -> None:
        """Adds a missing compilation with its senders."""
        self._revisions |= missing.revisions
        self._senders |= missing.senders or set(senders)

    @contextmanager
    def on_behalf_of(self, senders: Iterable[tuple[str, str]]) -> Iterator[None]:
        """Raises NotCompiled for these senders if a compilation is missing in the block."""
        try:
            yield
        except NotCompiled as missing:
            self.add(missing, senders)
            self.check()

    def check(self) -> None:
        """Raises NotCompiled if any sender must wait."""
        if self._senders:
            raise NotCompiled(self._revisions, frozenset(self._senders))


class Catalogue:
    """Published and open consultations, and compiled revisions by id.

    Used by the writing thread only, except `compile`. `refresh` reads the database; everything else is in memory. A
    revision is compiled at its first use, in about thirty milliseconds; inside `waiting` NotCompiled is raised instead.
    """

    def __init__(
        self, languages: tuple[str, ...] | None = None, *, public_url: str = "", kept_bytes: int = KEPT_BYTES
    ) -> None:
        self._public_url = public_url
        tags = languages or phrase_catalogues.catalogue_languages()
        self._phrases = {tag: phrase_catalogues.load_phrases(tag) for tag in tags}
        self._compiled = FlowCache[PublishedFlow | None](kept_bytes)
        self._live = LiveRevisions()
        self._broken: set[int] = set()
        self._newest: dict[str, LiveRevision] = {}
        self._offered: tuple[int, ...] = ()
        self._triggers: dict[str, str] = {}
        self._waits = False
        self._start_words = tuple(
            sorted({fold(word) for catalogue in self._phrases.values() for word in _start_words(catalogue)})
        )
        self._first_words = frozenset(word.partition(" ")[0] for word in self._start_words)
        self.main_menu = MainMenu((), self._phrases)

    def refresh(self, connection: Connection) -> None:
        """Reads the published revisions; for known ones only states and dates. Compiles nothing."""
        live = self._live.look(connection, get_args(ConsultationState))
        self._newest = {it.head.slug: it for it in live if it.head.id not in self._broken}
        self._triggers = self._load_triggers(connection)
        known = [slug for slug in self._newest if self.is_known(slug)]
        real = [slug for slug in known if not self.is_sample(slug)]
        # Samples disappear from the menu once the city has published a consultation, open or not.
        self._offer([self._newest[slug] for slug in real or known if self.is_open(slug)])

    def _load_triggers(self, connection: Connection) -> dict[str, str]:
        """Returns the slugs by keyword or code, folded."""
        slugs = {it.head.consultation_id: slug for slug, it in self._newest.items()}
        triggers = load_triggers(connection).items()
        return {fold(value): slugs[number] for (_, value), number in triggers if number in slugs}

    def _offer(self, revisions: Sequence[LiveRevision]) -> None:
        """Shows these revisions in the main menu; keeps it if they are the same as before."""
        offered = tuple(it.head.id for it in revisions)
        if offered != self._offered:
            self.main_menu = MainMenu([_invitation(it.listing) for it in revisions], self._phrases)
            self._offered = offered

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Raises NotCompiled in this block instead of compiling."""
        self._waits = True
        try:
            yield
        finally:
            self._waits = False

    def renderer(self, code: str, language: str | None, hint: str = "") -> Renderer:
        """Returns a renderer for messages outside consultations; `code` marks its buttons, language and hint are those
        of the main menu.
        """
        tag = self.main_menu.renderer(language, hint).language
        return Renderer(code, tag, self._phrases[tag], "sie", {})

    def words(self, phrase: str) -> frozenset[str]:
        """Returns the words for a phrase in all available languages, folded."""
        return frozenset(fold(word) for said in self._phrases.values() for word in said.words(phrase))

    def lists(self, phrase: str) -> list[list[str]]:
        """Returns the word lists of a phrase as written, one per available language."""
        return [said.words(phrase) for said in self._phrases.values()]

    def newest(self, slug: str) -> PublishedFlow | None:
        """Returns the newest revision of an open consultation; None for unknown, closed or unreadable ones."""
        found = self._newest.get(slug)
        if found is None or not self.is_open(slug):
            return None
        if known := self._compiled.get(found.head.id):
            return known
        return self._use(found.whole())

    def known_slugs(self) -> tuple[str, ...]:
        """Returns the published consultations that are not archived, without trials."""
        return tuple(slug for slug in self._newest if self.is_known(slug))

    def consultation_id(self, slug: str) -> int:
        """Returns the id of a known consultation. Raises KeyError for others."""
        return self._newest[slug].head.consultation_id

    def is_known(self, slug: str) -> bool:
        """Whether a consultation is published and not archived."""
        found = self._newest.get(slug)
        return found is not None and found.head.state != "archived" and not found.head.is_trial

    def is_archived(self, slug: str) -> bool:
        """Whether a consultation is archived."""
        found = self._newest.get(slug)
        return found is not None and found.head.state == "archived"

    def is_sample(self, slug: str) -> bool:
        """Whether a consultation is invented, for trying out."""
        found = self._newest.get(slug)
        return found is not None and found.head.sample

    def title(self, slug: str, language: str) -> str:
        """Returns the title of a known consultation, open or not. Raises KeyError for others."""
        invitation = _invitation(self._newest[slug].listing)
        return invitation.in_language(invitation.title, language)

    def is_open(self, slug: str, now: datetime | None = None) -> bool:
        """Whether the consultation takes answers now."""
        found = self._newest.get(slug)
        return found is not None and found.head.state_at(now or datetime.now(UTC)) == "open"

    def ended_since(self, since: datetime, now: datetime) -> list[RevisionHead]:
        """Returns the consultations that ended within this period, without trials."""
        heads = (one.head for slug, one in self._newest.items() if self.is_known(slug))
        return [head for head in heads if head.closes_at and since <= head.closes_at <= now]

    def revision(self, connection: Connection, revision_id: int) -> PublishedFlow:
        """Returns a revision by id, also an old one: sessions stay on the revision they began with.

        Raises LookupError if it does not exist, UnreadableError if an incompatible version wrote it.
        """
        if known := self._compiled.get(revision_id):
            return known
        found = revisions_by_id(connection, [revision_id])[revision_id]
        published = self._use(found)
        if published is None:
            raise stored_revisions.unreadable_error(found)
        return published

    def triggered(self, text: str, *, by_start_word: bool = False) -> str | None:
        """Returns the slug of the consultation that a message starts by keyword or code: "/start CODE" or "CODE".

        With `by_start_word` only the first form counts: inside a consultation a bare keyword may be an answer.
        """
        if len(text) > 120 or (by_start_word and " " not in text):
            return None
        folded = fold(text)
        if not by_start_word and folded in self._triggers:
            return self._triggers[folded]
        return self._after_start_word(folded)

    def _after_start_word(self, folded: str) -> str | None:
        """Returns the slug of a message such as "/start CODE"."""
        if folded.partition(" ")[0] not in self._first_words:
            return None
        asked_for = (folded.removeprefix(word).strip() for word in self._start_words if folded.startswith(word))
        return next((self._triggers[rest] for rest in asked_for if rest in self._triggers), None)

    def with_entry_code(self, msg: MsgIn, *, by_start_word: bool) -> MsgIn:
        """Moves the entry code of "/start NAME_CODE" or "NAME CODE" from the text into its field.

        Returns all other messages unchanged. With `by_start_word` as in `triggered`.
        """
        if len(msg.text) > 120 or msg.entry_code:
            return msg
        text, code = split_entry_code(msg.text, is_bare=not by_start_word)
        if not code or self.triggered(msg.text, by_start_word=by_start_word):
            return msg
        starts = self.triggered(text, by_start_word=by_start_word) is not None
        return msg._replace(text=text, entry_code=code) if starts else msg

    def compile(self, revision: PublishedRevision) -> PublishedFlow | None:
        """Returns a compiled revision, compiling it on this thread if needed; None if this version cannot read it."""
        return self._compiled.get_or_compile(revision.id, len(revision.content), lambda: self._compile(revision))

    def _use(self, revision: PublishedRevision) -> PublishedFlow | None:
        is_broken = revision.id in self._broken
        if self._waits and not is_broken:
            raise NotCompiled({revision.id: revision})
        published = None if is_broken else self.compile(revision)
        newest = self._newest.get(revision.slug)
        if published is None and newest and newest.head.id == revision.id:
            del self._newest[revision.slug]
        return published

    def _compile(self, revision: PublishedRevision) -> PublishedFlow | None:
        consultation = stored_revisions.read_revision(revision)
        if consultation is None:
            self._broken.add(revision.id)
            return None
        link = f"{self._public_url}/c/{revision.slug}" if self._public_url else ""
        try:
            code = revision.content_hash[:CODE_LENGTH]
            flow = Flow(consultation, self._phrases, code, link, is_trial=revision.is_trial)
        except Exception as error:  # noqa: BLE001 - another version accepted it: only its participants may notice
            log.error("revision_not_compiled", consultation_id=revision.consultation_id, **error_place(error))
            self._broken.add(revision.id)
            return None
        return PublishedFlow(revision.id, revision.consultation_id, revision.slug, flow, revision.is_trial)


def _invitation(listing: Listing) -> MenuEntry:
    contact = listing.contact
    return MenuEntry(
        listing.slug,
        listing.title,
        fallbacks=listing.fallbacks,
        main_language=listing.main_language,
        keywords=listing.keywords,
        person=contact.name,
        ways=tuple(filter(None, (contact.phone, contact.email, contact.web))),
    )


def _start_words(catalogue: Phrases) -> list[str]:
    return [Command.START.value, *catalogue.words(f"words.{Command.START}")]
