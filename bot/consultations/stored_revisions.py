"""Reads stored revisions, also of other versions; an unreadable revision does not affect others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import structlog
from pydantic import ValidationError
from sqlalchemy import Connection

from bot.common.errors import CommandError, program_name
from bot.consultations.live_revisions import listing_of
from flows.definition import Consultation
from storage.tables.consultations import ConsultationState, find_consultation
from storage.tables.revisions import PublishedRevision, find_live_revision, list_live_revision_heads, revision_contents
from storage.tables.stages import current_stages

log = structlog.get_logger()


class UnreadableError(CommandError):
    """Raised for a revision or session that an incompatible version wrote."""


def read_revision(revision: PublishedRevision) -> Consultation | None:
    """Reads the consultation of a revision; None, with a log entry, if it cannot be read."""
    return parse_content(revision.content, revision.consultation_id)


def parse_content(content: str, consultation_id: int) -> Consultation | None:
    """Parses stored content; the id is for the log."""
    try:
        return Consultation.model_validate_json(content)
    except ValidationError:
        log.error("revision_unreadable", consultation_id=consultation_id)
        return None


def unreadable_error(revision: PublishedRevision) -> UnreadableError:
    """Builds the error for a revision that cannot be read."""
    return UnreadableError(
        f"consultation {revision.slug}, revision {revision.number}: this program cannot read it; "
        "use the one that published it"
    )


def live_revision(connection: Connection, slug: str, *, trials: bool = False) -> PublishedRevision:
    """Returns the live revision of a consultation, open or not. Raises CommandError, listing the existing ones.

    With `trials` also accepts the name of the trial of a test revision.
    """
    newest = find_live_revision(connection, slug)
    if newest is not None and newest.is_trial and not trials:
        raise CommandError(f"{slug} is a test, and nothing in it counts; name the consultation itself")
    if newest is None and (found := find_consultation(connection, slug)):
        waits = current_stages(connection, found.id)
        way = (
            f"`{program_name()} go-live {slug}` makes it live"
            if waits
            else f"`{program_name()} publish FILE` creates it again"
        )
        raise CommandError(f"{slug} was never live, so there is nothing yet; {way}")
    if newest is None:
        known = [head.slug for head in list_live_revision_heads(connection, get_args(ConsultationState))]
        there_is = f"there is {', '.join(known)}" if known else "nothing is published yet"
        raise CommandError(f"no consultation is called {slug!r}; {there_is}")
    return newest


def list_unreadable(connection: Connection, *, thoroughly: bool = False) -> Iterator[str]:
    """Yields a sentence for the operator about each unreadable published consultation. Checks listings only;
    `thoroughly` checks the whole content, which takes five times as long.
    """
    heads = {head.id: head for head in list_live_revision_heads(connection, ("open", "closed"))}
    for number, content in revision_contents(connection, [*heads]):
        revision = heads[number].with_content(content)
        if (read_revision(revision) if thoroughly else listing_of(content)) is None:
            yield (
                f"consultation {revision.slug}, revision {revision.number}: this program cannot read it and leaves "
                f"it out; publish its file anew (`{program_name()} publish FILE`)"
            )
