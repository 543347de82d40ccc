"""Reads what was published, also by an older program: a revision this one cannot read must not take others along."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import structlog
from pydantic import ValidationError
from sqlalchemy import Connection

from bot.common.errors import CommandError, program_name
from bot.consultations.live_revisions import listing_of
from flows.definition import Consultation
from storage.tables.consultations import (
    ConsultationState,
    PublishedRevision,
    find_consultation,
    find_live_revision,
    list_live_revision_heads,
    revision_contents,
)
from storage.tables.stages import current_stages

log = structlog.get_logger()


class UnreadableError(CommandError):
    """A revision, or a session on it, that another program wrote and this one cannot read."""


def read_revision(revision: PublishedRevision) -> Consultation | None:
    """The consultation, None where it cannot be read, which is logged."""
    return parse_content(revision.content, revision.consultation_id)


def parse_content(content: str, consultation_id: int) -> Consultation | None:
    """The same from stored content; the id is for the log."""
    try:
        return Consultation.model_validate_json(content)
    except ValidationError:
        log.error("revision_unreadable", consultation_id=consultation_id)
        return None


def unreadable_error(revision: PublishedRevision) -> UnreadableError:
    """For whoever needs just this one."""
    return UnreadableError(
        f"consultation {revision.slug}, revision {revision.number}: this program cannot read it; "
        "use the one that published it"
    )


def live_revision(connection: Connection, slug: str, *, trials: bool = False) -> PublishedRevision:
    """The live revision of the consultation of this name, open or not. Raises CommandError, naming what there is.

    With `trials` also that of a test revision, where the name is that of its trial.
    """
    newest = find_live_revision(connection, slug)
    if newest is not None and newest.is_trial and not trials:
        raise CommandError(f"{slug} is a test, and nothing in it counts; name the consultation itself")
    if newest is None and (found := find_consultation(connection, slug)):
        waits = current_stages(connection, found.id)
        way = (
            f"`{program_name()} go-live {slug}` makes it live"
            if waits
            else f"`{program_name()} publish FILE` makes it anew"
        )
        raise CommandError(f"{slug} was never live, so there is nothing yet; {way}")
    if newest is None:
        known = [head.slug for head in list_live_revision_heads(connection, get_args(ConsultationState))]
        there_is = f"there is {', '.join(known)}" if known else "nothing is published yet"
        raise CommandError(f"no consultation is called {slug!r}; {there_is}")
    return newest


def list_unreadable(connection: Connection, *, thoroughly: bool = False) -> Iterator[str]:
    """A sentence for the operator about each consultation that is published and cannot be read; found out by what lists
    show of it, or `thoroughly` by all of it, which takes five times as long.
    """
    heads = {head.id: head for head in list_live_revision_heads(connection, ("open", "closed"))}
    for number, content in revision_contents(connection, [*heads]):
        revision = heads[number].with_content(content)
        if (read_revision(revision) if thoroughly else listing_of(content)) is None:
            yield (
                f"consultation {revision.slug}, revision {revision.number}: this program cannot read it and leaves "
                f"it out; publish its file anew (`{program_name()} publish FILE`)"
            )
