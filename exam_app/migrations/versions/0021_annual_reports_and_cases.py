"""annual reports and cases"""

import sqlalchemy as sa
from alembic import op

from training_records.database import Json, UtcDateTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "good_case",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("division_code", sa.String(length=12), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("title", sa.String(length=40), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("situation", sa.String(length=600), nullable=False),
        sa.Column("done", sa.String(length=1200), nullable=False),
        sa.Column("result", sa.String(length=600), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("comment", sa.String(length=200), nullable=True),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.String(length=40), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["division_code"], ["division.code"], name=op.f("fk_good_case_division_code_division")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_good_case_person_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_good_case")),
    )
    with op.batch_alter_table("good_case", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_good_case_person_id"), ["person_id"], unique=False)
        batch_op.create_index("ix_good_case_place_year", ["division_code", "year"], unique=False)

    op.create_table(
        "annual_report",
        sa.Column("division_code", sa.String(length=12), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("texts", Json, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("file", sa.String(length=64), nullable=True),
        sa.Column("filed_on", sa.Date(), nullable=True),
        sa.Column("replaced_at", UtcDateTime(), nullable=True),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["division_code"],
            ["division.code"],
            name=op.f("fk_annual_report_division_code_division"),
        ),
        sa.ForeignKeyConstraint(
            ["file"], ["evidence.sha256"], name=op.f("fk_annual_report_file_evidence")
        ),
        sa.PrimaryKeyConstraint("division_code", "year", name=op.f("pk_annual_report")),
    )
