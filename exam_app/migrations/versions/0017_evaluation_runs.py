"""evaluation runs"""

import sqlalchemy as sa
from alembic import op

from training_records.database import Json, UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "evaluation_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("division_code", sa.String(length=12), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("scheme", Json, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("publicity_until", sa.Date(), nullable=True),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("reckoned_at", UtcDateTime(), nullable=False),
        sa.Column("locked_hash", sa.String(length=64), nullable=True),
        sa.Column("locked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["division_code"],
            ["division.code"],
            name=op.f("fk_evaluation_run_division_code_division"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation_run")),
    )
    with op.batch_alter_table("evaluation_run", schema=None) as batch_op:
        batch_op.create_index("uq_evaluation_run", ["division_code", "year"], unique=True)

    op.create_table(
        "evaluation_appeal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=True),
        sa.Column("answer", sa.String(length=500), nullable=True),
        sa.Column("decided_by", sa.String(length=40), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_evaluation_appeal_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["evaluation_run.id"],
            name=op.f("fk_evaluation_appeal_run_id_evaluation_run"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation_appeal")),
    )
    with op.batch_alter_table("evaluation_appeal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evaluation_appeal_run_id"), ["run_id"], unique=False)

    op.create_table(
        "evaluation_result",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("months", sa.Numeric(precision=4, scale=1), nullable=False),
        sa.Column("measures", Json, nullable=False),
        sa.Column("total", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("grade", sa.String(length=10), nullable=True),
        sa.Column("vetoed", sa.Boolean(), nullable=False),
        sa.Column("self_comment", sa.String(length=500), nullable=True),
        sa.Column("town_comment", sa.String(length=500), nullable=True),
        sa.Column("district_comment", sa.String(length=500), nullable=True),
        sa.Column("returned", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_evaluation_result_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["evaluation_run.id"],
            name=op.f("fk_evaluation_result_run_id_evaluation_run"),
        ),
        sa.PrimaryKeyConstraint("run_id", "person_id", name=op.f("pk_evaluation_result")),
    )
    with op.batch_alter_table("evaluation_result", schema=None) as batch_op:
        batch_op.create_index("ix_evaluation_result_person_id", ["person_id"], unique=False)
        batch_op.create_index("ix_evaluation_result_place", ["run_id", "code"], unique=False)

    op.create_table(
        "evaluation_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_evaluation_step_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["evaluation_run.id"], name=op.f("fk_evaluation_step_run_id_evaluation_run")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation_step")),
    )
    with op.batch_alter_table("evaluation_step", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evaluation_step_run_id"), ["run_id"], unique=False)
