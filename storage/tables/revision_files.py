"""The files that revisions were published from, as they were written: comments, order and quotes are kept."""

from sqlalchemy import Connection, ForeignKey, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from storage.core.base import Base, table_of


class RevisionFileRow(Base):
    """The newest file with the content of a revision. It contains texts of the city only."""

    __tablename__ = "revision_files"

    revision_id: Mapped[int] = mapped_column(
        ForeignKey("revisions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    text: Mapped[str]


_files = table_of(RevisionFileRow)


def replace_revision_file(connection: Connection, revision_id: int, text: str) -> None:
    """Stores the file of a revision instead of the former one."""
    connection.execute(delete(_files).where(_files.c.revision_id == revision_id))
    connection.execute(_files.insert(), {"revision_id": revision_id, "text": text})


def revision_file(connection: Connection, revision_id: int) -> str | None:
    """Returns the file of a revision, None if it was not kept."""
    text: str | None = connection.scalar(select(_files.c.text).where(_files.c.revision_id == revision_id))
    return text
