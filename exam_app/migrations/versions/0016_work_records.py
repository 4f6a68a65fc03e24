"""work records"""

import sqlalchemy as sa
from alembic import op

from training_records.database import Json, UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("division_code", sa.String(length=12), nullable=False),
        sa.Column("code", sa.String(length=5), nullable=False),
        sa.Column("categories", Json, nullable=False),
        sa.Column("assigned_id", sa.Integer(), nullable=True),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assigned_id"], ["person.id"], name=op.f("fk_case_entry_assigned_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["division_code"], ["division.code"], name=op.f("fk_case_entry_division_code_division")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_entry")),
    )
    with op.batch_alter_table("case_entry", schema=None) as batch_op:
        batch_op.create_index("ix_case_entry_place", ["division_code", "code"], unique=False)

    op.create_table(
        "office_task",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("division_code", sa.String(length=12), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=True),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["division_code"], ["division.code"], name=op.f("fk_office_task_division_code_division")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_task")),
    )
    with op.batch_alter_table("office_task", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_office_task_division_code"), ["division_code"], unique=False
        )

    op.create_table(
        "activity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("division_code", sa.String(length=12), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("theme", sa.String(length=10), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("children", sa.Integer(), nullable=True),
        sa.Column("adults", sa.Integer(), nullable=True),
        sa.Column("partners", sa.String(length=100), nullable=True),
        sa.Column("summary", sa.String(length=300), nullable=True),
        sa.Column("photo", sa.String(length=64), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["division_code"], ["division.code"], name=op.f("fk_activity_division_code_division")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_activity_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["photo"], ["evidence.sha256"], name=op.f("fk_activity_photo_evidence")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
    )
    with op.batch_alter_table("activity", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_activity_division_code"), ["division_code"], unique=False
        )
        batch_op.create_index("ix_activity_person_on", ["person_id", "on"], unique=False)

    op.create_table(
        "task_done",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("task", sa.String(length=20), nullable=False),
        sa.Column("period", sa.String(length=8), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=False),
        sa.Column("evidence", sa.String(length=64), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["evidence"], ["evidence.sha256"], name=op.f("fk_task_done_evidence_evidence")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_task_done_person_id_person")
        ),
        sa.PrimaryKeyConstraint("person_id", "task", "period", name=op.f("pk_task_done")),
    )
    op.create_table(
        "visit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=36), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("form", sa.String(length=10), nullable=False),
        sa.Column("findings", Json, nullable=False),
        sa.Column("needs", Json, nullable=False),
        sa.Column("measures", Json, nullable=False),
        sa.Column("next_on", sa.Date(), nullable=True),
        sa.Column("alarm", sa.Boolean(), nullable=False),
        sa.Column("reported_at", UtcDateTime(), nullable=True),
        sa.Column("photo", sa.String(length=64), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_entry.id"], name=op.f("fk_visit_case_id_case_entry")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_visit_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["photo"], ["evidence.sha256"], name=op.f("fk_visit_photo_evidence")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
    )
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.create_index("ix_visit_case_on", ["case_id", "on"], unique=False)
        batch_op.create_index("uq_visit_key", ["person_id", "key"], unique=True)
