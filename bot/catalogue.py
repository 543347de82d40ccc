"""The published consultations as the conversation needs them: compiled once, looked at anew now and then."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from bot import phrases, stored
from flows.commands import Command
from flows.definition import Consultation
from flows.flow import Flow
from flows.lobby import Invitation, Lobby
from flows.phrases import Phrases
from flows.text import fold
from flows.voice import Voice
from storage import consultations
from storage.consultations import PublishedRevision

CODE_LENGTH = 6


class Published(NamedTuple):
    """A published revision, ready to be walked."""

    revision_id: int
    consultation_id: int
    slug: str
    flow: Flow


class Catalogue:
    """Compiled revisions by id, and what is open now.

    Used by the writing thread only. `refresh` reads what others published; everything else is memory.
    """

    def __init__(self, languages: tuple[str, ...] | None = None, *, public_url: str = "") -> None:
        self._public_url = public_url
        tags = languages or phrases.languages()
        self._phrases = {tag: phrases.load(tag) for tag in tags}
        self._compiled: dict[int, Published] = {}
        self._readable: dict[int, bool] = {}
        self._newest: dict[str, PublishedRevision] = {}
        self._offered: tuple[int, ...] = ()
        self._triggers: dict[str, str] = {}
        self._start_words = tuple(
            sorted({fold(word) for catalogue in self._phrases.values() for word in _start_words(catalogue)})
        )
        self._first_words = frozenset(word.partition(" ")[0] for word in self._start_words)
        self.lobby = Lobby((), self._phrases)

    def refresh(self, connection: Connection) -> None:
        """Reads what is published now; compiles only what is new."""
        found = consultations.list_latest(connection, ("open", "closed"))
        newest = {revision.slug: revision for revision in found if self._is_readable(revision)}
        slugs = {revision.consultation_id: slug for slug, revision in newest.items()}
        self._triggers = {
            fold(value): slugs[consultation_id]
            for (_, value), consultation_id in consultations.triggers(connection).items()
            if consultation_id in slugs
        }
        self._newest = newest
        offered = tuple(revision.id for slug, revision in newest.items() if self.is_open(slug))
        if offered != self._offered:
            open_now = [self._compile(revision) for revision in newest.values() if revision.id in offered]
            self.lobby = Lobby([_invitation(published.flow.consultation) for published in open_now], self._phrases)
            self._offered = offered

    def voice(self, code: str, language: str | None, hint: str = "") -> Voice:
        """A voice outside consultations; `code` marks its buttons, language and hint are those of the lobby."""
        tag = self.lobby.voice(language, hint).language
        return Voice(code, tag, self._phrases[tag], "sie", {})

    def words(self, phrase: str) -> frozenset[str]:
        """What people may type for something in any language of the house, folded."""
        return frozenset(fold(word) for said in self._phrases.values() for word in said.words(phrase))

    def lists(self, phrase: str) -> list[list[str]]:
        """The same word lists as they are written, one for each language of the house."""
        return [said.words(phrase) for said in self._phrases.values()]

    def newest(self, slug: str) -> Published | None:
        """The newest revision of an open consultation; None for unknown or closed ones."""
        revision = self._newest.get(slug)
        return self._compile(revision) if revision and self.is_open(slug) else None

    def known_slugs(self) -> tuple[str, ...]:
        """All consultations that are published and not archived."""
        return tuple(self._newest)

    def consultation_id(self, slug: str) -> int:
        """The id of a consultation that is known. KeyError for others."""
        return self._newest[slug].consultation_id

    def is_known(self, slug: str) -> bool:
        """Whether a consultation is published and not archived."""
        return slug in self._newest

    def title(self, slug: str, language: str) -> str:
        """The title of a consultation that is known, open or not. KeyError for others."""
        invitation = _invitation(self._compile(self._newest[slug]).flow.consultation)
        return invitation.in_language(invitation.title, language)

    def is_open(self, slug: str, now: datetime | None = None) -> bool:
        """Whether answers are taken at this moment."""
        revision = self._newest.get(slug)
        return revision is not None and revision.state_at(now or datetime.now(UTC)) == "open"

    def revision(self, connection: Connection, revision_id: int) -> Published:
        """A revision by id, also an old one: sessions stay on the revision they began with.

        Raises LookupError where there is none, UnreadableError where another program wrote it.
        """
        if revision_id not in self._compiled:
            found = consultations.by_revision(connection, [revision_id])[revision_id]
            if not self._is_readable(found):
                raise stored.refusal(found)
            self._compile(found)
        return self._compiled[revision_id]

    def triggered(self, text: str, *, by_start_word: bool = False) -> str | None:
        """The slug of the consultation a message asks for by keyword or code, "/start CODE" or just "CODE".

        With `by_start_word` only the first form counts: inside a consultation a bare keyword may be an answer.
        """
        if len(text) > 120 or (by_start_word and " " not in text):
            return None
        folded = fold(text)
        if not by_start_word and folded in self._triggers:
            return self._triggers[folded]
        if folded.partition(" ")[0] not in self._first_words:
            return None
        asked_for = (folded.removeprefix(word).strip() for word in self._start_words if folded.startswith(word))
        return next((self._triggers[rest] for rest in asked_for if rest in self._triggers), None)

    def _is_readable(self, revision: PublishedRevision) -> bool:
        """Reads each revision once; one that cannot be read is as if it were not there."""
        if revision.id not in self._readable:
            self._readable[revision.id] = stored.read(revision) is not None
        return self._readable[revision.id]

    def _compile(self, revision: PublishedRevision) -> Published:
        if revision.id not in self._compiled:
            consultation = Consultation.model_validate_json(revision.content)
            link = f"{self._public_url}/c/{revision.slug}" if self._public_url else ""
            flow = Flow(consultation, self._phrases, revision.content_hash[:CODE_LENGTH], link)
            self._compiled[revision.id] = Published(revision.id, revision.consultation_id, revision.slug, flow)
        return self._compiled[revision.id]


def _invitation(consultation: Consultation) -> Invitation:
    return Invitation(
        consultation.slug,
        consultation.title,
        consultation.fallbacks,
        consultation.main_language,
        consultation.keywords,
        consultation.contact.name,
        tuple(filter(None, (consultation.contact.phone, consultation.contact.email, consultation.contact.web))),
    )


def _start_words(catalogue: Phrases) -> list[str]:
    return [Command.START.value, *catalogue.words(f"words.{Command.START}")]
