"""Editions: the published figures of a consultation as of one moment, numbered.

An edition holds numbers and names of the definition only. It never contains residents' words: they are loaded when they
are read, so that withdrawn ones are missing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Connection,
    ForeignKey,
    ForeignKeyConstraint,
    FromClause,
    Integer,
    Select,
    SmallInteger,
    bindparam,
    delete,
    func,
    select,
    text,
    true,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import Base, table_of
from storage.tables.answers import AnswerRow
from storage.tables.moderation import DecisionRow, ModerationRow
from storage.tables.proposals import ProposalRow, ProposalStatusRow
from storage.tables.ratings import RatingEventRow
from storage.tables.sessions import SessionRow

KEPT = 2
"""How many editions of a consultation are stored: the newest, and one that a reader may still be using."""


class EditionRow(Base):
    """One edition. Rows are added, never changed, but for `is_last`."""

    __tablename__ = "editions"

    consultation_id: Mapped[int] = mapped_column(ForeignKey("consultations.id"), primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)  # 1, 2, … in each consultation
    made_at: Mapped[datetime]  # the moment of the database snapshot
    seconds: Mapped[float]  # duration of the computation
    revision_id: Mapped[int | None] = mapped_column(ForeignKey("revisions.id"))  # the live one; NULL: not recorded
    position: Mapped[str]  # state of the database; another value means a change
    rule: Mapped[int] = mapped_column(SmallInteger)  # the rule by which small numbers were suppressed
    is_last: Mapped[bool]  # answers were deleted since: only this edition has their figures
    document: Mapped[str]  # JSON: everything but plain counts
    compared: Mapped[str] = mapped_column(
        server_default=text("''")
    )  # JSON, never published: counts to compare the next edition with


class EditionCellRow(Base):
    """One published cell, as in counts.csv."""

    __tablename__ = "edition_rows"
    __table_args__ = (
        ForeignKeyConstraint(
            ["consultation_id", "number"], ["editions.consultation_id", "editions.number"], ondelete="CASCADE"
        ),
    )

    consultation_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    place: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)  # 0, 1, …
    table_name: Mapped[str]
    question_key: Mapped[str]
    question_type: Mapped[str]
    kind: Mapped[str]
    code: Mapped[str]
    n: Mapped[int | None]
    suppressed: Mapped[int] = mapped_column(SmallInteger)
    revisions: Mapped[str]
    reason: Mapped[str] = mapped_column(server_default=text("''"))  # why it is suppressed
    answered: Mapped[int | None]
    asked: Mapped[int | None]
    rounded: Mapped[int] = mapped_column(SmallInteger, server_default="0")


class EditionHead(NamedTuple):
    """An edition without its figures."""

    consultation_id: int
    number: int
    made_at: datetime
    seconds: float
    revision_id: int | None
    position: str
    rule: int
    is_last: bool


class StoredEdition(NamedTuple):
    """An edition without its rows."""

    consultation_id: int
    number: int
    made_at: datetime
    seconds: float
    revision_id: int | None
    position: str
    rule: int
    is_last: bool
    document: str
    compared: str = ""


class StoredEditionCell(NamedTuple):
    """One cell of an edition."""

    consultation_id: int
    number: int
    place: int
    table_name: str
    question_key: str
    question_type: str
    kind: str
    code: str
    n: int | None
    suppressed: int
    revisions: str
    reason: str = ""
    answered: int | None = None
    asked: int | None = None
    rounded: int = 0


_editions = table_of(EditionRow)
_rows = table_of(EditionCellRow)
_insert = bulk.insert(_editions, StoredEdition)
_insert_rows = bulk.insert(_rows, StoredEditionCell)
_sessions, _answers = table_of(SessionRow), table_of(AnswerRow)
_proposals, _steps, _events = table_of(ProposalRow), table_of(ProposalStatusRow), table_of(RatingEventRow)
_moderations, _decisions = table_of(ModerationRow), table_of(DecisionRow)


def add_edition(connection: Connection, edition: StoredEdition, rows: Sequence[StoredEditionCell]) -> None:
    """Stores an edition; of the earlier ones of its consultation only the last stay (`KEPT`).

    Raises Duplicate if another process stored this number.
    """
    _insert(connection, [edition])
    _insert_rows(connection, rows)
    of_this = _editions.c.consultation_id == edition.consultation_id
    connection.execute(delete(_editions).where(of_this, _editions.c.number <= edition.number - KEPT))


def find_newest_edition(connection: Connection, consultation_id: int) -> StoredEdition | None:
    """Returns the newest edition of a consultation; None if there is none yet."""
    query = select(*(_editions.c[name] for name in StoredEdition._fields))
    query = query.where(_editions.c.consultation_id == consultation_id).order_by(_editions.c.number.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else StoredEdition._make(row)


def newest_edition_head(connection: Connection, consultation_id: int) -> EditionHead | None:
    """Returns the newest edition of a consultation without its figures."""
    query = select(*(_editions.c[name] for name in EditionHead._fields))
    query = query.where(_editions.c.consultation_id == consultation_id).order_by(_editions.c.number.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else EditionHead._make(row)


def newest_edition_heads(connection: Connection) -> dict[int, EditionHead]:
    """Returns the newest edition of each consultation, by its id."""
    query = select(*(_editions.c[name] for name in EditionHead._fields)).order_by(_editions.c.number)
    return {row.consultation_id: EditionHead._make(row) for row in connection.execute(query)}


def edition_cells(connection: Connection, consultation_id: int, number: int) -> list[StoredEditionCell]:
    """Returns the cells of an edition, in their order."""
    query = select(*(_rows.c[name] for name in StoredEditionCell._fields))
    query = query.where(_rows.c.consultation_id == consultation_id, _rows.c.number == number).order_by(_rows.c.place)
    return [StoredEditionCell._make(row) for row in connection.execute(query)]


def is_edition_last(connection: Connection, consultation_id: int) -> bool:
    """Whether the newest edition alone has the figures of deleted answers."""
    query = select(_editions.c.is_last).where(_editions.c.consultation_id == consultation_id, _editions.c.is_last)
    return connection.execute(query.limit(1)).first() is not None


def make_edition_last(connection: Connection, consultation_id: int) -> None:
    """Records that answers are deleted now: later editions copy these figures."""
    number = select(func.max(_editions.c.number)).where(_editions.c.consultation_id == consultation_id)
    is_newest = (_editions.c.consultation_id == consultation_id) & (_editions.c.number == number.scalar_subquery())
    connection.execute(update(_editions).where(is_newest).values(is_last=True, compared=""))


def erase_editions(connection: Connection, consultation_id: int) -> None:
    """Deletes all editions of a consultation."""
    connection.execute(delete(_editions).where(_editions.c.consultation_id == consultation_id))


def _position() -> Select[tuple[object, ...]]:
    """Returns a query for one row of counts and sums over all data behind the figures of the consultation ``id``."""
    this = bindparam("id", type_=BigInteger())
    own = select(_proposals.c.id).where(_proposals.c.consultation_id == this)
    is_public = _proposals.c.released_at.is_not(None) & _proposals.c.withdrawn_at.is_(None)
    parts = (
        select(
            func.count(),
            func.max(_sessions.c.id),
            func.sum(_sessions.c.turns),
            func.count().filter(_sessions.c.status == "completed"),
            func.count().filter(_sessions.c.status == "interrupted"),
            func.sum(_sessions.c.revision_id % 1_000_003),
        ).where(_sessions.c.consultation_id == this),
        select(func.count(), func.sum(_answers.c.version), func.count(_answers.c.value))
        .join_from(_answers, _sessions)
        .where(_sessions.c.consultation_id == this),
        select(func.count(), func.max(_events.c.id)).where(_events.c.proposal_id.in_(own)),
        select(func.count(), func.max(_proposals.c.id), func.count().filter(is_public)).where(
            _proposals.c.consultation_id == this
        ),
        select(func.max(_steps.c.id)).where(_steps.c.proposal_id.in_(own)),
        select(func.count(), func.max(_moderations.c.changed_at)).where(_moderations.c.proposal_id.in_(own)),
        select(func.max(_decisions.c.id)).where(_decisions.c.moderation_id.in_(own)),
    )
    tables = [part.subquery() for part in parts]
    beside: FromClause = tables[0]
    for table in tables[1:]:
        beside = beside.join(table, true())  # each is one row
    return select(*(column for table in tables for column in table.c)).select_from(beside)


_reached = _position()


def consultation_position(connection: Connection, consultation_id: int) -> str:
    """Returns the state of a consultation as a text that changes with any data behind its figures.

    A million answers take some tenths of a second, which block nothing else.
    """
    return " ".join(str(it or 0) for it in connection.execute(_reached, {"id": consultation_id}).one())
