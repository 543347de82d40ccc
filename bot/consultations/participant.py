"""Contact and session state during a batch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.consultations.catalogue import PublishedFlow
from flows.facts import NO_FACTS, Facts
from flows.phrases import FormOfAddress
from flows.session import Session
from storage.tables.sessions import SessionChange, SessionMode, SessionStatus, SessionStep, StoredSession, session_step
from storage.tables.staff import TeamMember


@dataclass(slots=True, eq=False)
class Participation:
    """One contact in one consultation: the engine's session and the other columns of its row."""

    id: int
    published: PublishedFlow
    session: Session
    pseudonym: str
    started_at: datetime
    """The hour."""
    seen_at: datetime
    """Time of the last message; for stored sessions, the hour."""
    mode: SessionMode = "self"
    entry_code: str = ""
    is_burst: bool = False
    """Whether it began in a burst of its network; for new sessions."""
    is_stored: bool = False
    was_waiting: bool = False
    """Whether the stored row waits and is not submitted, so that an ordinary turn needs the cheapest update only."""

    @staticmethod
    def of(row: StoredSession, published: PublishedFlow, session: Session) -> Participation:
        """Builds a participation from a stored session."""
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
        """Returns the session as a new row."""
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
            burst=int(self.is_burst),
        )

    def is_step(self) -> bool:
        """Whether only an ordinary turn was taken."""
        return self.was_waiting and self.session.status == "waiting" and not self.session.submitted

    def step(self, person: Person, hour: datetime) -> SessionStep:
        """Returns the changes of an ordinary turn."""
        return session_step(
            id=self.id,
            state=self.session.to_json(),
            channel=person.channel,
            language=self.session.language,
            updated_at=hour,
        )

    def change(self, person: Person, hour: datetime) -> SessionChange:
        """Returns the changes of any other turn."""
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
        # Reopening submitted answers does not withdraw the submission.
        return "completed" if self.session.submitted else self.session.status

    def _ended(self, hour: datetime) -> datetime | None:
        return None if self._status() == "waiting" else hour


@dataclass(slots=True, eq=False)
class Person:
    """A contact during a batch. `address` is in clear text only here and in the channel."""

    contact_id: int
    waiting_key: bytes
    lookup: bytes
    channel: str
    address: str
    language: str | None
    participation: Participation | None = None
    is_proactive: bool = True
    """Whether the channel can write first."""
    member: TeamMember | None = None
    """The staff member bound to this chat; loaded only for messages that may be staff commands."""
    incompatible_session: StoredSession | None = None
    """A waiting session this version cannot read (`bot.consultations.incompatible_sessions`)."""
    spoken_language: str | None = None
    """The stored language for contacts that chose none."""
    guessed_language: str = ""
    """The language reported by the channel, if available."""
    has_missed: bool = False
    """Whether the open question was not delivered."""
    facts: Facts = NO_FACTS
    """Facts loaded for the current turn."""
    form: FormOfAddress = "sie"
    """How the contact is addressed outside a consultation: as in its newest participation."""
    message: int = 0
    """Position in the batch of the current message, which replies refer to."""

    @staticmethod
    def absent(participation: Participation, channel: str) -> Person:
        """Builds a placeholder without a contact, for changes that no message caused."""
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
        """Returns the current participation. Raises LookupError outside a consultation."""
        if self.participation is None:
            raise LookupError("a contact without participation cannot answer")
        return self.participation
