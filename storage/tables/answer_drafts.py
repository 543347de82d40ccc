"""Drafts of official answers: one per proposal, until it is sent; and templates of reasons.

A draft that is sent is held back: it has a ``publish_at``, and nothing but the console reads it until then. A job then
stores the official answer (``storage.tables.proposals``) and deletes the draft, in one transaction.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, ForeignKey, Index, UniqueConstraint, delete, func, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import WORDS, Base, Json, one_of, table_of
from storage.tables.audit import AuditInterface
from storage.tables.proposals import PUBLIC_STATUSES, PublicStatus

HELD = text("publish_at IS NOT NULL")
"""The index holds few rows: a draft leaves it after a minute."""


class AnswerDraftRow(Base):
    """The draft of an official answer to one proposal."""

    __tablename__ = "answer_drafts"
    __table_args__ = (
        one_of("status", PUBLIC_STATUSES),
        Index(None, "consultation_id", "proposal_id"),
        Index("ix_answer_drafts_held", "publish_at", sqlite_where=HELD, postgresql_where=HELD),
    )

    proposal_id: Mapped[int] = mapped_column(
        ForeignKey("proposals.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    consultation_id: Mapped[int]  # repeats the proposal's, so that the list is one index
    status: Mapped[str]
    reason: Mapped[Any] = mapped_column(Json, nullable=False, info=WORDS)  # text per language: {"de": "…", "en": "…"}
    body: Mapped[str]
    link: Mapped[str]
    is_correction: Mapped[bool]  # corrects the last official answer
    version: Mapped[int]  # rises with each change, so that of two editors the second one is told
    staff_id: Mapped[int | None]  # who saved or sent it last; no foreign key: former staff may be deleted
    staff_name: Mapped[str]
    staff_role: Mapped[str]
    staff_door: Mapped[str]  # the interface, for the audit log
    changed_at: Mapped[datetime]
    sending_id: Mapped[int | None]  # drafts that were sent together have the same one; NULL: not sent
    publish_at: Mapped[datetime | None]  # held back until then; NULL: not sent
    problem: Mapped[str]  # why it was not published after the minute; "": it was not tried


class AnswerTemplateRow(Base):
    """A reason that the team uses again, in several languages."""

    __tablename__ = "answer_templates"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    reason: Mapped[Any] = mapped_column(Json, nullable=False)  # text per language
    staff_name: Mapped[str]
    changed_at: Mapped[datetime]


class AnswerDraft(NamedTuple):
    """The whole row."""

    proposal_id: int
    consultation_id: int
    status: PublicStatus
    reason: dict[str, str]
    body: str
    link: str
    is_correction: bool
    version: int
    staff_id: int | None
    staff_name: str
    staff_role: str
    staff_door: AuditInterface
    changed_at: datetime
    sending_id: int | None = None
    publish_at: datetime | None = None
    problem: str = ""


class AnswerTemplate(NamedTuple):
    """The whole row."""

    id: int
    name: str
    reason: dict[str, str]
    staff_name: str
    changed_at: datetime


class HeldSending(NamedTuple):
    """Drafts that were sent together and are held back."""

    sending_id: int
    publish_at: datetime
    staff_name: str
    number: int


class _DraftKey(NamedTuple):
    proposal_id: int


_drafts = table_of(AnswerDraftRow)
_templates = table_of(AnswerTemplateRow)
_columns = [_drafts.c[field] for field in AnswerDraft._fields]
_by_proposal = bulk.ByKeys(
    AnswerDraft, select(*_columns).order_by(_drafts.c.proposal_id), _drafts.c.proposal_id, lock="FOR UPDATE"
)
upsert_answer_drafts = bulk.upsert(_drafts, AnswerDraft, key=("proposal_id",))
"""Stores drafts; the draft of a proposal replaces the one before."""
_delete_drafts = bulk.delete(_drafts, _DraftKey)
insert_answer_templates = bulk.upsert(_templates, AnswerTemplate, key=("name",))
"""Stores templates; a template replaces the one of the same name."""


def answer_drafts_of(
    connection: Connection, proposal_ids: Sequence[int], *, lock: bool = False
) -> dict[int, AnswerDraft]:
    """Returns the drafts for these proposals, held back or not."""
    return {row.proposal_id: row for row in _by_proposal(connection, proposal_ids, lock=lock)} if proposal_ids else {}


def list_answer_drafts(
    connection: Connection, consultation_id: int, *, after_id: int = 0, limit: int, is_held: bool | None = None
) -> list[AnswerDraft]:
    """Returns the drafts of a consultation, oldest proposal first. `is_held` None: held back or not."""
    query = select(*_columns).where(_drafts.c.consultation_id == consultation_id, _drafts.c.proposal_id > after_id)
    if is_held is not None:
        query = query.where(_drafts.c.publish_at.is_not(None) if is_held else _drafts.c.publish_at.is_(None))
    rows = connection.execute(query.order_by(_drafts.c.proposal_id).limit(limit))
    return [AnswerDraft._make(row) for row in rows]


def count_answer_drafts(connection: Connection, consultation_id: int) -> int:
    """Returns the number of drafts of a consultation that are not sent."""
    query = select(func.count()).where(_drafts.c.consultation_id == consultation_id, _drafts.c.publish_at.is_(None))
    return connection.scalar(query) or 0


def held_sendings(connection: Connection, consultation_id: int) -> list[HeldSending]:
    """Returns what is held back in a consultation, oldest first."""
    columns = (_drafts.c.sending_id, _drafts.c.publish_at, _drafts.c.staff_name)
    query = select(*columns, func.count()).where(HELD, _drafts.c.consultation_id == consultation_id)
    rows = connection.execute(query.group_by(*columns).order_by(_drafts.c.publish_at))
    return [HeldSending._make(row) for row in rows]


def drafts_of_sending(connection: Connection, consultation_id: int, sending_id: int) -> list[AnswerDraft]:
    """Returns and locks the drafts that were sent together and are still held back."""
    query = select(*_columns).where(
        HELD, _drafts.c.consultation_id == consultation_id, _drafts.c.sending_id == sending_id
    )
    return [
        AnswerDraft._make(row) for row in connection.execute(query.order_by(_drafts.c.proposal_id).with_for_update())
    ]


def next_held_until(connection: Connection) -> datetime | None:
    """Returns when the next held back draft is published; None if none is held back."""
    query = select(_drafts.c.publish_at).where(HELD).order_by(_drafts.c.publish_at).limit(1)
    moment: datetime | None = connection.execute(query).scalar()
    return moment


def next_due_draft(connection: Connection, now: datetime) -> AnswerDraft | None:
    """Returns and locks a draft whose time has come, the earliest first; None if there is none."""
    query = select(*_columns).where(HELD, _drafts.c.publish_at <= now)
    query = query.order_by(_drafts.c.publish_at, _drafts.c.proposal_id).limit(1).with_for_update()
    row = connection.execute(query).first()
    return None if row is None else AnswerDraft._make(row)


def release_answer_draft(connection: Connection, proposal_id: int, problem: str) -> None:
    """Makes a held back draft an ordinary one again; `problem`: why it was not published."""
    connection.execute(
        update(_drafts)
        .where(_drafts.c.proposal_id == proposal_id)
        .values(publish_at=None, sending_id=None, problem=problem, version=_drafts.c.version + 1)
    )


def delete_answer_drafts(connection: Connection, proposal_ids: Sequence[int]) -> int:
    """Deletes the drafts for these proposals; returns how many."""
    return _delete_drafts(connection, [_DraftKey(id_) for id_ in proposal_ids])


def list_answer_templates(connection: Connection) -> list[AnswerTemplate]:
    """Returns all templates, by name."""
    query = select(*(_templates.c[field] for field in AnswerTemplate._fields)).order_by(_templates.c.name)
    return [AnswerTemplate._make(row) for row in connection.execute(query)]


def delete_answer_template(connection: Connection, template_id: int) -> bool:
    """Deletes a template; returns whether it existed."""
    return connection.execute(delete(_templates).where(_templates.c.id == template_id)).rowcount > 0
