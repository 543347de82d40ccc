"""Export jobs of the console: who asked for which file, and what became of it. The files are in the data folder."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import ColumnElement, Connection, ForeignKey, delete, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import Base, one_of, table_of
from storage.tables.staff import StaffRow

ExportState = Literal["waiting", "running", "done", "sending", "fetched", "expired", "failed", "aborted"]


class ExportJobRow(Base):
    """One job. The row outlasts the file for some weeks, so that the team sees who exported what."""

    __tablename__ = "export_jobs"
    __table_args__ = (one_of("state", get_args(ExportState)),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    consultation_id: Mapped[int] = mapped_column(ForeignKey("consultations.id", ondelete="CASCADE"), index=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]  # content and format: "analysis-xlsx"
    state: Mapped[str]
    progress: Mapped[int]  # per cent
    size: Mapped[int | None]  # bytes of the file
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ExportJob(NamedTuple):
    """A whole row: the input of ``insert_export_jobs`` and the result of the queries."""

    id: int
    consultation_id: int
    staff_id: int
    kind: str
    state: ExportState
    progress: int
    size: int | None
    created_at: datetime
    ended_at: datetime | None = None


class ListedExportJob(NamedTuple):
    """A job with the name of the member who asked for it."""

    job: ExportJob
    by: str


_jobs, _staff = table_of(ExportJobRow), table_of(StaffRow)
_columns = [_jobs.c[field] for field in ExportJob._fields]
_insert = bulk.insert(_jobs, ExportJob)


def insert_export_jobs(connection: Connection, jobs: Sequence[ExportJob]) -> int:
    """Adds jobs."""
    return _insert(connection, jobs)


def export_job_by_id(connection: Connection, job_id: int) -> ExportJob | None:
    """Returns one job."""
    row = connection.execute(select(*_columns).where(_jobs.c.id == job_id)).first()
    return None if row is None else ExportJob._make(row)


def newest_export_jobs(connection: Connection, consultation_id: int, limit: int) -> list[ListedExportJob]:
    """Returns the jobs of a consultation, newest first."""
    query = select(*_columns, _staff.c.name).join(_staff, _staff.c.id == _jobs.c.staff_id)
    query = query.where(_jobs.c.consultation_id == consultation_id).order_by(_jobs.c.created_at.desc(), _jobs.c.id)
    return [ListedExportJob(ExportJob._make(row[:-1]), row[-1]) for row in connection.execute(query.limit(limit))]


def oldest_waiting_export_job(connection: Connection) -> ExportJob | None:
    """Returns the job that is to run next."""
    query = select(*_columns).where(_jobs.c.state == "waiting").order_by(_jobs.c.created_at, _jobs.c.id).limit(1)
    row = connection.execute(query).first()
    return None if row is None else ExportJob._make(row)


def count_unfinished_export_jobs(connection: Connection, staff_id: int | None = None) -> int:
    """Returns the number of jobs that wait or run, of one member or of all."""
    query = select(func.count()).where(_jobs.c.state.in_(("waiting", "running")))
    if staff_id is not None:
        query = query.where(_jobs.c.staff_id == staff_id)
    return connection.execute(query).scalar_one()


def change_export_job(connection: Connection, job_id: int, before: Iterable[ExportState], **values: Any) -> bool:
    """Changes a job that is in one of these states. Returns False if it is not, also after a change by a transaction
    that ran beside this one.
    """
    mine = (_jobs.c.id == job_id) & _jobs.c.state.in_(tuple(before))
    return connection.execute(update(_jobs).where(mine).values(**values)).rowcount > 0


def settle_export_jobs(connection: Connection, now: datetime) -> int:
    """Aborts the jobs that a former process left behind; returns their number. Files that it was sending wait again."""
    connection.execute(update(_jobs).where(_jobs.c.state == "sending").values(state="done"))
    running = update(_jobs).where(_jobs.c.state == "running")
    return connection.execute(running.values(state="aborted", ended_at=now)).rowcount


def expire_export_files(connection: Connection) -> int:
    """Marks all files that wait to be fetched as removed; returns their number."""
    return connection.execute(update(_jobs).where(_jobs.c.state == "done").values(state="expired")).rowcount


def export_jobs_ended_before(connection: Connection, state: ExportState, moment: datetime) -> list[int]:
    """Returns the ids of the jobs in this state that ended before a moment."""
    query = select(_jobs.c.id).where(_jobs.c.state == state, _jobs.c.ended_at < moment)
    return list(connection.scalars(query))


def export_job_ids(connection: Connection, state: ExportState) -> list[int]:
    """Returns the ids of the jobs in this state."""
    return list(connection.scalars(select(_jobs.c.id).where(_jobs.c.state == state)))


def has_export_jobs_before(connection: Connection, moment: datetime) -> bool:
    """Whether there are finished jobs that were created before a moment."""
    return connection.execute(select(_jobs.c.id).where(_finished_before(moment)).limit(1)).first() is not None


def delete_export_jobs_before(connection: Connection, moment: datetime) -> int:
    """Deletes the finished jobs that were created before a moment; returns their number."""
    return connection.execute(delete(_jobs).where(_finished_before(moment))).rowcount


def _finished_before(moment: datetime) -> ColumnElement[bool]:
    return _jobs.c.state.not_in(("waiting", "running", "done", "sending")) & (_jobs.c.created_at < moment)
