"""Tables of coverage: the rule of each year, and figures maintained beside the records."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import ForeignKey, Index, Numeric, String, text
from sqlalchemy.orm import Mapped, mapped_column

from training_records.database import Base, now, one_of
from training_records.ledger.models import PostRole

CoverageStatus = Literal["covered", "pending", "uncovered"]
RowStatus = Literal[CoverageStatus, ""]


class YearRule(Base):
    """The rule by which directors are covered in one year. Identity: the year; a year without a rule follows the latest
    earlier one."""

    __tablename__ = "coverage_rule"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hours: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    exam: Mapped[bool]
    levels: Mapped[list[Any]]
    pending_days: Mapped[int]
    updated_by: Mapped[str] = mapped_column("set_by", String(40))
    updated_at: Mapped[datetime] = mapped_column("set_at", default=now, onupdate=now)


class CoverageRow(Base):
    """One person in post in one division today, with their year so far. Identity: (person, role, division).

    Derived from posts and archive entries and never edited. `status` is empty for supervisors; `covered_on`: the day on
    which the rule was met; `next_on`: the first day after today on which time alone may change the row.
    """

    __tablename__ = "coverage_seat"
    __table_args__ = (
        Index("ix_coverage_seat_list", "status", "code", "person_id"),
        Index("ix_coverage_seat_place", "code", "person_id"),
        Index(
            "ix_coverage_seat_not_inducted",
            "code",
            "person_id",
            sqlite_where=text("inducted = 0"),
            postgresql_where=text("NOT inducted"),
        ),
        one_of("role", PostRole),
        one_of("status", RowStatus),
    )

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    role: Mapped[PostRole] = mapped_column(String(12), primary_key=True)
    code: Mapped[str] = mapped_column(String(12), primary_key=True)
    start: Mapped[date]
    status: Mapped[RowStatus] = mapped_column(String(10))
    hours: Mapped[Decimal] = mapped_column(Numeric(7, 2))
    exam_passed: Mapped[bool]
    inducted: Mapped[bool]
    covered_on: Mapped[date | None]
    next_on: Mapped[date | None] = mapped_column(index=True)


class Figures:
    """Columns of a division's figures: people in post by status, and by the month in which they became covered."""

    in_post: Mapped[int] = mapped_column(default=0)
    covered: Mapped[int] = mapped_column(default=0)
    pending: Mapped[int] = mapped_column(default=0)
    uncovered: Mapped[int] = mapped_column(default=0)
    not_inducted: Mapped[int] = mapped_column(default=0)
    supervisors: Mapped[int] = mapped_column(default=0)
    m1: Mapped[int] = mapped_column(default=0)
    m2: Mapped[int] = mapped_column(default=0)
    m3: Mapped[int] = mapped_column(default=0)
    m4: Mapped[int] = mapped_column(default=0)
    m5: Mapped[int] = mapped_column(default=0)
    m6: Mapped[int] = mapped_column(default=0)
    m7: Mapped[int] = mapped_column(default=0)
    m8: Mapped[int] = mapped_column(default=0)
    m9: Mapped[int] = mapped_column(default=0)
    m10: Mapped[int] = mapped_column(default=0)
    m11: Mapped[int] = mapped_column(default=0)
    m12: Mapped[int] = mapped_column(default=0)


class DivisionTotals(Figures, Base):
    """The figures of one division today. Identity: the division's code."""

    __tablename__ = "coverage_count"

    code: Mapped[str] = mapped_column(String(12), primary_key=True)


class PendingUpdate(Base):
    """A person whose posts or archive changed since the figures were last updated. Identity: `id`."""

    __tablename__ = "coverage_touched"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int]


class RunningState(Base):
    """The day that the figures are of. One row; its lock guards all changes to the figures."""

    __tablename__ = "coverage_state"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date | None]
    built_at: Mapped[datetime | None]


class FrozenCount(Figures, Base):
    """The figures of one division at the end of a year, as known then. Identity: (year, code)."""

    __tablename__ = "coverage_frozen_count"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(String(12), primary_key=True)
    frozen_at: Mapped[datetime] = mapped_column(default=now)


class FrozenSeat(Base):
    """A person in post at the end of a year, as known then. Identity: (year, person, division)."""

    __tablename__ = "coverage_frozen_seat"
    __table_args__ = (
        Index("ix_coverage_frozen_seat_place", "year", "code", "person_id"),
        one_of("status", CoverageStatus),
    )

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(12), primary_key=True)
    status: Mapped[CoverageStatus] = mapped_column(String(10))
    hours: Mapped[Decimal] = mapped_column(Numeric(7, 2))
    exam_passed: Mapped[bool]
    inducted: Mapped[bool]
