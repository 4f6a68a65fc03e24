"""model workers and allowances"""

import sqlalchemy as sa
from alembic import op

from training_records.database import Json, UtcDateTime

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "allowance_rule",
        sa.Column("division_code", sa.String(length=12), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("amounts", Json, nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["division_code"],
            ["division.code"],
            name=op.f("fk_allowance_rule_division_code_division"),
        ),
        sa.PrimaryKeyConstraint("division_code", "year", name=op.f("pk_allowance_rule")),
    )
    op.create_table(
        "exemplar",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("division_code", sa.String(length=12), nullable=False),
        sa.Column("village_code", sa.String(length=12), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("material", sa.String(length=1500), nullable=False),
        sa.Column("words", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("agreed_at", UtcDateTime(), nullable=True),
        sa.Column("publicity_until", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.String(length=40), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["division_code"], ["division.code"], name=op.f("fk_exemplar_division_code_division")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_exemplar_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["village_code"], ["division.code"], name=op.f("fk_exemplar_village_code_division")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exemplar")),
    )
    with op.batch_alter_table("exemplar", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_exemplar_division_code"), ["division_code"], unique=False
        )
        batch_op.create_index("uq_exemplar", ["person_id", "year"], unique=True)

    op.create_table(
        "exemplar_objection",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("exemplar_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("answer", sa.String(length=300), nullable=True),
        sa.Column("answered_by", sa.String(length=40), nullable=True),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["exemplar_id"],
            ["exemplar.id"],
            name=op.f("fk_exemplar_objection_exemplar_id_exemplar"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exemplar_objection")),
    )
    with op.batch_alter_table("exemplar_objection", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_exemplar_objection_exemplar_id"), ["exemplar_id"], unique=False
        )
