"""`migrate new`: the written revision makes on both databases what the models say, and goes back."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Integer, Table, Text, text

from bot.cli.maintenance import new_revision as command
from bot.common.errors import CommandError
from storage import migrate, new_revision
from storage.core.base import WORDS, UtcDateTime
from storage.core.store import Store
from storage.models import metadata
from tests.support.databases import only_sqlite

pytestmark = pytest.mark.migrates
DAY = date(2027, 1, 1)
"""Later than every revision."""
BIG = BigInteger().with_variant(Integer(), "sqlite")


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the revisions, to which one is added."""
    folder = Path(migrate.__file__).with_name("migrations")
    shutil.copytree(folder, tmp_path / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(migrate, "SCRIPTS", str(tmp_path / "migrations"))
    return tmp_path / "migrations" / "versions"


@pytest.fixture
def team_notes() -> Iterator[Table]:
    """A table that no revision makes, for as long as the test lasts; and a column of words in another one."""
    rooms = metadata.tables["rooms"]
    table = Table(
        "team_notes",
        metadata,
        Column("id", BIG, primary_key=True, autoincrement=False),
        Column("room_id", BIG, ForeignKey("rooms.id", ondelete="CASCADE"), nullable=False, index=True),
        Column("state", Text, nullable=False),
        Column("note", Text, nullable=True, info=WORDS),
        Column("at", UtcDateTime, nullable=False),
        CheckConstraint("state = 'open' OR state = 'done'", name="state"),
    )
    remark = Column("remark", Text, nullable=True, info=WORDS)
    rooms.append_column(remark)
    yield table
    rooms._columns.remove(remark)
    metadata.remove(table)


def test_a_written_revision_makes_what_the_models_say(store: Store, scripts: Path, team_notes: Table) -> None:
    head = migrate.head_revision()
    path = new_revision.write_revision("team_notes", DAY)
    assert path == scripts / "20270101_team_notes.py"
    script = path.read_text(encoding="utf-8")
    assert script.startswith('"""Team notes."""')
    assert f'down_revision = "{head}"' in script
    assert migrate.upgrade(store).now == "20270101_team_notes"
    with store.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    assert migrate.downgrade(store, str(head)).now == head


def test_new_columns_of_words_are_not_sampled(store: Store, scripts: Path, team_notes: Table) -> None:
    new_revision.write_revision("team_notes", DAY)
    migrate.upgrade(store)
    if store.dialect == "postgresql":
        query = "SELECT attname FROM pg_attribute WHERE attstattarget = 0 AND attname IN ('note', 'remark')"
        with store.reading() as connection:
            assert {name for (name,) in connection.execute(text(query))} == {"note", "remark"}


@only_sqlite
def test_no_revision_is_written_without_a_difference(store: Store, scripts: Path) -> None:
    before = sorted(scripts.iterdir())
    assert new_revision.write_revision("nothing", DAY) is None
    with pytest.raises(CommandError, match="do not differ"):
        command.print_new_revision("new", "nothing", print)
    assert sorted(scripts.glob("*.py")) == [it for it in before if it.suffix == ".py"]


@only_sqlite
@pytest.mark.parametrize("name", ["Team notes", "../x", "1st", "a__b", ""])
def test_a_revision_has_a_name_of_a_few_words(store: Store, name: str) -> None:
    with pytest.raises(CommandError, match="a few words"):
        command.print_new_revision("new", name, print)
