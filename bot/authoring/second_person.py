"""The agreement of a second member to a version that goes live: asked for wherever it is published (console, command
line, API), given in the console, recorded in the audit log.

A request names the content of the version: a change needs a new request. A version that was live once needs none.
"""

from __future__ import annotations

from sqlalchemy import Connection

from bot.common.audit import Note, last_entries
from storage.tables.revisions import PublishedRevision
from storage.tables.stages import stage_history


def ask_to_publish(connection: Connection, slug: str, digest: str, note: Note) -> None:
    """Records the request that the version with this content goes live."""
    note(connection, "consultation.ask_publish", _about(slug, digest), "")


def asked_to_publish(connection: Connection, slug: str, digest: str) -> str:
    """Returns who asked that the version with this content goes live; "" without a request."""
    entry = last_entries(connection, "consultation.ask_publish", _about(slug, digest))
    return entry.actor if entry else ""


def was_live(connection: Connection, revision: PublishedRevision) -> bool:
    """Whether a revision was live once."""
    return any(it.revision_id == revision.id for it in stage_history(connection, revision.consultation_id))


def where_to_agree(public_url: str, slug: str) -> str:
    """Returns the address of the page on which the other member agrees."""
    return f"{public_url}/console/consultations/{slug}/publish"


def _about(slug: str, digest: str) -> str:
    return f"{slug}/{digest[:16]}"
