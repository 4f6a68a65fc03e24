"""satisfaction and checks"""

import sqlalchemy as sa
from alembic import op

from training_records.database import UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "satisfaction_round",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("division_code", sa.String(length=12), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["division_code"],
            ["division.code"],
            name=op.f("fk_satisfaction_round_division_code_division"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_satisfaction_round")),
    )
    with op.batch_alter_table("satisfaction_round", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_satisfaction_round_division_code"), ["division_code"], unique=False
        )

    op.create_table(
        "satisfaction_answer",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("visits", sa.Integer(), nullable=False),
        sa.Column("help", sa.Integer(), nullable=False),
        sa.Column("manner", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_satisfaction_answer_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["round_id"],
            ["satisfaction_round.id"],
            name=op.f("fk_satisfaction_answer_round_id_satisfaction_round"),
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_satisfaction_answer")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("satisfaction_answer", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_satisfaction_answer_person_id"), ["person_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_satisfaction_answer_round_id"), ["round_id"], unique=False
        )

    op.create_table(
        "satisfaction_ticket",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("used", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_satisfaction_ticket_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["round_id"],
            ["satisfaction_round.id"],
            name=op.f("fk_satisfaction_ticket_round_id_satisfaction_round"),
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_satisfaction_ticket")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("satisfaction_ticket", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_satisfaction_ticket_person_id"), ["person_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_satisfaction_ticket_round_id"), ["round_id"], unique=False
        )

    op.create_table(
        "visit_check",
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("division_code", sa.String(length=12), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("drawn_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=True),
        sa.Column("note", sa.String(length=60), nullable=True),
        sa.Column("by", sa.String(length=40), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["division_code"], ["division.code"], name=op.f("fk_visit_check_division_code_division")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_visit_check_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visit.id"], name=op.f("fk_visit_check_visit_id_visit")
        ),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_visit_check")),
    )
    with op.batch_alter_table("visit_check", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_visit_check_division_code"), ["division_code"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_visit_check_person_id"), ["person_id"], unique=False)
