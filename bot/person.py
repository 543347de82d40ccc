"""A resident while a batch is worked on: who it is for the channels, and where they stand in a consultation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.catalogue import Published
from flows.known import NOTHING, Known
from flows.session import Session
from storage.sessions import Mode, SessionChange, SessionStep, Status, StoredSession
from storage.staff import TeamMember


@dataclass(slots=True, eq=False)
class Place:
    """Where a person stands in one consultation: the engine's session with what its row needs besides."""

    id: int
    published: Published
    session: Session
    pseudonym: str
    started_at: datetime
    seen_at: datetime
    mode: Mode = "self"
    place_code: str = ""
    is_stored: bool = False
    was_waiting: bool = False
    """Whether the stored row waits and was not submitted: then an ordinary turn is the cheapest of changes."""

    def row(self, person: Person, now: datetime) -> StoredSession:
        """The session as a new row."""
        return StoredSession(
            self.id,
            self.published.consultation_id,
            self.published.revision_id,
            self.pseudonym,
            self._waiting_key(person),
            self.session.to_json(),
            self._status(),
            person.channel,
            self.session.language,
            self.mode,
            self.session.receipt,
            self.place_code or None,
            self.started_at,
            now,
            self._ended(now),
        )

    def is_step(self) -> bool:
        """Whether nothing happened but an ordinary turn."""
        return self.was_waiting and self.session.status == "waiting" and not self.session.submitted

    def step(self, person: Person, now: datetime) -> SessionStep:
        """What an ordinary turn changed in the row."""
        return SessionStep(self.id, self.session.to_json(), person.channel, self.session.language, now)

    def change(self, person: Person, now: datetime) -> SessionChange:
        """What a turn changed in the row."""
        return SessionChange(
            self.id,
            self._waiting_key(person),
            self.session.to_json(),
            self._status(),
            person.channel,
            self.session.language,
            now,
            self._ended(now),
        )

    def _waiting_key(self, person: Person) -> bytes | None:
        return person.waiting_key if self.session.status == "waiting" else None

    def _status(self) -> Status:
        # Who looks at submitted answers again has not un-submitted them.
        return "completed" if self.session.submitted else self.session.status

    def _ended(self, now: datetime) -> datetime | None:
        return None if self._status() == "waiting" else now


@dataclass(slots=True, eq=False)
class Person:
    """A resident as a batch sees them. `address` is in clear only here and in the channel."""

    contact_id: int
    waiting_key: bytes
    lookup: bytes
    channel: str
    address: str
    language: str | None
    place: Place | None = None
    is_proactive: bool = True
    """Whether the channel can write to somebody who has not just written."""
    member: TeamMember | None = None
    """Who works here from this chat; looked up only for messages that may be meant for the desk."""
    stranded: StoredSession | None = None
    """The session that waits for them and cannot be read by this program (`bot.stranded`)."""
    known: Known = NOTHING
    """What was found out for the turn that is being taken."""

    def at(self) -> Place:
        """Where the person stands; events about answers only happen to somebody who stands somewhere."""
        if self.place is None:
            raise LookupError("nobody can answer outside a consultation")
        return self.place
