"""kinds of certificates, void and issued anew; jobs in the background; anchors of chains"""

import sqlalchemy as sa
from alembic import op

from training_records.database import Json, UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "certificate_template",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("division_code", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("heading", sa.String(length=30), nullable=False),
        sa.Column("body", sa.String(length=200), nullable=False),
        sa.Column("prefix", sa.String(length=6), nullable=False),
        sa.Column("valid_months", sa.Integer(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["division_code"],
            ["division.code"],
            name=op.f("fk_certificate_template_division_code_division"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate_template")),
    )
    op.create_index(
        op.f("ix_certificate_template_division_code"), "certificate_template", ["division_code"]
    )
    with op.batch_alter_table("certificate") as batch:
        batch.add_column(sa.Column("template_id", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("replaced_by", sa.String(length=40), nullable=True))
        batch.create_foreign_key(
            op.f("fk_certificate_template_id_certificate_template"),
            "certificate_template",
            ["template_id"],
            ["id"],
        )
        batch.drop_constraint(op.f("uq_certificate_entry_id"), type_="unique")
    op.create_index(
        "uq_certificate_entry",
        "certificate",
        ["entry_id"],
        unique=True,
        sqlite_where=sa.text("voided_at IS NULL"),
        postgresql_where=sa.text("voided_at IS NULL"),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("division_code", sa.String(length=12), nullable=False),
        sa.Column("params", Json, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("message", sa.String(length=300), nullable=True),
        sa.Column("file", sa.String(length=100), nullable=True),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("claimed_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["division_code"], ["division.code"], name=op.f("fk_job_division_code_division")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index(op.f("ix_job_division_code"), "job", ["division_code"])
    op.create_index(op.f("ix_job_state"), "job", ["state"])
    op.create_table(
        "chain_anchor",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("day", "name", name=op.f("pk_chain_anchor")),
    )
