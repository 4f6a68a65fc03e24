"""marking again after a key was corrected"""

import sqlalchemy as sa
from alembic import op

from training_records.database import Json, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("exam", sa.Column("corrections", Json, nullable=True))
    op.create_table(
        "rescore",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("attempt_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("old_score", sa.Numeric(precision=6, scale=2), nullable=False),
        sa.Column("new_score", sa.Numeric(precision=6, scale=2), nullable=False),
        sa.Column("old_passed", sa.Boolean(), nullable=False),
        sa.Column("new_passed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempt.id"], name=op.f("fk_rescore_attempt_id_attempt")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rescore")),
    )
    op.create_index(op.f("ix_rescore_attempt_id"), "rescore", ["attempt_id"])
