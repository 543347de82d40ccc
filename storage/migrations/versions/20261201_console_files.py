"""The console: export jobs, and uploaded consultation files that wait for a decision."""

import sqlalchemy as sa
from alembic import op

from storage.core.base import UtcDateTime

revision = "20261201_console_files"
down_revision = "20261201_answer_drafts"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATES = ("waiting", "running", "done", "sending", "fetched", "expired", "failed", "aborted")


def upgrade() -> None:
    op.create_table(
        "export_jobs",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("consultation_id", ID, nullable=False),
        sa.Column("staff_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("progress", ID, nullable=False),
        sa.Column("size", ID, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(" OR ".join(f"state = '{it}'" for it in STATES), name=op.f("ck_export_jobs_state")),
        sa.ForeignKeyConstraint(
            ["consultation_id"],
            ["consultations.id"],
            name=op.f("fk_export_jobs_consultation_id_consultations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_export_jobs_staff_id_staff"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_jobs")),
    )
    op.create_index("ix_export_jobs_consultation_id", "export_jobs", ["consultation_id"])
    op.create_index("ix_export_jobs_staff_id", "export_jobs", ["staff_id"])
    op.create_table(
        "console_uploads",
        sa.Column("staff_id", ID, autoincrement=False, nullable=False),
        sa.Column("consultation_id", ID, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("checked", sa.Text(), nullable=False),
        sa.Column("decisions", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_console_uploads_staff_id_staff"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["consultation_id"],
            ["consultations.id"],
            name=op.f("fk_console_uploads_consultation_id_consultations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("staff_id", "consultation_id", name=op.f("pk_console_uploads")),
    )
    op.create_index("ix_console_uploads_consultation_id", "console_uploads", ["consultation_id"])


def downgrade() -> None:
    op.drop_table("console_uploads")
    op.drop_table("export_jobs")
