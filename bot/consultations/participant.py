"""A resident while a batch is worked on: who it is for the channels, and where they stand in a consultation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.consultations.catalogue import PublishedFlow
from flows.facts import NO_FACTS, Facts
from flows.session import Session
from storage.tables.sessions import SessionChange, SessionMode, SessionStatus, SessionStep, StoredSession
from storage.tables.staff import TeamMember


@dataclass(slots=True, eq=False)
class Participation:
    """Where a person stands in one consultation: the engine's session with what its row needs besides."""

    id: int
    published: PublishedFlow
    session: Session
    pseudonym: str
    started_at: datetime
    """The hour."""
    seen_at: datetime
    """When they wrote last; of what was stored before, the hour."""
    mode: SessionMode = "self"
    entry_code: str = ""
    is_stored: bool = False
    was_waiting: bool = False
    """Whether the stored row waits and was not submitted: then an ordinary turn is the cheapest of changes."""

    @staticmethod
    def of(row: StoredSession, published: PublishedFlow, session: Session) -> Participation:
        """Where a stored session stands."""
        return Participation(
            id=row.id,
            published=published,
            session=session,
            pseudonym=row.pseudonym,
            started_at=row.started_at,
            seen_at=row.updated_at,
            mode=row.mode,
            is_stored=True,
            was_waiting=row.waiting_key is not None and row.status == "waiting",
        )

    def row(self, person: Person, hour: datetime) -> StoredSession:
        """The session as a new row."""
        return StoredSession(
            id=self.id,
            consultation_id=self.published.consultation_id,
            revision_id=self.published.revision_id,
            pseudonym=self.pseudonym,
            waiting_key=self._waiting_key(person),
            state=self.session.to_json(),
            status=self._status(),
            channel=person.channel,
            language=self.session.language,
            mode=self.mode,
            receipt=self.session.receipt,
            place_code=self.entry_code or None,
            started_at=self.started_at,
            updated_at=hour,
            ended_at=self._ended(hour),
        )

    def is_step(self) -> bool:
        """Whether nothing happened but an ordinary turn."""
        return self.was_waiting and self.session.status == "waiting" and not self.session.submitted

    def step(self, person: Person, hour: datetime) -> SessionStep:
        """What an ordinary turn changed in the row."""
        return SessionStep(
            id=self.id,
            state=self.session.to_json(),
            channel=person.channel,
            language=self.session.language,
            updated_at=hour,
        )

    def change(self, person: Person, hour: datetime) -> SessionChange:
        """What a turn changed in the row."""
        return SessionChange(
            id=self.id,
            waiting_key=self._waiting_key(person),
            state=self.session.to_json(),
            status=self._status(),
            channel=person.channel,
            language=self.session.language,
            updated_at=hour,
            ended_at=self._ended(hour),
        )

    def _waiting_key(self, person: Person) -> bytes | None:
        return person.waiting_key if self.session.status == "waiting" else None

    def _status(self) -> SessionStatus:
        # Who looks at submitted answers again has not un-submitted them.
        return "completed" if self.session.submitted else self.session.status

    def _ended(self, hour: datetime) -> datetime | None:
        return None if self._status() == "waiting" else hour


@dataclass(slots=True, eq=False)
class Person:
    """A resident as a batch sees them. `address` is in clear only here and in the channel."""

    contact_id: int
    waiting_key: bytes
    lookup: bytes
    channel: str
    address: str
    language: str | None
    participation: Participation | None = None
    is_proactive: bool = True
    """Whether the channel can write to somebody who has not just written."""
    member: TeamMember | None = None
    """Who works here from this chat; looked up only for messages that may be meant for the desk."""
    incompatible_session: StoredSession | None = None
    """The session that waits for them and cannot be read by this program (`bot.consultations.incompatible_sessions`).
    """
    spoken_language: str | None = None
    """What the bot speaks with them where they chose no language, as it is stored."""
    guessed_language: str = ""
    """What their channel believes they read, if the bot speaks it."""
    has_missed: bool = False
    """The question that is open never reached them."""
    facts: Facts = NO_FACTS
    """What was found out for the turn that is being taken."""
    message: int = 0
    """Which message of the batch is being taken, by its place in it: what is said to the person is a reply to it."""

    @staticmethod
    def absent(participation: Participation, channel: str) -> Person:
        """Whoever stands there, while nobody wrote and nobody is told: no contact is known."""
        return Person(
            contact_id=0,
            waiting_key=b"",
            lookup=b"",
            channel=channel,
            address="",
            language=None,
            participation=participation,
        )

    @property
    def sender(self) -> tuple[str, str]:
        """Channel and address."""
        return self.channel, self.address

    def require_participation(self) -> Participation:
        """Where the person stands; events about answers only happen to somebody who stands somewhere."""
        if self.participation is None:
            raise LookupError("nobody can answer outside a consultation")
        return self.participation
