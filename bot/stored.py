"""Reads what was published, also by an older program: a revision this one cannot read must not take others along."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import structlog
from pydantic import ValidationError
from sqlalchemy import Connection

from bot.errors import HouseError, program
from flows.definition import Consultation
from storage import consultations
from storage.consultations import PublishedRevision, State

log = structlog.get_logger()


class UnreadableError(HouseError):
    """A revision, or a session on it, that another program wrote and this one cannot read."""


def read(revision: PublishedRevision) -> Consultation | None:
    """The consultation, None where it cannot be read, which is logged."""
    try:
        return Consultation.model_validate_json(revision.content)
    except ValidationError:
        log.error("a stored revision cannot be read", consultation_id=revision.consultation_id)
        return None


def refusal(revision: PublishedRevision) -> UnreadableError:
    """For whoever needs just this one."""
    return UnreadableError(
        f"consultation {revision.slug}, revision {revision.number}: this program cannot read it; "
        "use the one that published it"
    )


def named(connection: Connection, slug: str) -> PublishedRevision:
    """The newest revision of the consultation of this name, open or not. Raises HouseError, naming what there is."""
    newest = consultations.latest(connection, slug)
    if newest is None:
        known = [revision.slug for revision in consultations.list_latest(connection, get_args(State))]
        there_is = f"there is {', '.join(known)}" if known else "nothing is published yet"
        raise HouseError(f"no consultation is called {slug!r}; {there_is}")
    return newest


def unreadable(connection: Connection) -> Iterator[str]:
    """A sentence for the operator about each consultation that is published and cannot be read."""
    for revision in consultations.list_latest(connection, ("open", "closed")):
        if read(revision) is None:
            yield (
                f"consultation {revision.slug}, revision {revision.number}: this program cannot read it and leaves "
                f"it out; publish its file anew (`{program()} publish FILE`)"
            )
