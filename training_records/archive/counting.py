"""Which entries count as training and as passed exams: each rule as a predicate and in SQL, side by side.

A predicate and its `_sql` must agree on every entry. Neither considers voidings: `effective` and `entries_of` do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import ColumnElement, Select, case, func, select

from training_records.archive.models import ArchiveEntry, effective
from training_records.facts.levels import level_key, stored_levels

TRAINING_KINDS = ("course", "training")
LEARNING_KINDS = (*TRAINING_KINDS, "exam")


def counts_as_training(entry: ArchiveEntry, levels: Collection[str]) -> bool:
    """Whether the hours of an entry count: training at one of the year's counted levels."""
    return (
        entry.kind in TRAINING_KINDS
        and entry.level is not None
        and level_key(entry.level) in levels
        and entry.hours is not None
    )


def counts_as_training_sql(levels: Collection[str]) -> ColumnElement[bool]:
    return (
        ArchiveEntry.kind.in_(TRAINING_KINDS)
        & ArchiveEntry.level.in_(stored_levels(levels))
        & ArchiveEntry.hours.is_not(None)
    )


def is_passed_exam(entry: ArchiveEntry) -> bool:
    """Whether an entry is a passed exam."""
    return entry.kind == "exam" and bool(entry.passed)


def is_passed_exam_sql() -> ColumnElement[bool]:
    return (ArchiveEntry.kind == "exam") & ArchiveEntry.passed.is_(True)


def is_induction(entry: ArchiveEntry) -> bool:
    """Whether an entry is a passed induction (初任) exam."""
    return is_passed_exam(entry) and entry.induction


def is_induction_sql() -> ColumnElement[bool]:
    return is_passed_exam_sql() & ArchiveEntry.induction.is_(True)


def in_year(entry: ArchiveEntry, year: int, as_of: date) -> bool:
    """Whether an entry counts for a year as of a day: its date alone decides the year."""
    return entry.date.year == year and entry.date <= as_of


def in_year_sql(year: int, as_of: date) -> ColumnElement[bool]:
    return ArchiveEntry.date.between(date(year, 1, 1), min(as_of, date(year, 12, 31)))


@dataclass(frozen=True)
class YearTotals:
    """Totals of a person's entries for a year as of a day; an induction of any earlier year counts."""

    hours: Decimal
    exam_passed: bool
    inducted: bool


def year_totals(
    entries: Iterable[ArchiveEntry], levels: Collection[str], year: int, *, as_of: date
) -> YearTotals:
    """The totals of one person's effective entries."""
    past = [e for e in entries if e.date <= as_of]
    this_year = [e for e in past if in_year(e, year, as_of)]
    hours = (e.hours for e in this_year if counts_as_training(e, levels) and e.hours)
    return YearTotals(
        sum(hours, Decimal(0)),
        any(map(is_passed_exam, this_year)),
        any(map(is_induction, past)),
    )


def year_totals_sql(
    levels: Collection[str], year: int, as_of: date
) -> Select[int, Decimal, int, int]:
    """The totals of everyone with entries: `person_id`, `hours`, `exam_passed`, `inducted` (0 or 1)."""
    this_year = in_year_sql(year, as_of)
    counted, exam = this_year & counts_as_training_sql(levels), this_year & is_passed_exam_sql()
    return (
        select(
            ArchiveEntry.person_id,
            func.sum(case((counted, ArchiveEntry.hours), else_=0)).label("hours"),
            func.max(case((exam, 1), else_=0)).label("exam_passed"),
            func.max(case((is_induction_sql(), 1), else_=0)).label("inducted"),
        )
        .where(effective(), ArchiveEntry.date <= as_of)
        .group_by(ArchiveEntry.person_id)
    )
