"""Figures as numbered editions. Figures stored when votes were deleted become the first edition."""

import sqlalchemy as sa
from alembic import op

from storage.core.base import UtcDateTime

revision = "20261130_editions"
down_revision = "20261130_erasure"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "editions",
        sa.Column("consultation_id", ID, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("revision_id", ID, nullable=True),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("rule", sa.SmallInteger(), nullable=False),
        sa.Column("is_last", sa.Boolean(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultations.id"], name=op.f("fk_editions_consultation_id_consultations")
        ),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name=op.f("fk_editions_revision_id_revisions")),
        sa.PrimaryKeyConstraint("consultation_id", "number", name=op.f("pk_editions")),
    )
    op.create_table(
        "edition_rows",
        sa.Column("consultation_id", ID, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("question_key", sa.Text(), nullable=False),
        sa.Column("question_type", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("n", ID, nullable=True),
        sa.Column("suppressed", sa.SmallInteger(), nullable=False),
        sa.Column("revisions", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["consultation_id", "number"],
            ["editions.consultation_id", "editions.number"],
            name=op.f("fk_edition_rows_consultation_id_editions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("consultation_id", "number", "place", name=op.f("pk_edition_rows")),
    )
    # Rule 0: the suppression of small numbers before there were editions.
    op.execute(
        "INSERT INTO editions (consultation_id, number, made_at, seconds, position, rule, is_last, document) "
        "SELECT consultation_id, 1, made_at, 0, '', 0, true, '{\"report\": ' || report || '}' FROM kept_reports"
    )
    op.drop_table("kept_reports")


def downgrade() -> None:
    op.create_table(
        "kept_reports",
        sa.Column("consultation_id", ID, autoincrement=False, nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultations.id"], name=op.f("fk_kept_reports_consultation_id_consultations")
        ),
        sa.PrimaryKeyConstraint("consultation_id", name=op.f("pk_kept_reports")),
    )
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    report = "json_extract(document, '$.report')" if is_sqlite else "(document::json -> 'report')::text"
    op.execute(
        "INSERT INTO kept_reports (consultation_id, report, made_at) "  # noqa: S608 - one of two texts above
        f"SELECT consultation_id, {report}, made_at FROM editions e WHERE is_last AND number = "
        "(SELECT max(number) FROM editions n WHERE n.consultation_id = e.consultation_id)"
    )
    op.drop_table("edition_rows")
    op.drop_table("editions")
