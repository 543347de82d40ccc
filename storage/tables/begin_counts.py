"""Begun web participations by consultation, hour and network: counts for a week, without any participation.

``network`` is a keyed hash. Its key is random, lives in the memory of the service and changes every day, so that no
hash can be computed again (``bot/common/begin_counter.py``).
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, ForeignKey, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import Base, exactly, table_of


class BeginCountRow(Base):
    """The begun participations of one network in one consultation and hour."""

    __tablename__ = "begin_counts"
    __table_args__ = (exactly("network", 16),)

    consultation_id: Mapped[int] = mapped_column(
        ForeignKey("consultations.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    network: Mapped[bytes] = mapped_column(primary_key=True)
    begins: Mapped[int]


class BeginCount(NamedTuple):
    """A whole row."""

    consultation_id: int
    hour: datetime
    network: bytes
    begins: int


class NetworkTotals(NamedTuple):
    """The counts that are stored for a consultation."""

    begins: int
    busiest: int
    """The begins of the busiest network in one hour."""


_counts = table_of(BeginCountRow)

upsert_begin_counts = bulk.upsert(_counts, BeginCount, key=("consultation_id", "hour", "network"))
"""Writes the totals of hours."""


def delete_begin_counts_before(connection: Connection, moment: datetime) -> int:
    """Deletes the counts of earlier hours; returns their number."""
    return connection.execute(delete(_counts).where(_counts.c.hour < moment)).rowcount


def network_totals(connection: Connection, consultation_id: int) -> NetworkTotals:
    """Adds up the stored counts of a consultation."""
    query = select(func.coalesce(func.sum(_counts.c.begins), 0), func.coalesce(func.max(_counts.c.begins), 0))
    row = connection.execute(query.where(_counts.c.consultation_id == consultation_id)).one()
    return NetworkTotals(*map(int, row))
