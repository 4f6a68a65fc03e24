"""evaluation schemes"""

import sqlalchemy as sa
from alembic import op

from training_records.database import Json, UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "evaluation_scheme",
        sa.Column("division_code", sa.String(length=12), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("scheme", Json, nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["division_code"],
            ["division.code"],
            name=op.f("fk_evaluation_scheme_division_code_division"),
        ),
        sa.PrimaryKeyConstraint("division_code", "year", name=op.f("pk_evaluation_scheme")),
    )
