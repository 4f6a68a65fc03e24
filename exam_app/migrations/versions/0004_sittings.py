"""sittings, seats, accommodations, marks by people, which attempt counts, release of results, leaving count"""

import sqlalchemy as sa
from alembic import op

from training_records.database import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sitting",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("exam_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=40), nullable=False),
        sa.Column("place", sa.String(length=60), nullable=True),
        sa.Column("opens_at", UtcDateTime(), nullable=False),
        sa.Column("closes_at", UtcDateTime(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("division_code", sa.String(length=12), nullable=False),
        sa.Column("make_up", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["exam_id"], ["exam.id"], name=op.f("fk_sitting_exam_id_exam")),
        sa.ForeignKeyConstraint(
            ["division_code"], ["division.code"], name=op.f("fk_sitting_division_code_division")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sitting")),
    )
    op.create_index(op.f("ix_sitting_exam_id"), "sitting", ["exam_id"])
    op.create_table(
        "seat",
        sa.Column("sitting_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sitting.id"], name=op.f("fk_seat_sitting_id_sitting")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_seat_person_id_person")
        ),
        sa.PrimaryKeyConstraint("sitting_id", "person_id", name=op.f("pk_seat")),
    )
    op.create_table(
        "accommodation",
        sa.Column("exam_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("extra_minutes", sa.Integer(), nullable=False),
        sa.Column("large_print", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("granted_by", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_id"], ["exam.id"], name=op.f("fk_accommodation_exam_id_exam")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_accommodation_person_id_person")
        ),
        sa.PrimaryKeyConstraint("exam_id", "person_id", name=op.f("pk_accommodation")),
    )
    op.create_table(
        "mark",
        sa.Column("attempt_id", sa.Integer(), nullable=False),
        sa.Column("slot", sa.String(length=8), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("share", sa.Numeric(precision=5, scale=4), nullable=False),
        sa.Column("comment", sa.String(length=200), nullable=True),
        sa.Column("marked_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempt.id"], name=op.f("fk_mark_attempt_id_attempt")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_mark_account_id_account")
        ),
        sa.PrimaryKeyConstraint("attempt_id", "slot", "account_id", name=op.f("pk_mark")),
    )
    # Defaults in the database too, so that code from before the change can still insert.
    for column in (
        sa.Column("counts", sa.String(length=8), server_default="best", nullable=False),
        sa.Column("release", sa.String(length=8), server_default="at_once", nullable=False),
        sa.Column("double_marking", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("release_at", UtcDateTime(), nullable=True),
        sa.Column("practice", sa.Boolean(), server_default=sa.false(), nullable=False),
    ):
        op.add_column("exam", column)
    with op.batch_alter_table("attempt") as table:
        table.add_column(sa.Column("sitting_id", sa.Integer(), nullable=True))
        table.add_column(sa.Column("left_count", sa.Integer(), server_default="0", nullable=False))
        table.create_foreign_key(
            op.f("fk_attempt_sitting_id_sitting"), "sitting", ["sitting_id"], ["id"]
        )
