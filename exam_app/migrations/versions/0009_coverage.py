"""rules of the years; running and frozen figures of coverage, with the indexes that they need"""

import sqlalchemy as sa
from alembic import op

from training_records.database import Json, UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

FIGURES = ("in_post", "covered", "pending", "uncovered", "not_inducted", "supervisors")
MONTHS = tuple(f"m{month}" for month in range(1, 13))


def upgrade() -> None:
    op.create_table(
        "coverage_rule",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hours", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("exam", sa.Boolean(), nullable=False),
        sa.Column("levels", Json, nullable=False),
        sa.Column("pending_days", sa.Integer(), nullable=False),
        sa.Column("set_by", sa.String(length=40), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_coverage_rule")),
    )
    op.create_table(
        "coverage_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("built_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coverage_state")),
    )
    op.create_table(
        "coverage_touched",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coverage_touched")),
    )
    op.create_table(
        "coverage_count",
        sa.Column("code", sa.String(length=12), nullable=False),
        *_figures(),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_coverage_count")),
    )
    op.create_table(
        "coverage_frozen_count",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("frozen_at", UtcDateTime(), nullable=False),
        *_figures(),
        sa.PrimaryKeyConstraint("year", "code", name=op.f("pk_coverage_frozen_count")),
    )
    _seats()
    _indexes()


def _figures() -> list[sa.Column[int]]:
    return [sa.Column(key, sa.Integer(), nullable=False) for key in (*FIGURES, *MONTHS)]


def _seats() -> None:
    op.create_table(
        "coverage_seat",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        *_standing(),
        sa.Column("covered_on", sa.Date(), nullable=True),
        sa.Column("next_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_coverage_seat_person_id_person")
        ),
        sa.PrimaryKeyConstraint("person_id", "role", "code", name=op.f("pk_coverage_seat")),
    )
    op.create_index("ix_coverage_seat_list", "coverage_seat", ["status", "code", "person_id"])
    op.create_index("ix_coverage_seat_place", "coverage_seat", ["code", "person_id"])
    op.create_index(op.f("ix_coverage_seat_next_on"), "coverage_seat", ["next_on"])
    op.create_index(
        "ix_coverage_seat_not_inducted",
        "coverage_seat",
        ["code", "person_id"],
        sqlite_where=sa.text("inducted = 0"),
        postgresql_where=sa.text("NOT inducted"),
    )
    op.create_table(
        "coverage_frozen_seat",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        *_standing(),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_coverage_frozen_seat_person_id_person")
        ),
        sa.PrimaryKeyConstraint("year", "person_id", "code", name=op.f("pk_coverage_frozen_seat")),
    )
    op.create_index(
        "ix_coverage_frozen_seat_place", "coverage_frozen_seat", ["year", "code", "person_id"]
    )


def _standing() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("hours", sa.Numeric(precision=7, scale=2), nullable=False),
        sa.Column("exam_passed", sa.Boolean(), nullable=False),
        sa.Column("inducted", sa.Boolean(), nullable=False),
    ]


def _indexes() -> None:
    op.drop_index("ix_archive_entry_person_date", "archive_entry")
    op.create_index(
        "ix_archive_entry_person_date",
        "archive_entry",
        ["person_id", "date", "kind", "level", "hours", "passed", "induction"],
    )
    op.drop_index("ix_archive_entry_voids_id", "archive_entry")
    op.create_index(
        "ix_archive_entry_voids_id",
        "archive_entry",
        ["voids_id"],
        sqlite_where=sa.text("voids_id IS NOT NULL"),
        postgresql_where=sa.text("voids_id IS NOT NULL"),
    )
