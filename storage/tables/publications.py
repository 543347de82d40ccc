"""Publishes revisions: stores them, puts them into a stage, and deletes consultations at the end."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import (
    Connection,
    delete,
    func,
    select,
    update,
)

from storage.core.base import table_of
from storage.tables.consultations import ConsultationRow, find_consultation
from storage.tables.revisions import (
    PublishedRevision,
    RevisionRow,
    find_revision_by_hash,
    live_revision_of,
    revision_in_stage,
    revisions_by_id,
)
from storage.tables.stages import Stage, current_stages, enter_stage


class Publication(NamedTuple):
    """What ``store_publication`` needs. The two ids are used only for new rows."""

    consultation_id: int
    revision_id: int
    slug: str
    content: str
    content_hash: str
    published_at: datetime
    sample: bool = False
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    stage: Stage = "live"
    number: int | None = None
    """Of a new revision; None: the next one."""


_consultations = table_of(ConsultationRow)
_revisions = table_of(RevisionRow)


def store_publication(connection: Connection, publication: Publication) -> PublishedRevision:
    """Stores a content as a revision of its consultation, which is created if it is new, and puts it into its stage.

    A content equal to that of an earlier revision creates no second one: the earlier one takes the stage again. Dates
    and the sample mark of the consultation follow the live publication. Two processes that publish at once take turns.
    """
    consultation_id = _consultation(connection, publication)
    known = find_revision_by_hash(connection, consultation_id, publication.content_hash)
    revision = known or _add(connection, publication, consultation_id)
    if publication.stage == "live":
        _go_live(connection, publication, revision)
    elif revision_in_stage(connection, consultation_id, publication.stage) != revision._replace(
        state=publication.stage
    ):
        enter_stage(connection, consultation_id, publication.stage, revision.id, publication.published_at)
    return revision if publication.stage == "live" else revision._replace(state=publication.stage)


def _add(connection: Connection, publication: Publication, consultation_id: int) -> PublishedRevision:
    number = func.coalesce(func.max(_revisions.c.number), 0) + 1
    next_number = select(number).where(_revisions.c.consultation_id == consultation_id)
    row = {
        "id": publication.revision_id,
        "consultation_id": consultation_id,
        "number": publication.number or connection.execute(next_number).scalar_one(),
        "content": publication.content,
        "content_hash": publication.content_hash,
        "published_at": publication.published_at,
    }
    connection.execute(_revisions.insert(), row)
    return revisions_by_id(connection, [publication.revision_id])[publication.revision_id]


def _go_live(connection: Connection, publication: Publication, revision: PublishedRevision) -> None:
    """Makes the revision live; if it is live already, only its end may change."""
    live = live_revision_of(connection, revision.consultation_id)
    if live is None or revision.id != live.id:
        set_live_revision(connection, revision, publication.published_at, ends_at=publication.closes_at)
    else:
        change_live_end(connection, revision.consultation_id, publication.published_at, ends_at=publication.closes_at)


def set_live_revision(
    connection: Connection, revision: PublishedRevision, now: datetime, *, ends_at: datetime | None
) -> None:
    """Makes a revision live; going back returns to the one that was live before."""
    live = current_stages(connection, revision.consultation_id).get("live")
    before = live.period if live else None
    enter_stage(connection, revision.consultation_id, "live", revision.id, now, ends_at=ends_at, back_to=before)


def change_live_end(connection: Connection, consultation_id: int, now: datetime, *, ends_at: datetime | None) -> None:
    """Changes the end of the live revision from now on; does nothing if it has that end already."""
    live = current_stages(connection, consultation_id).get("live")
    if live and live.ends_at != ends_at:
        enter_stage(connection, consultation_id, "live", live.revision_id, now, ends_at=ends_at, back_to=live.back_to)


def _consultation(connection: Connection, publication: Publication) -> int:
    """Returns the consultation's id. Its row is locked, so that revisions are numbered one after another."""
    found = find_consultation(connection, publication.slug, lock=True)
    if found is not None:
        if publication.stage == "live":
            set_consultation_dates(connection, publication)
        return found.id
    add_consultation(connection, publication)
    return publication.consultation_id


def add_consultation(connection: Connection, publication: Publication) -> None:
    """Adds a consultation, for a draft without any revision. Raises Duplicate for a slug that exists."""
    new = {"id": publication.consultation_id, "slug": publication.slug, "state": "open"}
    row = new | _dates(publication) | {"created_at": publication.published_at}
    connection.execute(_consultations.insert(), row)


def set_consultation_dates(connection: Connection, publication: Publication) -> None:
    """Sets the dates and the sample mark of the consultation to those of a publication."""
    found = _consultations.c.slug == publication.slug
    connection.execute(update(_consultations).where(found).values(_dates(publication)))


def _dates(publication: Publication) -> dict[str, object]:
    return {
        "sample": publication.sample,
        "opens_at": publication.opens_at,
        "closes_at": publication.closes_at,
    }


def delete_consultation(connection: Connection, consultation_id: int) -> None:
    """Deletes a consultation with its revisions. Its participations must be deleted already."""
    connection.execute(delete(_revisions).where(_revisions.c.consultation_id == consultation_id))
    connection.execute(delete(_consultations).where(_consultations.c.id == consultation_id))
