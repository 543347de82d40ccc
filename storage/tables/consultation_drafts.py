"""Drafts of consultation files that members edit in the console, in versions. The newest row is the draft."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, ForeignKey, Integer, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import Base, table_of
from storage.tables.consultations import ConsultationRow
from storage.tables.revisions import RevisionRow


class ConsultationDraftRow(Base):
    """One version of the draft of a consultation. It contains texts of the city only."""

    __tablename__ = "consultation_drafts"

    consultation_id: Mapped[int] = mapped_column(
        ForeignKey("consultations.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)  # counts from 1
    title: Mapped[str]  # in the main language, for lists
    text: Mapped[str]  # the file (YAML) as it was saved
    changed_by: Mapped[str]  # name of the member, as in the audit log
    changed_at: Mapped[datetime]
    revision: Mapped[int | None] = mapped_column(Integer)  # number of the revision with the same content, if it has one


class StoredDraft(NamedTuple):
    """A whole row: the input of ``insert_consultation_drafts`` and the result of the queries."""

    consultation_id: int
    version: int
    title: str
    text: str
    changed_by: str
    changed_at: datetime
    revision: int | None = None


class DraftHead(NamedTuple):
    """The newest version of a draft, without its text, with the slug of its consultation."""

    consultation_id: int
    slug: str
    version: int
    title: str
    changed_by: str
    changed_at: datetime
    revision: int | None


_drafts = table_of(ConsultationDraftRow)
_consultations = table_of(ConsultationRow)
_revisions = table_of(RevisionRow)
_columns = [_drafts.c[field] for field in StoredDraft._fields]
_heads = [
    _drafts.c.consultation_id,
    _consultations.c.slug,
    *(_drafts.c[field] for field in DraftHead._fields[2:]),
]
_insert = bulk.insert(_drafts, StoredDraft)


def insert_consultation_drafts(connection: Connection, drafts: Sequence[StoredDraft]) -> int:
    """Adds versions. Raises Duplicate for a version that exists: another transaction was faster."""
    return _insert(connection, drafts)


def draft_of(connection: Connection, consultation_id: int, version: int | None = None) -> StoredDraft | None:
    """Returns the newest version of a draft, or the one with this number."""
    query = select(*_columns).where(_drafts.c.consultation_id == consultation_id)
    if version is not None:
        query = query.where(_drafts.c.version == version)
    row = connection.execute(query.order_by(_drafts.c.version.desc()).limit(1)).first()
    return None if row is None else StoredDraft._make(row)


def draft_versions(connection: Connection, consultation_id: int) -> list[DraftHead]:
    """Returns the kept versions of a draft without their texts, newest first."""
    query = select(*_heads).join_from(_drafts, _consultations).where(_drafts.c.consultation_id == consultation_id)
    return [DraftHead._make(row) for row in connection.execute(query.order_by(_drafts.c.version.desc()))]


def drafts_never_stored(connection: Connection) -> list[DraftHead]:
    """Returns the drafts of consultations without any revision, by slug."""
    others = _drafts.alias()
    newest = select(func.max(others.c.version)).where(others.c.consultation_id == _consultations.c.id)
    query = (
        select(*_heads)
        .join_from(_drafts, _consultations)
        .where(_drafts.c.version == newest.correlate(_consultations).scalar_subquery())
        .where(~select(_revisions.c.id).where(_revisions.c.consultation_id == _consultations.c.id).exists())
    )
    return [DraftHead._make(row) for row in connection.execute(query.order_by(_consultations.c.slug))]


def delete_draft_versions(connection: Connection, consultation_id: int) -> int:
    """Deletes all versions of a draft; returns their number."""
    return connection.execute(delete(_drafts).where(_drafts.c.consultation_id == consultation_id)).rowcount


def delete_versions(connection: Connection, consultation_id: int, versions: Sequence[int]) -> None:
    """Deletes some versions of a draft; few at a time."""
    if versions:
        own = _drafts.c.consultation_id == consultation_id
        connection.execute(delete(_drafts).where(own & _drafts.c.version.in_(versions)))
