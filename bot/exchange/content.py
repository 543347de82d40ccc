"""What a consultation gives to other programs: its proposals, what became of them, and every vote on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from bot.exports import subject
from storage import moderation, proposals, ratings
from storage.moderation import NewModeration
from storage.proposals import StoredProposal
from storage.ratings import NewRatingEvent


@dataclass(frozen=True, slots=True)
class Content:
    """One moment of a consultation. `votes` are in the order in which they were cast."""

    slug: str
    title: str
    language: str
    link: str
    """Where the consultation is met; "" where the house knows no address of its own."""
    proposals: tuple[StoredProposal, ...]
    states: Mapping[int, NewModeration]
    votes: tuple[NewRatingEvent, ...]

    def is_shown(self, proposal: StoredProposal) -> bool:
        return proposal.released_at is not None and proposal.withdrawn_at is None

    @property
    def shown(self) -> tuple[StoredProposal, ...]:
        """What everybody may see."""
        return tuple(it for it in self.proposals if self.is_shown(it))

    def link_to(self, proposal: StoredProposal) -> str:
        """The page that says what became of a proposal."""
        return f"{self.link}/p/{proposal.code}" if self.link else ""


def load(connection: Connection, slug: str, link: str = "") -> Content:
    """Everything of a consultation. Raises HouseError where there is none of this name."""
    found = subject.find(connection, slug)
    consultation = found.flow.consultation
    number = found.newest.consultation_id
    every = tuple(proposals.of_consultation(connection, number))
    votes = sorted(ratings.events_of(connection, number), key=lambda it: it.at)
    return Content(
        slug,
        consultation.title.in_language(consultation.main_language, consultation.fallbacks),
        consultation.main_language,
        link.rstrip("/"),
        every,
        moderation.of_proposals(connection, [it.id for it in every]),
        tuple(votes),
    )
