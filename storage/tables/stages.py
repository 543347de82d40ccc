"""Stages of revisions: which one is live, a draft or under test, and since when."""

from datetime import datetime
from typing import Literal, NamedTuple, get_args

from sqlalchemy import Connection, ForeignKey, Index, Integer, UniqueConstraint, func, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from storage.core.base import Base, one_of, table_of

Stage = Literal["live", "test", "draft"]

CURRENT = text("until IS NULL")


class RevisionStageRow(Base):
    """A period in which a revision was in a stage. Rows are added and closed, never changed otherwise.

    A new period begins whenever another revision takes the stage, or the end of the consultation changes: so the end
    that was promised is known for answers of any moment.
    """

    __tablename__ = "revision_stages"
    __table_args__ = (
        one_of("stage", get_args(Stage)),
        Index(
            "ix_revision_stages_current",
            "consultation_id",
            "stage",
            unique=True,
            sqlite_where=CURRENT,
            postgresql_where=CURRENT,
        ),
        {"sqlite_with_rowid": False},
    )

    consultation_id: Mapped[int] = mapped_column(ForeignKey("consultations.id", ondelete="CASCADE"), primary_key=True)
    stage: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[int] = mapped_column(Integer, primary_key=True)  # 1, 2, …
    revision_id: Mapped[int] = mapped_column(ForeignKey("revisions.id", ondelete="CASCADE"), index=True)
    since: Mapped[datetime]
    until: Mapped[datetime | None]  # empty: it is so now
    ends_at: Mapped[datetime | None]  # of a live one: the planned end of the consultation
    back_to: Mapped[int | None] = mapped_column(Integer)  # the period to which going back returns


class TrialRow(Base):
    """A consultation in which a test revision of another one is tried out: its answers never count."""

    __tablename__ = "trials"
    __table_args__ = (UniqueConstraint("tested_id"),)

    consultation_id: Mapped[int] = mapped_column(
        ForeignKey("consultations.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    tested_id: Mapped[int] = mapped_column(ForeignKey("consultations.id"))


class StagePeriod(NamedTuple):
    """One period of a consultation in one stage."""

    stage: Stage
    period: int
    revision_id: int
    since: datetime
    until: datetime | None
    ends_at: datetime | None
    back_to: int | None


stages = table_of(RevisionStageRow)
trials = table_of(TrialRow)
_periods = select(*(stages.c[name] for name in StagePeriod._fields))


def current_stages(connection: Connection, consultation_id: int) -> dict[Stage, StagePeriod]:
    """Returns the current period of each stage."""
    query = _periods.where(stages.c.consultation_id == consultation_id, stages.c.until.is_(None))
    return {row.stage: row for row in (StagePeriod._make(row) for row in connection.execute(query))}


def stage_history(connection: Connection, consultation_id: int, stage: Stage = "live") -> list[StagePeriod]:
    """Returns all periods of a stage, oldest first."""
    query = _periods.where(stages.c.consultation_id == consultation_id, stages.c.stage == stage)
    return [StagePeriod._make(row) for row in connection.execute(query.order_by(stages.c.period))]


def enter_stage(
    connection: Connection,
    consultation_id: int,
    stage: Stage,
    revision_id: int,
    since: datetime,
    *,
    ends_at: datetime | None = None,
    back_to: int | None = None,
) -> None:
    """Begins a period, which ends the one before. The caller holds the lock on the consultation's row."""
    leave_stage(connection, consultation_id, stage, since)
    last = select(func.coalesce(func.max(stages.c.period), 0)).where(
        stages.c.consultation_id == consultation_id, stages.c.stage == stage
    )
    row = {
        "consultation_id": consultation_id,
        "stage": stage,
        "period": connection.execute(last).scalar_one() + 1,
        "revision_id": revision_id,
        "since": since,
        "ends_at": ends_at,
        "back_to": back_to,
    }
    connection.execute(stages.insert(), row)


def leave_stage(connection: Connection, consultation_id: int, stage: Stage, until: datetime) -> bool:
    """Ends the period of a stage; returns False if there is none."""
    is_current = (stages.c.consultation_id == consultation_id) & (stages.c.stage == stage) & stages.c.until.is_(None)
    return bool(connection.execute(update(stages).where(is_current).values(until=until)).rowcount)


def set_missing_ends(connection: Connection, consultation_id: int, ends_at: datetime) -> None:
    """Sets the end of periods without one: the consultation ended then."""
    is_endless = (stages.c.consultation_id == consultation_id) & (stages.c.stage == "live") & stages.c.ends_at.is_(None)
    connection.execute(update(stages).where(is_endless).values(ends_at=ends_at))


def trial_of(connection: Connection, consultation_id: int) -> int | None:
    """Returns the consultation in which the test revision of this one is tried out."""
    return connection.execute(select(trials.c.consultation_id).where(trials.c.tested_id == consultation_id)).scalar()


def add_trial(connection: Connection, consultation_id: int, tested_id: int) -> None:
    """Makes one consultation the trial of another. Raises Duplicate if there is one already."""
    connection.execute(trials.insert(), {"consultation_id": consultation_id, "tested_id": tested_id})


def trials_begun_before(connection: Connection, moment: datetime) -> list[int]:
    """Returns the trials whose revision has been under test since before a moment."""
    query = select(trials.c.consultation_id).join(stages, stages.c.consultation_id == trials.c.consultation_id)
    return list(connection.scalars(query.where(stages.c.until.is_(None), stages.c.since < moment)))


def is_trial(connection: Connection, consultation_id: int) -> bool:
    """Whether a consultation is a trial of another one."""
    query = select(trials.c.consultation_id).where(trials.c.consultation_id == consultation_id)
    return connection.execute(query).first() is not None
