"""Tables of PostgreSQL in which rows were erased since the last rewrite.

PostgreSQL keeps a deleted row, and the old version of a changed row, in the pages of its table until other rows need
the space. ``storage.rewriting`` rewrites tables; this table lists those that wait for it. Counts only, no people and no
moments. SQLite overwrites what is deleted and needs none of it.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from storage.core.base import Base, table_of

NOT_OF_RESIDENTS = frozenset(
    {"consultations", "revisions", "revision_stages", "trials", "triggers", "rooms", "installation", "data_migrations"}
    | {"erasures", "staff", "api_keys", "audit", "entry_places"}
    | {"console_sessions", "console_uploads", "export_jobs", "invitations", "staff_assignments", "staff_credentials"}
    | {"answer_templates", "consultation_drafts", "dialogue_tests", "revision_files"}
    | {"page_settings", "logos"}
    | {"begin_counts"}  # keyed hashes of networks whose keys are gone
)
"""Tables without data of residents; all others are rewritten after an erasure."""


class ErasureRow(Base):
    """The rewrite state of one table."""

    __tablename__ = "erasures"

    table_name: Mapped[str] = mapped_column(primary_key=True)
    erased: Mapped[int]  # the number of erasures
    rewritten: Mapped[int]  # the number of erasures before the last rewrite


class PendingRewrite(NamedTuple):
    """A table to rewrite, with the number of its erasures."""

    table: str
    erased: int


_erasures = table_of(ErasureRow)


def tables_of_residents() -> list[str]:
    """Returns the tables with data of residents."""
    return sorted(set(_all().tables) - NOT_OF_RESIDENTS)


def columns_with_words() -> list[tuple[str, str]]:
    """Returns table and name of the columns declared to hold residents' words (``storage.core.base.WORDS``)."""
    return [(table.name, column.name) for table in _all().sorted_tables for column in table.c if "words" in column.info]


def mark_erased_tables(connection: Connection, names: Iterable[str] | None = None) -> None:
    """Records, in the transaction of an erasure, the tables it touched; without names, all of them.

    After the commit ``Store.scrub`` is called.
    """
    if connection.dialect.name != "postgresql":
        return
    rows = [{"table_name": name, "erased": 1, "rewritten": 0} for name in sorted(names or tables_of_residents())]
    connection.execute(
        insert(_erasures)
        .values(rows)
        .on_conflict_do_update(index_elements=["table_name"], set_={"erased": _erasures.c.erased + 1})
    )


def pending_rewrites(connection: Connection) -> list[PendingRewrite]:
    """Returns the tables to rewrite."""
    query = select(_erasures.c.table_name, _erasures.c.erased).where(_erasures.c.erased > _erasures.c.rewritten)
    return [PendingRewrite._make(row) for row in connection.execute(query.order_by(_erasures.c.table_name))]


def settle_rewrites(connection: Connection, done: Iterable[PendingRewrite]) -> None:
    """Records that these tables were rewritten; erasures since they were listed wait for the next rewrite."""
    for table, erased in done:
        connection.execute(
            update(_erasures)
            .where(_erasures.c.table_name == table, _erasures.c.rewritten < erased)
            .values(rewritten=erased)
        )


def _all() -> Any:
    from storage.models import metadata  # late: the list of all tables also contains this one

    return metadata
