"""Reading the running figures: a division with its children, the people behind a number, the trend of the year."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from training_records.coverage.definition import Coverage, CoverageReport, Standing, standing
from training_records.coverage.models import CoverageRow, DivisionTotals, FrozenCount, FrozenSeat
from training_records.coverage.rules import rule_of
from training_records.divisions import Division, get_division, prefix_of, within
from training_records.ledger.models import Person

SHOWN = ("in_post", "covered", "pending", "uncovered", "not_inducted", "supervisors")
STATUSES = ("covered", "pending", "uncovered", "not_inducted", "all")


def report(session: Session, code: str, today: date) -> CoverageReport:
    """The running figures of a division and of those one level below; without names."""
    return _report(
        session,
        code,
        today.year,
        day=today,
        table=DivisionTotals,
        on=DivisionTotals.code == Division.code,
    )


def frozen_report(session: Session, code: str, year: int) -> CoverageReport:
    """The figures at the end of a year, as known then."""
    on = and_(FrozenCount.code == Division.code, FrozenCount.year == year)
    return _report(session, code, year, day=date(year, 12, 31), table=FrozenCount, on=on)


def _report(
    session: Session,
    code: str,
    year: int,
    *,
    day: date,
    table: type[DivisionTotals] | type[FrozenCount],
    on: ColumnElement[bool],
) -> CoverageReport:
    get_division(session, code)
    shown = or_(Division.code == code, Division.parent == code)
    figures = [func.coalesce(getattr(table, key), 0) for key in SHOWN]
    query = (
        select(Division.code, Division.name, Division.level, *figures)
        .outerjoin(table, on)
        .where(shown)
        .order_by(Division.code)
    )
    rows = [Coverage(*row) for row in session.execute(query)]
    total = next(row for row in rows if row.code == code)
    return CoverageReport(year, day, total, [row for row in rows if row is not total])


def people(
    session: Session,
    code: str,
    today: date,
    *,
    status: str,
    after: tuple[str, int] = ("", 0),
    limit: int = 100,
) -> list[Standing]:
    """Directors in a division by status, each once (under the last of their divisions), by code and id: at most
    `limit`, those following `after` = (code, id)."""
    other = aliased(CoverageRow)
    prefix = prefix_of(code)
    later_row = select(other.code).where(
        other.person_id == CoverageRow.person_id,
        other.role == CoverageRow.role,
        other.code > CoverageRow.code,
        within(other.code, prefix),
    )
    query = (
        select(CoverageRow, Person.name, Person.phone)
        .join(Person, Person.id == CoverageRow.person_id)
        .where(
            CoverageRow.role == "director", within(CoverageRow.code, prefix), ~later_row.exists()
        )
        .order_by(CoverageRow.code, CoverageRow.person_id)
        .limit(limit)
    )
    if status == "not_inducted":
        query = query.where(~CoverageRow.inducted)
    elif status != "all":
        query = query.where(CoverageRow.status == status)
    if after[0]:
        last, person = after
        query = query.where(
            CoverageRow.code >= last, or_(CoverageRow.code > last, CoverageRow.person_id > person)
        )
    rule = rule_of(session, today.year)
    return [
        standing(
            seat.person_id,
            name=name,
            phone=phone,
            code=seat.code,
            start=seat.start,
            as_of=today,
            rule=rule,
            hours=Decimal(seat.hours),
            exam_passed=seat.exam_passed,
            inducted=seat.inducted,
        )
        for seat, name, phone in session.execute(query)
    ]


@dataclass(frozen=True)
class Course:
    """The trend of the year in a division.

    `by_month`: how many of those in post today were covered by the end of each month, up to this one. `forecast`: how
    many will be by 31 December at the current pace; None where nobody is in post.
    """

    in_post: int
    by_month: list[int]
    forecast: int | None


def course(session: Session, code: str, today: date) -> Course:
    """Computes the `Course` of a division. The pace is that of this month and the two before it, per day elapsed; the
    forecast never exceeds the number in post."""
    row = session.get(DivisionTotals, code)
    months = [getattr(row, f"m{month}") if row else 0 for month in range(1, today.month + 1)]
    by_month = [sum(months[: at + 1]) for at in range(len(months))]
    if row is None or not row.in_post:
        return Course(0, by_month, None)
    recent = months[-3:]
    first = date(today.year, today.month - len(recent) + 1, 1)
    days = (today - first).days + 1
    days_left = (date(today.year, 12, 31) - today).days
    forecast = round(by_month[-1] + sum(recent) / days * days_left)
    return Course(row.in_post, by_month, min(forecast, row.in_post))


@dataclass(frozen=True)
class CoverageDifference:
    """A person whose status at the end of a year differs from the one known then; None: not in post as far as known."""

    person_id: int
    name: str
    code: str
    then: str | None
    now: str | None


def differences(
    session: Session, code: str, year: int, *, current: list[Standing]
) -> Iterator[CoverageDifference]:
    """Compares the frozen rows of a division with its standings computed today: what later entries, voidings and posts
    have changed about the end of a closed year."""
    frozen = select(FrozenSeat.person_id, FrozenSeat.code, FrozenSeat.status, Person.name).join(
        Person, Person.id == FrozenSeat.person_id
    )
    then = {
        row.person_id: row
        for row in session.execute(
            frozen.where(FrozenSeat.year == year, within(FrozenSeat.code, prefix_of(code)))
        )
    }
    for person in current:
        row = then.pop(person.person_id, None)
        if row is None or row.status != person.status:
            yield CoverageDifference(
                person.person_id,
                person.name,
                person.division_code,
                row and row.status,
                person.status,
            )
    for row in then.values():
        yield CoverageDifference(row.person_id, row.name, row.code, row.status, None)
