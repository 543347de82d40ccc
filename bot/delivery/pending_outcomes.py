"""Outcomes of sending that wait to be stored."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, fields

from storage.tables.contacts import AddressMissed, AddressMove, AddressState
from storage.tables.outbox import SendDelay, SendOutcome, SentReply


@dataclass(slots=True)
class PendingOutcomes:
    """Outcomes that wait to be stored."""

    sent: list[SentReply] = field(default_factory=list)
    outcomes: list[SendOutcome] = field(default_factory=list)
    delays: list[SendDelay] = field(default_factory=list)
    moves: list[AddressMove] = field(default_factory=list)
    unreachable: list[AddressState] = field(default_factory=list)
    missed: list[AddressMissed] = field(default_factory=list)
    broadcasts: list[SendOutcome] = field(default_factory=list)
    left_memory: list[tuple[str, int, bool]] = field(default_factory=list)
    """Channel and id of broadcasts that left their queue, and whether they still wait."""
    persisted: list[asyncio.Future[None]] = field(default_factory=list)
    """Futures resolved when all this is stored."""
    has_farewells: bool = False

    def __bool__(self) -> bool:
        return any(getattr(self, each.name) for each in fields(self))

    def absorb(self, other: PendingOutcomes) -> None:
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            setattr(self, each.name, theirs + mine if isinstance(mine, list) else mine or theirs)
