"""PostgreSQL: no samples of residents' texts in the planner's statistics; the list of tables to rewrite."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Connection

revision = "20261130_erasure"
down_revision = "20261130_stages"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORDS = {
    "addresses": ["sealed"],
    "answers": ["value"],
    "attachments": ["handle"],
    "dead_letters": ["sealed"],
    "decisions": ["reason"],
    "moderations": ["original"],
    "outbox": ["payload"],
    "proposal_statuses": ["reason"],
    "proposal_texts": ["title", "text"],
    "proposals": ["title", "text", "place"],
    "sessions": ["state"],
    "set_aside": ["sealed"],
}
VIEWS_OVER = sa.text(
    """
    SELECT DISTINCT v.oid, v.oid::regclass::text, array_to_string(v.reloptions, ', '), pg_get_viewdef(v.oid),
        (SELECT string_agg(format('NULL::%s AS %I', format_type(c.atttypid, c.atttypmod), c.attname), ', '
            ORDER BY c.attnum) FROM pg_attribute c WHERE c.attrelid = v.oid AND c.attnum > 0)
    FROM pg_depend d
    JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v'
    JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.refobjid = CAST(:table AS regclass) AND a.attname = ANY(:columns)"""
)


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("erased", ID, nullable=False),
        sa.Column("rewritten", ID, nullable=False),
        sa.PrimaryKeyConstraint("table_name", name=op.f("pk_erasures")),
    )
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    for table, columns in WORDS.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")
        _forget_samples(connection, table, columns)
        # rows erased before are still in the pages of the table
        op.execute(f"INSERT INTO erasures (table_name, erased, rewritten) VALUES ('{table}', 1, 0)")  # noqa: S608


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table, columns in WORDS.items():
            for column in columns:
                op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS -1")
    op.drop_table("erasures")


def _forget_samples(connection: Connection, table: str, columns: list[str]) -> None:
    """Removes existing samples; an ANALYZE would leave them. Changing a type to itself is the only way that needs no
    superuser; it touches no row.

    Views on the columns are replaced by empty ones meanwhile, never dropped, so that privileges and dependent objects
    stay. If another object depends on a column (a materialized view), its samples stay, and `doctor` reports it.
    """
    sampled = sa.text(
        "SELECT 1 FROM pg_stats WHERE schemaname = current_schema() AND tablename = :table AND attname = ANY(:columns)"
    )
    if connection.execute(sampled, {"table": table, "columns": columns}).first() is None:
        return
    views = connection.execute(VIEWS_OVER, {"table": table, "columns": columns}).all()
    types = connection.execute(
        sa.text(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = CAST(:table AS regclass) AND attname = ANY(:columns)"
        ),
        {"table": table, "columns": columns},
    ).all()
    try:
        with connection.begin_nested():
            for _, name, options, _, empty in views:
                connection.exec_driver_sql(_view(name, options, f"SELECT {empty}"))
            for column, kind in types:
                connection.exec_driver_sql(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {kind}")
            for _, name, options, query, _ in views:
                connection.exec_driver_sql(_view(name, options, query))
    except Exception as error:
        if getattr(error, "retryable", True):  # the lock was not granted: the whole migration is retried
            raise


def _view(name: str, options: str | None, query: str) -> str:
    return f"CREATE OR REPLACE VIEW {name} {f'WITH ({options})' if options else ''} AS {query}"
