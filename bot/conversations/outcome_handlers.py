"""What follows a commit beside sending: called in order with the outcome of the batch."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.consultations.batch_context import BatchOutcome
from bot.delivery.message_codec import payload_of
from bot.privacy.scrubbing import Scrubber

OutcomeHandler = Callable[[BatchOutcome], Awaitable[None]]


def fetch_attachments(wake_fetcher: Callable[[], None]) -> OutcomeHandler:
    """Wakes `bot.delivery.attachments.fetcher` if attachments were added or removed."""

    async def handle(outcome: BatchOutcome) -> None:
        if outcome.has_media:
            wake_fetcher()

    return handle


def drop_exports(drop_files: Callable[[], Awaitable[None]]) -> OutcomeHandler:
    """Removes the exported files that wait to be fetched after an erasure (`bot.exchange.exports.service`)."""

    async def handle(outcome: BatchOutcome) -> None:
        if outcome.has_erased:
            await drop_files()

    return handle


def scrub_database(scrubber: Scrubber) -> OutcomeHandler:
    """Leaves nothing erased in memory and in the journal: at once after an erasure, soon after answers were dropped."""

    async def handle(outcome: BatchOutcome) -> None:
        if outcome.has_erased:
            payload_of.forget()
            await scrubber.at_once()
        elif outcome.has_dropped:
            scrubber.soon()

    return handle
